# SPDX-License-Identifier: MIT
"""What is deleted or replaced is kept for a while, and can be had back."""
import json
import subprocess

import pytest

from harness.server import PREFORKD
from harness.wait import until


def trash(verb, folder, *words, check=True):
    """What `preforkd trash` says."""
    return subprocess.run([PREFORKD, "trash", verb, folder, *words], check=check, capture_output=True, text=True)


def kept(folder):
    """[(kind, path)] of the trash, oldest first."""
    entries = json.loads(trash("list", folder, "--json").stdout)
    return [(e["kind"], e["path"]) for e in sorted(entries, key=lambda e: e["id"].split("-")[1])]


@pytest.mark.core
def test_every_change_keeps_what_was_there(served, folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "in").write_bytes(b"in")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("PUT", "/a", body=b"two").status == 204
    assert served.ask("PUT", "/b", body=b"b").status == 201
    assert served.ask("COPY", "/b", {"Destination": "/a"}).status == 204
    assert served.ask("PUT", "/c", body=b"c").status == 201
    assert served.ask("MOVE", "/c", {"Destination": "/b"}).status == 204
    assert served.ask("DELETE", "/b").status == 204
    assert served.ask("COPY", "/a", {"Destination": "/sub"}).status == 204
    assert served.ask("DELETE", "/sub").status == 204

    assert kept(folder) == [("replaced", "a"), ("replaced", "a"), ("replaced", "b"), ("deleted", "b"),
                            ("replaced", "sub"), ("deleted", "sub")]
    trash("restore", folder, "sub")
    assert (folder / "sub").read_bytes() == b"b"
    trash("restore", folder, "sub", "--overwrite")
    assert (folder / "sub" / "in").read_bytes() == b"in"
    assert served.ask("GET", "/sub/in").body == b"in"


def test_what_fails_keeps_nothing(served, folder):
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("PUT", "/a", {"If-None-Match": "*"}, b"two").status == 412
    assert served.ask("PUT", "/a", {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}, b"two").status == 400
    assert served.ask("DELETE", "/a", {"If-Match": '"other"'}).status == 412
    assert served.ask("DELETE", "/nothing").status == 404
    assert served.ask("COPY", "/a", {"Destination": "/a"}).status == 403

    assert kept(folder) == []


def test_without_trash_nothing_is_kept(drive, folder):
    served = drive("--trash", "off")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("PUT", "/a", body=b"two").status == 204
    assert served.ask("DELETE", "/a").status == 204

    assert not (folder / ".prefork" / "trash").exists()


def test_what_is_too_old_goes_by_itself(drive, folder):
    served = drive("--trash", "1s")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("DELETE", "/a").status == 204
    assert kept(folder) == [("deleted", "a")]

    until(lambda: served.ask("GET", "/").status == 200 and kept(folder) == [], "the trash is empty")
    served.wait_log("trash-trimmed")


def test_what_is_too_much_goes_oldest_first(drive, folder):
    served = drive("--trash-max", "3M")
    for name in "abcdef":
        assert served.ask("PUT", f"/{name}", body=bytes(1 << 20)).status == 201
        assert served.ask("DELETE", f"/{name}").status == 204

    until(lambda: served.ask("GET", "/").status == 200 and len(kept(folder)) <= 3, "the trash is within its budget")
    assert kept(folder)[-1] == ("deleted", "f")
    assert ("deleted", "a") not in kept(folder)


def test_a_full_disk_empties_the_trash_before_it_says_507(start, small_disk):
    served = start("drive", "--trash-max", "100%", small_disk)
    for name in "abcdefghij":
        assert served.ask("PUT", f"/{name}", body=bytes(3 << 20)).status == 201, name
        assert served.ask("DELETE", f"/{name}").status == 204
    assert served.ask("PUT", "/big", body=bytes(6 << 20)).status == 201
    assert served.ask("PUT", "/more", body=bytes(6 << 20)).status == 507

    assert (small_disk / "big").stat().st_size == 6 << 20
    assert not (small_disk / "more").exists()


def test_the_command_empties_and_says_what_it_cannot_find(served, folder):
    for name in "ab":
        assert served.ask("PUT", f"/{name}", body=b"one").status == 201
        assert served.ask("DELETE", f"/{name}").status == 204
    assert trash("restore", folder, "nothing", check=False).returncode == 1
    assert trash("empty", folder, "--older", "1h").returncode == 0
    assert kept(folder) == [("deleted", "a"), ("deleted", "b")]
    trash("empty", folder, "a")
    assert kept(folder) == [("deleted", "b")]
    lines = trash("list", folder).stdout.splitlines()
    assert len(lines) == 1 and lines[0].endswith("  b")
    trash("empty", folder)

    assert kept(folder) == []
    assert list((folder / ".prefork" / "trash").iterdir()) == []


def test_the_command_touches_no_folder_that_was_never_served(tmp_path):
    assert trash("list", tmp_path, check=False).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_time_or_size_is_a_sentence():
    for words in (["--trash", "soon"], ["--trash-max", "101%"], ["--trash-max", "0"]):
        done = subprocess.run([PREFORKD, "drive", *words, "/tmp"], capture_output=True, text=True, timeout=10)
        assert done.returncode != 0 and words[0].strip("-").replace("-", "_") in done.stderr
