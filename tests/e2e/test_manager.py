# SPDX-License-Identifier: MIT
"""systemd's side of a server's life: sockets it passes (LISTEN_FDS), and what it is told (sd_notify)."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from harness.server import PREFORKD, TOP
from harness.wait import PATIENCE_S, for_exit
from test_control import Ctl
from test_upgrade import Installed

# The first word: how many descriptors; then they; then the program.
PASS = ["bash", "-c", 'n=$1; shift; for ((i = 0; i < n; i++)); do eval "exec $((3 + i))<&$1"; shift; done; '
        'export LISTEN_PID=$$ LISTEN_FDS=$n; exec "$@"', "-"]


def passing(*sockets, names=None):
    """The words of Server that pass @sockets as systemd does."""
    fds = [s.fileno() for s in sockets]
    return {"wrap": [*PASS, str(len(fds)), *map(str, fds)], "pass_fds": fds, "listen": None,
            "env": {"LISTEN_FDNAMES": names} if names else {}}


def listening(address=("127.0.0.1", 0), reusable=True):
    """As systemd makes them; numbers far above those they are to be passed as."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reusable)
    s.bind(address)
    s.listen(100)
    high = os.dup2(s.fileno(), 900 + s.fileno())
    s.close()
    return socket.socket(fileno=high)


def at(s):
    name = s.getsockname()
    return f"unix:{name}" if isinstance(name, str) else "{}:{}".format(*name)


@pytest.fixture(params=[True, False], ids=["reusable", "plain"])
def one(request):
    with listening(reusable=request.param) as s:
        yield s


# -- LISTEN_FDS


@pytest.mark.core
def test_who_connected_before_the_server_was_there_is_served(start, folder, model, one):
    early = socket.create_connection(one.getsockname())
    early.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    served = start("drive", "--model", model, "--listen", at(one), folder, **passing(one, names="drive"))
    assert early.recv(15) == b"HTTP/1.1 200 OK"
    early.close()
    assert served.ask("GET").status == 200
    served.signal(signal.SIGHUP)
    served.wait_log("changed-over")
    assert served.ask("GET").status == 200
    assert "socket-unused" not in served.text()


def test_a_programs_environment_says_nothing_of_it(start, one, tmp_path):
    with notified(tmp_path / "n") as (_, name):
        how = passing(one)
        how["env"] = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"}
        served = start("exec", "--listen", at(one), "--", "/usr/bin/env", **how)
        with served.connect() as wire:
            said = wire.socket.makefile("rb").read()
    assert b"PROTO=TCP" in said
    assert not re.search(rb"^(LISTEN_|NOTIFY_|WATCHDOG_)", said, re.M), said


def test_sockets_for_another_process_are_left_alone(start, folder):
    served = start("drive", folder, env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert served.ask("GET").status == 200


def test_a_unix_socket_that_was_passed_keeps_its_name(start, folder, tmp_path):
    with listening(str(tmp_path / "s")) as s:
        served = start("drive", "--listen", at(s), folder, **passing(s))
        assert served.ask("GET").status == 200
        served.stop()
    assert (tmp_path / "s").is_socket()


def test_a_socket_nobody_wants_is_named_in_the_log(start, folder, one):
    how = passing(one, names="web")
    how["listen"] = "127.0.0.1:0"
    served = start("drive", folder, **how)
    assert f"address={at(one)} name=web" in served.wait_log("socket-unused")


def test_what_does_not_listen_is_refused(folder):
    with socket.socket() as s:
        how = passing(s)
        done = subprocess.run([*how["wrap"], PREFORKD, "drive", "--listen", "127.0.0.1:0", str(folder)],
                              pass_fds=how["pass_fds"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr == "preforkd: descriptor 3, which LISTEN_FDS counts, is no stream socket that listens\n"


@pytest.mark.core
def test_the_real_activator(folder, need):
    """systemd-socket-activate, which starts the server at the first connection."""
    with listening() as s:
        address = s.getsockname()
    activator = subprocess.Popen([need("systemd-socket-activate"), "-l", "{}:{}".format(*address), PREFORKD, "drive", "--listen",
                                  "{}:{}".format(*address), str(folder)], stderr=subprocess.PIPE, text=True)
    try:
        assert "Listening on" in activator.stderr.readline()
        with socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            client.settimeout(PATIENCE_S)
            assert client.recv(15) == b"HTTP/1.1 200 OK"
    finally:
        activator.terminate()
        assert activator.wait(PATIENCE_S) == 0
        activator.stderr.close()


# -- sd_notify


class notified:
    """A service manager's socket, which keeps what is said: (itself, NOTIFY_SOCKET)."""

    def __init__(self, path):
        self.name = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:] if self.name.startswith("@") else self.name)
        self.socket.settimeout(PATIENCE_S)

    def next(self):
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def until(self, name):
        while name not in (said := self.next()):
            pass
        return said

    def __enter__(self):
        return self, self.name

    def __exit__(self, *_):
        self.socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    with notified(tmp_path / "notify" if request.param == "path" else f"@prefork-test-{os.getpid()}") as (m, _):
        yield m


@pytest.mark.core
def test_a_manager_hears_of_the_whole_life(start, tmp_path, folder, manager):
    conf = tmp_path / "x.conf"
    good = f"[service files]\nrun = drive\nlisten = 127.0.0.1:0\nroot = {folder}\n"
    conf.write_text(good)
    served = start("-c", conf, listen=None, env={"NOTIFY_SOCKET": manager.name})
    assert manager.next() == {"READY": "1", "STATUS": "serving"}

    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    served.signal(signal.SIGHUP)
    reloading = manager.next()
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.next() == {"READY": "1", "STATUS": "serving"}

    conf.write_text(good + "nonsense = 1\n")
    served.signal(signal.SIGHUP)
    assert manager.next()["RELOADING"] == "1"
    refused = manager.next()
    assert refused["READY"] == "1" and "refused" in refused["STATUS"]

    served.signal(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"
    assert served.wait() == 0


def test_what_preforkctl_changes_is_told_too(start, tmp_path, folder, manager):
    ctl = Ctl(tmp_path / "control")
    start("drive", "--control", ctl.path, folder, env={"NOTIFY_SOCKET": manager.name})
    assert manager.next()["READY"] == "1"
    ctl.ok("reload")
    assert manager.next()["RELOADING"] == "1"
    assert manager.next()["READY"] == "1"
    ctl.ok("drain")
    assert manager.next()["STOPPING"] == "1"


@pytest.mark.core
def test_after_an_upgrade_the_new_process_is_the_main_one(tmp_path, start, folder, monkeypatch):
    with notified(tmp_path / "notify") as (manager, name):
        def begin(*args, **how):
            return start(*args, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"}, **how)
        installed = Installed(tmp_path, begin, folder)
        installed.start(monkeypatch)
        manager.until("READY")
        old, now = installed.upgrade()
        said = manager.until("MAINPID")
        assert said["MAINPID"] == str(now) and said["READY"] == "1"
        for_exit(old)
        manager.until("WATCHDOG")
        os.kill(now, signal.SIGHUP)
        manager.until("RELOADING")
        manager.until("READY")
        installed.end()
        manager.until("STOPPING")


@pytest.mark.core
def test_the_watchdog_is_fed_while_the_loop_turns(start, tmp_path, folder):
    with notified(tmp_path / "notify") as (manager, name):
        served = start("drive", folder, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
        assert manager.next()["READY"] == "1"
        for _ in range(3):
            assert manager.next() == {"WATCHDOG": "1"}
        served.signal(signal.SIGSTOP)
        manager.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(3):  # one may have been on its way
                manager.next()
        served.signal(signal.SIGCONT)
        manager.socket.settimeout(PATIENCE_S)
        manager.until("WATCHDOG")


def test_a_watchdog_for_another_process_is_not_fed(start, tmp_path, folder):
    with notified(tmp_path / "notify") as (manager, name):
        start("drive", folder, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"})
        assert manager.next()["READY"] == "1"
        manager.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            manager.next()


def test_the_units_are_sound(need, tmp_path):
    units = os.path.join(TOP, "etc/systemd")
    for name in "preforkd@.service.in", "preforkd@.socket":
        text = open(os.path.join(units, name), encoding="utf-8").read()
        (tmp_path / name.removesuffix(".in")).write_text(text.replace("@sbindir@", "/usr/bin").replace(
            "/usr/bin/preforkd", "/bin/true").replace("/usr/bin/preforkctl", "/bin/true"))
    done = subprocess.run([need("systemd-analyze"), "verify", "--man=no", str(tmp_path / "preforkd@.service"),
                           str(tmp_path / "preforkd@.socket")], capture_output=True, text=True, timeout=PATIENCE_S)
    about_ours = [line for line in done.stderr.splitlines() if "preforkd" in line]
    assert done.returncode == 0 and not about_ours, done
