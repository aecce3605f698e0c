# SPDX-License-Identifier: MIT
"""Checksums: a wrong one is refused, and what was there stays."""
import base64
import hashlib
import os
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

from harness.wait import until
from harness.wire import chunked

BODY = b"hello world" * 50_000


def b64(name, data):
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


WAYS = {
    "content-digest": lambda d: {"Content-Digest": f"sha-256=:{b64('sha256', d)}:"},
    "repr-digest": lambda d: {"Repr-Digest": f"sha-512=:{b64('sha512', d)}:, md5=:{b64('md5', d)}:"},
    "digest": lambda d: {"Digest": f"SHA-256={b64('sha256', d)}"},
    "content-md5": lambda d: {"Content-MD5": b64("md5", d)},
    "tus": lambda d: {"Upload-Checksum": "sha1 " + b64("sha1", d)},
    "owncloud": lambda d: {"OC-Checksum": f"SHA1:{hashlib.sha1(d).hexdigest()}"},
    "owncloud-both": lambda d: {"OC-Checksum": f"MD5:{hashlib.md5(d).hexdigest().upper()} ADLER32:00000001"},
}


@pytest.mark.core
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_wrong_checksum_is_refused_and_the_old_file_stays(served, folder, way, is_chunked):
    (folder / "a").write_bytes(b"old")

    def put(fields):
        if is_chunked:
            return served.ask("PUT", "/a", {**fields, "Transfer-Encoding": "chunked"}, chunked(BODY[:1000], BODY[1000:]))
        return served.ask("PUT", "/a", fields, BODY)
    assert put(WAYS[way](BODY + b"!")).status == 400
    assert (folder / "a").read_bytes() == b"old"
    assert put(WAYS[way](BODY)).status == 204
    assert (folder / "a").read_bytes() == BODY
    assert served.ask("PUT", "/empty", WAYS[way](b"x"), b"").status == 400
    assert served.ask("PUT", "/empty", WAYS[way](b""), b"").status == 201


@pytest.mark.parametrize("field", ["Content-Digest: sha-256=:x:", "Content-MD5: ???", "OC-Checksum: SHA1:12", "Upload-Checksum: sha1", "Digest: MD5=x"])
def test_what_is_no_checksum_is_refused_at_once(served, folder, field):
    name, value = field.split(": ")
    assert served.ask("PUT", "/a", {name: value}, b"x").status == 400
    assert not (folder / "a").exists()


def test_an_unknown_algorithm_is_no_reason_to_refuse(served, folder):
    assert served.ask("PUT", "/a", {"Content-Digest": "blake3=:AAAA:", "OC-Checksum": "CRC32C:1234"}, b"x").status == 201


def checksums(server, target, depth="0"):
    """{href: text} of oc:checksums."""
    body = b'<D:propfind xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns"><D:prop><o:checksums/></D:prop></D:propfind>'
    answer = server.ask("PROPFIND", target, {"Depth": depth}, body)
    return {r.find("{DAV:}href").text: c.text for r in ET.fromstring(answer.body) for c in r.iter("{http://owncloud.org/ns}checksum")}


@pytest.mark.core
def test_checksums_are_kept_with_the_contents_and_not_longer(served, folder):
    sha1, md5 = hashlib.sha1(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()
    assert served.ask("PUT", "/a", {"OC-Checksum": f"SHA1:{sha1} MD5:{md5}", "X-OC-Mtime": "1000000000"}, BODY).status == 201
    known = f"MD5:{md5} SHA1:{sha1} SHA256:{hashlib.sha256(BODY).hexdigest()}"
    assert checksums(served, "/a") == {"/a": known}
    assert served.ask("COPY", "/a", {"Destination": "/b"}).status == 201
    assert served.ask("MOVE", "/a", {"Destination": "/c"}).status == 201
    patch = b'<propertyupdate xmlns="DAV:"><set><prop><lastmodified>1200000000</lastmodified></prop></set></propertyupdate>'
    assert served.ask("PROPPATCH", "/c", {}, patch).status == 207
    assert checksums(served, "/", "1") == {"/b": known, "/c": known}

    assert served.ask("PUT", "/c", {}, b"without").status == 204
    (folder / "b").write_bytes(b"by another program")
    assert checksums(served, "/", "1") == {"/c": f"SHA256:{hashlib.sha256(b'without').hexdigest()}"}


def sha256(data):
    return f"sha-256=:{b64('sha256', data)}:"


def known(server, target, method="HEAD"):
    return server.ask(method, target)["Repr-Digest"]


@pytest.mark.core
def test_every_upload_gets_a_sha256_that_every_answer_tells(served, folder):
    assert served.ask("PUT", "/a", {}, BODY)["Repr-Digest"] == sha256(BODY)
    assert served.ask("PUT", "/b", {"Transfer-Encoding": "chunked"}, chunked(BODY[:1], BODY[1:]))["Repr-Digest"] == sha256(BODY)
    for target in "/a", "/b":
        for method in "GET", "HEAD":
            assert known(served, target, method) == sha256(BODY)
    part = served.ask("GET", "/a", {"Range": "bytes=3-5"})
    assert (part.status, part["Repr-Digest"]) == (206, sha256(BODY))  # of the whole: what a resumed download is checked by
    assert served.ask("GET", "/a", {"Range": "bytes=0-1,5-6"})["Repr-Digest"] == sha256(BODY)
    assert served.ask("PUT", "/empty", {}, b"")["Repr-Digest"] == sha256(b"")
    assert known(served, "/empty") == sha256(b"")


def test_a_client_gets_the_digest_it_wants_most(served):
    assert served.ask("PUT", "/a", {"OC-Checksum": f"MD5:{hashlib.md5(BODY).hexdigest()}"}, BODY).status == 201
    md5 = f"md5=:{b64('md5', BODY)}:"

    def ask(method="GET", **want):
        answer = served.ask(method, "/a", {name.replace("_", "-"): value for name, value in want.items()})
        return answer["Repr-Digest"], answer["Content-Digest"]
    assert ask() == (sha256(BODY), None)
    assert ask(Want_Repr_Digest="md5=10, sha-256=3") == (md5, None)
    assert ask(Want_Repr_Digest="sha-256=0, crc32c=10") == (None, None)
    assert ask(Want_Content_Digest="sha-256=1") == (sha256(BODY), sha256(BODY))
    assert ask("HEAD", Want_Content_Digest="sha-256=1") == (sha256(BODY), None)
    assert ask(Want_Content_Digest="sha-256=1", Range="bytes=1-2") == (sha256(BODY), None)


@pytest.mark.core
def test_a_digest_is_not_told_of_what_another_program_wrote(served, folder):
    for name in "abcd":
        assert served.ask("PUT", f"/{name}", {}, b"text").status == 201
    assert served.ask("COPY", "/a", {"Destination": "/copy"}).status == 201
    assert served.ask("MOVE", "/a", {"Destination": "/moved"}).status == 201
    assert known(served, "/copy") == known(served, "/moved") == sha256(b"text")

    (folder / "b").write_bytes(b"TEXT")
    (folder / "new").write_bytes(b"TEXT")
    os.utime(folder / "new", ns=(0, os.stat(folder / "c").st_mtime_ns))
    os.rename(folder / "new", folder / "c")
    subprocess.run(["cp", "-a", folder / "d", folder / "twin"], check=True)
    for target in "/b", "/c", "/twin", "/new":
        assert known(served, target) is None, target
    os.rename(folder / "d", folder / "e")
    assert known(served, "/e") == sha256(b"text")


def test_a_small_file_that_is_kept_in_memory_has_its_digest(served, folder):
    assert served.ask("PUT", "/a", {}, b"text").status == 201
    old = time.time_ns() - 10**10
    until(lambda: time.time_ns() - os.stat(folder / "a").st_ctime_ns > 25 * 10**8, "the file is old enough to be kept")
    with served.connect() as wire:
        for _ in range(3):
            assert wire.ask("GET", "/a")["Repr-Digest"] == sha256(b"text")
        os.utime(folder / "a", ns=(old, old))
        assert wire.ask("GET", "/a")["Repr-Digest"] is None


def test_without_checksums_there_are_none(drive, folder):
    server = drive("--checksums", "none")
    assert server.ask("PUT", "/a", {}, BODY)["Repr-Digest"] is None
    assert known(server, "/a") is None
    assert "user.prefork.sums" not in os.listxattr(folder / "a")
    assert server.ask("PUT", "/a", WAYS["repr-digest"](BODY + b"!"), BODY).status == 400
