# SPDX-License-Identifier: MIT
"""What a script sees of its caller, cold and warm, and what its caller sees of it."""

import os
import resource
import signal
import subprocess

import pytest

from launcher.box import LAUNCHER, TINY, until


def both(box, *words, **more):
    """The same call cold and warm; their outcomes."""
    outcomes = []
    for cold in (True, False):
        done = box.run(*words, cold=cold, **more)
        outcomes.append((done.returncode, done.stdout, done.stderr))
    return outcomes


def same(box, *words, **more):
    cold, warm = both(box, *words, **more)
    assert cold == warm
    return warm


@pytest.mark.parametrize("status", [0, 1, 2, 77, 126, 127, 128, 254, 255])
def test_an_exit_status_is_the_callers(warm, status):
    assert same(warm, "exit", status)[0] == status


@pytest.mark.parametrize("number", sorted(
    set(range(1, 32)) - {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
                         signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}))
def test_defect_1_death_by_a_signal_is_the_launchers_death_by_it(warm, number):
    assert same(warm, "die", number)[0] == -number


def test_the_first_call_is_answered_by_the_server_it_starts(box):
    assert box.run("exit", 7).returncode == 7
    assert box.run("exit", 8).returncode == 8
    assert box.setups() == 1


def test_defect_1_five_hundred_calls_that_end_well_are_told_so(warm):
    statuses = {warm.run("exit", 3).returncode for _ in range(500)}
    assert statuses == {3}
    assert warm.server()["calls"] > 490  # a machine too busy to answer in time may have run some cold


def test_defect_2_arguments_are_the_scripts_alone(warm):
    assert same(warm, "args", "", "a b", "\n", "--", "-x")[1] == b"[]\n[a b]\n[\n]\n[--]\n[-x]\n"


def test_twenty_thousand_arguments_arrive(warm):
    assert same(warm, "args", *range(20000))[1].count(b"\n") == 20000


def test_the_environment_is_the_callers(warm):
    env = {"EMPTY": "", "LONG": "x" * 100000, "ODD": "a=b\nc"}
    assert b"EMPTY=\n" in same(warm, "env", env=env)[1]


def test_defect_7_umask_limits_nice_and_signals_are_this_callers(warm):
    def prepare():
        os.umask(0o027)
        os.nice(3)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGRTMIN + 3, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGRTMAX})
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))
        if os.getuid() == 0:
            os.setgroups([12, 34])
    before = same(warm, "state")[1]
    assert b"umask 27\nnice 3\n" in same(warm, "state", preexec_fn=prepare)[1]
    assert same(warm, "state")[1] == before
    assert warm.server()["calls"] == 4  # none of them was refused


def test_the_working_directory_is_this_callers_and_no_reason_for_a_server(warm, tmp_path):
    (tmp_path / "there").mkdir()
    warm.script = warm.script.resolve()
    assert f"cwd {tmp_path}/there\n".encode() in same(warm, "state", cwd=tmp_path / "there")[1]
    assert len(warm.status()) == 1


def test_a_working_directory_that_was_removed_is_no_trouble(warm, tmp_path):
    def vanish():
        os.mkdir(tmp_path / "gone")
        os.chdir(tmp_path / "gone")
        os.rmdir(tmp_path / "gone")
    assert warm.run("exit", 4, preexec_fn=vanish).returncode == 4
    assert warm.server()["calls"] == 2, warm.why_cold()


def test_defect_10_all_open_descriptors_are_passed_under_their_numbers(warm, tmp_path):
    with open(tmp_path / "a", "w") as a, open(tmp_path / "b", "w") as b:
        def place():
            os.dup2(a.fileno(), 9)
            os.dup2(b.fileno(), 63)
        lines = same(warm, "fds", preexec_fn=place, close_fds=False, stdout=subprocess.PIPE)
    numbers = [line.split()[0] for line in lines[1].splitlines() if line.endswith(b"-")]
    assert b"9" in numbers and b"63" in numbers


def test_a_process_substitution_works(warm):
    done = subprocess.run(["bash", "-c", f"{LAUNCHER} {TINY} {warm.script} exec cat <(echo inner)"],
                          env=warm.env, capture_output=True)
    assert done.stdout == b"inner\n"


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_defect_11_closed_descriptors_stay_closed(warm, closed, tmp_path):
    def close():
        for fd in closed:
            os.close(fd)
    if 1 in closed:
        assert same(warm, "exit", 6, preexec_fn=close)[0] == 6
    else:
        out = same(warm, "fds", preexec_fn=close)[1]
        assert not {line.split()[0] for line in out.splitlines()} & {str(n).encode() for n in closed}


def test_defect_12_the_server_holds_nothing_of_its_first_callers(box):
    r, w = os.pipe()
    box.run("exit", 0, pass_fds=[w])
    os.close(w)
    assert box.server()["pid"]
    assert os.read(r, 1) == b""  # would wait for ever
    os.close(r)


def test_defect_13_closing_stdout_reaches_the_reader_at_once(warm):
    call = warm.start("close-stdout", stdin=subprocess.PIPE)
    assert call.stdout.read() == b"before\n"
    assert call.poll() is None
    call.stdin.close()
    assert call.wait() == 0
    call.stderr.close()


def test_a_megabyte_goes_through(warm):
    data = os.urandom(1 << 20)
    assert same(warm, "cat", input=data)[1] == data


def test_a_reader_that_goes_kills_by_sigpipe_as_cold(warm):
    def default():
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for cold in (True, False):
        call = warm.start("cat", cold=cold, stdin=open("/dev/zero"), preexec_fn=default)
        call.stdout.close()
        assert call.wait() == -signal.SIGPIPE
        call.stderr.close()


def test_defect_3_an_executor_may_exec(warm):
    assert same(warm, "exec", "sh", "-c", "echo $0 $1; exit 9", "a", "b")[:2] == (9, b"a b\n")


def test_defect_4_a_background_child_neither_delays_nor_dies(warm, tmp_path):
    os.mkfifo(tmp_path / "go")
    go = os.open(tmp_path / "go", os.O_RDWR)
    assert warm.run("background", tmp_path / "go").returncode == 0  # and not only when the child has ended

    os.write(go, b"go\n")
    until("the child's own end", (tmp_path / "go.done").exists)
    os.close(go)


def test_exit_handlers_run_and_output_is_flushed(warm):
    assert same(warm, "atexit")[:2] == (5, b"atexit\n")


@pytest.mark.parametrize("number", [1, 2, 3, 10, 12, 15, 28, 18, 40])
def test_defect_6_a_signal_to_the_launcher_reaches_the_script_as_itself(warm, number):
    for cold in (True, False):
        call = warm.start("catch", number, cold=cold)
        assert call.stdout.readline().startswith(b"ready")
        call.send_signal(number)
        out, _ = call.communicate()
        assert (call.returncode, out) == (0, b"caught %d\n" % number)


@pytest.mark.parametrize("number", [1, 2, 3, 10, 14, 15])
def test_a_signal_that_the_script_does_not_catch_ends_both(warm, number):
    call = warm.start("wait")
    call.stdout.readline()
    call.send_signal(number)
    call.communicate()
    assert call.returncode == -number


def test_the_callers_death_ends_the_script(warm):
    call = warm.start("wait")
    pid = int(call.stdout.readline().split()[1])
    call.kill()
    call.communicate()
    until("the script's end", lambda: pid not in warm.processes())


def test_a_script_that_ignores_its_end_is_killed_when_the_caller_has_gone(warm):
    def ignore():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    call = warm.start("wait", preexec_fn=ignore)
    pid = int(call.stdout.readline().split()[1])
    call.kill()
    call.communicate()
    until("the script's end", lambda: pid not in warm.processes())


def test_defect_19_no_zombie_waits_for_the_next_call(warm):
    server = warm.server()["pid"]
    call = warm.start("pid")
    pid = call.communicate()[0].split()[0].decode()
    until("its reaping", lambda: not os.path.exists(f"/proc/{pid}"))
    assert warm.server()["pid"] == server


def test_defect_21_the_greeting_has_length_zero(warm):
    with warm.connect("s") as s:
        assert s.recv(100) == b"PFI\n\0\0\0\0"


def test_the_known_wire_is_served(warm):
    import array
    import socket
    with warm.connect("s") as s:
        s.recv(8)
        s.send(b"\0")
        r, w = os.pipe()
        for fd in (0, w, 2):
            s.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        os.close(w)
        text = b"A=1\0\0INTERP\0SCRIPT\0args\0x\0y\0"
        s.send(len(text).to_bytes(4, "big") + text)
        assert int.from_bytes(s.recv(4), "big") == 0
        assert os.read(r, 100) == b"[x]\n[y]\n"
        os.close(r)
