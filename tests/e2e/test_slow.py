# SPDX-License-Identifier: MIT
"""Slow clients: each has a deadline, and nobody else waits for them."""
import socket
import time

import pytest

from harness.wait import until
from harness.wire import Closed, head


def timed_end(wire):
    """How long until the server ended it, and the status it gave if any."""
    began = time.monotonic()
    try:
        status = wire.read().status
        wire.rest()
    except Closed:
        status = 0
    return time.monotonic() - began, status


@pytest.mark.core
def test_a_head_has_a_deadline_that_a_byte_now_and_then_does_not_move(drive, folder):
    served = drive("--head-timeout", "500ms")
    wire = served.connect()
    began, status = time.monotonic(), None
    for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1000:
        wire.send_willing(bytes([byte]))
        if not wire.silent(0.05):
            _, status = timed_end(wire)
            break
    assert status in (0, 408)
    assert 0.4 < time.monotonic() - began < 5


def test_a_connection_that_says_nothing_is_closed_without_a_word(drive):
    served = drive("--head-timeout", "500ms", "--idle-timeout", "500ms")
    took, status = timed_end(served.connect())
    assert status in (0, 408) and 0.3 < took < 5


@pytest.mark.core
def test_an_idle_connection_has_a_deadline(drive, folder):
    (folder / "a").write_text("a")
    served = drive("--idle-timeout", "600ms", "--linger", "100ms")
    wire = served.connect()
    assert wire.ask("GET", "/a").status == 200
    took, status = timed_end(wire)
    assert status == 0 and 0.4 < took < 5


@pytest.mark.core
def test_a_body_that_stops_coming_has_a_deadline(drive, folder):
    (folder / "a").write_text("old")
    served = drive("--body-timeout", "500ms")
    wire = served.connect()
    wire.send(head("PUT", "/a", {"Content-Length": "1000"}) + b"x" * 500)
    took, status = timed_end(wire)
    assert status in (0, 408) and 0.4 < took < 5
    assert (folder / "a").read_text() == "old"


def test_a_slow_body_that_keeps_coming_is_waited_for(drive, folder):
    served = drive("--body-timeout", "400ms")
    wire = served.connect()
    wire.send(head("PUT", "/a", {"Content-Length": "10"}))
    for _ in range(10):
        assert wire.silent(0.1)
        wire.send(b"x")
    assert wire.read().status == 201


@pytest.mark.core
def test_a_client_that_stops_reading_has_a_deadline(drive, folder):
    (folder / "big").write_bytes(b"x" * (64 << 20))
    served = drive("--write-timeout", "2s")
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until(lambda: served.holders(wire), "a worker answers")
    until(lambda: not served.holders(wire), "the worker is rid of it", 10)


@pytest.mark.core
def test_slow_clients_hold_nobody_up(drive, folder, model):
    (folder / "a").write_text("a")
    # Where a worker, or a process, is a connection's for its whole life there must be enough of them.
    enough = ["--workers", "2..256"] if model == "fork" else ["--connections", "256"]
    served = drive(*enough)
    slow = [served.connect() for _ in range(200)]
    for i, wire in enumerate(slow):
        wire.send((b"GET /a HTTP/1.1\r\n", head("PUT", f"/{i}", {"Content-Length": "9"}) + b"x")[i % 2])

    began = time.monotonic()
    for _ in range(20):
        assert served.ask("GET", "/a").status == 200
    assert time.monotonic() - began < 5


def test_a_client_that_half_closes_is_still_answered(drive, folder):
    (folder / "a").write_text("a")
    wire = drive().connect()
    wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.read().body == b"a"
    assert wire.ended()
