# SPDX-License-Identifier: MIT
"""A program per connection: what it finds, what ends it, and what is left of it (nothing)."""
import os
import signal
import socket
import subprocess
import threading

import pytest

from harness.server import ENV, PREFORKD, children, descriptors
from harness.wait import PATIENCE_S, for_exit, until
from harness.wire import Wire

pytestmark = pytest.mark.core  # the life of a server is each model's own


@pytest.fixture
def run(start, model):
    """exec of a command with options, under each model."""
    def begin(*command, options=(), listen="127.0.0.1:0", **how):
        how.setdefault("workers", "2")
        workers = how.pop("workers")
        return start("exec", "--model", model, "--workers", workers, "--listen", listen, *options, "--", *command, listen=None, **how)
    return begin


def answer(server, said=b""):
    """All that comes back to a client that says @said and ends its half."""
    with server.connect() as wire:
        wire.send(said)
        wire.socket.shutdown(socket.SHUT_WR)
        return wire.rest()


def environment(text):
    return dict(line.split("=", 1) for line in text.decode().splitlines())


def pids_of(wire):
    """The line of pids that a program begins with."""
    while not wire.kept.endswith(b"\n"):
        wire._more()
    line, wire.kept = wire.kept, b""
    return [int(word) for word in line.split()]


def programs(server):
    """The processes that workers have made."""
    return [pid for worker in server.workers() for pid in children(worker)]


# -- what a program finds

def test_a_program_answers_what_it_reads(run):
    server = run("tr", "a-z", "A-Z")
    for said in b"hello", b"", b"x" * 300_000:
        assert answer(server, said) == said.upper()


def tcpserver(host, tmp_path):
    """The environment that the real tcpserver gives to a program."""
    found = tmp_path / "env"
    process = subprocess.Popen(["tcpserver", "-1", "-HR", "-l0", host, "0", "/usr/bin/env"], stdout=subprocess.PIPE, env=ENV)
    try:
        port = int(process.stdout.readline())
        with Wire((host, port)) as wire:
            found = environment(wire.rest())
    finally:
        process.kill()
        process.wait(PATIENCE_S)
    return found, port


def test_the_environment_is_tcpservers(run, need, tmp_path):
    need("tcpserver")
    theirs, their_port = tcpserver("127.0.0.1", tmp_path)
    server = run("/usr/bin/env")
    with server.connect() as wire:
        own_port = wire.socket.getsockname()[1]
        ours = environment(wire.rest())

    assert theirs.pop("TCPLOCALHOST") == "0"  # as -l0 said; without it, the resolver is asked
    assert (theirs.pop("TCPLOCALPORT"), ours.pop("TCPLOCALPORT")) == (str(their_port), str(server.port))
    assert theirs.pop("TCPREMOTEPORT") and ours.pop("TCPREMOTEPORT") == str(own_port)
    assert ours == theirs


def test_over_ipv6_it_is_ucspi_tcp6s(run):
    server = run("/usr/bin/env", listen="[::1]:0")
    with server.connect() as wire:
        port = str(wire.socket.getsockname()[1])
        found = environment(wire.rest())
    both = {"LOCALIP": "::1", "LOCALPORT": str(server.port), "REMOTEIP": "::1", "REMOTEPORT": port}
    expected = {"PROTO": "TCP6"} | {f"TCP{k}": v for k, v in both.items()} | {f"TCP6{k}": v for k, v in both.items()}
    assert {k: v for k, v in found.items() if k not in ENV} == expected


def test_over_a_unix_socket_it_says_who_has_connected(run, tmp_path):
    server = run("/usr/bin/env", listen=f"unix:{tmp_path}/s")
    ids = {"EUID": str(os.getuid()), "EGID": str(os.getgid())}
    expected = {"PROTO": "UNIX", "UNIXLOCALPATH": f"{tmp_path}/s", "UNIXREMOTEPID": str(os.getpid())}
    expected |= {f"UNIXREMOTE{k}": v for k, v in ids.items()} | {f"IPCREMOTE{k}": v for k, v in ids.items()}
    with server.connect() as wire:
        found = environment(wire.rest())
    assert {k: v for k, v in found.items() if k not in ENV} == expected


def test_at_a_wildcard_address_the_local_one_is_the_connections(run):
    server = run("/usr/bin/env", listen="0.0.0.0:0")
    with Wire(("127.0.0.1", server.port)) as wire:
        assert environment(wire.rest())["TCPLOCALIP"] == "127.0.0.1"


def test_names_are_looked_up_where_that_is_wanted(run):
    server = run("/usr/bin/env", options=["--resolve"])
    found = environment(answer(server))
    assert (found["TCPREMOTEHOST"], found["TCPLOCALHOST"]) == ("localhost", "localhost")


def test_what_others_set_is_not_passed_on(run, monkeypatch):
    for name in "TCPREMOTEINFO", "TCPREMOTEHOST", "TCP6REMOTEIP", "NOTIFY_SOCKET", "LISTEN_FDS":
        monkeypatch.setitem(ENV, name, "forged")
    assert "forged" not in environment(answer(run("/usr/bin/env"))).values()


def test_a_program_has_three_descriptors_and_they_block(run):
    server = run("sh", "-c", "echo /proc/self/fd/*; grep -h flags /proc/self/fdinfo/[012]")
    first, *flags = answer(server).decode().splitlines()
    assert first.split() == [f"/proc/self/fd/{n}" for n in (0, 1, 2, 3)]  # 3 is the shell's own, to look with
    assert len(flags) == 3 and not any(int(line.split()[1], 8) & os.O_NONBLOCK for line in flags)


def test_limits_and_the_directory_are_what_was_asked_for(run, tmp_path):
    server = run("sh", "-c", "pwd; ulimit -n; ulimit -t; ulimit -v; ulimit -c",
                 options=["--directory", tmp_path, "--rlimit-files", "50", "--rlimit-cpu", "7s", "--rlimit-memory", "1G"])
    assert answer(server).decode().split() == [str(tmp_path), "50", "7", str(1 << 20), "0"]


def test_a_program_starts_with_signals_at_their_defaults(run):
    server = run("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status")
    masks = [line.split()[1] for line in answer(server).decode().splitlines()]
    assert masks == ["0" * 16] * 2


# -- how it ends

def test_a_client_that_only_ended_its_half_gets_the_whole_answer(run, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    server = run("sh", "-c", f"cat >/dev/null; printf 'end\\r\\n'; read x < {gate}; echo done")
    with server.connect() as wire:
        wire.send(b"x")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire._line() == b"end"
        gate.write_text("go\n")
        assert wire.rest() == b"done\n"


def test_what_the_program_did_not_read_does_not_destroy_its_answer(run):
    server = run("sh", "-c", "read x; echo answer")
    with server.connect() as wire:
        wire.send(b"line\n" + b"x" * 100_000)
        assert wire.rest() == b"answer\n"
    assert answer(server, b"line\n" + b"x" * 100_000) == b"answer\n"


def test_when_the_client_goes_the_whole_group_goes(run):
    server = run("sh", "-c", "sleep 1000 & echo $$ $!; wait")
    wire = server.connect()
    pids = pids_of(wire)
    wire.reset()
    for pid in pids:
        for_exit(pid)
    server.wait_log(rf"program-ended: program was killed by SIGTERM: its client has gone conn=\d+ pid={pids[0]}")


def test_over_a_unix_socket_a_close_is_enough(run, tmp_path):
    server = run("sh", "-c", "echo $$; exec sleep 1000", listen=f"unix:{tmp_path}/s")
    wire = server.connect()
    pids = pids_of(wire)
    wire.close()
    for_exit(pids[0])


def test_those_who_survive_the_first_signal_have_a_grace_and_no_more(start):
    server = start("exec", "--listen", "127.0.0.1:0", "--", "sh", "-c",
                   "sh -c 'trap \"\" TERM; echo $PPID $$; while :; do sleep 1; done' & wait", listen=None)
    wire = server.connect()
    leader, stubborn = pids_of(wire)
    wire.reset()
    for_exit(leader)
    os.kill(stubborn, 0)
    for_exit(stubborn)


def test_what_a_program_leaves_behind_ends_with_it(run):
    server = run("sh", "-c", "sleep 1000 & echo $$ $!")
    wire = server.connect()
    pids = pids_of(wire)
    assert wire.ended()
    for pid in pids:
        for_exit(pid)


def test_a_program_whose_time_is_up_is_ended(run):
    server = run("sh", "-c", "echo $$; exec sleep 1000", options=["--timeout", "300ms"])
    wire = server.connect()
    pid = pids_of(wire)[0]
    assert wire.ended()
    server.wait_log(rf"program-ended: program was killed by SIGTERM: its time was up .*pid={pid}")


def test_after_the_clients_last_byte_a_program_has_its_own_deadline(run):
    server = run("sleep", "1000", options=["--eof-timeout", "300ms"])
    with server.connect() as wire:
        until(lambda: programs(server), "the program runs")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.rest() == b""


def test_a_killed_worker_takes_its_programs_along(run):
    server = run("sh", "-c", "echo $PPID $$; exec sleep 1000")
    wire = server.connect()
    worker, pid = pids_of(wire)
    server.kill_worker(worker)
    for_exit(pid)
    assert wire.ended()
    with server.connect() as wire:
        assert len(pids_of(wire)) == 2
        wire.reset()


def test_at_the_end_a_program_may_finish(run):
    server = run("sh", "-c", "echo $$; read x; echo $x")
    wire = server.connect()
    pids_of(wire)
    server.signal(signal.SIGTERM)
    server.wait_log("draining")
    wire.send(b"bye\n")
    assert wire.rest() == b"bye\n"
    assert server.wait() == 0


def test_at_the_end_a_program_may_not_take_for_ever(run):
    server = run("sh", "-c", "echo $$; exec sleep 1000", options=["--drain-timeout", "200ms"])
    pid = pids_of(server.connect())[0]
    server.signal(signal.SIGTERM)
    for_exit(pid)
    server.wait()


# -- what the log says

def test_stderr_goes_to_the_log_line_by_line(run):
    server = run("sh", "-c", r"""echo one >&2; printf 'two\033[31m "x" conn=9\nthree' >&2; echo $$""")
    with server.connect() as wire:
        pid = pids_of(wire)[0]
    for line in "one", r'"two\\x1b\[31m \\x22x\\x22 conn=9"', "three":
        server.wait_log(rf"program-says: .*line={line} conn=\d+ pid={pid}$")


def test_a_line_without_an_end_is_cut_in_pieces(run):
    server = run("sh", "-c", "head -c 1000 /dev/zero | tr '\\0' x >&2")
    answer(server)
    until(lambda: "".join(server.log).count("x" * 200) == 5, "a thousand bytes are there, 200 a line")


@pytest.mark.parametrize("script, says", [("exit 3", "exited with status 3"), ("kill -SEGV $$", "was killed by SIGSEGV")])
def test_a_bad_end_is_worth_a_line(run, script, says):
    server = run("sh", "-c", script)
    answer(server)
    server.wait_log(rf"info exec\[\d+\] program-ended: program {says} conn=\d+ pid=\d+ ran_ms=\d+")


def test_a_good_end_is_not(run):
    server = run("true")
    answer(server)
    answer(server)
    assert not [line for line in server.log if "program-" in line]


# -- what cannot be

def refused(*args):
    done = subprocess.run([PREFORKD, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE_S, env=ENV)
    assert done.returncode and done.stderr.count("\n") <= 2, done
    return done.stderr


def test_a_program_that_cannot_be_run_is_one_sentence_at_the_start(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    listen = "exec", "--listen", "127.0.0.1:0"
    assert 'no program called "no-such"' in refused(*listen, "--", "no-such", "x")
    assert 'cannot run "/no/such": No such file' in refused(*listen, "/no/such")
    assert f'cannot run "{plain}": Permission denied' in refused(*listen, plain)
    assert f'cannot run "{tmp_path}": Permission denied' in refused(*listen, tmp_path)
    assert "cannot begin in /no/such: No such file" in refused(*listen, "--directory", "/no/such", "true")
    assert "needs its COMMAND" in refused(*listen)
    plain.chmod(0o755)
    plain.write_text("#!/no/such/sh\n")
    assert f'cannot run "{plain}": its interpreter /no/such/sh' in refused(*listen, plain)


def test_a_program_that_goes_missing_costs_its_connections_and_a_line(run, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    server = run(program)
    assert answer(server) == b"here\n"
    program.unlink()
    assert answer(server) == b""
    server.wait_log(rf"error .*program-failed: cannot run {program}: No such file or directory conn=")


def test_in_a_file_words_are_quoted_and_print_the_same(tmp_path):
    conf = tmp_path / "conf"
    conf.write_text("""[service x]\nlisten = 127.0.0.1:0\nrun = exec\ncommand = sh -c 'echo "a  b"'\n""")
    printed = subprocess.run([PREFORKD, "-c", conf, "-T"], capture_output=True, text=True, check=True, env=ENV).stdout
    assert """command = sh -c 'echo "a  b"'\n""" in printed
    typed = subprocess.run([PREFORKD, "exec", "-t", "--", "sh"], capture_output=True, text=True, env=ENV)
    assert typed.returncode == 2  # -t stands before a file, not behind a service


# -- many

def zombies(server):
    found = []
    for pid in [pid for worker in server.workers() for pid in children(worker)] + server.workers():
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rpartition(")")[2].split()[0] == "Z":
                    found.append(pid)
        except OSError:
            pass
    return found


def open_in_workers(server):
    return sorted(len(descriptors(pid)) for pid in server.workers())


def test_a_thousand_one_after_another_leave_nothing(run):
    n = 100 if "asan" in PREFORKD else 1000
    server = run("tr", "a-z", "A-Z")
    before = open_in_workers(server)

    for i in range(n):
        assert answer(server, b"number %d" % i) == b"NUMBER %d" % i

    until(lambda: not programs(server) and not zombies(server), "no program is left, and no zombie")
    until(lambda: open_in_workers(server) == before, "no descriptor is left open")


def test_fifty_at_a_time_are_all_answered(run):
    server = run("sh", "-c", "read x; echo $x", workers="50..64")
    wires = [server.connect() for _ in range(50)]
    until(lambda: len(programs(server)) >= 50, "fifty programs run")
    for i, wire in enumerate(wires):
        wire.send(b"%d\n" % i)
    for i, wire in enumerate(wires):
        assert wire.rest() == b"%d\n" % i
    until(lambda: not programs(server) and not zombies(server), "no program is left, and no zombie")


def test_clients_that_come_and_go_in_a_crowd_leave_nothing(run):
    server = run("cat", workers="2..16")

    def come_and_go():
        for i in range(20):
            with server.connect() as wire:
                wire.send_willing(b"x" * (i * 1000))
                if i % 3 == 0:
                    wire.reset()
                elif i % 3 == 1:
                    wire.socket.shutdown(socket.SHUT_WR)
                    assert wire.rest() == b"x" * (i * 1000)
    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: not programs(server) and not zombies(server), "no program is left, and no zombie")
    assert answer(server, b"still") == b"still"
