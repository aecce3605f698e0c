# SPDX-License-Identifier: MIT
"""How a server ends, and who must not notice."""
import os
import select
import signal
import time

import pytest

from harness import ledger
from harness.wait import for_exit, until
from harness.wire import Closed, head

BIG = 64 << 20


@pytest.fixture
def big(folder):
    (folder / "big").write_bytes(os.urandom(1 << 20) * (BIG >> 20))
    return folder


def begun(served):
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200
    return wire


@pytest.mark.core
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_download_under_way_is_finished_before_the_end(served, big, how):
    wire = begun(served)

    served.signal(how)

    served.wait_log("draining")
    assert wire._exactly(BIG) == (big / "big").read_bytes()
    assert served.wait() == 0


@pytest.mark.core
def test_an_upload_under_way_is_finished_before_the_end(served, folder):
    wire = served.connect()
    wire.send(head("PUT", "/a", {"Content-Length": "1000"}) + b"x" * 500)
    served.holder(wire)

    served.signal(signal.SIGTERM)

    wire.send(b"y" * 500)
    assert wire.read().status == 201
    assert served.wait() == 0
    assert (folder / "a").read_bytes() == b"x" * 500 + b"y" * 500


def test_a_new_connection_is_refused_while_the_old_one_drains(served, big):
    wire = begun(served)
    served.signal(signal.SIGTERM)

    def refused():
        try:
            served.connect().close()
        except ConnectionRefusedError:
            return True
        return False
    until(refused, "nobody listens any more")
    assert len(wire._exactly(BIG)) == BIG
    assert served.wait() == 0


@pytest.mark.core
def test_idle_connections_do_not_delay_the_end(served, big):
    wires = [served.connect() for _ in range(20)]
    for wire in wires:
        wire.ask("HEAD", "/big")
    began = time.monotonic()
    served.signal(signal.SIGTERM)
    assert served.wait() == 0
    assert time.monotonic() - began < 5
    assert all(wire.ended() for wire in wires)


@pytest.mark.core
def test_a_drain_has_a_deadline(drive, big):
    served = drive("--drain-timeout", "500ms")
    wire = begun(served)
    began = time.monotonic()
    served.signal(signal.SIGTERM)
    served.wait()
    assert 0.3 < time.monotonic() - began < 10
    with pytest.raises(Closed):
        wire._exactly(BIG)


def test_quit_is_now(served, big):
    begun(served)
    began = time.monotonic()
    served.signal(signal.SIGQUIT)
    served.wait()
    assert time.monotonic() - began < 3


def test_a_second_term_is_now(served, big):
    begun(served)
    began = time.monotonic()
    served.signal(signal.SIGTERM)
    served.wait_log("draining")
    served.signal(signal.SIGTERM)
    served.wait()
    assert time.monotonic() - began < 5


@pytest.mark.core
def test_workers_do_not_outlive_a_killed_supervisor(served, big):
    workers = served.workers()
    fds = [os.pidfd_open(pid) for pid in workers]
    served.signal(signal.SIGKILL)
    served.wait()
    try:
        for fd in fds:
            assert select.select([fd], [], [], 10)[0], "a worker lives on without its supervisor"
    finally:
        for fd in fds:
            os.close(fd)


def test_signals_to_the_whole_group_are_as_one_to_the_supervisor(served, big):
    """What Ctrl-C in a terminal does."""
    wire = begun(served)
    os.killpg(served.pid, signal.SIGINT)
    assert len(wire._exactly(BIG)) == BIG
    assert served.wait() == 0


def test_hup_usr2_and_pipe_do_no_harm(served, big):
    for how in (signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD):
        served.signal(how)
        assert served.ask("HEAD", "/big").status == 200


def test_requests_in_the_moment_of_the_end_are_answered_or_never_begun(drive, folder):
    (folder / "a").write_bytes(b"a" * 1024)
    served = drive()
    with ledger.Load(served, "-1", "-c", "8", "-t", "600ms", "-T", "5s", "-p", "/a", "-E", "1024") as load:
        until(lambda: served.holders is not None and load.process.poll() is None, "load is on")
        select.select([], [], [], 0.2)
        served.signal(signal.SIGTERM)
        assert served.wait() == 0
        account = load.result()
    assert account["broken_after"]["all"] == 0
    assert set(account["broken_before"]) <= {"all", "connect", "reset", "closed"}


def test_a_stopped_and_continued_server_goes_on(served, big):
    os.kill(served.pid, signal.SIGSTOP)
    wire = served.connect()
    wire.send(b"HEAD /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    os.kill(served.pid, signal.SIGCONT)
    assert wire.read("HEAD").status == 200


@pytest.mark.core
def test_workers_do_not_outlive_a_killed_supervisor_for_long(drive, big):
    served = drive("--drain-timeout", "200ms")
    wire = begun(served)
    workers = served.workers()
    served.expect_status = None
    os.kill(served.pid, signal.SIGKILL)
    for pid in workers:
        for_exit(pid)
    wire.close()
