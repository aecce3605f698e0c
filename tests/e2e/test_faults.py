# SPDX-License-Identifier: MIT
"""Every fault of bench/faults.py, done to every model under load: the promises hold, and nothing is left behind.

Each request is in the client's ledger, and the ledger is held against the
server's own counters. Short where no other file has the same; `make soak` does
each for long, with kept connections and with one for each request.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

import faults
from harness import ledger
from harness.server import PREFORKD, children, descriptors, slept
from harness.wait import for_exit, until
from test_control import Ctl

pytestmark = pytest.mark.core  # the life of a server is each model's own

SHORT_S, LONG_S = 0.8, float(os.environ.get("FAULT_S", "8"))  # a cell of the short form, and of the long
ELSEWHERE = {"reload", "upgrade", "resize", "switch-model", "recycle"}  # test_reload, test_upgrade, test_care
USER = 54321  # nobody's


class Target:
    """preforkd as bench/faults.py wants it."""

    def __init__(self, served, ctl, folder):
        self.served, self.ctl, self.folder = served, ctl, folder
        self.host, self.port, self.pid = served.host, served.port, served.pid

    def workers(self):
        return children(self.pid)

    def reload(self):
        self.ctl.ok("reload")

    def resize(self, n):
        self.ctl.ok("resize", "files", f"{n}..32")

    def switch(self, model):
        self.ctl.ok("switch-model", "files", model)

    def upgrade(self):
        self.ctl.ok("upgrade")
        before, self.pid = self.pid, self.ctl.status()["pid"]
        assert self.pid != before

    def end(self):
        """After an upgrade it is nobody's child here."""
        if self.pid != self.served.pid:
            os.kill(self.pid, 15)
            for_exit(self.pid)
            assert self.served.wait() == 0

    def accepting(self, listeners):
        """The processes that wait for connections at @listeners, as the kernel tells of their epolls."""
        return [pid for pid in (self.pid, *self.workers()) if listeners & watched(pid)]


def listeners_of(pid):
    """The inodes of its listening sockets."""
    with open("/proc/net/tcp") as f:
        listening = {fields[9] for fields in map(str.split, f.readlines()[1:]) if fields[3] == "0A"}
    return {t[len("socket:["):-1] for t in descriptors(pid).values() if t.startswith("socket:[")} & listening


def watched(pid):
    """Inodes that process @pid waits for input of, not just once."""
    found = set()
    for fd, target in descriptors(pid).items():
        if target != "anon_inode:[eventpoll]":
            continue
        with open(f"/proc/{pid}/fdinfo/{fd}") as f:
            for events, inode in re.findall(r"events: +([0-9a-f]+) .* ino:([0-9a-f]+)", f.read()):
                if int(events, 16) & 0x40000001 == 1:  # EPOLLIN without EPOLLONESHOT
                    found.add(str(int(inode, 16)))
    return found


@pytest.fixture
def target(start, tmp_path, model):
    made = []

    def begin(fault, seats):
        # Not pytest's: a server that is nobody's favourite must reach it.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="faults."))
        made.append(folder)
        drive = folder / "drive"
        drive.mkdir()
        faults.prepare(drive)
        how = {}
        control = tmp_path / "control"
        if fault.unprivileged:
            if "asan" in PREFORKD:
                pytest.skip("LeakSanitizer makes a process to look with")
            if os.getuid():
                pytest.skip("the limit binds one user's processes: only root can become another")
            control = folder / "control"
            for path in (folder, drive, *drive.rglob("*")):
                os.chown(path, USER, USER)
            how["prepare"] = lambda: (os.setgid(USER), os.setuid(USER))
        conf = folder / "conf"
        settings = {"listen": "127.0.0.1:0", "run": "drive", "root": drive, "model": model, "workers": "4..32",
                    "connections": None if model == "fork" else seats, "durability": "rename"}
        settings |= dict(zip((o[2:].replace("-", "_") for o in fault.options[::2]), fault.options[1::2]))
        conf.write_text(f"[preforkd]\ncontrol = {control}\n[service files]\n"
                        + "".join(f"{name} = {value}\n" for name, value in settings.items() if value is not None))
        return Target(start("-c", conf, listen=None, **how), Ctl(control), drive)
    yield begin
    for folder in made:
        shutil.rmtree(folder)


def states(pid):
    """(pid, state) of the children of @pid, zombies too."""
    found = []
    for child in children(pid):
        try:
            with open(f"/proc/{child}/stat") as f:
                found.append((child, f.read().rpartition(")")[2].split()[0]))
        except OSError:
            pass
    return found


def answers(target):
    with target.served.connect() as wire:
        assert wire.ask("GET", "/a").body == b"a" * 1024
    return True


def judge(target, fault, account, strikes, model, opened):
    """What holds after every fault: the promise, sound counters, no zombie, nothing left open, one that accepts."""
    told = f"{fault.name}, {model}: {strikes} strikes, {account}"
    print(told)
    assert account["right"] > 0, told
    broken = fault.promises[model](account, strikes)
    assert not broken, f"{broken}; {told}"

    until(lambda: all(state not in "ZXT" for _, state in states(target.pid)), "no zombie is left")
    answers(target)
    until(lambda: opened(target) <= 0, f"no descriptor is left open ({opened(target)} more than before); {told}")
    until(lambda: all(n <= 1 for n in worker_sockets(target)), "workers have their channel and no connection")
    status = target.ctl.status()
    if fault.name not in ("upgrade", "reload", "resize", "switch-model"):  # the counters are a generation's
        totals = [s for s in status["services"] if s["state"] == "serving"][0]
        assert totals["requests_total"] >= account["right"] - strikes, f"{totals}; {told}"
    if status["services"][-1]["model"] == "ring":
        listeners = listeners_of(target.pid)
        # Who holds the token of an epoch that is over learns it from the next connection.
        until(lambda: answers(target) and len(target.accepting(listeners)) == 1, "one holds the token")
        assert all(len(target.accepting(listeners)) <= 1 for _ in range(20)), "two hold the token"


def worker_sockets(target):
    """How many sockets each worker has that do not listen."""
    listeners = {f"socket:[{inode}]" for inode in listeners_of(target.pid)}
    return [sum(t.startswith("socket:") and t not in listeners for t in descriptors(pid).values()) for pid in target.workers()]


def counting(target):
    """Descriptors of the supervisor that are no worker's and no listener's, counted from now on."""
    def now(target):
        listeners = {f"socket:[{inode}]" for inode in listeners_of(target.pid)}
        return sum(t not in listeners and not t.startswith(("pipe:", "anon_inode:[pidfd]"))
                   for t in descriptors(target.pid).values()) - len(target.workers())
    before = now(target)
    return lambda target: now(target) - before


def one_cell(target, fault, model, seconds, one_each):
    # A full worker may close an idle connection for a new one: where connections are kept, there are seats enough for all.
    seats = 4 if one_each else 2 * faults.CONNECTIONS
    target = target(fault, seats)
    opened = counting(target)
    began = time.monotonic()
    with ledger.Load(target, "-c", faults.CONNECTIONS, "-t", f"{int(seconds * 1000)}ms", "-T", "10s", *one_each, *fault.loads) as load:
        strikes = faults.inflict(fault, target, load.process)
        account = load.result() | {"seats": seats}
    assert fault.every is None or strikes >= (time.monotonic() - began) / 5, "it struck"
    judge(target, fault, account, strikes, model, opened)
    target.end()


SHORT = [pytest.param(kind(), id=kind.name) for kind in faults.ALL if kind.name not in ELSEWHERE]
ALL = [pytest.param(kind(), id=kind.name) for kind in faults.ALL]


@pytest.mark.parametrize("fault", SHORT)
def test_what_is_promised_holds(target, fault, model):
    if model in ("reuseport", "shared") and fault.name not in ("kill", "descriptors"):
        pytest.skip("short of time: make soak does it")
    one_cell(target, fault, model, SHORT_S, [])


@pytest.mark.slow
@pytest.mark.parametrize("one_each", [[], ["-1"]], ids=["kept-alive", "one-each"])
@pytest.mark.parametrize("fault", ALL)
def test_what_is_promised_holds_for_long(target, fault, model, one_each):
    one_cell(target, fault, model, LONG_S, one_each)


def zygote(target):
    return until(lambda: next((w["pid"] for w in target.ctl.service()["workers"] if w["worker"] == 0 and w["pid"]), 0),
                 "there is a zygote")


@pytest.fixture
def forking(target, model):
    if model != "fork":
        pytest.skip("only the model fork has a zygote")
    return target


def test_who_is_to_get_a_process_outlives_the_one_that_makes_them(forking):
    """The zygote dies with connections on their way: what it had made is found, and the others have another try."""
    target = forking(faults.Kill(), 1)
    with ledger.Load(target, "-1", "-c", "16", "-t", "1s", "-p", "/a", "-E", "1024") as load:
        kills = 0
        while load.process.poll() is None:
            target.served.kill_worker(zygote(target))
            kills += 1
            try:
                load.process.wait(0.3)  # it is a healthy one by then, whose death costs no wait
            except subprocess.TimeoutExpired:
                pass
        account = load.result()
    assert kills > 1 and account["right"] == account["begun"], f"{kills} kills: {account}"
    until(lambda: all(state not in "ZXT" for _, state in states(target.pid)), "no zombie is left")


def test_a_connection_waits_for_its_process_where_none_can_be_made(forking):
    target = forking(faults.NoProcesses(), 1)
    idle = target.served.connect()
    assert idle.ask("GET", "/a").status == 200
    with faults.limited([zygote(target)], "nproc", lambda pid: 0):
        wire = target.served.connect()
        wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        target.served.wait_log("fork-failed")
        assert wire.silent(0.1)
    assert wire.read().status == 200
    assert idle.ask("GET", "/a").status == 200, "closing it would have made no process"
    assert len([line for line in target.served.log if "fork-failed" in line]) == 1


def cpu_s(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def test_the_control_socket_answers_again_after_descriptors_were_short(target, model):
    """Also where nobody but a server that starts had asked meanwhile: that one looks who is alive."""
    target = target(faults.NoDescriptors(), 4)
    with faults.limited([target.pid], "nofile", faults.NoDescriptors.first_free):
        before = slept(target.pid)
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(str(target.ctl.path))
            until(lambda: slept(target.pid) > before, "the supervisor has looked")
    assert target.ctl.status()["pid"] == target.pid


def test_without_descriptors_nobody_spins_and_who_waits_is_answered_later(target, model):
    target = target(faults.NoDescriptors(), 4)
    everyone = [target.pid, *target.workers()]
    with faults.limited(everyone, "nofile", faults.NoDescriptors.first_free):
        wire = target.served.connect()
        wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        target.served.wait_log("no-descriptors")
        before = cpu_s(everyone)
        assert wire.silent(0.5)
        assert cpu_s(everyone) - before < 0.1
    assert wire.read().status == 200
