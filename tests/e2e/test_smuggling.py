# SPDX-License-Identifier: MIT
"""Garbage and deceit: what RFC 9112 leaves no choice about, and everything a stranger can grow."""
import os
import random

import pytest

from harness.wire import Closed, head

OK = b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def small(folder):
    (folder / "small").write_bytes(b"small")
    return folder


def first_answer(server, data):
    """The status of the first answer to @data, 0 if there was none; and whether the connection then ended."""
    wire = server.connect()
    wire.send_willing(data)
    try:
        status = wire.read().status
    except Closed:
        return 0, True
    try:
        wire.rest()
    except Closed:
        pass
    return status, True


BAD = {
    "two lengths": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two equal lengths": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
    "length and chunked": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked twice": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two transfer encodings": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked with a tab": b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"PUT /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a signed length": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    "a negative length": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello",
    "a hexadecimal length": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
    "a length with space in it": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello",
    "an empty length": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello",
    "space before the colon": b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
    "a bare LF in the head": b"GET /small HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF throughout": b"GET /small HTTP/1.1\nHost: a\n\n",
    "a bare CR in the head": b"GET /small HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    "obs-fold": b"GET /small HTTP/1.1\r\nHost: a\r\nX: one\r\n two\r\n\r\n",
    "a fold first": b"GET /small HTTP/1.1\r\n Host: a\r\n\r\n",
    "NUL in a field": b"GET /small HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a field without a colon": b"GET /small HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n",
    "a field without a name": b"GET /small HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "no host": b"GET /small HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /small HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "space in the host": b"GET /small HTTP/1.1\r\nHost: local host\r\n\r\n",
    "two spaces": b"GET  /small HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "space in the target": b"GET /sm all HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /small\r\n\r\n",
    "version 2.0": b"GET /small HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "lower case version": b"GET /small http/1.1\r\nHost: localhost\r\n\r\n",
    "no method": b" /small HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\r\n\r\n",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a control in the target": b"GET /sm\x01all HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.core
@pytest.mark.parametrize("what", BAD)
def test_what_is_not_clear_is_refused_and_the_connection_ended(served, small, what):
    status, ended = first_answer(served, BAD[what] + OK)

    assert status in (0, 400, 411, 414, 431, 501, 505), f"answered {status}"
    assert ended, "what follows a head that is not clear is not to be read"
    assert not (small / "x").exists()


BAD_CHUNKS = {
    "a bare LF": b"5\nhello\r\n0\r\n\r\n", "too short": b"5\r\nhell\r\n0\r\n\r\n", "too long": b"5\r\nhelloo\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n", "a sign": b"+5\r\nhello\r\n0\r\n\r\n", "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "space": b"5 \r\nhello\r\n0\r\n\r\n", "a size past 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "an endless size": b"0" * 100_000 + b"5\r\nhello\r\n0\r\n\r\n", "an endless extension": b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n", "endless trailers": b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
    "a broken trailer": b"5\r\nhello\r\n0\r\nnothing\r\n\r\n",
}


@pytest.mark.core
@pytest.mark.parametrize("what", BAD_CHUNKS)
def test_chunks_that_are_not_clear_are_refused(served, small, what):
    if what == "space":
        pytest.skip("RFC 9112 calls white space here bad, and allows to read past it")
    data = b"PUT /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + BAD_CHUNKS[what]
    status, _ = first_answer(served, data + OK)

    assert status in (0, 400, 413, 431)
    assert not (small / "x").exists()
    assert served.ask("GET", "/small").body == b"small"


@pytest.mark.core
def test_requests_sent_together_are_answered_in_their_order(served, small):
    wire = served.connect()
    wire.send(b"".join(head("PUT", f"/f{i}", {"Content-Length": "3"}) + b"%03d" % i + head("GET", f"/f{i}")
                       + head("HEAD", "/none") for i in range(100)))
    for i in range(100):
        assert wire.read("PUT").status == 201
        assert wire.read("GET").body == b"%03d" % i
        assert wire.read("HEAD").status == 404


def test_a_thousand_requests_in_one_piece(served, small):
    wire = served.connect()
    wire.send(OK * 1000)
    for _ in range(1000):
        assert wire.read().body == b"small"


def test_an_empty_line_before_a_request_is_read_past(served, small):
    wire = served.connect()
    wire.send(b"\r\n" + OK)
    assert wire.read().body == b"small"


def test_a_request_a_byte_at_a_time(served, small):
    wire = served.connect()
    for byte in OK:
        wire.send(bytes([byte]))
    assert wire.read().body == b"small"


def test_http_1_0_is_answered_and_closed(served, small):
    wire = served.connect()
    wire.send(b"GET /small HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert wire.rest().endswith(b"\r\n\r\nsmall")


def test_connection_close_is_done(served, small):
    wire = served.connect()
    answer = wire.ask("GET", "/small", {"Connection": "close"})
    assert answer.body == b"small" and answer["connection"] == "close"
    assert wire.ended()


# Everything a stranger can grow

@pytest.mark.core
@pytest.mark.parametrize("fields", [b"X: y\r\n" * 100_000, b"X: " + b"y" * 10_000_000 + b"\r\n", b"y" * 10_000_000,
                                    b"".join(b"X%d: y\r\n" % i for i in range(100_000))],
                         ids=["many", "long", "endless name", "many names"])
def test_a_head_that_grows_is_refused_and_life_goes_on(served, small, fields):
    status, _ = first_answer(served, b"GET /small HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")
    assert status in (0, 400, 431)
    assert served.ask("GET", "/small").body == b"small"


def test_a_request_line_that_grows_is_refused(served, small):
    status, _ = first_answer(served, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status in (0, 414, 431)
    status, _ = first_answer(served, b"A" * 1_000_000)
    assert status in (0, 400, 414, 431, 501)


def test_a_head_of_the_usual_great_size_is_read(served, small):
    assert served.ask("GET", "/small", {"Cookie": "c" * 7000}).body == b"small"


@pytest.mark.core
def test_random_bytes_bring_nothing_down(served, small):
    chance = random.Random(2)
    workers = set(served.workers())
    for _ in range(200):
        wire = served.connect()
        data = bytearray(OK if chance.random() < 0.7 else chance.randbytes(chance.randrange(1, 400)))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        wire.send_willing(bytes(data))
        wire.close()
    assert served.ask("GET", "/small").body == b"small"
    assert workers <= set(served.workers()), "a worker died of garbage"
    assert not any("worker-died" in line for line in served.log)
    assert os.listdir(small) in (["small"], [".prefork", "small"], ["small", ".prefork"])
