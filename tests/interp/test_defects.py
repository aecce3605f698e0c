# SPDX-License-Identifier: MIT
"""The defects of the known implementation that design/INTERP-PROTOCOL counts, as far as they are not rows elsewhere.

   2 7 10 11   test_same.py      3 4 6 13   test_caller.py      5   test_terminal.py
   15 to 23 once more, with hostile input, for the smallest script: tests/launcher
"""
import array
import collections
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from interp.world import LANGUAGES, PATIENCE_S, PERL, PYTHON, RUBY, TIMEOUT_S

MAN = pathlib.Path(__file__).parents[2] / "docs/man/prefork-interp.1"
READY_LANGUAGES = [language for language in LANGUAGES if not language.preload]


def processes():
    """Everything that runs: pid to (parent, state, CPU ticks)."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry)] = (int(stat[1]), stat[0], int(stat[11]) + int(stat[12]))
    return found


def until(true, what):
    """Waits for what no descriptor tells."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        os.sched_yield()


def test_1_a_normal_end_is_never_a_death(probe):
    statuses = {probe.call(probe.warm("leave", 0)).status for _ in range(100)}

    assert statuses == {0}


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_7_the_first_caller_leaves_nothing_of_its_own(home, language):
    script = home.probe(language)

    def odd():
        os.umask(0o077)
        os.nice(5)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 1000))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    script.call(script.warm("argv"), preexec_fn=odd, restore_signals=False)

    for fact in ("place", "signals", "fds"):
        before = script.began()
        warm = script.call(script.warm(fact))
        assert script.began() == before + 1
        assert warm == script.call(script.cold(fact)), fact


MODULES = {
    PERL.name: ("Part.pm", "package Part; sub text { '%s' } 1;\n", "use lib '%s/lib', '%s/other'; use Part; %s\nprint Part::text(), qq(\\n);\n"),
    PYTHON.name: ("Part.py", "def text(): return '%s'\n", "import sys; sys.path[:0] = ['%s/lib', '%s/other']\nimport Part\n%s\nprint(Part.text())\n"),
    RUBY.name: ("Part.rb", "def text() = '%s'\n", "$LOAD_PATH.unshift('%s/lib', '%s/other')\nrequire 'Part'\n%s\nputs text\n"),
}


class Parted:
    """A script and the module it loads."""

    def __init__(self, home, language):
        self.home, (self.file, self.module, script) = home, MODULES[language.name]
        for folder in ("lib", "other"):
            (home.path / folder).mkdir()
        self.publish("other", "old")
        self.script = home.script(language, script % (home.path, home.path, language.ready))
        self.script.prime()

    def publish(self, folder, text, mtime=None):
        """A new file in the old one's place, as packagers do it."""
        path = self.home.path / folder / self.file
        new = path.with_suffix(".new")
        new.write_text(self.module % text)
        if mtime is not None:
            os.utime(new, (mtime, mtime))
        new.rename(path)

    def says(self):
        return self.script.call(self.script.warm()).out


@pytest.fixture
def parted(home, request):
    return Parted(home, request.param)


EACH = pytest.mark.parametrize("parted", READY_LANGUAGES, ids=str, indirect=True)


@EACH
def test_8_a_module_replaced_by_an_older_one_is_noticed(parted):
    parted.publish("other", "new", mtime=1_000_000_000)

    assert parted.says() == b"new\n"


@EACH
def test_8_a_module_that_shadows_is_noticed(parted):
    parted.publish("lib", "shadow")

    assert parted.says() == b"shadow\n"


@EACH
def test_8_a_module_that_is_gone_is_noticed(parted):
    (parted.home.path / "other" / parted.file).unlink()

    gone = parted.script.call(parted.script.warm())

    assert gone == parted.script.call(parted.script.cold())
    assert gone.status != 0


@EACH
def test_8_the_script_itself_is_noticed(parted):
    more = {".pl": 'print "more\\n";\n', ".py": 'print("more")\n', ".rb": "puts 'more'\n"}[parted.script.language.suffix]
    with open(parted.script.path, "a", encoding="utf-8") as file:
        file.write(more)

    assert parted.says() == b"old\nmore\n"


@EACH
def test_8_a_time_in_the_future_does_not_make_calls_cold(parted):
    parted.publish("other", "new", mtime=time.time() + 1_000_000)
    assert parted.says() == b"new\n"

    parted.script.prime()


def test_9_chance_is_another_each_time(probe):
    said = [probe.call(probe.warm("chance")).out.split() for _ in range(5)]

    for column in range(1, 4):
        assert len({line[column] for line in said}) == 5, said


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_12_what_the_first_caller_had_open_does_not_live_on(home, language):
    script = home.probe(language)
    reader, writer = os.pipe()

    script.call(script.warm("argv"), pass_fds=[writer])
    os.close(writer)

    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b"", "somebody still holds the pipe"
    os.close(reader)


@pytest.mark.skipif(not MAN.exists(), reason="there is no manual yet")
def test_14_the_manual_says_what_time_shows():
    assert "time" in MAN.read_text(encoding="utf-8"), "resource use is the server's, and the manual is to say so"


@pytest.fixture
def stopped(probe):
    """The server of the suite's script, stopped."""
    pid = probe.server()
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


@pytest.mark.usefixtures("stopped")
def test_15_a_stopped_server_costs_a_moment(probe):
    began = time.monotonic()

    assert probe.call(probe.warm("leave", 7), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).status == 7
    assert time.monotonic() - began < PATIENCE_S


@pytest.mark.usefixtures("stopped")
def test_15_nor_does_a_stopped_server_keep_the_ends_of_pipes(probe):
    """subprocess.run reads to the end of both; who was sent to a stopped server would keep them open."""
    done = probe.call(probe.warm("leave", 7))

    assert (done.status, done.out) == (7, probe.call(probe.cold("leave", 7)).out)


IDLE_S = 0.3         # to watch somebody who ought to do nothing
SPINNING = 0.03      # of a CPU: a spinning process has more even where a dozen others run


def cpu_share(pid):
    """What of one CPU a process takes while nobody calls."""
    def used():
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    before, began = used(), time.monotonic()
    select.select([], [], [], IDLE_S)
    return (used() - before) / (time.monotonic() - began)


def sockets(home):
    return [path for path in home.path.rglob("*") if path.is_socket()]


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_16_a_chmod_of_the_sockets_makes_nobody_spin(home, language):
    script = home.probe(language)
    script.prime()
    pid = script.server()

    for path in sockets(home):
        path.chmod(0o644)
    assert cpu_share(pid) < SPINNING
    before = script.began()
    script.call(script.warm("argv"))

    assert (script.server(), script.began()) == (pid, before + 1)


NO_INOTIFY = ["unshare", "-U", "-r", "sh", "-c", 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
needs_namespace = pytest.mark.skipif(subprocess.run([*NO_INOTIFY, "true"], capture_output=True, check=False).returncode != 0,
                                     reason="a user namespace is needed, and not allowed here")


@needs_namespace
@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_17_without_inotify_calls_are_warm_and_changes_are_noticed(home, language):
    script = home.script(language, language.ready + {".pl": '\nprint("old\\n");\n', ".py": '\nprint("old")\n', ".rb": '\nputs "old"\n'}[language.suffix])

    def says():
        return script.call([*NO_INOTIFY, *script.warm()]).out
    assert says() == b"old\n"
    until(script.began, "no server")
    held = pathlib.Path(f"/proc/{script.server()}/fd")
    assert not [fd for fd in held.iterdir() if "inotify" in os.readlink(fd)]
    before = script.began()
    assert [says() for _ in range(3)] == [b"old\n"] * 3
    assert script.began() == before + 3
    script.path.write_text(script.path.read_text().replace("old", "new"))

    assert says() == b"new\n"


def test_18_tidying_one_leaves_the_others(home):
    mine, others = home.script(PERL, PERL.ready, "mine"), home.script(PYTHON, PYTHON.ready, "others")
    for script in (mine, others):
        script.prime()
    pid, before = others.server(), set(sockets(home))

    mine.call(mine.warm(options=["--kill"]))

    assert others.server() == pid
    assert len(before - set(sockets(home))) == 2  # one name for each wire


@pytest.mark.parametrize("option", ["--kill", "-f"])
def test_18_nor_is_there_a_deadlock_when_calls_are_nested(home, option):
    """A script that tidies up after itself and after another, in a call and in set-up."""
    inner = home.script(PERL, PERL.ready + ' print "inner @ARGV\\n";', "inner")
    text = "import subprocess, sys\n" + "def nested(): return subprocess.run(%r, check=True, capture_output=True).stdout\n"
    outer = home.script(PYTHON, text % (inner.warm("x", options=[option]),) + "nested()\nimport prefork_interp; prefork_interp.ready()\n"
                        "print(nested())\n", "outer")

    said = [outer.call(outer.warm(options=options)) for options in ((), (), ["-f"])]

    assert {(one.status, one.out) for one in said} == {(0, b"b''\n" if option == "--kill" else b"b'inner x\\n'\n")}


def test_19_no_zombies_stay(probe):
    server = probe.server()
    for _ in range(5):
        probe.call(probe.warm("leave", 0))

    until(lambda: not [pid for pid, (parent, state, _) in processes().items() if parent == server and state == "Z"],
          "a zombie stays")


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_20_a_server_that_cannot_accept_does_not_spin(home, language):
    script = home.probe(language)
    script.prime()
    pid = script.server()
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limit[1]))  # what it has open stays open
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as waiting:
        waiting.connect(str(next(path for path in sockets(home) if path.name.startswith("p"))))
        assert cpu_share(pid) < SPINNING
        assert script.call(script.warm("leave", 5)).status == 5
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    def is_warm():
        before = script.began()
        return script.call(script.warm("leave", 5)).status == 5 and script.began() == before + 1
    until(is_warm, "it takes no calls any more")


def serve_known(listener):
    """A server on the known wire whose greeting says something: its length is in network order."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(TIMEOUT_S)
        connection.sendall(b"PFI\n" + (5).to_bytes(4, "big") + b"hello")
        connection.recv(1)
        fds = array.array("i")
        for _ in range(3):
            [(_, _, data)] = connection.recvmsg(1, socket.CMSG_LEN(4))[1]
            fds.frombytes(data)
        connection.recv(int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big"), socket.MSG_WAITALL)
        os.write(fds[1], b"served")
        for fd in fds:
            os.close(fd)
        connection.sendall((7 << 8).to_bytes(4, "big"))


def test_21_the_greetings_length_is_in_network_order(home):
    script = home.script(PERL, PERL.ready)
    place = home.path / "run"
    (place / "prefork").mkdir(parents=True)
    for path in (place, place / "prefork"):
        path.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "prefork/sgreeter"))
        listener.listen()
        server = threading.Thread(target=serve_known, args=(listener,), daemon=True)
        server.start()
        done = script.call(script.warm(options=["-g", "greeter"]), env=home.environment | {"PREFORK_RUN_DIR": str(place)})
        server.join(TIMEOUT_S)

    assert (done.status, done.out, done.err) == (7, b"served", b"")


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_22_an_idle_server_goes(home, language):
    ready = language.ready.replace("_complete()", "_complete(idle_timeout => 1)").replace("ready()", "ready(idle_timeout=1)")
    ready = ready.replace("Interp.ready", "Interp.ready idle_timeout: 1")
    script = home.script(language, ready + "\n")
    script.call(script.warm())
    pid = script.server()

    until(lambda: pid not in processes(), "it is still there")


def test_22_one_server_serves_every_directory(probe):
    pid = probe.server()
    for place in ("/", "/usr", "/tmp"):
        probe.call(probe.warm("place"), cwd=place)

    assert probe.server() == pid


@pytest.mark.parametrize("language", READY_LANGUAGES, ids=str)
def test_23_a_directory_others_may_write_to_is_not_used(home, language):
    probe = home.probe(language)
    probe.prime()
    before = probe.began()
    [place] = {path.parent for path in home.path.rglob("*") if path.is_socket()}

    place.chmod(0o777)
    there = probe.call(probe.warm("place"))
    place.chmod(0o700)

    assert there.out == probe.call(probe.cold("place")).out
    assert probe.began() == before


def test_25_the_server_is_the_parent_and_nothing_is_taken_apart(home):
    script = home.script(PYTHON, "import json, os, sys\n"
                         "class Old:\n    def __del__(self): os.write(1, b'taken apart')\n"
                         "json.old = Old()\nimport prefork_interp; prefork_interp.ready()\nprint(os.getppid(), flush=True)\n")
    script.prime()

    assert script.call(script.warm()).out == b"%d\n" % script.server()


def test_26_a_call_looks_at_no_file(probe, tmp_path):
    """That is the sweep's to do, once a second at most."""
    trace, began = tmp_path / "trace", time.monotonic()
    tracer = subprocess.Popen(["strace", "-o", trace, "-e", "trace=%stat,%file", "-p", str(probe.server())],
                              stderr=subprocess.PIPE)
    tracer.stderr.readline()  # attached

    for _ in range(30):
        probe.call(probe.warm("leave", 0))
    tracer.send_signal(signal.SIGINT)
    tracer.wait(TIMEOUT_S)
    tracer.stderr.close()
    most_looks = 2 * (time.monotonic() - began + 1)  # the script stands in the list twice: the server's own, and its language's

    calls = [line for line in trace.read_text().splitlines() if "(" in line and not line.startswith(("---", "+++"))]
    looks = collections.Counter(line.split('"')[1] for line in calls if "/usr/" in line or str(probe.world.path) in line)
    assert not [path for path, n in looks.items() if n > most_looks], calls
