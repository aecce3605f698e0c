# SPDX-License-Identifier: MIT
"""Checksums: a wrong one is refused, and what was there stays."""
import base64
import hashlib
import xml.etree.ElementTree as ET

import pytest

from harness.wire import chunked

BODY = b"hello world" * 50_000


def b64(name, data):
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


WAYS = {
    "content-digest": lambda d: {"Content-Digest": f"sha-256=:{b64('sha256', d)}:"},
    "repr-digest": lambda d: {"Repr-Digest": f"sha-512=:{b64('sha512', d)}:, md5=:{b64('md5', d)}:"},
    "digest": lambda d: {"Digest": f"SHA-256={b64('sha256', d)}"},
    "content-md5": lambda d: {"Content-MD5": b64("md5", d)},
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


@pytest.mark.parametrize("field", ["Content-Digest: sha-256=:x:", "Content-MD5: ???", "OC-Checksum: SHA1:12", "Digest: MD5=x"])
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
    known = f"MD5:{md5} SHA1:{sha1}"
    assert checksums(served, "/a") == {"/a": known}
    assert served.ask("COPY", "/a", {"Destination": "/b"}).status == 201
    assert served.ask("MOVE", "/a", {"Destination": "/c"}).status == 201
    patch = b'<propertyupdate xmlns="DAV:"><set><prop><lastmodified>1200000000</lastmodified></prop></set></propertyupdate>'
    assert served.ask("PROPPATCH", "/c", {}, patch).status == 207
    assert checksums(served, "/", "1") == {"/b": known, "/c": known}

    assert served.ask("PUT", "/c", {}, b"without").status == 204
    (folder / "b").write_bytes(b"by another program")
    assert checksums(served, "/", "1") == {}
