# SPDX-License-Identifier: MIT
"""How many connections one address may have, and how fast they may come: max_per_ip and rate_per_ip."""
import time

import pytest

from harness.server import ALL_MODELS
from harness.wait import for_exit, until
from harness.wire import Closed
from test_control import Ctl
from test_upgrade import Installed

pytestmark = pytest.mark.core  # the life of a server is each model's own

OTHER = "127.0.0.2"  # another address of this machine


@pytest.fixture
def ctl(tmp_path):
    return Ctl(tmp_path / "control")


@pytest.fixture
def limited(start, folder, model, ctl):
    (folder / "a").write_bytes(b"aaa")

    def begin(*options):
        return start("drive", "--model", model, "--workers", "4..16", "--control", ctl.path, *options, folder)
    return begin


def status_of(served, source=None):
    """Of one request on a connection of its own."""
    with served.connect(source=source) as wire:
        return wire.ask("GET", "/a").status


def hold(served, n, source=None):
    """That many connections that have asked once and stay; how many were let in."""
    wires = [served.connect(source=source) for _ in range(n)]
    return [wire for wire in wires if wire.ask("GET", "/a").status == 200]


def fill(served, n):
    """The same until all are in: those before may be leaving yet."""
    held = []
    until(lambda: held.extend(hold(served, n - len(held))) or len(held) == n, f"{n} places are free")
    return held


def test_one_address_has_so_many_connections_at_once(limited, ctl):
    served = limited("--max-per-ip", "3")
    held = hold(served, 3)
    assert len(held) == 3
    with served.connect() as wire:
        refused = wire.ask("GET", "/a")
        assert refused.status == 503 and refused["Retry-After"] == "1"
        assert wire.ended()
    assert status_of(served, OTHER) == 200
    assert [wire.ask("GET", "/a").status for wire in held] == [200, 200, 200]
    assert ctl.service()["refused_per_ip_total"] == 1
    assert "refused=1" in served.wait_log("address-limited: .*address=127.0.0.1")
    held.pop().close()
    until(lambda: status_of(served) == 200, "there is room again")
    assert 'preforkd_address_refusals_total{service="drive"}' in ctl.ok("metrics")


def test_what_dead_workers_held_is_counted_no_more(limited):
    served = limited("--max-per-ip", "3")
    for _ in range(3):
        held = fill(served, 3)
        for pid in {holder for wire in held for holder in served.holders(wire)}:
            served.kill_worker(pid)
        for wire in held:
            wire.close()
    fill(served, 3)
    assert status_of(served) == 503


def test_they_come_no_faster_than_they_may(limited):
    served = limited("--rate-per-ip", "2", "--burst-per-ip", "5")
    began = time.monotonic()
    answers = [status_of(served) for _ in range(30)]
    seconds = time.monotonic() - began
    assert set(answers) <= {200, 503}
    assert 5 <= answers.count(200) <= 5 + 2 * seconds + 1
    assert answers[:5] == [200] * 5
    assert status_of(served, OTHER) == 200
    until(lambda: status_of(served) == 200, "time brings room")


def test_a_reload_forgets_nobody(limited, ctl, model):
    if model not in ("pool", "fork"):
        pytest.skip("who is idle in a worker leaves with it")
    served = limited("--max-per-ip", "3", "--linger", "10ms")
    held = hold(served, 3)
    assert status_of(served) == 503
    before = ctl.service()["refused_per_ip_total"]
    ctl.ok("reload")
    if model == "pool":
        assert status_of(served) == 503
        assert [wire.ask("GET", "/a").status for wire in held] == [200, 200, 200]
        assert status_of(served) == 503
    assert ctl.service()["refused_per_ip_total"] >= before
    for wire in held:
        wire.close()
    fill(served, 3)
    assert status_of(served) == 503


def test_changing_the_model_forgets_nothing_and_keeps_nothing(limited, ctl, model):
    served = limited("--max-per-ip", "3")
    for other in ALL_MODELS:
        if other != model:
            ctl.ok("switch-model", "drive", other)
    for _ in range(2):
        again = fill(served, 3)
        assert status_of(served) == 503
        for wire in again:
            wire.close()


def test_an_upgrade_forgets_nobody_it_leaves_behind(tmp_path, start, folder, monkeypatch, model):
    (folder / "a").write_bytes(b"aaa")
    installed = Installed(tmp_path, start, folder)
    served = installed.start(monkeypatch, "--model", model, "--workers", "4..16", "--max-per-ip", "3", "--head-timeout", "15s")
    held = [served.connect() for _ in range(3)]
    for wire in held:
        wire.send(b"GET /a HTTP/1.1\r\nHo")
        served.holder(wire)
    assert status_of(served) == 503
    installed.upgrade()
    assert status_of(served) == 503 and status_of(served, OTHER) == 200
    assert installed.ctl.service()["refused_per_ip_total"] == 2
    for wire in held:
        wire.send(b"st: localhost\r\nConnection: close\r\n\r\n")
        assert wire.read().status == 200 and wire.ended()
        wire.close()
    for _ in range(2):
        again = fill(served, 3)
        assert status_of(served) == 503
        for wire in again:
            wire.close()
    installed.end()


def test_an_upgrade_counts_who_comes_along(tmp_path, start, folder, monkeypatch):
    (folder / "a").write_bytes(b"aaa")
    installed = Installed(tmp_path, start, folder)
    served = installed.start(monkeypatch, "--max-per-ip", "3", "--linger", "10ms")
    held = hold(served, 3)
    assert len(held) == 3
    until(lambda: installed.ctl.service()["parked"] == 3, "all are parked")
    old, _ = installed.upgrade()
    for_exit(old)
    assert status_of(served) == 503
    held.pop().close()
    until(lambda: status_of(served) == 200, "there is room again")
    installed.end()


def test_a_program_that_may_not_run_is_not_run(start, tmp_path, model):
    served = start("exec", "--model", model, "--workers", "4", "--max-per-ip", "1", "--listen", "127.0.0.1:0", "--", "/bin/cat",
                   listen=None)
    with served.connect() as wire:
        wire.send(b"x")
        assert wire._exactly(1) == b"x"
        with served.connect() as refused:
            with pytest.raises((Closed, ConnectionError)):
                refused._exactly(1)
    def echoes():
        with served.connect() as wire:
            try:
                wire.send(b"y")
                return wire._exactly(1) == b"y"
            except (Closed, OSError):
                return False
    until(echoes, "there is room again")


def test_a_unix_socket_has_no_limit(start, folder, tmp_path):
    (folder / "a").write_bytes(b"aaa")
    served = start("drive", "--max-per-ip", "1", "--rate-per-ip", "1", "--burst-per-ip", "1", folder, listen=f"unix:{tmp_path}/s")
    assert len(hold(served, 5)) == 5


def test_who_waits_in_the_supervisor_counts_once(start, folder, model, ctl):
    if model not in ("fork", "pool", "ring"):
        pytest.skip("nobody waits in the supervisor")
    (folder / "a").write_bytes(b"aaa")
    served = start("drive", "--model", model, "--workers", "1", "--connections", "1", "--max-per-ip", "2", "--control", ctl.path, folder)
    for _ in range(3):
        until(lambda: status_of(served) == 200, "who was there has gone")
        busy = served.connect()
        busy.send(b"GET /a HTTP/1.1\r\nHo")
        served.holder(busy)
        until(lambda: ctl.service()["busy"] == 1, "the one worker is busy")
        waiting = served.connect()
        waiting.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: ctl.service()["queued"] == 1, "it waits")
        assert status_of(served) == 503
        busy.send(b"st: localhost\r\nConnection: close\r\n\r\n")
        assert busy.read().status == 200
        busy.close()
        assert waiting.read().status == 200
        waiting.close()


def test_the_words_of_a_refusal_can_be_chosen(start, model):
    served = start("exec", "--model", model, "--workers", "2", "--max-per-ip", "1", "--refusal", "421 later\\r\\n", "--listen",
                   "127.0.0.1:0", "--", "/bin/cat", listen=None)
    with served.connect() as wire:
        wire.send(b"x")
        assert wire._exactly(1) == b"x"
        with served.connect() as refused:
            refused.send(b"EHLO\r\n")
            assert refused.socket.makefile("rb").read() == b"421 later\r\n"
