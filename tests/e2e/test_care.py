# SPDX-License-Identifier: MIT
"""Workers that are old, large or stuck are replaced, and nobody is lost by it."""
import os
import signal
import subprocess

import pytest

from harness import ledger
from harness.wait import for_exit, until

pytestmark = pytest.mark.core  # the life of a server is each model's own

ACCEPTING = ["pool", "reuseport", "ring", "shared"]
GET_A = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def model(model):
    if model not in ACCEPTING:
        pytest.skip("its processes end with their connections")
    return model


@pytest.fixture
def care(start, folder):
    (folder / "a").write_bytes(b"a" * 1024)

    def begin(model, *options):
        return start("drive", "--model", model, "--workers", "3", *options, folder)
    return begin


@pytest.mark.parametrize("limit", [("--recycle-requests", "200"), ("--recycle-age", "300ms"), ("--recycle-memory", "64K")],
                         ids=["requests", "age", "memory"])
@pytest.mark.parametrize("kept", [[], ["-1"]], ids=["kept-alive", "one-each"])
def test_recycled_workers_lose_nothing_and_leave_no_gap(care, model, limit, kept):
    served = care(model, *limit)
    before, fewest = set(served.workers()), 99
    with ledger.Load(served, "-c", "8", "-t", "1500ms", "-T", "10s", "-p", "/a", "-E", "1024", *kept) as load:
        while load.process.poll() is None:
            fewest = min(fewest, len(served.workers()))
            try:
                load.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        account = load.result()
    print(account)
    assert account["right"] > 20
    assert account["broken_before"]["all"] + account["broken_after"]["all"] + account["wrong"]["all"] == 0
    assert len(before - set(served.workers())) >= 1, "some have been replaced"
    assert fewest >= 3


def test_a_stuck_worker_is_shown_ended_and_replaced(care, model):
    served = care(model, "--stuck-timeout", "500ms", "--connections", "1")
    wire = served.connect()
    wire.send(b"GET /a?stuck HTTP/1.1\r\nHo")
    worker = served.holder(wire)
    os.kill(worker, signal.SIGSTOP)

    line = served.wait_log("worker-stuck")

    assert f"pid={worker}" in line and "state=T" in line and "/a?stuck" in line, line
    for_exit(worker)
    if model == "pool":
        wire.send(b"st: localhost\r\n\r\n")
        assert wire.read().status == 200
    until(lambda: len(served.workers()) == 3, "there are three workers again")
    assert served.ask("GET", "/a").status == 200


def test_a_worker_that_the_kernel_has_asleep_is_given_longer(start, model):
    """Its state is that of who waits for the disk, because a program it starts is held up before its exec."""
    late = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setpgid", "-e", "inject=setpgid:delay_enter=2500000")
    served = start("exec", "--model", model, "--workers", "1..1", "--stuck-timeout", "500ms", "--command", "/bin/cat", wrap=late,
                   env={"ASAN_OPTIONS": "detect_leaks=0"})  # which cannot be under strace
    wire = served.connect()
    wire.send(b"still here")

    line = served.wait_log("worker-(stuck|waits)")

    assert "worker-waits" in line and "for_ms=" in line
    assert wire._exactly(10) == b"still here"
    assert sum("worker-waits" in line for line in served.log) == 1 and "worker-died" not in served.text()


def test_a_worker_that_waits_for_its_client_is_not_stuck(care, model, folder):
    (folder / "big").write_bytes(b"x" * (32 << 20))
    served = care(model, "--stuck-timeout", "200ms", "--head-timeout", "30s")
    slow, half = served.connect(), served.connect()
    slow.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert slow.read_head().status == 200
    half.send(GET_A[:20])
    served.holder(half)
    try:
        line = served.wait_log("worker-stuck", seconds=1.5)
    except AssertionError:
        line = None
    assert line is None, line
    half.send(GET_A[20:])
    assert half.read().status == 200
    assert len(slow._exactly(32 << 20)) == 32 << 20


def test_a_stopped_zygote_is_shown_and_replaced_and_who_waits_for_it_is_served(care):
    served = care("fork", "--stuck-timeout", "500ms")
    zygote, = served.workers()
    os.kill(zygote, signal.SIGSTOP)
    wires = [served.connect() for _ in range(2)]
    for wire in wires:
        wire.send(GET_A)

    line = served.wait_log("worker-stuck")

    assert f"pid={zygote}" in line and "worker=0" in line and "state=T" in line, line
    for_exit(zygote)
    for wire in wires:
        assert wire.read().body == b"a" * 1024
