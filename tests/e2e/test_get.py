# SPDX-License-Identifier: MIT
"""Reading: GET and HEAD, ranges, conditions, and what must not be read."""
import email.utils
import os
import re
import socket

import pytest

from harness.server import descriptors
from harness.wait import until
from harness.wire import head

TEXT = bytes(range(256)) * 40


@pytest.fixture
def text(folder):
    path = folder / "text.bin"
    path.write_bytes(TEXT)
    return path


@pytest.mark.core
def test_a_file_is_answered_whole_with_its_facts(served, text):
    answer = served.ask("GET", "/text.bin")

    assert (answer.status, answer.body) == (200, TEXT)
    assert re.fullmatch(r'"[^"]+"', answer["etag"])
    assert email.utils.parsedate_to_datetime(answer["last-modified"]).timestamp() == int(text.stat().st_mtime)
    assert answer["accept-ranges"] == "bytes"


@pytest.mark.parametrize("accept", ["*/*", "text/html,*/*;q=0.8"])
@pytest.mark.parametrize("target", ["/text.bin", "/", "/sub", "/none", "/~/health", "/~/trash/", "/%2f"])
def test_a_head_is_the_get_without_its_body(served, text, folder, target, accept):
    (folder / "sub").mkdir()
    fields = {"Accept": accept, "Accept-Encoding": "gzip"}
    get, alone = served.ask("GET", target, fields), served.ask("HEAD", target, fields)

    def facts(a):
        return sorted((n, v) for n, v in a.fields if n not in ("date", "connection"))
    assert (alone.status, alone.body) == (get.status, b"")
    assert facts(alone) == facts(get)


def test_many_requests_go_over_one_connection(served, text):
    wire = served.connect()
    for _ in range(50):
        assert wire.ask("GET", "/text.bin").body == TEXT
        assert wire.ask("HEAD", "/text.bin").status == 200
        assert wire.ask("GET", "/none").status == 404


def test_an_empty_file_is_an_empty_answer(served, folder):
    (folder / "empty").touch()
    answer = served.ask("GET", "/empty")
    assert (answer.status, answer.body, answer["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize("name", ["with space", "ümläut", "100%", "a#b", "what?", "new\nline", "a+b", "semi;colon", "日本語",
                                  "quote\"d", "back\\slash", "~", "%41", os.fsdecode(b"latin\xe9")])
def test_a_file_of_any_name_can_be_had(served, folder, name):
    from urllib.parse import quote_from_bytes
    (folder / "sub").mkdir()
    (folder / "sub" / name).write_bytes(b"here")

    answer = served.ask("GET", "/sub/" + quote_from_bytes(os.fsencode(name), safe=""))

    assert (answer.status, answer.body) == (200, b"here")


@pytest.mark.parametrize("name, kind", [("a.html", "text/html"), ("a.txt", "text/plain"), ("a.png", "image/png"),
                                        ("a.pdf", "application/pdf"), ("a.css", "text/css"), ("a", "application/octet-stream")])
def test_the_media_type_is_told_by_the_name(served, folder, name, kind):
    (folder / name).write_bytes(b"\0\1")
    assert served.ask("GET", f"/{name}")["content-type"].split(";")[0] == kind


# Ranges

@pytest.mark.core
@pytest.mark.parametrize("asked, first, last", [("0-0", 0, 0), ("0-99", 0, 99), ("100-", 100, 10239), ("-10", 10230, 10239),
                                                ("10239-", 10239, 10239), ("5-999999", 5, 10239), ("-99999", 0, 10239)])
def test_one_range_is_answered_with_that_part(served, text, asked, first, last):
    answer = served.ask("GET", "/text.bin", {"Range": f"bytes={asked}"})

    assert answer.status == 206
    assert answer["content-range"] == f"bytes {first}-{last}/{len(TEXT)}"
    assert answer.body == TEXT[first:last + 1]


@pytest.mark.parametrize("asked", ["10240-", "99999-100000", "-0"])
def test_a_range_past_the_end_cannot_be_satisfied(served, text, asked):
    answer = served.ask("GET", "/text.bin", {"Range": f"bytes={asked}"})
    assert answer.status == 416
    assert answer["content-range"] == f"bytes */{len(TEXT)}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=x", "lines=1-2", "bytes=", "bytes=--1", "bytes=1-2-3"])
def test_a_range_that_is_none_is_not_there(served, text, asked):
    answer = served.ask("GET", "/text.bin", {"Range": asked})
    assert (answer.status, answer.body) == (200, TEXT)


def parts_of(answer):
    """The parts of a multipart/byteranges: [(content-range, bytes)]."""
    boundary = re.fullmatch(r'multipart/byteranges; boundary="?([^"]+)"?', answer["content-type"])[1].encode()
    assert answer.body.rstrip(b"\r\n").endswith(b"--" + boundary + b"--")
    parts = []
    for part in (b"\r\n" + answer.body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        parts.append((re.search(rb"(?i)content-range: (bytes \S+)", head)[1].decode(), body))
    return parts


@pytest.mark.core
def test_several_ranges_come_as_parts(served, text):
    answer = served.ask("GET", "/text.bin", {"Range": "bytes=0-9,1000-1009, -5"})

    assert answer.status == 206
    assert parts_of(answer) == [("bytes 0-9/10240", TEXT[:10]), ("bytes 1000-1009/10240", TEXT[1000:1010]),
                                ("bytes 10235-10239/10240", TEXT[-5:])]


def test_a_thousand_ranges_are_no_way_to_make_us_work(served, text):
    asked = ",".join("0-" for _ in range(1000))
    answer = served.ask("GET", "/text.bin", {"Range": f"bytes={asked}"})
    assert answer.status in (200, 206, 400, 416)
    assert len(answer.body) <= 2 * len(TEXT)


def test_if_range_gives_the_part_of_the_same_file_and_the_whole_of_another(served, text):
    first = served.ask("GET", "/text.bin")
    part = {"Range": "bytes=0-9"}

    assert served.ask("GET", "/text.bin", part | {"If-Range": first["etag"]}).status == 206
    assert served.ask("GET", "/text.bin", part | {"If-Range": '"another"'}).status == 200
    assert served.ask("GET", "/text.bin", part | {"If-Range": "W/" + first["etag"]}).status == 200
    assert served.ask("GET", "/text.bin", part | {"If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}).status == 200


# Conditions

@pytest.mark.core
def test_an_unchanged_file_is_not_sent_again(served, text):
    first = served.ask("GET", "/text.bin")

    for condition in ({"If-None-Match": first["etag"]}, {"If-None-Match": f'"x", W/{first["etag"]}'}, {"If-None-Match": "*"},
                      {"If-Modified-Since": first["last-modified"]}):
        answer = served.ask("GET", "/text.bin", condition)
        assert (answer.status, answer.body, answer["etag"]) == (304, b"", first["etag"]), condition


def test_a_condition_that_fails_is_412(served, text):
    first = served.ask("GET", "/text.bin")

    assert served.ask("GET", "/text.bin", {"If-Match": '"x"'}).status == 412
    assert served.ask("GET", "/text.bin", {"If-Match": first["etag"]}).status == 200
    assert served.ask("GET", "/text.bin", {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status == 412
    assert served.ask("GET", "/text.bin", {"If-Unmodified-Since": first["last-modified"]}).status == 200


def test_if_none_match_is_heard_before_if_modified_since(served, text):
    first = served.ask("GET", "/text.bin")
    both = {"If-None-Match": '"x"', "If-Modified-Since": first["last-modified"]}
    assert served.ask("GET", "/text.bin", both).status == 200


@pytest.mark.core
def test_a_file_changed_behind_our_back_is_served_at_once(served, text):
    wire = served.connect()
    tags = set()
    for i in range(20):
        text.write_bytes(b"%d" % i * 10)
        answer = wire.ask("GET", "/text.bin")
        assert answer.body == b"%d" % i * 10
        tags.add(answer["etag"])
    text.unlink()
    assert wire.ask("GET", "/text.bin").status == 404
    assert len(tags) > 1


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection_and_nothing_else(served, folder):
    path = folder / "big"
    path.write_bytes(b"x" * (32 << 20))
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200

    os.truncate(path, 1000)

    with pytest.raises(Exception, match="closed|reset"):
        wire._exactly(32 << 20)
    assert served.ask("GET", "/").status == 200


MORE = {"a request behind the last": ({"Connection": "close"}, head("GET", "/big") * 1000),
        "a body that is not read, and an end": ({"Transfer-Encoding": "chunked"}, b"8000\r\n" + b"x" * 0x8000)}


@pytest.mark.parametrize("more", MORE)
def test_a_last_answer_arrives_whole_though_more_was_sent_than_is_read(served, folder, more):
    content = os.urandom(8 << 20)
    (folder / "big").write_bytes(content)
    fields, rest = MORE[more]
    wire = served.connect()
    wire.send(head("GET", "/big", fields) + rest)
    if "end" in more:
        wire.socket.shutdown(socket.SHUT_WR)
    assert wire.read_head().status == 200
    worker = served.holder(wire)
    got = wire._exactly(len(content) - (128 << 10))
    until(lambda: not any(name.endswith("/big") for name in descriptors(worker).values()), "the server has sent its last")

    assert got + wire._exactly(128 << 10) == content


# Folders, and what is no file

@pytest.mark.core
def test_a_folder_without_its_slash_is_sent_there(served, folder):
    (folder / "sub dir").mkdir()
    answer = served.ask("GET", "/sub%20dir")
    assert answer.status in (301, 308)
    assert answer["location"].endswith("/sub%20dir/")


def test_a_file_with_a_slash_is_not_there(served, text):
    assert served.ask("GET", "/text.bin/").status == 404


def test_index_html_is_the_answer_only_where_asked_for(drive, folder):
    (folder / "index.html").write_text("mine")
    (folder / "sub").mkdir()

    assert drive("--index").ask("GET", "/").body == b"mine"
    assert b"mine" not in drive().ask("GET", "/").body
    assert drive("--index").ask("GET", "/sub/").status == 200


@pytest.mark.core
@pytest.mark.parametrize("target", ["/../etc/passwd", "/a/../../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc/passwd",
                                    "/link", "/linkdir/passwd", "/abslinkdir/passwd"])
def test_nothing_outside_the_folder_can_be_had(served, folder, target):
    (folder / "a").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "linkdir").symlink_to("../../../../../../../../etc")
    (folder / "abslinkdir").symlink_to("/etc")

    answer = served.ask("GET", target)

    assert answer.status in (400, 403, 404)
    assert b"root:" not in answer.body


def test_a_symlink_within_the_folder_is_followed(served, folder, text):
    (folder / "sub").mkdir()
    (folder / "sub" / "link").symlink_to("../text.bin")
    assert served.ask("GET", "/sub/link").body == TEXT


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND"])
def test_a_fifo_or_socket_is_not_opened(served, folder, method):
    os.mkfifo(folder / "fifo")
    os.mknod(folder / "node", 0o600 | 0o140000)  # S_IFSOCK
    for name in ("fifo", "node"):
        assert served.ask(method, f"/{name}").status in (207, 403, 404)


@pytest.mark.core
@pytest.mark.parametrize("target", ["/.prefork", "/.prefork/", "/.prefork/x", "/%2eprefork/x", "/.%70refork/x", "//.prefork/x",
                                    "/./.prefork/x", "/sub/../.prefork/x", "/.prefork%2fx", "/link/x", "/~/../.prefork/x"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND", "MKCOL", "COPY", "MOVE"])
def test_the_private_directory_has_no_url(served, folder, method, target):
    (folder / ".prefork").mkdir(exist_ok=True)
    (folder / ".prefork" / "x").write_text("secret")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to(".prefork")

    answer = served.ask(method, target, {"Destination": "/stolen", "Depth": "0"} if method != "PROPFIND" else {"Depth": "0"},
                        b"" if method == "PUT" else None)

    assert answer.status in (400, 403, 404, 405, 409), answer
    assert b"secret" not in answer.body
    assert (folder / ".prefork" / "x").read_text() == "secret"
    assert not (folder / "stolen").exists()


def test_the_private_directory_is_no_destination(served, folder, text):
    for method in ("COPY", "MOVE"):
        for to in ("/.prefork/y", "/%2eprefork/y", "/.prefork"):
            assert served.ask(method, "/text.bin", {"Destination": served.url + to}).status in (400, 403, 404, 409)
    assert text.exists() and not (folder / ".prefork" / "y").exists()


def test_an_unknown_method_is_said_to_be_so(served):
    assert served.ask("BREW", "/").status in (405, 501)
    assert "GET" in served.ask("DELETE", "/~/")["allow"]


@pytest.mark.parametrize("target, status", [("*", {400, 404, 405}), ("http://localhost/text.bin", {200}), ("text.bin", {400}),
                                            ("/%zz", {400}), ("/%00", {400, 404}), ("/a%", {400}),
                                            ("/text.bin?query=1", {200}), ("/text.bin#x", {200, 400}),
                                            ("/" + "a" * 300, {404, 414}), ("/" + "a/" * 3000, {404, 414}),
                                            ("/" + "a" * 20000, {414, 431})])
def test_a_target_of_any_shape_is_answered(served, text, target, status):
    assert served.ask("GET", target).status in status


def test_a_large_file_comes_whole_to_a_slow_reader(served, folder):
    import hashlib
    blob = os.urandom(1 << 20) * 16
    (folder / "blob").write_bytes(blob)
    wire = served.connect()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    assert hashlib.sha256(wire.ask("GET", "/blob").body).digest() == hashlib.sha256(blob).digest()
