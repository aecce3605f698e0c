# SPDX-License-Identifier: MIT
"""A warm script per connection: what it finds, that nothing is exec'd for it, and what happens where none can be had."""
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile

import pytest

from e2e.test_exec import answer, environment, pids_of, programs, refused
from harness.server import ENV, PREFORKD, children
from harness.wait import PATIENCE_S, for_exit, until
from interp.stage import Tree

pytestmark = pytest.mark.skipif(not list(pathlib.Path(PREFORKD).parents[2].glob("bindings/perl/*.so")),
                                reason="this build has no bindings")

PERL = """
use strict; use warnings; use POSIX (); use Prefork::Interp;
print STDERR "set up\\n";
prefork_initialisation_complete();
$| = 1;
print "$$ ", getppid(), "\\n";
my $what = shift // "";
if ($what eq "upper") { print uc while <STDIN> }
if ($what eq "env") { print map { "$_=$ENV{$_}\\n" } sort keys %ENV }
if ($what eq "args") { print map { "[$_]" } @ARGV, POSIX::getcwd() }
if ($what eq "wait") { POSIX::pause() }
if ($what eq "err") { print STDERR "an error\\n"; exit 3 }
if ($what eq "kill") { kill 9, $$ }
"""

PYTHON = """
import os, signal, sys
import prefork_interp
print("set up", file=sys.stderr)
prefork_interp.ready()
print(os.getpid(), os.getppid(), flush=True)
what = sys.argv[1] if len(sys.argv) > 1 else ""
if what == "upper":
    for line in sys.stdin:
        sys.stdout.write(line.upper())
if what == "env":
    for name in sorted(os.environ):
        print(f"{name}={os.environ[name]}")
if what == "args":
    print(*(f"[{word}]" for word in sys.argv[2:] + [os.getcwd()]), sep="")
if what == "wait":
    signal.pause()
if what == "err":
    print("an error", file=sys.stderr)
    sys.exit(3)
if what == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""

LANGUAGES = {"perl": (PERL, "perl", "script.pl"), "python": (PYTHON, "/usr/bin/python3", "script.py")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return Tree(tmp_path_factory.mktemp("tree"))


def all_of(place):
    """Every process that was begun for a service with that run directory: launchers, set-ups, servers, executors, and what those made."""
    wanted = b"PREFORK_RUN_DIR=%s\0" % bytes(place)

    def is_of(pid):
        try:
            return wanted in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_of(pid)]


@pytest.fixture
def place():
    """A run directory, as short as a socket's name must be. With its services all has ended that ran for them."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pfs.", dir="/tmp"))
    yield path
    try:
        until(lambda: not all_of(path), "no process is left")
    finally:
        for pid in all_of(path):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(path)


@pytest.fixture(params=["perl", "python"])
def script(request, tmp_path):
    text, interp, name = LANGUAGES[request.param]
    path = tmp_path / name
    path.write_text(text)
    return [interp, path]


@pytest.fixture
def run(place, start, tree):
    """The service, of a command, with options."""
    def begin(*command, model="pool", workers="2", options=(), **how):
        return start("script", "--model", model, "--workers", workers, "--listen", "127.0.0.1:0", "--launcher", tree.launcher,
                     "--run-directory", place, *options, "--", *command, listen=None, env=tree.environment, **how)
    return begin


def lines(server, said=b""):
    """The two numbers a script begins with, and the rest."""
    first, _, rest = answer(server, said).partition(b"\n")
    pid, parent = map(int, first.split())
    return pid, parent, rest


TRIES = 8  # on a machine so busy that its server says nothing for 250 ms a script is run cold, as it should be


def warm(server):
    """The pid of the script's server, which has served."""
    first = None
    for _ in range(TRIES):
        _, parent, _ = lines(server)
        if parent == first:
            return parent
        first = parent
    raise AssertionError("it is never warm")


def warm_lines(server, parent, said):
    """The same as lines, by the server @parent."""
    for _ in range(TRIES):
        found = lines(server, said)
        if found[1] == parent:
            return found
    raise AssertionError("it is not warm any more")


@pytest.mark.parametrize("model", ["pool", "fork", "ring", "shared", "reuseport"])
def test_a_connection_gets_an_executor_of_the_one_server(run, script, model):
    server = run(*script, "upper", model=model)
    parent = warm(server)

    for said in b"hello\n", b"", b"x" * 300_000:
        pid, _, rest = warm_lines(server, parent, said)
        assert rest == said.upper()
        assert pid != parent


def test_nothing_is_execd_for_it(run, script):
    server = run(*script, "wait")
    wires, counts = [], [0]  # the first call has the launcher, as it makes the server
    while len(wires) < TRIES and (len(counts) < 2 or counts[-1] > counts[-2]):
        wires.append(server.connect())
        pid, parent = pids_of(wires[-1])
        counts.append(len(programs(server)))

    assert counts[-1] == counts[-2] and pid in children(parent), counts
    assert parent not in server.workers()
    for wire in wires:
        wire.reset()


def test_the_environment_is_that_of_exec(run, script, start, tree):
    server = run(*script, "env")
    warm(server)
    found = environment(lines(server)[2])
    other = environment(answer(start("exec", "--listen", "127.0.0.1:0", "--", "/usr/bin/env", listen=None, env=tree.environment)))

    assert found.pop("PREFORK_RUN_DIR")
    for one in found, other:
        one.pop("TCPREMOTEPORT"), one.pop("TCPLOCALPORT")
    assert found == other


def test_arguments_and_the_directory_are_what_was_asked_for(run, script, place):
    server = run(*script, "args", "a b", "", "ä", options=["--directory", place])
    for _ in range(2):  # cold and warm
        assert lines(server)[2].decode().strip() == f"[a b][][ä][{place}]"


LIMITS = {"perl": """
use strict; use warnings; use POSIX (); use Prefork::Interp; prefork_initialisation_complete(); $| = 1;
print "$$ ", getppid(), "\n", umask, " ", POSIX::getpid() == getpgrp() ? "leads" : "", "\n";
open my $in, "<", "/proc/self/limits"; print <$in>;
""", "python": """
import os, prefork_interp; prefork_interp.ready()
print(os.getpid(), os.getppid(), flush=True)
mask = os.umask(0); os.umask(mask)
print(mask, "leads" if os.getpid() == os.getpgrp() else "")
print(open("/proc/self/limits").read())
"""}
OF_A_CALL = {"Max cpu time": "7", "Max address space": str(1 << 30), "Max open files": "50", "Max core file size": "0"}


def soft_limits(text, names):
    return {name: line[len(name):].split()[0] for line in text.splitlines() for name in names if line.startswith(name)}


@pytest.mark.parametrize("language", LIMITS)
def test_limits_are_those_of_the_service(run, tmp_path, language):
    """Cold, which makes the server, and warm; and those of the caller for the rest."""
    path = tmp_path / "limits"
    path.write_text(LIMITS[language])
    server = run(LANGUAGES[language][1], path, options=["--rlimit-cpu", "7s", "--rlimit-memory", "1G", "--rlimit-files", "50"],
                 prepare=lambda: os.umask(0o27))
    cold = lines(server)[2].decode()
    parent = warm(server)
    found = warm_lines(server, parent, b"")[2].decode()

    for text in cold, found:
        assert text.splitlines()[0] == f"{0o27} leads"
        assert soft_limits(text, OF_A_CALL) == OF_A_CALL
    of_the_server = soft_limits(pathlib.Path(f"/proc/{parent}/limits").read_text(), OF_A_CALL)
    assert of_the_server["Max cpu time"] == "unlimited" and int(of_the_server["Max open files"]) > 50


def test_a_script_is_ended_by_its_limit_and_its_server_is_not(run, tmp_path):
    path = tmp_path / "busy.pl"
    path.write_text(PERL.replace('print uc while <STDIN>', 'while (<STDIN>) { 1 while 1 }'))
    server = run("perl", path, "upper", options=["--rlimit-cpu", "1s"])
    parent = warm(server)
    pid, _, rest = warm_lines(server, parent, b"x\n")

    assert rest == b"" and pid
    server.wait_log("program was killed by SIGXCPU")
    assert warm(server) == parent


def test_its_end_and_its_errors_are_in_the_log(run, script):
    server = run(*script, "err")
    warm(server)
    until(lambda: server.text().count("line=\"an error\"") >= 2, "each time it is said")
    until(lambda: re.search("program exited with status 3 conn=\\d+ warm=1", server.text()), "its status too")


def test_a_death_is_in_the_log(run, script):
    server = run(*script, "kill")
    for _ in range(2):
        answer(server)
    until(lambda: server.text().count("program was killed by SIGKILL") == 2, "cold and warm")


def test_when_the_client_goes_the_script_goes(run, script):
    server = run(*script, "wait")
    for _ in range(2):  # cold and warm
        wire = server.connect()
        pid, _ = pids_of(wire)
        wire.reset()
        for_exit(pid)
    server.wait_log("killed by SIGTERM: its client has gone")


def test_a_script_whose_time_is_up_is_ended(run, script):
    server = run(*script, "wait", options=["--timeout", "300ms"])
    for _ in range(2):
        with server.connect() as wire:
            pid, _ = pids_of(wire)
            assert wire.ended()
        for_exit(pid)


def test_a_killed_worker_takes_its_scripts_along(run, script):
    server = run(*script, "wait", workers="1")
    with server.connect() as wire:
        first, _ = pids_of(wire)
        wire.reset()
    for_exit(first)
    wire = server.connect()
    pid, _ = pids_of(wire)
    [worker] = server.workers()
    server.kill_worker(worker)
    for_exit(pid)


def test_a_changed_script_runs_as_it_is_now(run, script):
    server = run(*script, "upper")
    warm(server)
    path = script[1]
    path.write_text(path.read_text() + {".pl": 'print "more\\n";\n', ".py": 'print("more")\n'}[path.suffix])
    assert lines(server)[2] == b"more\n"


@pytest.mark.parametrize("sig", [signal.SIGSTOP, signal.SIGKILL])
def test_without_its_server_the_script_is_run(run, script, sig):
    server = run(*script, "upper")
    parent = warm(server)
    os.kill(parent, sig)
    try:
        _, its_parent, rest = lines(server, b"x\n")
        assert (rest, its_parent != parent) == (b"X\n", True)
    finally:
        if sig == signal.SIGSTOP:
            os.kill(parent, signal.SIGCONT)


def test_a_script_that_never_says_it_is_ready_is_run_each_time(run, tmp_path):
    plain = tmp_path / "plain.pl"
    plain.write_text('print "$$ ", getppid(), "\\n";\n')
    server = run("perl", plain)
    answer(server)  # its first run is a set-up, whose standard output is not the caller's
    assert len({lines(server)[0] for _ in range(3)}) == 3


def test_without_a_safe_place_the_script_is_run_each_time(run, script, place):
    place.chmod(0o777)
    server = run(*script, "upper")
    for _ in range(2):
        assert lines(server, b"x\n")[2] == b"X\n"
    server.wait_log("not a directory of yours")
    place.chmod(0o700)


def test_many_at_once_all_get_theirs(run, script):
    server = run(*script, "upper", options=["--connections", "40"])
    warm(server)
    wires = [server.connect() for _ in range(60)]
    for i, wire in enumerate(wires):
        wire.send(b"number %d\n" % i)
        wire.socket.shutdown(socket.SHUT_WR)
    for i, wire in enumerate(wires):
        assert wire.rest().partition(b"\n")[2] == b"NUMBER %d\n" % i


def test_from_its_build_it_finds_the_launcher_of_that_build(place, start, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('here')")
    served = start("script", "--listen", "127.0.0.1:0", "--run-directory", place, "--", "/usr/bin/python3", script, listen=None)
    answer(served)
    served.wait_log("line=here")  # by the launcher, which then says that the script never said that it is ready


def test_what_cannot_be_is_one_sentence_at_the_start(tree, tmp_path):
    listen = "script", "--listen", "127.0.0.1:0", "--launcher", tree.launcher
    assert "an interpreter and a script" in refused(*listen, "--", "perl")
    assert "an interpreter and a script" in refused(*listen, "--", "perl", "-w", "x.pl")
    assert 'no program called "no-such"' in refused(*listen, "--", "no-such", "x")
    assert 'cannot run "/no/such"' in refused("script", "--listen", "127.0.0.1:0", "--launcher", "/no/such", "--", "perl", "x.pl")
