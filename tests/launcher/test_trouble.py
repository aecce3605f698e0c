# SPDX-License-Identifier: MIT
"""Whatever goes wrong ends in the script's own result or in one clear sentence, and leaves nobody behind."""

import os
import pathlib
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest

from launcher.box import LAUNCHER, TINY, until

MAGIC = 0x50464931


def still_serves(box):
    assert box.run("exit", 5).returncode == 5
    return box.server()["pid"]


@pytest.mark.parametrize("kind", ["p", "s"])
@pytest.mark.parametrize("garbage", [
    b"", b"\0", b"\1", b"garbage" * 1000, struct.pack("<IIII", MAGIC, 1, 0, 0),
    struct.pack("<IIII", MAGIC, 3, 9, 0), struct.pack("<IIII", MAGIC, 99, 0, 0),
    struct.pack("<IIII", MAGIC + 1, 1, 0, 0) + b"\0" * 400,
    struct.pack("<IIII", MAGIC, 1, 7, 0) + b"\xff" * 400,
    b"\0\0\0\0\xff\xff\xff\xff"])
def test_garbage_on_a_socket_costs_only_its_own_call(warm, kind, garbage):
    server = warm.server()["pid"]
    with warm.connect(kind) as s:
        if garbage:
            s.send(garbage)
        else:
            s.shutdown(socket.SHUT_WR)
    assert still_serves(warm) == server


def test_half_a_request_keeps_nobody_waiting(warm):
    server = warm.server()["pid"]
    with warm.connect("s") as a, warm.connect("p") as b, warm.connect("s") as c:
        a.send(b"\0")
        assert still_serves(warm) == server
        del b, c


def test_a_length_of_four_gigabytes_is_refused(warm):
    import array
    with warm.connect("s") as s:
        s.recv(8)
        s.send(b"\0")
        for fd in (0, 1, 2):
            s.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        s.send(b"\xff\xff\xff\xff")
        assert s.recv(1) == b""
    still_serves(warm)


def test_defect_15_a_stopped_server_costs_a_quarter_of_a_second(warm):
    server = warm.server()["pid"]
    os.kill(server, signal.SIGSTOP)
    began = time.monotonic()
    assert warm.run("exit", 7).returncode == 7
    assert 0.2 < time.monotonic() - began < 10
    assert [(row["pid"], row["silent"]) for row in warm.status()] == [(0, True)]
    os.kill(server, signal.SIGCONT)
    assert still_serves(warm) == server
    assert warm.why_cold() == "the server gave no sign of life"


def test_a_call_that_went_cold_is_not_run_when_the_server_wakes(warm, tmp_path):
    os.kill(warm.server()["pid"], signal.SIGSTOP)
    server = warm.processes()
    log = tmp_path / "log"
    assert warm.run("exec", "sh", "-c", f"echo x >>{log}").returncode == 0
    for pid in server:
        os.kill(pid, signal.SIGCONT)
    still_serves(warm)
    assert log.read_text() == "x\n"


def test_at_its_limit_a_call_waits_a_quarter_of_a_second_and_then_runs(box):
    box.env["TINY_MAX"] = "1"
    box.warm_up()
    call = box.start("wait")
    call.stdout.readline()
    assert box.run("exit", 8).returncode == 8
    call.terminate()
    call.communicate()


def test_a_killed_server_is_replaced_by_the_next_call(warm):
    old = warm.server()["pid"]
    os.kill(old, signal.SIGKILL)
    until("its end", lambda: old not in warm.processes())
    assert still_serves(warm) != old


def test_a_server_killed_while_a_script_runs_ends_in_one_sentence(warm):
    call = warm.start("wait")
    pid = int(call.stdout.readline().split()[1])
    os.kill(warm.server()["pid"], signal.SIGKILL)
    call.communicate()
    assert call.returncode == 127
    until("the script's end", lambda: pid not in warm.processes())


def is_traced_or_dead(pid):
    try:
        return "TracerPid:\t0" not in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True  # to be attached to ends a wait, and the next system call is the first that counts


@pytest.mark.parametrize("step", range(1, 26, 4))
def test_a_server_killed_at_each_step_of_a_call_leaves_a_result_and_nobody_behind(warm, step):
    """The kernel kills it as it enters its step-th system call: before accepting, between a call and its end, ..."""
    server = warm.server()["pid"]
    killer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-e", f"inject=all:signal=KILL:when={step}", "-p", str(server)],
                              env={"PATH": "/usr/bin"})
    until("the tracer", lambda: is_traced_or_dead(server))
    of_that_server = set(warm.processes())

    done = warm.run("exit", 5)
    if done.returncode == 5:  # warm, or cold where it had not begun
        assert done.stderr == b""
    else:
        assert (done.returncode, done.stderr.count(b"\n")) == (127, 1)

    if server in warm.processes():  # so few steps were enough for it
        os.kill(server, signal.SIGKILL)
    killer.wait()
    until("the end of its executors", lambda: not of_that_server & set(warm.processes()))
    assert warm.run("exit", 6).returncode == 6


@pytest.mark.skipif(subprocess.run(["unshare", "-U", "-r", "-m", "true"], check=False, capture_output=True).returncode != 0,
                    reason="a user namespace is needed, and not allowed here")
@pytest.mark.parametrize("inodes", range(1, 6))
def test_no_space_left_ends_in_the_scripts_result(box, inodes):
    """Where nothing more can be made: the directory, the lock, the sockets, one after the other."""
    full = ["unshare", "-U", "-r", "-m", "sh", "-c",
            f'mount -t tmpfs -o mode=700,size=4k,nr_inodes={inodes} none "$0" && "$@" && exec "$@"', box.run_dir]
    done = subprocess.run([*full, *box.command("args", "a")], env=box.env, capture_output=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, b"[a]\n[a]\n")
    assert done.stderr.count(b"\n") in (0, 2)  # one sentence a call, or none
    for pid in box.processes():  # in that namespace nobody can tell it to end
        os.kill(pid, signal.SIGKILL)


def test_a_caller_that_may_write_no_file_gets_its_result(box):
    box.env["TINY_MARK"] = "/dev/null"
    for status in (3, 4, 5):
        assert box.run("exit", status, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))).returncode == status


def test_a_first_call_from_a_working_directory_that_was_removed_makes_a_server(box, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = box.run("exit", 3, preexec_fn=lambda: (os.chdir(gone), os.rmdir(gone)))
    assert (done.returncode, done.stderr) == (3, b"")
    assert box.server()["calls"] == 1


def test_a_killed_spare_is_replaced(warm):
    server = warm.server()["pid"]
    for pid in warm.processes():
        if pid != server:
            os.kill(pid, signal.SIGKILL)
    assert warm.run("exit", 6).returncode == 6
    assert still_serves(warm) == server


def test_twenty_parallel_cold_calls_make_one_server(box):
    calls = [box.start("exit", 9) for _ in range(20)]
    for call in calls:
        call.communicate()
    assert {call.returncode for call in calls} == {9}
    until("one server", lambda: len([r for r in box.status() if r["pid"]]) == 1)
    server = box.server()["pid"]
    until("the others' end", lambda: len(box.processes()) <= 2)
    assert server in box.processes()


def test_a_thousand_parallel_warm_calls_all_answer(warm):
    script = f'i=0; while [ $i -lt 1000 ]; do {LAUNCHER} {TINY} {warm.script} args $i & i=$((i+1)); done; wait'
    done = subprocess.run(["sh", "-c", script], env=warm.env, capture_output=True, timeout=100)
    assert sorted(int(line[1:-1]) for line in done.stdout.split()) == list(range(1000))
    assert done.stderr == b""


def test_kill_ends_the_server_and_is_content_without_one(warm):
    for _ in range(2):
        assert warm.launcher("--kill", TINY, warm.script).returncode == 0
        until("its end", lambda: not warm.processes())


def test_fresh_replaces_the_server(warm):
    old = warm.server()["pid"]
    assert warm.run("exit", 2, options=["-f"]).returncode == 2
    until("its end", lambda: old not in warm.processes())
    assert warm.server()["pid"] != old


def test_defect_22_an_idle_server_ends(box):
    box.env["TINY_IDLE"] = "1"
    assert box.run("exit", 0).returncode == 0
    until("its end", lambda: not box.processes())
    assert not list(box.dir.glob("[sp]*"))


def test_a_setup_that_fails_is_the_answer(box):
    assert box.run("exit", 0, env={"TINY_FAIL": "41"}).returncode == 41
    assert not list(box.dir.glob("[sp]*"))


def test_a_script_that_never_says_it_is_ready_has_run_and_is_run_directly_from_then_on(box):
    first = box.run("args", "a", env={"TINY_SILENT": "1"})
    assert first.returncode == 0 and b"from now on it is run directly" in first.stderr
    second = box.run("cat", input=b"x", env={"TINY_SILENT": "1"})
    assert (second.returncode, second.stdout, second.stderr) == (0, b"x", b"")
    assert box.setups() == 2


@pytest.mark.parametrize("forget", ["-f", "--kill"])
def test_a_script_that_only_printed_its_version_once_can_have_a_server(box, forget):
    box.run("args", env={"TINY_SILENT": "1"})
    if forget == "--kill":
        assert box.launcher("--kill", TINY, box.script).returncode == 0
    assert box.run("exit", 3, options=["-f"] if forget == "-f" else []).returncode == 3
    assert box.server()["calls"] == 1

    box.launcher("--kill", TINY, box.script)
    until("its end", lambda: not box.processes())
    assert box.run("exit", 3).returncode == 3
    assert box.server()["calls"] == 1


def test_a_server_that_is_not_ready_yet_is_said_to_be_loading(box):
    box.dir.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(box.dir / ("s" + "0" * 32)))
        listener.listen()
        assert b" loading " in box.launcher("--status").stdout


def test_a_server_is_ended_by_the_name_that_status_tells(warm):
    assert warm.launcher("--kill", "-g", warm.server()["identity"]).returncode == 0
    until("its end", lambda: not warm.processes())
    assert warm.status() == []


@pytest.mark.parametrize("how", ["served", "cold"])
def test_status_tells_the_full_path_of_a_script_that_was_called_by_a_short_one(box, how):
    subprocess.run([LAUNCHER, TINY, "./script", "exit", "0"], cwd=box.path, capture_output=True, timeout=20, check=True,
                   env={**box.env, **({"TINY_SILENT": "1"} if how == "cold" else {})})
    (row,) = box.status()
    assert (row["name"], row["pid"] != 0) == (str(box.script), how == "served")


def test_what_is_left_of_dead_identities_is_swept_when_a_server_is_started(box):
    import fcntl
    box.dir.mkdir(mode=0o700)

    def leave(names, age_s):
        for name in names.split():
            (box.dir / name).write_text("")
            os.utime(box.dir / name, (time.time() - age_s,) * 2)

    leave("wdead ndead ldead wnoted nlocked", 9 * 86400)
    kept = "wserved lserved sserved", "wheld lheld hheld", "wbusy lbusy", "lcalled", "other"
    leave(" ".join(kept), 9 * 86400)
    leave("wcalled", 3600)
    with open(box.dir / "lbusy") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        box.options = ["-g", "mine"]
        box.run("exit", 0)

    left = {path.name for path in box.dir.iterdir()}
    assert {name for name in left if not name.endswith("mine")} == {"wcalled", *" ".join(kept).split()}


def test_a_sweep_is_bounded_and_the_next_ones_do_the_rest(box):
    box.dir.mkdir(mode=0o700)
    for i in range(40):
        (box.dir / f"ldead{i}").write_text("")
        os.utime(box.dir / f"ldead{i}", (1, 1))
    counts = []
    for _ in range(2):
        box.run("exit", 0, options=["-f"])
        counts.append(len(list(box.dir.glob("ldead*"))))
    assert counts == [8, 0]


@pytest.fixture
def held(box):
    """Two who hold its server, by a FIFO beside its sockets, as the service script of preforkd does."""
    box.dir.mkdir(mode=0o700)
    box.options = ["-g", "held"]
    os.mkfifo(box.dir / "hheld", 0o600)
    holds = [open(box.dir / "hheld", "r+b", buffering=0) for _ in range(2)]
    yield holds
    for hold in holds:
        hold.close()


def test_a_held_server_ends_when_the_last_who_holds_it_has_gone(box, held):
    box.warm_up()
    server = box.server()["pid"]

    held[0].close()
    assert still_serves(box) == server
    held[1].close()
    until("its end", lambda: not box.processes())


def test_so_does_its_next_generation(box, held, tmp_path):
    module = tmp_path / "module"
    box.env["TINY_CHECK"] = str(module)
    box.warm_up()
    old = box.server()["pid"]
    module.write_text("new")
    until("the next generation", lambda: [row for row in box.status() if row["pid"] not in (0, old)])

    for hold in held:
        hold.close()
    until("the end of both", lambda: not box.processes())


def test_a_server_that_only_its_launcher_holds_serves_that_one_alone(box, held):
    for hold in held:
        hold.close()
    assert box.run("exit", 3).returncode == 3
    until("its end", lambda: not box.processes())


def test_set_up_is_killed_with_its_launcher(box):
    call = box.start("wait", env={"TINY_SILENT": "1"})
    until("set-up", lambda: box.setups())
    call.kill()
    call.communicate(timeout=20)
    until("the end of both", lambda: not box.processes())


@pytest.mark.parametrize("change", ["content", "older", "gone", "back"])
def test_defect_8_a_changed_file_is_noticed_whichever_way_its_time_moved(box, tmp_path, change):
    module = tmp_path / "module"
    if change != "back":
        module.write_text("1")
    box.env["TINY_CHECK"] = str(module)
    box.warm_up()
    old = box.server()["pid"]
    setups = box.setups()
    if change == "content":
        module.write_text("2")
    elif change == "older":
        (tmp_path / "new").write_text("3")
        os.utime(tmp_path / "new", (1, 1))
        os.rename(tmp_path / "new", module)
    elif change == "gone":
        module.unlink()
    else:
        module.write_text("new, where there was none")
    assert box.run("exit", 3).returncode == 3  # never by the old code: run cold, or by the new server
    assert box.setups() > setups
    until("the next generation", lambda: [r for r in box.status() if r["pid"] not in (0, old)])
    until("the old one's end", lambda: old not in box.processes())
    setups = box.setups()
    assert box.run("exit", 3).returncode == 3
    assert box.setups() == setups


def test_defect_8_a_time_in_the_future_does_not_make_every_call_cold(box):
    os.utime(box.script, (4e9, 4e9))
    box.warm_up()
    server = box.server()["pid"]
    assert still_serves(box) == server


def test_defect_16_a_chmod_of_the_socket_does_not_spin(warm):
    server = warm.server()["pid"]
    os.chmod(warm.socket("s"), 0o644)
    used = sum(map(int, open(f"/proc/{server}/stat").read().rsplit(")", 1)[1].split()[11:13]))
    for _ in range(20):
        still_serves(warm)
    assert sum(map(int, open(f"/proc/{server}/stat").read().rsplit(")", 1)[1].split()[11:13])) - used < 100


def test_defect_18_nothing_but_its_own_sockets_is_ever_removed(warm):
    others = [warm.dir / name for name in ("sother", "pother", "file")]
    for path in others:
        path.write_text("")
    warm.launcher("--kill", TINY, warm.script)
    assert all(path.exists() for path in others)


def test_defect_23_a_directory_that_others_may_enter_is_not_used(box):
    box.dir.mkdir(mode=0o755)
    done = box.run("exit", 4)
    assert done.returncode == 4
    assert done.stderr.count(b"\n") == 1 and b"mode 0700" in done.stderr
    assert not list(box.dir.iterdir())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_defect_23_a_directory_of_another_user_is_not_used(box):
    box.dir.mkdir(mode=0o700)
    os.chown(box.dir, 12345, 12345)
    done = box.run("exit", 4)
    assert done.returncode == 4 and b"mode 0700" in done.stderr
    os.chown(box.dir, 0, 0)


def test_a_symbolic_link_for_a_directory_is_not_followed(box, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    box.dir.symlink_to(tmp_path / "elsewhere")
    assert box.run("exit", 4).returncode == 4
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_lock_that_somebody_keeps_is_waited_for_a_quarter_of_a_second(warm):
    import fcntl
    warm.launcher("--kill", TINY, warm.script)
    until("its end", lambda: not warm.processes())
    with open(warm.socket("l")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert warm.run("exit", 6).returncode == 6


def test_rights_that_cannot_be_taken_send_the_call_back(warm):
    if os.getuid() == 0:
        pytest.skip("root may do everything")
    warm.run("exit", 0, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))


@pytest.mark.parametrize("words,status", [
    (["--no-such"], 255), (["-x", "sh"], 255), ([], 255), (["-g", "a/b", "sh"], 255), (["-E"], 255),
    (["--help"], 0), (["--version"], 0), (["--status"], 0), (["/no/such/interpreter", "x"], 127)])
def test_the_launchers_own_exit_statuses(box, words, status):
    assert box.launcher(*words).returncode == status


@pytest.mark.parametrize("form", [["-U,sh,-c", "echo $0"], ["-U sh -c", "echo $0"], ["-U", "sh", "-c"]])
def test_the_three_forms_of_the_command_line(box, form):
    box.env["PREFORK_DISABLE"] = "1"
    words = form if len(form) == 2 else [*form, "echo $0"]
    assert box.launcher(*words).stdout == b"sh\n"


def test_a_variable_of_the_identity_makes_its_own_server(box):
    for value in ("1", "2"):
        box.run("exit", 0, options=["-E", "TINY_KEY"], env={"TINY_KEY": value})
    assert len(box.status()) == 2


def test_disabled_it_only_runs_the_script(box):
    assert box.run("exit", 4, env={"PREFORK_DISABLE": "1"}).returncode == 4
    assert not box.dir.exists()


def test_laundered_setup_sees_neither_arguments_nor_environment(box):
    done = box.run("env", options=["-L"], env={"SECRET": "1"})
    assert b"SECRET=1" in done.stdout
    environ = open(f"/proc/{box.server()['pid']}/environ", "rb").read()
    assert b"SECRET" not in environ
    box.launcher("--kill", "-L", TINY, box.script)
