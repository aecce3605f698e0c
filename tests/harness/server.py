# SPDX-License-Identifier: MIT
"""A preforkd of one's own: started on a free port, watched, ended, and judged.

The judgement is the point: every test that uses a server also claims that it
ended by SIGTERM with status 0, left no process behind, said nothing from a
sanitizer, and has no more descriptors open than when it was ready.
"""
import ctypes
import os
import queue
import re
import signal
import subprocess
import threading
import time

from harness.wait import PATIENCE_S, for_exit, until
from harness.wire import Wire

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFORKD = os.environ.get("PREFORKD", os.path.join(TOP, "build-test/src/app/preforkd"))
ALL_MODELS = ["fork", "pool", "reuseport", "ring", "shared"]
MODELS = os.environ.get("MODELS", "pool").split(",")  # every scenario that names none is a test in each of these

READY = re.compile(r"preforkd: (\S+): (?:(\w+)://(?:\[([^\]]+)\]|([^:/]*)):(\d+)/?|(unix:.*))")
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehaviorSanitizer")
ENV = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1", "PATH": os.environ["PATH"],
       "LC_ALL": "C.UTF-8"}


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """For a child before exec: a run of the tests that is killed leaves no server behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def children(pid):
    try:
        found = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += map(int, f.read().split())
        return found
    except OSError:
        return []


def descriptors(pid):
    """What process @pid has open, as /proc shows it: {number: target}."""
    try:
        fds = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return {}
    found = {}
    for fd in fds:
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass  # closed meanwhile
    return found


def slept(pid):
    """How often process @pid has gone to sleep."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))


class Server:
    """preforkd with @args. Use it as a context, or by the fixture `start`.

    @wrap: what stands before preforkd and execs it; @env: variables besides the usual."""

    def __init__(self, *args, listen="127.0.0.1:0", cwd=None, prepare=None, env=(), wrap=(), pass_fds=()):
        self.args = [*wrap, PREFORKD, *map(str, args)] + (["--listen", listen] if listen else [])
        self.log, self.log_news = [], threading.Condition()
        self.said = queue.SimpleQueue()  # lines of standard output; "" is its end
        self.wires = []
        self.expect_status = 0  # what SIGTERM is to end it with; None: the test ends it its own way
        def before_exec():
            end_with_parent()
            if prepare:
                prepare()

        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        cwd=cwd, env=ENV | dict(env), start_new_session=True, pass_fds=pass_fds,
                                        preexec_fn=before_exec)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        threading.Thread(target=self._read_out, daemon=True).start()
        self.listeners = [self._ready()]
        _, _, v6, host, port, unix = self.listeners[0]
        self.host, self.port = v6 or host, int(port or 0)
        self.address = unix[len("unix:"):] if unix else (self.host, self.port)
        self.url = f"http://{'[' + v6 + ']' if v6 else host}:{port}"
        self.at_ready = len(descriptors(self.pid))

    # -- what it says

    def _read_log(self):
        for line in self.process.stderr:
            with self.log_news:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.log_news.notify_all()
        with self.log_news:
            self.log_news.notify_all()

    def _read_out(self):
        for line in self.process.stdout:
            self.said.put(line.decode().rstrip("\n"))
        self.said.put("")

    def _ready(self):
        """The next line "preforkd: SERVICE: ADDRESS" on standard output, taken apart."""
        try:
            line = self.said.get(timeout=PATIENCE_S)
        except queue.Empty:
            self.kill()
            raise AssertionError(f"preforkd did not become ready; its log:\n{self.text()}") from None
        if not line:
            self.process.wait(PATIENCE_S)
            self.reader.join(PATIENCE_S)
            raise AssertionError(f"preforkd ended with status {self.process.returncode}:\n{self.text()}")
        match = READY.fullmatch(line)
        assert match, f"not a ready line: {line!r}"
        return match.groups()

    def next_listener(self):
        """Where there is more than one: the next."""
        self.listeners.append(self._ready())
        return self.listeners[-1]

    def text(self):
        return "\n".join(self.log)

    def wait_log(self, pattern, after=0, seconds=PATIENCE_S):
        """The first line from number @after on that @pattern is found in."""
        compiled, at = re.compile(pattern), after
        deadline = time.monotonic() + seconds
        with self.log_news:
            while True:
                while at < len(self.log):
                    if compiled.search(self.log[at]):
                        return self.log[at]
                    at += 1
                left = deadline - time.monotonic()
                assert left > 0, f"no log line matches {pattern!r}:\n{self.text()}"
                self.log_news.wait(left)

    # -- talking to it

    def connect(self, seconds=PATIENCE_S, source=None):
        wire = Wire(self.address, seconds, source)
        self.wires.append(wire)
        return wire

    def ask(self, method, target="/", fields=(), body=None):
        """One request on a connection of its own."""
        with self.connect() as wire:
            return wire.ask(method, target, fields, body)

    def fill(self, n):
        """For one worker with one seat: a request for /a that has only half come, and @n that wait for the seat."""
        busy = self.connect()
        busy.send(b"GET /a HTTP/1.1\r\nHo")
        self.holder(busy)
        waiting = [self.connect() for _ in range(n)]
        for wire in waiting:
            wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return busy, waiting

    # -- its processes

    def workers(self):
        return children(self.pid)

    @staticmethod
    def number_in(pid, wire):
        """The descriptor by which process @pid has the server's end of @wire open, or None."""
        name = f"socket:[{_server_inode(wire.socket)}]"
        return next((fd for fd, other in descriptors(pid).items() if other == name), None)

    def holders(self, wire):
        """The workers that have the server's end of @wire open."""
        return [pid for pid in self.workers() if self.number_in(pid, wire) is not None]

    def holder(self, wire):
        """The worker that has @wire, as soon as one does."""
        return until(lambda: self.holders(wire), "a worker has the connection")[0]

    def kill_worker(self, pid, how=signal.SIGKILL):
        os.kill(pid, how)
        if how == signal.SIGKILL:
            for_exit(pid)

    def signal(self, how):
        os.kill(self.pid, how)

    # -- its end

    def kill(self):
        """SIGKILL for everything in its session, for when a test is lost."""
        for pid in self._session():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _session(self):
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
                if int(fields[3]) == self.pid and fields[0] not in "ZX":
                    found.append(int(name))
            except OSError:
                pass
        return found

    def wait(self, seconds=PATIENCE_S):
        """Its exit status, when it ends by itself."""
        status = self.process.wait(seconds)
        self.expect_status = None
        return status

    def stop(self):
        """Ends it if it runs, and judges."""
        for wire in self.wires:
            wire.close()
        try:
            if self.process.poll() is None and self.expect_status is not None:
                self._no_descriptor_leaked()
                self.signal(signal.SIGTERM)
                status = self.process.wait(PATIENCE_S)
                assert status == self.expect_status, f"it ended with status {status}; its log:\n{self.text()}"
            until(lambda: not self._session(), "every process of this server has ended")
        finally:
            self.kill()
            self.process.wait(PATIENCE_S)
            self.reader.join(PATIENCE_S)
        assert not SANITIZER.search(self.text()), f"a sanitizer spoke:\n{self.text()}"

    def _no_descriptor_leaked(self):
        """The supervisor's connections end with their clients: then it is as it was when ready.

        A worker more or less is a few descriptors, so it is per worker that they are counted.
        """
        def sockets():
            return sum(target.startswith("socket:") for target in descriptors(self.pid).values())

        def leaked():
            listening = _listening()
            own = [t for t in descriptors(self.pid).values() if t.startswith("socket:") and t not in listening]
            return len(own) - len(self.workers())
        until(lambda: leaked() <= 4, f"its connections are closed again ({sockets()} sockets, {len(self.workers())} workers)")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.kill()
        else:
            self.stop()


def _listening():
    """Every listening TCP socket, as descriptors() shows it: a generation hands its own on to the next."""
    found = set()
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        with open(table) as f:
            found |= {f"socket:[{fields[9]}]" for fields in map(str.split, f.readlines()[1:]) if fields[3] == "0A"}
    return found


def _server_inode(client):
    """The inode of the other end of a loopback TCP connection, from /proc/net/tcp; None once it is closed."""
    try:
        local, remote = client.getsockname(), client.getpeername()
    except OSError:
        return None  # it was reset
    table = "/proc/net/tcp6" if ":" in local[0] else "/proc/net/tcp"
    ports = f":{remote[1]:04X}", f":{local[1]:04X}"
    with open(table) as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(ports[0]) and fields[2].endswith(ports[1]):
                return fields[9]
    return None
