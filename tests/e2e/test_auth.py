# SPDX-License-Identifier: MIT
"""Users and their passwords."""
import crypt
import os
import pty
import subprocess
import time

import pytest

from harness.server import PREFORKD
from harness.wait import PATIENCE_S, until
from harness.wire import basic, head

METHODS = {"yescrypt": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$", "bcrypt": "$2b$05$abcdefghijklmnopqrstuu", "sha512": crypt.mksalt(crypt.METHOD_SHA512)}


def hashed(password, salt=METHODS["sha512"]):
    return crypt.crypt(password, salt)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users"
    path.write_text(f"anna:{hashed('secret')}\nbert:{hashed('pa:ss wörd')}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def guarded(drive, users, folder):
    (folder / "a").write_text("a")
    return drive("--users", users)


@pytest.mark.core
def test_nobody_comes_in_without_a_password(guarded, folder):
    for method in ("GET", "HEAD", "PUT", "DELETE", "PROPFIND", "MKCOL", "COPY", "MOVE"):
        answer = guarded.ask(method, "/a", {"Destination": "/b"}, b"x" if method == "PUT" else None)
        assert answer.status == 401, method
        assert answer["www-authenticate"].startswith("Basic realm=")
    assert [p.name for p in folder.iterdir() if p.name != ".prefork"] == ["a"]


@pytest.mark.core
def test_the_right_password_opens_and_another_does_not(guarded):
    assert guarded.ask("GET", "/a", basic("anna", "secret")).body == b"a"
    assert guarded.ask("GET", "/a", basic("bert", "pa:ss wörd")).body == b"a"
    for user, password in (("anna", "Secret"), ("anna", ""), ("", "secret"), ("carl", "secret"), ("anna", "secret "),
                           ("anna:x", "secret"), ("anna", "secret\0")):
        assert guarded.ask("GET", "/a", basic(user, password)).status == 401, (user, password)


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic YW5uYQ==", "Bearer x", "Digest username=anna", "",
                                   "Basic " + "A" * 7000])
def test_an_authorization_that_is_none_is_401(guarded, value):
    assert guarded.ask("GET", "/a", {"Authorization": value}).status in (400, 401)


@pytest.mark.parametrize("method", METHODS)
def test_every_kind_of_hash_is_understood(drive, folder, tmp_path, method):
    (folder / "a").write_text("a")
    users = tmp_path / "users"
    users.write_text(f"anna:{hashed('secret', METHODS[method])}\n")
    served = drive("--users", users)
    assert served.ask("GET", "/a", basic("anna", "secret")).status == 200
    assert served.ask("GET", "/a", basic("anna", "wrong")).status == 401


def test_a_password_that_was_checked_costs_no_second_hash(guarded):
    wire = guarded.connect()
    wire.ask("GET", "/a", basic("anna", "secret"))
    began = time.monotonic()
    for _ in range(200):
        assert wire.ask("GET", "/a", basic("anna", "secret")).status == 200
    assert time.monotonic() - began < 1.0 or "asan" in PREFORKD


def test_a_changed_users_file_is_noticed(guarded, users):
    assert guarded.ask("GET", "/a", basic("anna", "secret")).status == 200
    fresh = users.with_suffix(".new")
    fresh.write_text(f"anna:{hashed('other')}\n")
    fresh.rename(users)
    until(lambda: guarded.ask("GET", "/a", basic("anna", "other")).status == 200, "the new password holds")
    until(lambda: guarded.ask("GET", "/a", basic("anna", "secret")).status == 401, "the old one no more, in any worker")


def test_failed_tries_are_slowed_down_and_right_ones_are_not(guarded):
    began = time.monotonic()
    for i in range(8):
        assert guarded.ask("GET", "/a", basic("anna", f"guess {i}")).status in (401, 429)
    assert time.monotonic() - began > 0.5, "eight guesses in no time"


def test_an_upload_without_a_password_is_refused_before_it_is_sent(guarded):
    wire = guarded.connect()
    wire.send(head("PUT", "/x", {"Content-Length": "1000000", "Expect": "100-continue"}))
    answer = wire.read()
    assert answer.status == 401 and not answer.interim


@pytest.mark.core
def test_without_users_only_this_machine_may_come(start, folder):
    for listen in ("0.0.0.0:0", "[::]:0"):
        with pytest.raises(AssertionError, match="ended with status [1-9].*\n.*--users"):
            start("drive", folder, listen=listen)


def test_with_users_and_without_tls_the_log_warns_once(start, folder, users):
    served = start("drive", "--users", users, folder, listen="0.0.0.0:0")
    served.wait_log("warn.*clear")
    assert len([line for line in served.log if " warn " in line and "clear" in line]) == 1


@pytest.mark.parametrize("text, what", [("anna\n", ":1"), ("ok:GOOD\nanna:\n", ":2"), (":x\n", ":1")])
def test_a_bad_users_file_is_named_with_its_line(start, folder, tmp_path, text, what):
    users = tmp_path / "users"
    users.write_text(text.replace("GOOD", hashed("x")))
    with pytest.raises(AssertionError, match=f"ended with status [1-9](.|\n)*{users}{what}"):
        start("drive", "--users", users, folder)


def test_a_users_file_that_is_not_there_is_said(start, folder, tmp_path):
    with pytest.raises(AssertionError, match="ended with status [1-9](.|\n)*No such file"):
        start("drive", "--users", tmp_path / "none", folder)


def passwd(path, name, *typed):
    """Runs `preforkd passwd` on a terminal and types; what it showed, and its status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([PREFORKD, "passwd", path, name], stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)
    os.close(theirs)
    shown = b""
    try:
        for line in typed:
            while not shown.rstrip(b" ").endswith(b":"):
                shown += os.read(ours, 1000)
            os.write(ours, line.encode() + b"\n")
            shown += b"\n"
        while True:
            shown += os.read(ours, 1000)
    except OSError:
        pass  # the other side is closed: it has ended
    finally:
        os.close(ours)
    return shown.decode(), process.wait(PATIENCE_S)


def test_passwd_asks_twice_without_echo_and_writes_what_the_drive_understands(drive, folder, tmp_path):
    users = tmp_path / "users"

    shown, status = passwd(users, "dora", "hush hush", "hush hush")

    assert status == 0 and "hush" not in shown
    assert users.stat().st_mode & 0o077 == 0
    (folder / "a").write_text("a")
    served = drive("--users", users)
    assert served.ask("GET", "/a", basic("dora", "hush hush")).status == 200

    assert passwd(users, "emil", "one", "two")[1] != 0, "two different answers"
    assert "emil" not in users.read_text()


def test_a_users_file_with_nobody_in_it_is_told_and_lets_nobody_in(drive, tmp_path):
    path = tmp_path / "nobody"
    path.write_text("# later\n")
    path.chmod(0o600)
    server = drive("--users", path)

    server.wait_log(r"nobody can come in yet: preforkd passwd .*/nobody NAME")
    assert server.ask("GET", "/").status == 401
