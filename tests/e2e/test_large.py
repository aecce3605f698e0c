# SPDX-License-Identifier: MIT
"""More than anybody does: so many locks, so many entries, and a server that is none the larger or slower for them."""
import os
import socket
import subprocess

import pytest

from harness.server import PREFORKD
from harness.wire import head
from test_encoding import grew_by_less, peak_kib
from test_locks import at_once, house, lockinfo  # noqa: F401 - house is a fixture

pytestmark = pytest.mark.slow
DISCOVER = b'<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>'


@pytest.fixture
def served(start, folder):
    return start("drive", "--workers", "4", "--durability", "rename", folder)


def test_twenty_clients_lock_and_unlock_ten_thousand_times_each(served, house):  # noqa: F811
    before = peak_kib(served)

    def bomb(i):
        done = 0
        with served.connect() as wire:
            for _ in range(10_000):
                answer = wire.ask("LOCK", f"/bomb{i}", {"Depth": "0"}, lockinfo())
                assert answer.status in (200, 201)
                done += wire.ask("UNLOCK", f"/bomb{i}", {"Lock-Token": answer["lock-token"]}).status == 204
        return done
    assert sum(at_once(20, bomb)) == 200_000

    assert list((house / ".prefork" / "locks" / "tree").iterdir()) == []
    assert grew_by_less(served, before, 2048)
    assert served.ask("LOCK", "/a.txt", {}, lockinfo()).status == 200


def test_ten_thousand_locks_stand_are_told_and_respected_also_by_the_next_server(start, served, folder, house):  # noqa: F811
    tokens = []
    with served.connect() as wire:
        for n in range(10_000):
            answer = wire.ask("LOCK", f"/sub/n{n}", {"Depth": "0"}, lockinfo())
            assert answer.status == 201
            tokens.append(answer["lock-token"])
    served.stop()
    served = start("drive", "--workers", "4", "--durability", "rename", folder)

    with served.connect(seconds=120) as wire:
        told = wire.ask("PROPFIND", "/sub/", {"Depth": "1"}, DISCOVER)
        assert told.body.count(b"<D:activelock>") == 10_000
        assert wire.ask("PUT", "/sub/n9999", {}, b"x").status == 423
        assert wire.ask("PUT", "/sub/other", {}, b"x").status == 201
        assert wire.ask("LOCK", "/sub/", {}, lockinfo()).status == 207
        assert wire.ask("DELETE", "/sub/").status == 207
        for n, token in enumerate(tokens):
            assert wire.ask("UNLOCK", f"/sub/n{n}", {"Lock-Token": token}).status == 204
        assert wire.ask("DELETE", "/sub/").status == 204
    assert list((house / ".prefork" / "locks" / "tree").iterdir()) == []


def count(served, fields, needle, body=b""):
    """How often @needle comes in an answer of any length, and its first bytes."""
    method, target, more = fields
    n, tail, first = 0, b"", b""
    with socket.create_connection(served.address, timeout=300) as s:
        s.sendall(head(method, target, {"Connection": "close", "Content-Length": str(len(body)), **more}) + body)
        while data := s.recv(1 << 20):
            first = first or data[:15]
            n += (tail + data).count(needle)
            tail = data[-(len(needle) - 1):]
    return n, first


def test_a_folder_of_a_million_entries_is_listed_used_and_deleted(served, folder):
    large = folder / "large"
    large.mkdir()
    (folder / "few").mkdir()
    top = os.open(large, os.O_RDONLY)
    for i in range(1_000_000):
        os.close(os.open(f"{i:06}.txt", os.O_WRONLY | os.O_CREAT, dir_fd=top))
    os.close(top)
    assert count(served, ("PROPFIND", "/few/", {"Depth": "1"}), b"<D:href>") == (1, b"HTTP/1.1 207 Mu")
    before = peak_kib(served)

    assert count(served, ("PROPFIND", "/large/", {"Depth": "1"}), b"<D:href>") == (1_000_001, b"HTTP/1.1 207 Mu")
    assert grew_by_less(served, before, 8 * 1024)
    assert count(served, ("GET", "/large/", {}), b"</html>") == (1, b"HTTP/1.1 200 OK")
    assert grew_by_less(served, before, 32 * 1024)  # the page gathers, to sort, up to a limit
    assert served.ask("PUT", "/large/new.txt", {}, b"new").status == 201
    assert served.ask("GET", "/large/new.txt").body == b"new"
    assert served.ask("MOVE", "/large/", {"Destination": "/moved/"}).status == 201
    with served.connect(seconds=300) as wire:
        assert wire.ask("DELETE", "/moved/").status == 204
    subprocess.run([PREFORKD, "trash", "empty", folder], check=True, timeout=300)
    assert [p.name for p in folder.iterdir() if p.name != ".prefork"] == ["few"]
