# SPDX-License-Identifier: MIT
"""Checksums: a wrong one is refused, and what was there stays."""
import base64
import hashlib

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
