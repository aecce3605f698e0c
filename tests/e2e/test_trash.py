# SPDX-License-Identifier: MIT
"""What is deleted or replaced is kept for a while, and can be had back."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

import pytest

from harness.server import PREFORKD
from harness.wait import until
from harness.wire import basic, head

NOBODY = 65534


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


def test_what_is_too_old_goes_though_nobody_comes(drive, model):
    if model == "fork":
        pytest.skip("a process of fork goes with its connection")
    served = drive("--trash", "2s")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("DELETE", "/a").status == 204

    assert "removed=1" in served.wait_log("trash-trimmed")


def test_what_may_stay_for_longer_than_there_is_a_clock_stays(drive, folder):
    served = drive("--trash", "150000d")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("DELETE", "/a").status == 204
    served.stop()
    assert trash("empty", folder, "--older", "150000d").returncode == 0

    assert kept(folder) == [("deleted", "a")]


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


@pytest.mark.core
def test_what_could_never_fit_empties_nothing(served, folder):
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("DELETE", "/a").status == 204
    wire = served.connect()

    wire.send(b"PUT /huge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000000000\r\nExpect: 100-continue\r\n\r\n")

    assert wire.read().status == 507
    assert kept(folder) == [("deleted", "a")]


@pytest.fixture
def of_nobody():
    """A folder that is nobody's, where nobody can come to."""
    with tempfile.TemporaryDirectory(prefix="prefork.", dir="/tmp") as path:
        os.chmod(path, 0o755)
        os.chown(path, NOBODY, NOBODY)
        yield pathlib.Path(path)


def test_a_trash_of_somebody_else_is_told_and_takes_nothing_else_away(start, of_nobody):
    trash_of_root = of_nobody / ".prefork" / "trash"
    trash_of_root.mkdir(parents=True, mode=0o700)
    os.chown(of_nobody / ".prefork", NOBODY, NOBODY)

    served = start("drive", "--user", "nobody", of_nobody)

    served.wait_log("no-trash")
    assert served.ask("PUT", "/a", body=b"one").status == 201
    assert served.ask("DELETE", "/a").status == 204
    assert trash("list", of_nobody, check=False).returncode == 1


def test_the_command_of_root_makes_what_the_drive_can_use(start, of_nobody):
    served = start("drive", "--user", "nobody", of_nobody)
    for body in (b"one", b"two"):
        assert served.ask("PUT", "/a", body=body).status in (201, 204)
    assert served.ask("DELETE", "/a").status == 204

    trash("restore", of_nobody, "a")

    assert served.ask("GET", "/a").body == b"two"
    assert served.ask("DELETE", "/a").status == 204
    assert kept(of_nobody) == [("replaced", "a"), ("deleted", "a")]


def test_on_a_full_disk_what_was_kept_first_goes_first(start, small_disk):
    served = start("drive", small_disk)
    for name in ("junk", "dear"):
        assert served.ask("PUT", f"/{name}", body=b"x").status == 201
    assert served.ask("DELETE", "/junk").status == 204
    now = os.statvfs(small_disk)
    subprocess.run(["mount", "-o", f"remount,nr_inodes={now.f_files - now.f_ffree}", small_disk], check=True)

    assert served.ask("DELETE", "/dear").status == 204

    assert kept(small_disk) == [("deleted", "dear")]


def test_what_cannot_be_kept_is_told_once_a_second(served, folder):
    for name in "abc":
        assert served.ask("PUT", f"/{name}", body=b"one").status == 201
    (folder / ".prefork" / "trash").rmdir()
    for name in "abc":
        assert served.ask("DELETE", f"/{name}").status == 204

    line = served.wait_log("not-kept")
    assert "path=a" in line and "why=not-found" in line


def test_the_command_empties_and_says_what_it_cannot_find(served, folder):
    for name in "ab":
        assert served.ask("PUT", f"/{name}", body=b"one").status == 201
        assert served.ask("DELETE", f"/{name}").status == 204
    missing = trash("restore", folder, "nothing", check=False)
    assert missing.returncode == 1 and "nothing of that name is in the trash" in missing.stderr
    (folder / "c").write_bytes(b"c")
    for to, why in (("../x", "not allowed"), ("c", "--overwrite"), ("c/x", "a file stands")):
        done = trash("restore", folder, "--to", to, "a", check=False)
        assert done.returncode == 1 and why in done.stderr, (to, done.stderr)
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


# -- over HTTP --


def hrefs(server, target, depth="1"):
    """The paths a PROPFIND names."""
    answer = server.ask("PROPFIND", target, {"Depth": depth})
    assert answer.status == 207, answer
    return [e.text for e in ET.fromstring(answer.body).iter("{DAV:}href")]


def test_webdav_clients_see_read_restore_and_remove(served, folder):
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "sub" / "deep" / "in").write_bytes(b"in the folder")
    (folder / "f & g.txt").write_bytes(b"text")
    assert served.ask("DELETE", "/f%20%26%20g.txt").status == 204
    assert served.ask("DELETE", "/sub/").status == 204

    top, *entries = hrefs(served, "/~/trash/")
    assert top == "/~/trash/" and len(entries) == 2
    file = next(e for e in entries if e.endswith(".txt"))
    sub = next(e for e in entries if e.endswith("sub/"))
    assert file.endswith("%20f%20%26%20g.txt") and hrefs(served, file) == [file]
    got = served.ask("GET", file)
    assert (got.status, got.body, got["content-type"]) == (200, b"text", "text/plain; charset=utf-8")
    assert served.ask("GET", file, {"Range": "bytes=1-2"}).body == b"ex"
    assert hrefs(served, sub) == [sub, sub + "deep/"]
    assert served.ask("GET", sub + "deep/in").body == b"in the folder"

    assert served.ask("MOVE", file, {"Destination": "/back.txt"}).status == 201
    assert (folder / "back.txt").read_bytes() == b"text"
    assert served.ask("MOVE", sub, {"Destination": "/back.txt", "Overwrite": "F"}).status == 412
    assert served.ask("MOVE", sub, {"Destination": "/nowhere/x"}).status == 409
    assert served.ask("DELETE", sub + "deep/in").status == 403
    assert served.ask("DELETE", sub).status == 204
    assert served.ask("GET", file).status == 404
    assert hrefs(served, "/~/trash/") == ["/~/trash/"]
    assert kept(folder) == []


def test_nothing_gets_into_the_trash_by_its_url(served, folder):
    (folder / "a").write_bytes(b"a")
    for method, target, fields in (("PUT", "/~/trash/x", {}), ("MKCOL", "/~/trash/x", {}), ("LOCK", "/~/trash/", {}),
                                   ("MOVE", "/a", {"Destination": "/~/trash/a"}), ("COPY", "/a", {"Destination": "/~/trash/a"}),
                                   ("GET", "/~/trash/..%2f..%2fa", {}), ("GET", "/~/trashy", {}), ("GET", "/~/trash/0", {})):
        assert served.ask(method, target, fields, b"" if method == "PUT" else None).status in (400, 403, 404, 405, 409), method
    assert (folder / "a").read_bytes() == b"a" and kept(folder) == []


def test_a_link_in_a_deleted_folder_leads_nowhere(served, folder):
    (folder / "secret").write_bytes(b"secret")
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to("../../../secret")
    (folder / "sub" / "far").symlink_to("/etc/passwd")
    (folder / "link").symlink_to("/etc/passwd")
    assert served.ask("DELETE", "/sub/").status == 204
    assert served.ask("DELETE", "/link").status == 204
    for entry in hrefs(served, "/~/trash/")[1:]:
        for target in [entry + "up", entry + "far"] if entry.endswith("/") else [entry]:
            assert served.ask("GET", target).status in (403, 404), target


def form(server, text, fields=()):
    return server.ask("POST", "/~/trash/", {"Content-Type": "application/x-www-form-urlencoded",
                                            "Sec-Fetch-Site": "same-origin", **dict(fields)}, text.encode())


def test_the_page_restores_and_removes_by_plain_forms(served, folder):
    (folder / "a <b>").mkdir()
    (folder / "a <b>" / "c&d").write_bytes(b"text")
    for name in ("one", "two"):
        (folder / name).write_bytes(b"1")
        assert served.ask("DELETE", f"/{name}").status == 204
    assert served.ask("DELETE", "/a%20%3Cb%3E/c%26d").status == 204
    assert served.ask("DELETE", "/a%20%3Cb%3E/").status == 204
    page = served.ask("GET", "/~/trash/")
    assert page.status == 200 and "form-action 'self'" in page["content-security-policy"]
    text = page.body.decode()
    assert "<script" not in text and "a &lt;b&gt;" in text and "c&amp;d" in text and "4 entries" in text
    assert '<a href="/~/trash/">Trash</a>' in served.ask("GET", "/").body.decode()
    names = dict(re.findall(r'title="/([^"]*)">.*?name="restore" value="([^"]*)"', text))

    assert form(served, "restore=" + names["a &lt;b&gt;/c&amp;d"])["location"] == "/~/trash/"
    assert (folder / "a <b>" / "c&d").read_bytes() == b"text"
    (folder / "one").write_bytes(b"2")
    assert form(served, "restore=" + names["one"]).status == 409
    assert form(served, "purge=" + names["two"]).status == 303
    assert form(served, "purge=" + names["two"]).status == 404
    assert form(served, "purge=" + names["one"], {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert form(served, "purge=" + names["one"], {"Sec-Fetch-Site": "same-site"}).status == 403
    assert form(served, "nonsense").status == 400
    assert form(served, "x" * 5000).status == 413
    assert len(kept(folder)) == 2
    assert form(served, "empty=all").status == 303
    assert kept(folder) == []
    assert "Nothing here" in served.ask("GET", "/~/trash/").body.decode()


def fill(folder, times):
    """Puts a version of a path of its own into the trash for every time, in seconds, as an earlier server would have."""
    for i, sec in enumerate(times):
        made = folder / ".prefork" / "made"
        made.mkdir()
        (made / "0").symlink_to(f"made-{sec}.")
        (made / f"{sec * 10**9:016x}-d-0-").touch()
        made.rename(folder / ".prefork" / "trash" / f"{i:016x}")  # whole: an empty one a server takes away


def test_the_page_shows_the_newest_of_very_many(served, folder):
    now = int(time.time())
    fill(folder, [now - 2000 + i * 7 % 1100 for i in range(1100)])
    text = served.ask("GET", "/~/trash/").body.decode()

    shown = re.findall(r'title="/made-(\d+)[.]"', text)
    assert [int(s) for s in shown] == [now - 2000 + i for i in reversed(range(100, 1100))]


def test_a_start_empties_the_trash_unasked_by_any_change(drive, folder):
    drive().stop()
    fill(folder, range(1, 400))  # all too old
    served = drive("--workers", "1")
    until(lambda: served.ask("GET", "/~/health").status == 200 and kept(folder) == [], "the trash is empty")
    served.wait_log("trash-trimmed")


def test_who_may_only_read_does_not_see_the_trash(drive, folder, tmp_path):
    users = tmp_path / "users"
    for name, options in (("ann", []), ("ben", ["--read-only"])):
        subprocess.run([PREFORKD, "passwd", *options, users, name], input="secret\n", text=True, check=True)
    served = drive("--users", users)
    ann, ben = (basic(name, "secret") for name in ("ann", "ben"))
    assert served.ask("PUT", "/a", ann, b"1").status == 201
    assert served.ask("DELETE", "/a", ann).status == 204
    assert json.loads(trash("list", folder, "--json").stdout)[0]["user"] == "ann"
    for method in ("GET", "PROPFIND"):
        assert served.ask(method, "/~/trash/", {"Depth": "1"}).status == 401
        assert served.ask(method, "/~/trash/", {"Depth": "1", **ben}).status == 403
    assert served.ask("DELETE", "/~/trash/", ben).status == 403
    assert form(served, "empty=all", ben).status == 403
    assert "Trash" not in served.ask("GET", "/", ben).body.decode()
    assert b" by ann" in served.ask("GET", "/~/trash/", ann).body


def test_a_lock_stands_in_the_way_of_a_restore(served, folder):
    assert served.ask("PUT", "/a", body=b"1").status == 201
    assert served.ask("DELETE", "/a").status == 204
    lock = b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
    locked = served.ask("LOCK", "/a", {}, lock)
    assert locked.status == 201
    entry = hrefs(served, "/~/trash/")[1]
    assert served.ask("MOVE", entry, {"Destination": "/a"}).status == 423
    assert served.ask("MOVE", entry, {"Destination": "/a", "If": f"</a> ({locked['lock-token']})"}).status == 204
    assert (folder / "a").read_bytes() == b"1"


def test_a_form_makes_no_folder_in_a_locked_one(served, folder):
    (folder / "d" / "sub").mkdir(parents=True)
    (folder / "d" / "sub" / "f").write_bytes(b"f")
    assert served.ask("DELETE", "/d/sub/f").status == 204
    assert served.ask("DELETE", "/d/sub/").status == 204
    file = json.loads(trash("list", folder, "--json").stdout)
    number = next(e["id"] for e in file if e["path"] == "d/sub/f")
    lock = b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
    locked = served.ask("LOCK", "/d/", {"Depth": "infinity"}, lock)
    assert locked.status == 200

    refused = form(served, "restore=" + number)
    assert refused.status == 423 and b"/d" in refused.body
    assert not (folder / "d" / "sub").exists()
    assert served.ask("UNLOCK", "/d/", {"Lock-Token": locked["lock-token"]}).status == 204
    assert form(served, "restore=" + number).status == 303
    assert (folder / "d" / "sub" / "f").read_bytes() == b"f"


def test_the_page_without_its_slash_leads_to_the_one_with_it(served):
    for method in ("GET", "HEAD"):
        answer = served.ask(method, "/~/trash")
        assert (answer.status, answer["location"]) == (301, "/~/trash/")


def test_without_trash_there_is_no_page(drive, folder):
    served = drive("--trash", "off")
    assert served.ask("GET", "/~/trash/").status == 404
    assert "/~/trash/" not in served.ask("GET", "/").body.decode()


def test_of_sixteen_who_restore_the_same_exactly_one_wins(served, folder):
    assert served.ask("PUT", "/a", body=b"1").status == 201
    assert served.ask("DELETE", "/a").status == 204
    entry = hrefs(served, "/~/trash/")[1]
    wires = [served.connect() for _ in range(16)]
    for i, wire in enumerate(wires):
        wire.send(head("MOVE", entry, {"Destination": f"/to{i}", "Overwrite": "F"}))
    statuses = sorted(wire.read("MOVE").status for wire in wires)

    assert statuses == [201] + [404] * 15
    assert len(list(folder.glob("to*"))) == 1 and kept(folder) == []
