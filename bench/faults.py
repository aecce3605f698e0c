# SPDX-License-Identifier: MIT
"""What is done to a server while it serves, and what each model promises then: the one table of both.

A fault knows no server. It is done to a target: `pid`, `workers()`, `folder`,
`host`, `port`, and what an operator can order (`reload()`, `upgrade()`,
`resize(n)`, `switch()`); a target that cannot do something has none of it. The
tests (tests/e2e/test_faults.py) hold preforkd to the promises; bench/run counts
what others lose.
"""
import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import threading

CONNECTIONS = 16  # of the load that is the witness
MODELS = ("fork", "pool", "reuseport", "ring", "shared")


def lost(account):
    """Requests that were begun and not answered right, whatever came instead."""
    return account["broken_before"]["all"] + account["broken_after"]["all"] + account["wrong"]["all"]


# -- promises: of an account and how often the fault struck, the sentence that tells of a broken one, or None

def nothing(account, _strikes):
    """Nothing lost, and nobody refused."""
    if lost(account) or account["refused"]:
        return "nothing may be lost or refused"
    return None


def nothing_unbegun(account, _strikes):
    """What had not begun is answered; what had, and sent nothing, is told so."""
    if account["broken_before"]["all"]:
        return "a request that had not begun was lost"
    if set(account["wrong"]) - {"all", "502"}:
        return "what had begun is answered 502 or not at all"
    return None


def of_the_killed(account, strikes):
    """At most the connections of a worker for each that was killed."""
    if lost(account) > account["seats"] * strikes:
        return f"each kill may cost {account['seats']} connections, the killed worker's, and no more"
    return nothing_else_wrong(account)


def of_the_process(account, strikes):
    """At most one connection each time."""
    return of_the_killed(account | {"seats": 1}, strikes)


def nothing_else_wrong(account):
    return "an answer was neither right nor a refusal" if account["wrong"]["all"] else None


def refused_at_most(account, _strikes):
    """Nothing lost; who cannot be served is told so."""
    if account["broken_before"]["all"] + account["broken_after"]["all"] or set(account["wrong"]) - {"all", "503", "507"}:
        return "who cannot be served is refused in words, and nobody else is lost"
    return None


# -- what is done

class Fault:
    every = None     # seconds between two strikes; None: it is done once and lasts as long as the load
    options = ()     # of preforkd, for it to have something to do
    loads = ("-p", "/a", "-E", "1024")
    unprivileged = False  # it means nothing to a server that is root
    needs = ()       # what the target must be able to do
    promises = dict.fromkeys(MODELS, nothing)

    @contextlib.contextmanager
    def lasting(self, target):
        """Around the load."""
        yield

    def strike(self, target, n):
        """The n-th time; False if there was nothing to strike."""


class Reload(Fault):
    """HUP, four times a second."""
    name, every, needs = "reload", 0.25, ("reload",)

    def strike(self, target, n):
        target.reload()


class Upgrade(Fault):
    """Another program takes over, every second."""
    name, every, needs = "upgrade", 1.0, ("upgrade",)

    def strike(self, target, n):
        target.upgrade()


class Resize(Fault):
    """More workers and fewer, three times a second."""
    name, every, needs = "resize", 0.3, ("resize",)

    def strike(self, target, n):
        target.resize((8, 2, 5, 1)[n % 4])


class SwitchModel(Fault):
    """Another model, three times a second."""
    name, every, needs = "switch-model", 0.3, ("switch",)

    def strike(self, target, n):
        target.switch(MODELS[n % len(MODELS)])


class Recycle(Fault):
    """Workers are replaced after fifty requests."""
    name, options = "recycle", ("--recycle-requests", "50")


class Kill(Fault):
    """kill -9 of a worker, every 300 ms."""
    name, every = "kill", 0.3
    promises = {"pool": nothing_unbegun, "fork": of_the_process, **dict.fromkeys(("ring", "shared", "reuseport"), of_the_killed)}

    def strike(self, target, n):
        workers = target.workers()
        try:
            os.kill(workers[n % len(workers)], signal.SIGKILL)
        except (ProcessLookupError, ZeroDivisionError):
            return False
        return True


class Stop(Fault):
    """SIGSTOP of a worker, and SIGCONT half a second later, again and again."""
    name, every = "stop", 0.6

    def strike(self, target, n):
        workers = target.workers()
        if not workers:
            return False
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(workers[n % len(workers)])
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGSTOP)
                select.select([pidfd], [], [], 0.5)
                signal.pidfd_send_signal(pidfd, signal.SIGCONT)
            finally:
                os.close(pidfd)
        return True


def limit(pid, what, soft):
    """By util-linux, as the user whose process it is: root alone may lack the right."""
    with open(f"/proc/{pid}/status") as f:
        user, group = (int(line.split()[1]) for line in f if line.startswith(("Uid:", "Gid:")))
    done = subprocess.run(["prlimit", f"--pid={pid}", f"--{what}={soft}:"], check=False, capture_output=True,
                          user=user, group=group)
    if done.returncode and os.path.exists(f"/proc/{pid}/fd/0"):
        raise OSError(done.stderr.decode())


@contextlib.contextmanager
def limited(pids, what, soft):
    """@soft(pid) is the limit of each process for a while; who has ended meanwhile needs it back no more."""
    before = {}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            before[pid] = limit_of(pid, what)
            limit(pid, what, soft(pid))
    try:
        yield
    finally:
        for pid, soft_before in before.items():
            with contextlib.suppress(FileNotFoundError):
                limit(pid, what, soft_before)


def limit_of(pid, what):
    name = {"nofile": "Max open files", "nproc": "Max processes"}[what]
    with open(f"/proc/{pid}/limits") as f:
        return next(line[len(name):].split()[0] for line in f if line.startswith(name))


class NoDescriptors(Fault):
    """Nobody can open one more descriptor, for 200 ms of every 400."""
    name, every = "descriptors", 0.2
    # A ring's supervisor parts with who waited there before it knows whether the worker has a descriptor for them.
    promises = dict.fromkeys(MODELS, refused_at_most) | {"ring": of_the_process}

    def strike(self, target, n):
        with limited([target.pid, *target.workers()], "nofile", self.first_free):
            select.select([], [], [], 0.2)

    @staticmethod
    def first_free(pid):
        taken = set(map(int, os.listdir(f"/proc/{pid}/fd")))
        return next(n for n in range(len(taken) + 1) if n not in taken)


class NoProcesses(Fault):
    """No process can be made, for 300 ms of every 600, and a worker is killed meanwhile."""
    name, every, unprivileged = "fork", 0.3, True
    promises = Kill.promises

    def strike(self, target, n):
        with limited([target.pid, *target.workers()], "nproc", lambda pid: 0):
            Kill.strike(self, target, n)
            select.select([], [], [], 0.3)


class SlowDisk(Fault):
    """Every opening of a file takes 100 ms.

    The kernel asks us whether it may be opened (fanotify), and we are slow to answer. That holds
    the process up in the system call, as a disk does; nothing needs to be mounted for it.
    """
    name = "slow-disk"
    loads = ("-p", "/slow/%c", "-E", "300000")  # larger than what is kept in memory
    FAN_CLASS_CONTENT, FAN_CLOEXEC, FAN_ALLOW = 4, 1, 1
    FAN_MARK_ADD, FAN_OPEN_PERM, FAN_EVENT_ON_CHILD = 1, 0x10000, 0x08000000
    EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, head's length, mask, descriptor, pid

    @contextlib.contextmanager
    def lasting(self, target, seconds=0.1):
        libc = ctypes.CDLL(None, use_errno=True)
        group = libc.fanotify_init(self.FAN_CLASS_CONTENT | self.FAN_CLOEXEC, os.O_RDONLY)
        if group < 0:
            raise PermissionError(ctypes.get_errno(), "fanotify needs root")
        stop = os.eventfd(0)
        warden = threading.Thread(target=self.admit, args=(group, stop, seconds))
        try:
            mask = ctypes.c_uint64(self.FAN_OPEN_PERM | self.FAN_EVENT_ON_CHILD)
            if libc.fanotify_mark(group, self.FAN_MARK_ADD, mask, -1, os.fsencode(target.folder / "slow")) < 0:
                raise OSError(ctypes.get_errno(), "fanotify_mark")
            warden.start()
            yield
        finally:
            os.eventfd_write(stop, 1)
            if warden.ident:
                warden.join()
            os.close(group)  # lets everyone through who still waits
            os.close(stop)

    def admit(self, group, stop, seconds):
        """Each opening is let through @seconds after it was asked for."""
        timers = []
        while True:
            if stop in select.select([group, stop], [], [])[0]:
                break
            news = os.read(group, 4096)
            for at in range(0, len(news), self.EVENT.size):
                fd = self.EVENT.unpack_from(news, at)[5]
                timers = [t for t in timers if t.is_alive()]
                timers.append(threading.Timer(seconds, self.allow, (group, fd)))
                timers[-1].start()
        for timer in timers:
            timer.join()

    def allow(self, group, fd):
        os.write(group, struct.pack("=iI", fd, self.FAN_ALLOW))
        os.close(fd)


class Vanish(Fault):
    """Clients that break off: in the middle of a head, of an answer, of an upload."""
    name, every = "vanish", 0.02
    SAYS = (b"GET /a HTTP/1.1\r\nHo", b"GET /slow/0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"PUT /gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000, b"")

    def strike(self, target, n):
        with socket.create_connection((target.host, target.port), 10) as s:
            s.sendall(self.SAYS[n % len(self.SAYS)])
            if n % 3 == 0:
                s.recv(10) if n % len(self.SAYS) == 1 else select.select([s], [], [], 0.01)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


ALL = (Reload, Upgrade, Resize, SwitchModel, Recycle, Kill, Stop, NoDescriptors, NoProcesses, SlowDisk, Vanish)


def prepare(folder):
    """Puts into @folder what the loads ask for."""
    (folder / "a").write_bytes(b"a" * 1024)
    (folder / "slow").mkdir()
    for i in range(CONNECTIONS):
        (folder / "slow" / str(i)).write_bytes(b"s" * 300_000)


def inflict(fault, target, load):
    """Does @fault to @target until the process @load has ended. How often it struck."""
    strikes = 0
    with fault.lasting(target):
        for n in range(1 << 30):
            try:
                load.wait(fault.every)
                break
            except subprocess.TimeoutExpired:
                strikes += fault.strike(target, n) is not False
    return strikes
