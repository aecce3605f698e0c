# SPDX-License-Identifier: MIT
"""preforkctl upgrade: the program that is installed now takes over, and no client can tell."""
import itertools
import os
import shutil
import signal
import threading
from concurrent import futures

import pytest

from harness import ledger
from harness import server as harness_server
from harness.wait import for_exit, until
from harness.wire import Wire
from test_control import Ctl

pytestmark = pytest.mark.core  # the life of a server is each model's own


class Installed:
    """A preforkd of its own, in a place where another can be installed; and who serves now."""

    def __init__(self, tmp_path, start, folder):
        self.path, self.folder, self.start_server = tmp_path / "preforkd", folder, start
        self.ctl = Ctl(tmp_path / "control")
        self.install(harness_server.PREFORKD)

    def install(self, program):
        new = self.path.with_suffix(".new")
        shutil.copy(program, new)
        new.rename(self.path)

    def start(self, monkeypatch, *options):
        monkeypatch.setattr(harness_server, "PREFORKD", str(self.path))
        self.served = self.start_server("drive", "--control", self.ctl.path, *options, self.folder)
        return self.served

    def upgrade(self):
        before = self.ctl.status()["pid"]
        self.ctl.ok("upgrade")
        now = self.ctl.status()["pid"]
        assert now != before
        return before, now

    def end(self):
        """The server that serves now, in order; it is nobody's child here."""
        pid = self.ctl.status()["pid"]
        os.kill(pid, signal.SIGTERM)
        for_exit(pid)
        assert self.served.wait() == 0
        assert not self.ctl.path.exists()


@pytest.fixture
def installed(tmp_path, start, folder):
    (folder / "a").write_bytes(b"a" * 1024)
    return Installed(tmp_path, start, folder)


@pytest.fixture
def served(installed, model, monkeypatch):
    return installed.start(monkeypatch, "--model", model, "--workers", "2..32")


def test_an_upgrade_leaves_another_process_that_serves(installed, served):
    old, now = installed.upgrade()
    for_exit(old)
    assert served.ask("GET", "/a").body == b"a" * 1024
    assert installed.ctl.service()["state"] == "serving"
    assert served.process.wait(15) == 0
    installed.end()


def test_what_is_wrong_with_the_program_that_is_installed_is_said(installed, served):
    installed.path.unlink()
    gone = installed.ctl.run("upgrade")
    assert gone.returncode == 1
    assert gone.stderr == f"preforkctl: cannot run {installed.path}, so the old one goes on: No such file or directory\n"
    installed.path.write_text("#!/bin/sh\nexit 3\n")
    installed.path.chmod(0o755)
    ended = installed.ctl.run("upgrade")
    assert ended.returncode == 1
    assert ended.stderr == "preforkctl: the new program exited with status 3 before it was ready; the old one goes on\n"
    assert served.ask("GET", "/a").status == 200


@pytest.mark.parametrize("kept", [[], ["-1"]], ids=["kept-alive", "one-each"])
@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_upgrading_every_second_under_load_loses_nothing(installed, served, kept, seconds):
    n, pause = 0, threading.Event()
    with ledger.Load(served, "-c", "16", "-t", f"{seconds}s", "-T", "10s", "-p", "/a", "-E", "1024", *kept) as load:
        while load.process.poll() is None:
            installed.upgrade()
            n += 1
            pause.wait(1)
        account = load.result()
    print(n, account)
    installed.end()
    assert n >= 2 and account["right"] > 20
    assert account["broken_before"]["all"] + account["broken_after"]["all"] + account["wrong"]["all"] == 0
    assert account["refused"] == 0


def test_a_program_that_does_not_become_ready_changes_nothing(installed, served):
    for program in ("/bin/true", "/bin/false"):
        installed.install(program)
        done = installed.ctl.run("upgrade")
        assert done.returncode == 1 and "ready" in done.stderr, done
        assert served.ask("GET", "/a").status == 200
    installed.path.unlink()
    assert installed.ctl.run("upgrade").returncode == 1
    assert served.ask("GET", "/a").status == 200
    installed.install(harness_server.__dict__["PREFORKD"] if installed.path.exists() else os.path.join(
        harness_server.TOP, "build-test/src/app/preforkd"))
    installed.upgrade()
    assert served.ask("GET", "/a").status == 200
    installed.end()


def test_a_download_under_way_is_finished_by_the_old_program(installed, served, folder):
    big = os.urandom(1 << 20) * 32
    (folder / "big").write_bytes(big)
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200
    installed.upgrade()
    installed.upgrade()
    assert wire._exactly(len(big)) == big
    installed.end()


def test_what_is_finished_two_upgrades_later_is_counted_and_goes_on(installed, served, model, folder):
    (folder / "big").write_bytes(big := os.urandom(1 << 20) * 32)
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200
    for _ in range(2):
        installed.upgrade()
    assert wire._exactly(len(big)) == big
    if model == "pool":  # who is idle goes over, from program to program
        assert wire.ask("GET", "/a").status == 200
        until(lambda: installed.ctl.service()["requests_total"] == 2, "the first program has ended, though the connection is open")
    wire.close()
    n = 1 + (model == "pool")
    until(lambda: installed.ctl.service()["requests_total"] == n, "what the first program finished is counted")
    assert served.process.wait(15) == 0
    installed.end()


def test_idle_connections_go_over_to_the_new_program(installed, monkeypatch):
    served = installed.start(monkeypatch, "--workers", "4", "--linger", "10ms")
    n = 1000
    with ledger.Load(served, "--hold", "-c", n, "-t", "60s", "-T", "10s", "-p", "/a", "-E", "1024") as idle:
        assert idle.held() == n
        until(lambda: installed.ctl.service()["parked"] == n, "all are parked")
        for _ in range(2):
            old, _now = installed.upgrade()
            for_exit(old)
        assert installed.ctl.service()["parked"] == n
        account = idle.result()
    assert account["right"] == 2 * n and account["held_lost"] == 0
    installed.end()


def test_who_waits_in_the_queue_is_served_by_the_new_program(installed, monkeypatch, model):
    if model not in ("fork", "pool", "ring"):
        pytest.skip("nobody waits in the supervisor")
    served = installed.start(
        monkeypatch, "--model", model, "--workers", "1", "--connections", "1", "--head-timeout", "30s")
    busy, waiting = served.fill(3)
    until(lambda: installed.ctl.service()["queued"] == 3, "they wait")
    installed.upgrade()
    for wire in waiting:
        assert wire.read().status == 200
    busy.send(b"st: localhost\r\n\r\n")
    assert busy.read().status == 200
    installed.end()


def test_a_reload_while_the_new_program_starts_comes_after_it(installed, served):
    with futures.ThreadPoolExecutor() as other:
        upgraded = other.submit(installed.upgrade)
        served.wait_log("upgrading")
        os.kill(served.pid, signal.SIGHUP)
        upgraded.result()
    assert served.ask("GET", "/a").status == 200
    installed.end()


def counters(ctl):
    """What `preforkctl metrics` counts, by name."""
    return {name: int(value) for name, value in map(str.split, (
        line for line in ctl.ok("metrics").splitlines() if "_total{" in line))}


@pytest.mark.parametrize("kept", [[], ["-1"]], ids=["kept-alive", "one-each"])
def test_no_counter_ever_falls_and_in_the_end_all_are_right(installed, model, monkeypatch, kept):
    installed.start(monkeypatch, "--model", model, "--workers", "2..8", "--recycle-requests", "100")
    seen, falls = counters(installed.ctl), []

    def look():
        nonlocal seen
        now = counters(installed.ctl)
        falls.extend((name, n, now[name]) for name, n in seen.items() if now[name] < n)
        seen = now
    with ledger.Load(installed.served, "-c", "8", "-t", "2s", "-T", "10s", "-p", "/a", "-E", "1024", *kept) as load:
        changes = itertools.cycle((["reload"], ["upgrade"], ["switch-model", "drive", "pool"], ["upgrade"],
                                   ["resize", "drive", "3..8"], ["switch-model", "drive", model]))
        while load.process.poll() is None:
            installed.ctl.run(*next(changes))
            for _ in range(3):
                look()
        account = load.result()
    print(account, seen)
    assert not falls and account["right"] > 20

    def all_is_counted():
        look()
        return seen['preforkd_requests_total{service="drive"}'] == account["right"]
    until(all_is_counted, f"{account['right']} requests are counted, and not {seen}")
    assert not falls
    installed.end()


def test_a_program_that_cannot_start_says_why_and_leaves_the_names_of_sockets_alone(installed, folder, tmp_path, monkeypatch):
    conf, files = tmp_path / "preforkd.conf", tmp_path / "files.socket"
    both = (f"[preforkd]\ncontrol = {installed.ctl.path}\n"
            f"[service files]\nlisten = 127.0.0.1:0\nlisten = unix:{files}\nrun = drive\nworkers = 1\nroot = {folder}\n")
    conf.write_text(both)
    monkeypatch.setattr(harness_server, "PREFORKD", str(installed.path))
    installed.served = installed.start_server("-c", conf, listen=None)
    for wrong, why in ((f"access_log = {tmp_path}/none/log", "none/log: No such file"),
                       ("color = red", f"{conf}:9: "), ("user = nobody-of-that-name", "nobody-of-that-name")):
        conf.write_text(f"{both}{wrong}\n")
        done = installed.ctl.run("upgrade")
        assert done.returncode == 1 and why in done.stderr and "the old one goes on" in done.stderr, done
    with Wire(str(files)) as wire:
        assert wire.ask("GET", "/a").status == 200
    conf.write_text(both)
    installed.upgrade()
    with Wire(str(files)) as wire:
        assert wire.ask("GET", "/a").status == 200
    installed.end()
    assert not files.exists()
