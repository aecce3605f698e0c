# SPDX-License-Identifier: MIT
"""The access log: one line a request, in forms others read."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import server as harness_server
from harness.wait import until
from harness.wire import Wire, basic

COMMON = re.compile(r'(\S+) - (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "([^"]*(?:\\"[^"]*)*)" (\d{3}) (\d+|-)')
COMBINED = re.compile(COMMON.pattern + r' "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')


@pytest.fixture
def logged(drive, folder, tmp_path):
    """A drive that writes its access log in a format, and a function that waits for n lines of it."""
    (folder / "a").write_text("alpha")
    path = tmp_path / "access.log"

    def begin(form, *options):
        served = drive("--access-log", path, "--access-log-format", form, *options)

        def lines(n):
            until(lambda: path.exists() and path.read_bytes().count(b"\n") >= n, f"{n} lines are written")
            return path.read_text("utf-8", "strict").splitlines()
        return served, lines
    begin.path = path
    return begin


@pytest.mark.core
def test_common_is_the_common_format(logged):
    served, lines = logged("common", "--workers", "1")
    served.ask("GET", "/a")
    served.ask("PUT", "/new", body=b"x" * 10)
    served.ask("GET", "/none?query=1")
    found = [COMMON.fullmatch(line) for line in lines(3)]
    assert all(found), lines(3)
    assert [(m[1], m[2], m[3], m[4]) for m in found] == [
        ("127.0.0.1", "-", "GET /a HTTP/1.1", "200"), ("127.0.0.1", "-", "PUT /new HTTP/1.1", "201"),
        ("127.0.0.1", "-", "GET /none?query=1 HTTP/1.1", "404")]
    assert found[0][5] == "5"


def test_combined_adds_referer_and_agent(logged):
    served, lines = logged("combined")
    served.ask("GET", "/a", {"Referer": "http://x/", "User-Agent": 'the "best" \\ one'})
    match = COMBINED.fullmatch(lines(1)[0])
    assert match and match[6] == "http://x/" and "best" in match[7]


@pytest.mark.core
def test_json_is_json(logged):
    served, lines = logged("json", "--workers", "1")
    served.ask("GET", "/a", {"User-Agent": 'quote " backslash \\ tab \t'})
    served.ask("GET", "/none")
    entries = [json.loads(line) for line in lines(2)]
    assert [e["status"] for e in entries] == [200, 404]
    assert all(isinstance(e, dict) and "GET" in json.dumps(e) for e in entries)


def test_a_download_that_breaks_off_is_there_with_what_was_sent(logged, folder):
    (folder / "large").write_bytes(bytes(64 << 20))
    served, lines = logged("json")
    wire = served.connect()
    wire.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.socket.recv(1000)
    wire.close()
    entry = json.loads(lines(1)[0])
    assert (entry["target"], entry["status"], entry["whole"]) == ("/large", 200, False)
    assert entry["bytes"] < 64 << 20


def test_an_upload_that_breaks_off_is_there_as_499(logged):
    served, lines = logged("json")
    wire = served.connect()
    wire.send(b"PUT /new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    wire.close()
    entry = json.loads(lines(1)[0])
    assert (entry["method"], entry["target"], entry["status"], entry["whole"]) == ("PUT", "/new", 499, False)
    served.ask("GET", "/a")
    assert json.loads(lines(2)[1])["whole"] is True, "one line for the broken one, and no other"


def test_a_request_takes_the_time_it_takes(logged, tmp_path):
    import crypt
    users = tmp_path / "users"
    users.write_text("anna:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_SHA512)) + "\n")
    served, lines = logged("json", "--users", users)
    served.ask("GET", "/a", basic("anna", "secret"))
    assert json.loads(lines(1)[0])["duration_us"] > 0, "a password hash alone takes a millisecond"


@pytest.mark.parametrize("form", ["common", "combined", "json"])
def test_a_strangers_bytes_cannot_forge_a_line(logged, form):
    served, lines = logged(form)
    wire = served.connect()
    wire.send(b"GET /%0a%0d\x1b\xff\"\\x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\xff\"b\\\r\n\r\n")
    wire.read()
    served.ask("GET", "/a")
    found = lines(1)
    assert until(lambda: 1 <= len(lines(1)) <= 2, "one or two lines")
    for line in found:
        assert line.isprintable()
        if form == "json":
            json.loads(line)


def test_the_user_is_named(logged, tmp_path):
    import crypt
    users = tmp_path / "users"
    users.write_text("anna:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_SHA512)) + "\n")
    served, lines = logged("common", "--users", users)
    served.ask("GET", "/a", basic("anna", "secret"))
    line = lines(1)[0]
    assert COMMON.fullmatch(line)[2] == "anna"
    assert "secret" not in line


@pytest.mark.core
def test_standard_output_may_be_a_socket_as_systemd_makes_it(folder):
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile() as said:
        ours.settimeout(15)
        server = subprocess.Popen([harness_server.PREFORKD, "drive", "--listen", "127.0.0.1:0", "--access-log", "-", folder],
                                  stdout=theirs, stderr=subprocess.DEVNULL, preexec_fn=harness_server.end_with_parent)
        theirs.close()
        with server:
            port = int(harness_server.READY.fullmatch(said.readline().rstrip())[5])
            with Wire(("127.0.0.1", port)) as wire:
                assert wire.ask("GET", "/none").status == 404
            assert "GET /none" in said.readline()
            server.terminate()
            assert server.wait(15) == 0


@pytest.mark.core
def test_usr1_opens_the_log_again_and_loses_no_line(logged, tmp_path):
    served, lines = logged("common")
    old = tmp_path / "access.log.1"
    for _ in range(10):
        served.ask("GET", "/a")
    lines(10)
    logged.path.rename(old)
    served.signal(signal.SIGUSR1)
    until(logged.path.exists, "the new log is there")
    n = 0
    while not logged.path.read_bytes():
        served.ask("GET", "/a")
        n += 1
        assert n < 1000
    total = until(lambda: old.read_bytes().count(b"\n") + logged.path.read_bytes().count(b"\n") == 10 + n and n,
                  "every request is in one of the two")
    assert total


def test_usr1_reaches_a_worker_that_is_being_made(logged, tmp_path):
    served, lines = logged("common", "--workers", "1")
    served.signal(signal.SIGSTOP)  # so that it learns of the death and of the signal at once
    os.kill(served.workers()[0], signal.SIGKILL)
    logged.path.rename(tmp_path / "access.log.1")
    served.signal(signal.SIGUSR1)
    served.signal(signal.SIGCONT)
    until(logged.path.exists, "the new log is there")
    served.ask("GET", "/a")
    assert len(lines(1)) == 1


def test_every_request_has_its_line_under_load(logged):
    from harness import ledger
    served, lines = logged("common")
    # No more connections than fork has processes, which closes idle ones for who waits.
    account = ledger.run(served, "-c", "4", "-n", "2000", "-p", "/a", "-E", "5")
    assert account["right"] == 2000
    found = lines(2000)
    assert len(found) == 2000 and all(COMMON.fullmatch(line) for line in found)
