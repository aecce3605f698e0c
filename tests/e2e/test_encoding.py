# SPDX-License-Identifier: MIT
"""Listings made smaller for who asks: Accept-Encoding."""
import gzip
import subprocess

import pytest

ENOUGH = 300
LISTINGS = {"page": ("GET", {"Accept": "text/html"}), "multistatus": ("PROPFIND", {"Depth": "1"}),
            "tree": ("PROPFIND", {"Depth": "infinity"})}


def unzstd(data):
    return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout


DECODE = {None: bytes, "gzip": gzip.decompress, "zstd": unzstd}


@pytest.fixture
def many(folder):
    made = folder / "many"
    made.mkdir()
    for i in range(ENOUGH):
        (made / f"file number {i}").write_bytes(b"x" * i)
    return made


def ask(server, how, accept, target="/many/", method=None):
    usual, fields = LISTINGS[how]
    return server.ask(method or usual, target, fields | ({} if accept is None else {"Accept-Encoding": accept}))


@pytest.mark.core
@pytest.mark.parametrize("how", LISTINGS)
def test_a_listing_is_the_same_in_every_encoding_and_smaller(served, many, how):
    plain = ask(served, how, None)
    assert plain["content-encoding"] is None and len(plain.body) > 50_000
    for encoding, decode in DECODE.items():
        answer = ask(served, how, encoding)
        assert (answer.status, answer["content-encoding"], answer["vary"]) == (plain.status, encoding, "Accept-Encoding")
        assert decode(answer.body) == plain.body
        if encoding:
            assert len(answer.body) < len(plain.body) / 10


@pytest.mark.parametrize("accept,encoding", [
    ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate", "gzip"), ("br", None), ("identity", None), ("", None), ("gzip;q=0", None),
    ("zstd;q=0.5, gzip;q=0.8", "gzip"), ("GZIP;Q=0.001", "gzip"), ("gzip;q=0.5, identity", None), ("zstd;q=0, *", "gzip"), ("*;q=0", None),
    ("gzip;q=x", None)])
def test_the_client_chooses(served, many, accept, encoding):
    assert ask(served, "page", accept)["content-encoding"] == encoding


def test_what_is_small_is_sent_as_it_is(served, folder, many):
    (folder / "few").mkdir()
    for name in "abc":
        (folder / "few" / name).write_bytes(b"x")
    for how in LISTINGS:
        answer = ask(served, how, "gzip", "/few/")
        assert (answer["content-encoding"], answer["vary"]) == (None, "Accept-Encoding")
    (folder / "few" / "d").write_bytes(b"x")
    for how in LISTINGS:
        assert ask(served, how, "gzip", "/few/")["content-encoding"] == "gzip"
    assert served.ask("PROPFIND", "/many/", {"Depth": "0", "Accept-Encoding": "gzip"})["content-encoding"] is None


def test_a_file_is_sent_as_it_is(served, folder):
    (folder / "a.txt").write_bytes(b"a" * 100_000)
    answer = served.ask("GET", "/a.txt", {"Accept-Encoding": "gzip"})
    assert (answer["content-encoding"], answer["vary"], answer.body) == (None, None, b"a" * 100_000)


def test_head_says_what_get_would(served, many):
    for accept in None, "gzip", "zstd":
        got, head = ask(served, "page", accept), ask(served, "page", accept, method="HEAD")
        assert head.body == b""
        assert {n: v for n, v in head.fields if n != "date"} == {n: v for n, v in got.fields if n != "date"}


def test_one_connection_has_one_after_another(served, many):
    plain = ask(served, "multistatus", None).body
    with served.connect() as wire:
        for encoding in ("gzip", None, "zstd", "gzip", "zstd"):
            fields = {"Depth": "1"} | ({"Accept-Encoding": encoding} if encoding else {})
            assert DECODE[encoding](wire.ask("PROPFIND", "/many/", fields).body) == plain


def test_who_leaves_in_the_middle_leaves_nothing(served, many):
    for encoding in "gzip", "zstd":
        with served.connect() as wire:
            wire.send(f"GET /many/ HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
    assert ask(served, "page", "gzip").status == 200


def test_curl_understands_it(served, many):
    plain = ask(served, "multistatus", None).body
    for encoding in "gzip", "zstd":
        got = subprocess.run(["curl", "-sSf", "--compressed", "-H", f"Accept-Encoding: {encoding}", "-X", "PROPFIND", "-H", "Depth: 1",
                              f"{served.url}/many/"], stdout=subprocess.PIPE, check=True).stdout
        assert got == plain


def test_a_client_of_http_1_0_gets_it_to_the_end_of_the_connection(served, many):
    with served.connect() as wire:
        wire.send(b"GET /many/ HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
        head, _, body = wire.rest().partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head and b"Transfer-Encoding" not in head
    assert gzip.decompress(body) == ask(served, "page", None).body


def peak_kib(server):
    """The most memory that any worker ever had."""
    def of(pid):
        with open(f"/proc/{pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    return max(map(of, server.workers()))


def grew_by_less(server, before, kib):
    """What ASan adds is its own."""
    return peak_kib(server) - before < kib or "asan" in server.args[0]


@pytest.mark.slow
def test_a_hundred_thousand_entries_need_no_more_memory_than_a_few_hundred(drive, folder, many):
    large = folder / "large"
    large.mkdir()
    for i in range(100_000):
        (large / f"file number {i}").touch()
    server = drive("--workers", "1")
    asked = [(how, encoding) for how in ("multistatus", "tree") for encoding in DECODE]
    for how, encoding in asked:
        ask(server, how, encoding)
    before = peak_kib(server)
    for how, encoding in asked:
        answer = ask(server, how, encoding, "/large/")
        assert DECODE[encoding](answer.body).count(b"<D:href>") == 100_001
    assert grew_by_less(server, before, 6 * 1024)  # most of it what is remembered of files, up to a limit (fs/recall.h)
    pages = {encoding: ask(server, "page", encoding, "/large/").body for encoding in DECODE}
    assert len({decode(pages[encoding]) for encoding, decode in DECODE.items()}) == 1
    assert grew_by_less(server, before, 16 * 1024)  # the page gathers, to sort, up to a limit
