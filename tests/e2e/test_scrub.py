# SPDX-License-Identifier: MIT
"""`preforkd scrub`: reads everything again, and says what is not as it was put there."""
import json
import os
import pty
import subprocess

import pytest

from harness.server import PREFORKD
from harness.wait import PATIENCE_S

FINE, ROT, TROUBLE = 0, 1, 2


def scrub(folder, *options):
    """Its exit status, and what it says: {path: state} and the summary."""
    done = subprocess.run([PREFORKD, "scrub", "--json", *options, folder], capture_output=True, timeout=PATIENCE_S)
    assert done.stderr == b""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["path"]: line["state"] for line in lines[:-1]}, lines[-1]


def change_unseen(path, data):
    """As a disk does that forgets: the bytes are others, and nobody says to have written them."""
    was = os.stat(path)
    with open(path, "r+b") as f:
        f.write(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


@pytest.fixture
def filled(served, folder):
    for target, body in (("/a", b"text"), ("/b", b"x" * 3_000_001), ("/sub/c", b"more"), ("/empty", b"")):
        if "/sub" in target:
            assert served.ask("MKCOL", "/sub").status == 201
        assert served.ask("PUT", target, {}, body).status == 201
    return folder


@pytest.mark.core
def test_what_is_as_it_was_put_there_is_fine(filled):
    status, found, total = scrub(filled)
    assert (status, found) == (FINE, {})
    assert (total["files"], total["fine"], total["bytes"]) == (4, 4, 3_000_009)
    assert scrub(filled, "--verbose")[1] == dict.fromkeys(["a", "b", "sub/c", "empty"], "fine")


@pytest.mark.core
def test_one_wrong_byte_is_rot(filled):
    with open(filled / "b", "rb") as f:
        f.seek(2_999_999)
    was = os.stat(filled / "b")
    with open(filled / "b", "r+b") as f:
        f.seek(2_999_999)
        f.write(b"y")
    os.utime(filled / "b", ns=(was.st_atime_ns, was.st_mtime_ns))
    change_unseen(filled / "sub" / "c", b"M")
    for _ in range(2):  # to look at it changes nothing
        status, found, total = scrub(filled, "--add", "--adopt")
        assert (status, found, total["rot"]) == (ROT, {"b": "rot", "sub/c": "rot"}, 2)


def test_what_other_programs_did_is_told_from_rot_and_adopted_when_asked(served, filled):
    (filled / "a").write_bytes(b"another program's")
    os.utime(filled / "sub" / "c", ns=(0, 10**18))
    (filled / "new").write_bytes(b"new")
    states = {"a": "changed", "sub/c": "touched"}
    for _ in range(2):
        status, found, total = scrub(filled)
        assert (status, found, total["missing"], total["fine"]) == (FINE, states, 1, 2)
    status, found, total = scrub(filled, "--add")
    assert (status, found, total["added"]) == (FINE, states, 1)
    assert scrub(filled, "--adopt", "-v")[1] == {"a": "adopted", "sub/c": "adopted", "new": "fine", "b": "fine", "empty": "fine"}
    assert scrub(filled)[2]["fine"] == 5
    assert served.ask("HEAD", "/new")["Repr-Digest"] and served.ask("HEAD", "/a")["Repr-Digest"]
    change_unseen(filled / "new", b"NEW")
    assert scrub(filled)[:2] == (ROT, {"new": "rot"})


def test_reading_leaves_no_traces(filled):
    for path in filled.rglob("*"):
        os.utime(path, ns=(10**18, os.stat(path).st_mtime_ns))
    before = {path: os.stat(path) for path in filled.rglob("*") if path.is_file() and ".prefork" not in path.parts}
    assert scrub(filled, "--add", "--adopt")[0] == FINE
    for path, was in before.items():
        now = os.stat(path)
        assert (now.st_atime_ns, now.st_mtime_ns, now.st_ctime_ns) == (was.st_atime_ns, was.st_mtime_ns, was.st_ctime_ns), path


def test_links_are_not_followed_and_names_may_be_anything(filled, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_bytes(b"x")
    (filled / "link").symlink_to("a")
    (filled / "away").symlink_to(tmp_path / "outside")
    (filled / 'new\n"line\x1b').write_bytes(b"1")
    os.mkfifo(filled / "fifo")
    status, found, _ = scrub(filled, "--add", "-v")
    assert (status, found) == (FINE, {"a": "fine", "b": "fine", "sub/c": "fine", "empty": "fine", 'new\n"line\x1b': "added"})


def test_trouble_is_an_exit_status_of_its_own(filled, tmp_path):
    deep = filled
    for _ in range(70):
        deep = deep / "d"
        deep.mkdir()
    status, found, total = scrub(filled)
    assert (status, total["trouble"], set(found.values())) == (TROUBLE, 1, {"trouble"})
    for words in ([tmp_path / "nowhere"], [], [filled, filled], ["--what", filled]):
        done = subprocess.run([PREFORKD, "scrub", *words], capture_output=True, timeout=PATIENCE_S)
        assert done.returncode == TROUBLE and done.stderr.startswith(b"preforkd scrub: ") and done.stdout == b""


def test_a_person_gets_sentences_and_sees_progress(filled):
    change_unseen(filled / "a", b"T")
    (filled / "new").write_bytes(b"new")
    ours, theirs = pty.openpty()
    done = subprocess.run([PREFORKD, "scrub", filled], stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=PATIENCE_S)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == ROT
    assert done.stdout.splitlines() == [
        "rot: \"a\": its contents are not what was put there",
        "5 files, 2 MiB read: 3 fine, 1 missing, 1 rot",
        "missing: not read, as no digest is kept to compare with; --add computes it"]
    assert "MiB" in shown and shown.endswith("\r\x1b[K")
