# SPDX-License-Identifier: MIT
"""preforkd -d and --pidfile: the background, and who may be there."""
import fcntl
import os
import re
import signal
import subprocess
import urllib.request

import pytest

from harness.server import ENV, PREFORKD, descriptors
from harness.wait import PATIENCE_S, for_exit
from test_control import Ctl
from test_upgrade import Installed


class Daemon:
    def __init__(self, tmp_path, folder):
        self.pidfile, self.log, self.folder = tmp_path / "x.pid", tmp_path / "log", folder
        self.ctl = Ctl(tmp_path / "x.sock")
        self.program = PREFORKD

    def start(self, *options, before=("-d",), log=True):
        """Returns what the first process did; capturing its output would wait for who else has it."""
        logging = ["--log-file", self.log] if log else []
        words = [self.program, *before, "drive", "--listen", "127.0.0.1:0", "--pidfile", self.pidfile, *logging, *options, self.folder]
        return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=PATIENCE_S, env=ENV,
                              stdin=subprocess.DEVNULL, cwd=self.folder.parent)

    def started(self, *options):
        done = self.start(*options)
        assert done.returncode == 0 and not done.stderr, (done, self.log.read_text())
        return re.fullmatch(r"preforkd: drive: (http://\S+/)\n", done.stdout)[1]

    @property
    def pid(self):
        return int(self.pidfile.read_text())

    def end(self):
        pid = self.pid
        os.kill(pid, signal.SIGTERM)
        for_exit(pid)
        assert not self.pidfile.exists() and not self.ctl.path.exists()


@pytest.fixture
def daemon(tmp_path, folder):
    (folder / "a").write_bytes(b"aaa")
    d = Daemon(tmp_path, folder)
    yield d
    if d.pidfile.exists():
        os.kill(d.pid, signal.SIGKILL)


def is_locked(path):
    with open(path, "rb") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.core
def test_the_first_process_ends_when_the_server_serves(daemon):
    url = daemon.started()
    with urllib.request.urlopen(url + "a") as answer:
        assert answer.read() == b"aaa"
    assert is_locked(daemon.pidfile)
    assert os.getsid(daemon.pid) == daemon.pid
    assert {n: descriptors(daemon.pid)[n] for n in range(3)} == dict.fromkeys(range(3), "/dev/null")
    assert daemon.ctl.status()["pid"] == daemon.pid
    daemon.ctl.ok("reload")
    with urllib.request.urlopen(url + "a") as answer:
        assert answer.read() == b"aaa"
    daemon.end()


@pytest.mark.core
def test_a_second_start_is_refused_in_one_sentence(daemon):
    daemon.started()
    done = daemon.start()
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == f"preforkd: a server with the pidfile {daemon.pidfile} is running already: process {daemon.pid}\n"
    again = daemon.start(before=())
    assert (again.returncode, again.stderr) == (1, done.stderr)
    assert daemon.ctl.status()["pid"] == daemon.pid
    daemon.end()


def test_a_pidfile_that_a_dead_server_left_is_in_nobodys_way(daemon):
    daemon.started()
    killed = daemon.pid
    os.kill(killed, signal.SIGKILL)
    for_exit(killed)
    daemon.started()
    assert daemon.pid != killed
    daemon.end()


@pytest.mark.parametrize("options, says", [
    (["--listen", "192.0.2.1:1", "--users", "users"], "cannot listen at 192.0.2.1:1"),
    (["--read-only=perhaps"], "read_only"),
    (["--control", "/nowhere/x/y.sock", "--access-log", "/nowhere/log"], "cannot open the access log /nowhere/log"),
])
def test_what_is_wrong_at_the_start_is_seen_at_the_terminal(daemon, options, says):
    (daemon.folder.parent / "users").write_text("")
    done = daemon.start(*options)
    assert done.returncode in (1, 2) and says in done.stderr, done
    assert not daemon.pidfile.exists()


def test_errors_of_workers_are_seen_too_and_its_status_is_the_servers(daemon, tmp_path):
    daemon.folder.chmod(0o700)
    done = daemon.start("--user", "nobody", "--durability", "rename")
    if os.geteuid():
        assert done.returncode == 1 and "only root" in done.stderr
        return
    assert done.returncode == 1, done
    assert "worker-cannot-start" in done.stderr and "service-failed" in done.stderr
    assert not daemon.pidfile.exists()


def test_without_a_file_for_the_log_it_is_refused(daemon):
    done = daemon.start(log=False)
    assert done.returncode == 1 and "--log-file" in done.stderr and done.stderr.count("\n") == 1
    assert not daemon.pidfile.exists()


@pytest.mark.core
def test_an_upgrade_hands_the_pidfile_over(tmp_path, start, folder, monkeypatch):
    installed = Installed(tmp_path, start, folder)
    pidfile = tmp_path / "p"
    served = installed.start(monkeypatch, "--pidfile", pidfile)
    assert int(pidfile.read_text()) == served.pid
    installed.install("/bin/false")
    assert installed.ctl.run("upgrade").returncode == 1
    assert int(pidfile.read_text()) == served.pid and is_locked(pidfile)
    installed.install(PREFORKD)
    for _ in range(2):
        old, now = installed.upgrade()
        for_exit(old)
        assert int(pidfile.read_text()) == now and is_locked(pidfile)
    installed.end()
    assert not pidfile.exists()
