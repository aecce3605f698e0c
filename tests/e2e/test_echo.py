# SPDX-License-Identifier: MIT
"""The smallest service: what it says about the runtime under it."""
import re
import socket

import pytest

from harness.server import Server
from harness.wait import until


def say(wire, text):
    """One read's answer: (pid, text)."""
    wire.send(text)
    line = read_line(wire)
    match = re.fullmatch(rb"PROCESS\[PID (\d+)\]: (.*)\n", line, re.S)
    assert match, line
    return int(match[1]), match[2]


def read_line(wire):
    while not wire.kept.endswith(b"\n"):
        wire._more()
    line, wire.kept = wire.kept, b""
    return line


@pytest.fixture
def echo(start, model):
    return start("echo", "--model", model, "--workers", "5")


@pytest.mark.core
def test_what_is_said_comes_back_in_upper_case_with_the_workers_pid(echo):
    wire = echo.connect()

    pid, text = say(wire, b"hello, W\xc3\xb6rld 42")

    assert text == b"HELLO, W\xc3\xb6RLD 42"
    assert pid in echo.workers()
    assert say(wire, b"again") == (pid, b"AGAIN")


@pytest.mark.core
def test_five_connections_are_answered_by_five_workers(echo, model):
    if model not in ("pool",):
        return  # the others promise no such thing: in fork the five are made then, elsewhere one may take several
    wires = [echo.connect() for _ in range(5)]

    pids = [say(wire, b"x")[0] for wire in wires]

    assert sorted(pids) == sorted(echo.workers())


def test_a_worker_that_is_done_takes_the_next_connection(echo):
    for _ in range(100):
        with echo.connect() as wire:
            assert say(wire, b"x")[1] == b"X"


def test_a_killed_worker_is_replaced(echo, model):
    wire = echo.connect()
    pid = say(wire, b"x")[0]

    echo.kill_worker(pid)

    if model != "fork":  # where each is made for its connection, and none for the one that is lost
        until(lambda: len(echo.workers()) == 5 and pid not in echo.workers(), "there are five workers again")
    assert say(echo.connect(), b"y")[1] == b"Y"


def test_a_connection_between_two_requests_outlives_its_worker_in_the_pool(start):
    echo = start("echo", "--model", "pool", "--workers", "2")
    wire = echo.connect()
    pid = say(wire, b"x")[0]

    echo.kill_worker(pid)

    other, text = say(wire, b"y")
    assert text == b"Y" and other != pid


def test_host_port_and_workers_can_be_said_by_position(start):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    echo = start("echo", "127.0.0.1", port, "3", listen=None)

    assert echo.port == port
    assert len(until(lambda: len(echo.workers()) >= 3 and echo.workers(), "the workers are there")) == 3
    assert say(echo.connect(), b"x")[1] == b"X"


@pytest.mark.parametrize("listen", ["[::1]:0", "localhost:0"])
def test_other_ways_to_say_where_to_listen(start, model, listen):
    echo = start("echo", "--model", model, "--workers", "1", listen=listen)
    assert say(echo.connect(), b"x")[1] == b"X"


def test_a_unix_socket_is_listened_on_and_gone_afterwards(start, model, tmp_path):
    path = tmp_path / "echo.socket"
    with Server("echo", "--model", model, "--workers", "1", listen=f"unix:{path}") as echo:
        assert say(echo.connect(), b"x")[1] == b"X"
    assert not path.exists()


def test_several_listeners_each_have_their_line(start, model):
    echo = start("echo", "--model", model, "--workers", "2", "--listen", "127.0.0.1:0")
    second = echo.next_listener()

    assert int(second[4]) not in (0, echo.port)
    with socket.create_connection(("127.0.0.1", int(second[4]))) as s:
        s.sendall(b"x")
        assert s.recv(100).endswith(b": X\n")


def test_a_port_that_is_taken_is_said_in_one_sentence(start, model):
    first = start("echo", "--model", model, "--workers", "1")
    with pytest.raises(AssertionError, match=rf"ended with status [1-9]\d*:\n.*127\.0\.0\.1:{first.port}.*[Aa]ddress already in use"):
        start("echo", "--model", model, listen=f"127.0.0.1:{first.port}")
