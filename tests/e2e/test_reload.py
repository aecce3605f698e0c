# SPDX-License-Identifier: MIT
"""SIGHUP: another generation takes over, and no client can tell."""
import os
import select
import signal
import threading

import pytest

from harness import ledger
from harness.server import ALL_MODELS, Server, children, descriptors
from harness.wait import for_exit, until
from harness.wire import Wire
from test_control import Ctl

pytestmark = pytest.mark.core  # the life of a server is each model's own


class Conf:
    """A configuration file of one drive, `files`, whose lines can be changed."""

    def __init__(self, path, folder, **settings):
        self.path, self.more = path, ""
        self.settings = {"listen": "127.0.0.1:0", "run": "drive", "root": folder, "workers": "2..32", **settings}
        self.write()

    def write(self, **settings):
        self.settings.update(settings)
        lines = [f"{name} = {value}" for name, value in self.settings.items() if value is not None]
        self.path.write_text("[service files]\n" + "\n".join(lines) + "\n" + self.more)


@pytest.fixture
def conf(tmp_path, folder, model):
    (folder / "a").write_bytes(b"a" * 1024)
    return Conf(tmp_path / "preforkd.conf", folder, model=model)


@pytest.fixture
def served(start, conf):
    return start("-c", conf.path, listen=None)


def reload(served, times=1):
    """HUP, and wait until the next generation serves."""
    for _ in range(times):
        after = len(served.log)
        served.signal(signal.SIGHUP)
        served.wait_log("changed-over", after)


def every(seconds, what, while_runs):
    """Calls what() again and again until @while_runs has ended."""
    n, pause = 0, threading.Event()
    while while_runs.process.poll() is None:
        pause.wait(seconds)
        what()
        n += 1
    return n


def lost(account):
    return account["broken_before"]["all"] + account["broken_after"]["all"] + account["wrong"]["all"]


def test_a_reload_replaces_the_workers(served):
    before = set(served.workers())
    reload(served)
    for pid in before:
        for_exit(pid)
    assert served.ask("GET", "/a").body == b"a" * 1024


@pytest.mark.parametrize("kept", [[], ["-1"]], ids=["kept-alive", "one-each"])
@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_reloading_four_times_a_second_loses_nothing(served, kept, seconds):
    with ledger.Load(served, "-c", "16", "-t", f"{seconds}s", "-T", "10s", "-p", "/a", "-E", "1024", *kept) as load:
        n = every(0.25, lambda: served.signal(signal.SIGHUP), load)
        account = load.result()
    print(n, account)
    assert n >= 3 * seconds - 4 and account["right"] > 10
    assert lost(account) == 0
    assert account["refused"] == 0


def test_a_bad_file_changes_nothing_and_names_the_line(served, conf):
    before = served.workers()
    conf.write(workers="many")
    after = len(served.log)

    served.signal(signal.SIGHUP)

    line = served.wait_log("reload-refused", after)
    assert f"{conf.path}:5" in line, line
    assert served.workers() == before
    assert served.ask("GET", "/a").status == 200


def test_a_log_that_cannot_be_opened_changes_nothing_and_who_asked_is_told(start, conf, tmp_path):
    """A file for the log that -t takes for good: only opening it shows that it is none."""
    log, ctl = tmp_path / "log", Ctl(tmp_path / "ctl")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    conf.more = f"[preforkd]\nlog_file = {log}\ncontrol = {ctl.path}\n"
    conf.write()
    served = start("-c", conf.path, listen=None)
    before = served.workers()
    conf.more = conf.more.replace(f"{log}\n", f"{pipe}\n")  # which nobody reads
    conf.write(workers="1")

    refused = ctl.run("reload")

    assert refused.returncode == 1 and f"cannot open the log {pipe}" in refused.stderr, refused
    assert served.workers() == before
    assert "reload-refused: cannot open the log" in log.read_text()


def log_files(served, path):
    """Whether the supervisor and each worker have @path open, and which other logs."""
    return [sorted({to for to in descriptors(pid).values() if to.startswith(f"{path.parent}/log")})
            for pid in (served.pid, *served.workers())]


def test_the_log_moves_for_all_on_a_reload_and_is_opened_anew_on_usr1(start, conf, tmp_path):
    logs = [tmp_path / "log1", tmp_path / "log2", tmp_path / "log3"]
    conf.more = f"[preforkd]\nlog_file = {logs[0]}\nlog_level = debug\n"
    conf.write()
    served = start("-c", conf.path, listen=None)
    conf.more = conf.more.replace("log1", "log2")
    conf.write()
    served.signal(signal.SIGHUP)
    until(lambda: log_files(served, logs[1]) == [[str(logs[1])]] * (1 + len(served.workers())), "all write to the new log")
    assert "changed-over" in logs[1].read_text()

    logs[1].rename(logs[2])
    served.signal(signal.SIGUSR1)
    until(lambda: log_files(served, logs[1]) == [[str(logs[1])]] * (1 + len(served.workers())), "all write to the log anew")
    assert "reopened" in logs[1].read_text()


def test_an_address_that_is_taken_changes_nothing(served, conf):
    other = Server("echo", "--workers", "1")
    with other:
        conf.write(listen=f"127.0.0.1:{other.port}")
        after = len(served.log)
        served.signal(signal.SIGHUP)
        assert str(other.port) in served.wait_log("reload-refused", after)
        assert served.ask("GET", "/a").status == 200


def test_a_new_generation_that_cannot_start_is_given_up(served, conf, folder, tmp_path):
    users = tmp_path / "users"
    users.write_text("someone:$2y$05$abcdefghijklmnopqrstuuIXIsmyKKXGkPRkxCvXgVCbCEtaNjXb2\n")
    conf.write(users=users)
    reload(served)
    users.write_text("no user at all\n")
    after = len(served.log)

    served.signal(signal.SIGHUP)

    served.wait_log("change-given-up|reload-refused", after)
    assert served.ask("GET", "/a").status == 401


@pytest.mark.parametrize("to", ALL_MODELS)
def test_the_model_can_change_under_load(served, conf, model, to):
    if to == model:
        pytest.skip("that is no change")
    with ledger.Load(served, "-c", "8", "-t", "2s", "-T", "10s", "-p", "/a", "-E", "1024") as load:
        select.select([], [], [], 0.2)
        for each in (to, model, to):
            conf.write(model=each)
            reload(served)
        account = load.result()
    print(account)
    assert account["right"] > 10 and lost(account) == 0 and account["refused"] == 0


def test_the_number_of_workers_can_change_under_load(served, conf):
    with ledger.Load(served, "-c", "8", "-t", "2s", "-T", "10s", "-p", "/a", "-E", "1024", "-1") as load:
        for workers in ("8", "1..2", "6..8", "1"):
            select.select([], [], [], 0.2)
            conf.write(workers=workers)
            reload(served)
        account = load.result()
    print(account)
    assert account["right"] > 10 and lost(account) == 0 and account["refused"] == 0


def test_a_service_can_be_added_and_removed(served, conf, tmp_path):
    path = tmp_path / "echo.socket"
    conf.more = f"\n[service more]\nlisten = unix:{path}\nrun = echo\nworkers = 1\n"
    conf.write()
    reload(served)
    with Wire(str(path)) as wire:
        wire.send(b"x")
        assert wire.socket.recv(100).endswith(b": X\n")

    conf.more = ""
    conf.write()
    reload(served)

    until(lambda: not path.exists(), "its socket has gone")
    assert served.ask("GET", "/a").status == 200


def test_an_address_can_move_from_one_service_to_another(served, conf, tmp_path):
    path = tmp_path / "moving.socket"
    conf.more = f"\n[service one]\nlisten = unix:{path}\nrun = echo\nworkers = 1\n"
    conf.write()
    reload(served)
    conf.more = conf.more.replace("service one", "service two")
    conf.write()
    reload(served)
    with Wire(str(path)) as wire:
        wire.send(b"x")
        assert wire.socket.recv(100).endswith(b": X\n")


def test_a_request_under_way_is_finished_by_the_old_generation(served, folder):
    big = os.urandom(1 << 20) * 32
    (folder / "big").write_bytes(big)
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200
    reload(served, times=2)
    assert wire._exactly(len(big)) == big


def test_a_connection_that_has_said_nothing_yet_is_answered_after_a_reload(served):
    wires = [served.connect() for _ in range(3)]
    for wire in wires[:2]:
        wire.send(b"GET /a HTTP/1.1\r\nHo")
    reload(served)
    for wire, rest in zip(wires, (b"st: localhost\r\n\r\n",) * 2 + (b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n",)):
        wire.send(rest)
        assert wire.read().body == b"a" * 1024


@pytest.mark.parametrize("to", ["fork", "pool", "ring"])
def test_who_waits_in_the_queue_is_served_by_the_next_generation(start, conf, model, to, tmp_path):
    if model not in ("fork", "pool", "ring"):
        pytest.skip("nobody waits in the supervisor")
    ctl = Ctl(tmp_path / "control")
    conf.more = f"[preforkd]\ncontrol = {ctl.path}\n"
    conf.write(workers="1", connections="1", head_timeout="30s")
    served = start("-c", conf.path, listen=None)
    busy, waiting = served.fill(3)
    until(lambda: ctl.service()["queued"] == 3, "they wait")
    conf.write(workers="2", model=to)
    reload(served)

    for wire in waiting:
        assert wire.read().status == 200
    busy.send(b"st: localhost\r\n\r\n")
    assert busy.read().status == 200


def test_idle_connections_go_over_to_the_next_generation(start, conf, model):
    if model != "pool":
        pytest.skip("only the pool's supervisor holds idle connections")
    conf.write(linger="10ms")
    served = start("-c", conf.path, listen=None)
    with ledger.Load(served, "--hold", "-c", "200", "-t", "60s", "-T", "10s", "-p", "/a", "-E", "1024") as idle:
        assert idle.held() == 200
        reload(served, times=3)
        account = idle.result()
    assert account["right"] == 400 and account["held_lost"] == 0


def test_old_generations_do_not_pile_up(served, folder):
    (folder / "big").write_bytes(b"x" * (64 << 20))
    wires = []
    for _ in range(11):
        wires.append(served.connect())
        wires[-1].send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wires[-1].read_head().status == 200
        reload(served)
    served.wait_log("generation-killed")
    assert len(wires[-1]._exactly(64 << 20)) == 64 << 20


def test_a_command_line_server_reads_its_files_again(start, folder, model, tmp_path):
    (folder / "a").write_text("a")
    users = tmp_path / "users"
    users.write_text("u:$2y$05$abcdefghijklmnopqrstuuIXIsmyKKXGkPRkxCvXgVCbCEtaNjXb2\n")
    served = start("drive", "--model", model, "--workers", "2", "--users", users, folder)
    before = served.workers()
    assert served.ask("GET", "/a").status == 401
    reload(served)
    until(lambda: not set(before) & set(served.workers()), "the workers are others")
    assert served.ask("GET", "/a").status == 401


def test_term_during_a_reload_ends_all(served):
    for _ in range(5):
        served.signal(signal.SIGHUP)
    served.signal(signal.SIGTERM)
    assert served.wait() == 0
    assert not children(served.pid)
