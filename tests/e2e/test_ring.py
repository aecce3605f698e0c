# SPDX-License-Identifier: MIT
"""The ring's promises: whoever dies or stops, the others go on accepting, and who waits is told."""
import contextlib
import itertools
import os
import resource
import signal

import pytest

from harness import ledger
from harness.server import descriptors
from harness.wait import for_exit, until

GET_A = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def ring(start, folder):
    (folder / "a").write_bytes(b"a" * 1024)

    def begin(*options):
        return start("drive", "--model", "ring", *options, folder)
    return begin


@contextlib.contextmanager
def stopped(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def busy(served):
    """A connection in the middle of a request, and the worker that has it."""
    wire = served.connect()
    wire.send(GET_A[:20])
    return wire, served.holder(wire)


@pytest.mark.core
@pytest.mark.parametrize("placement", ["fill", "balance"])
def test_whoever_dies_the_others_go_on(ring, placement):
    served = ring("--workers", "4", "--placement", placement)
    wires = dict(reversed(busy(served)) for _ in range(8))
    before = served.workers()
    for worker in before:
        kept = [wire for pid, wire in wires.items() if pid != worker]
        served.kill_worker(worker)
        wires.pop(worker, None)
        assert served.ask("GET", "/a").status == 200
        assert all(served.holders(wire) for wire in kept), "it touches nobody else"
    until(lambda: len(served.workers()) == 4 and not set(before) & set(served.workers()), "there are four others")
    for worker in served.workers()[:2]:  # two neighbours at once
        os.kill(worker, signal.SIGKILL)
    assert served.ask("GET", "/a").status == 200
    until(lambda: len(served.workers()) == 4, "there are four again")


@pytest.mark.core
@pytest.mark.parametrize("placement", ["fill", "balance"])
def test_whoever_stops_the_others_go_on_and_it_comes_back(ring, placement):
    served = ring("--workers", "3", "--placement", placement)
    wire, holder = busy(served)
    with stopped(holder, *[w for w in served.workers() if w != holder][:1]):
        for _ in range(4):
            assert served.ask("GET", "/a").status == 200
        served.wait_log("member-silent")
    served.wait_log("member-back")

    wire.send(GET_A[20:])
    assert wire.read().status == 200
    for _ in range(10):
        assert served.ask("GET", "/a").status == 200


@pytest.mark.core
def test_a_member_that_stays_silent_is_replaced(start):
    """Of echo, whose workers never have anything of their own to do: so the token stays where it was."""
    served = start("echo", "--model", "ring", "--workers", "2", "--connections", "8", "--stuck-timeout", "500ms")

    def ask():
        with served.connect() as wire:
            wire.send(b"x")
            return wire.socket.recv(100).endswith(b": X\n")
    with served.connect() as wire:
        first = served.holder(wire)
    with stopped(first):
        assert ask()
        assert f"pid={first}" in served.wait_log("worker-stuck")
        for_exit(first)
    until(lambda: len(served.workers()) == 2, "there are two again")
    assert ask()


@pytest.mark.core
def test_who_waits_when_all_are_full_is_served_when_there_is_room_or_refused(ring):
    served = ring("--workers", "2", "--connections", "1", "--queue", "3", "--queue-timeout", "30s", "--head-timeout", "30s")
    held = [busy(served) for _ in range(2)]
    assert held[0][1] != held[1][1]
    waiting = [served.connect() for _ in range(6)]
    for wire in waiting:
        wire.send_willing(GET_A.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert [wire.read().status for wire in waiting[3:]] == [503] * 3
    for wire, _ in held:
        wire.send(GET_A[20:])
        assert wire.read().status == 200
    assert [wire.read().status for wire in waiting[:3]] == [200] * 3


@pytest.mark.core
@pytest.mark.parametrize("limit", ["600ms", "15s"], ids=["and-is-refused", "and-is-served-when-it-has"])
def test_who_is_given_to_a_worker_without_a_descriptor_for_it_waits_on(ring, limit):
    served = ring("--workers", "1", "--connections", "1", "--queue-timeout", limit, "--head-timeout", "15s")
    wire = served.connect()
    wire.send(b"OPTIONS /a HTTP/1.1\r\n")
    worker = served.holder(wire)
    waiting = served.connect()
    waiting.send(GET_A)
    until(lambda: served.number_in(served.pid, waiting), "it waits at the supervisor")
    before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    taken = descriptors(worker).keys() - {served.number_in(worker, wire)}  # which is about to be closed
    first_free = next(n for n in itertools.count() if n not in taken)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (first_free, before[1]))
    wire.send(b"Host: localhost\r\n\r\n")
    assert wire.read().status == 200
    served.wait_log(" no-descriptors: ")
    if limit == "600ms":
        assert waiting.read().status == 503
    resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
    if limit != "600ms":
        assert waiting.read().status == 200
    until(lambda: served.ask("GET", "/a").status == 200, "it answers again")
    assert served.workers() == [worker] and sum(" no-descriptors: " in line for line in served.log) == 1


@pytest.mark.core
@pytest.mark.parametrize("placement", ["fill", "balance"])
def test_at_saturation_a_room_that_is_gone_again_costs_nobody_his_connection(ring, folder, placement):
    """Kept-alive clients take their seats back while somebody else is on the way to them."""
    (folder / "big").write_bytes(b"x" * 8_000_000)  # so that a request takes a while
    served = ring("--workers", "2", "--connections", "2", "--queue-timeout", "30s", "--placement", placement)
    account = ledger.run(served, "-c", "12", "-t", "800ms", "-T", "20s", "-p", "/big", "-E", "8000000")
    print(account)
    assert account["right"] > 20
    assert account["broken_before"]["all"] == account["broken_reused"], "closed though it waited for its first answer"
    assert account["broken_after"]["all"] == account["wrong"]["all"] == 0
    assert "member-silent" not in served.text(), "everybody answers"


@pytest.mark.core
@pytest.mark.parametrize("placement", ["fill", "balance"])
def test_no_idle_connection_gives_way_while_somebody_has_a_seat(ring, placement):
    served = ring("--workers", "4", "--connections", "25", "--idle-timeout", "300s", "--placement", placement)
    with ledger.Load(served, "--hold", "-c", "100", "-t", "120s", "-T", "30s", "-p", "/a", "-E", "1024") as idle:
        assert idle.held() == 100
        account = idle.result()
    assert account["right"] == 200 and account["held_lost"] == 0
