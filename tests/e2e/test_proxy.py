# SPDX-License-Identifier: MIT
"""The PROXY protocol in: for whom a proxy has connected, believed of those in proxy_from and nobody else."""
import re
import socket
import struct
import subprocess
import time

import pytest

from harness.server import PREFORKD
from harness.wait import PATIENCE_S, for_exit, until
from harness.wire import Closed, basic
from test_upgrade import Installed

pytestmark = pytest.mark.core  # where a header is read is each model's own

PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, port=1234):
    return f"PROXY TCP{'6' if ':' in source else '4'} {source} {'::1' if ':' in source else '192.0.2.99'} {port} 443\r\n".encode()


def v2(source, port=1234, more=b"", command=1):
    if source is None:
        return V2 + bytes([0x20, 0]) + struct.pack("!H", len(more)) + more
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) * 2 + struct.pack("!HH", port, 443)
    return V2 + bytes([0x20 | command, 0x21 if ":" in source else 0x11]) + struct.pack("!H", len(ends + more)) + ends + more


@pytest.fixture
def logged(start, folder, model, tmp_path):
    (folder / "a").write_bytes(b"aaa")

    def begin(*options, proxies=PROXY, **how):
        served = start("drive", "--model", model, "--workers", "2..8", "--proxy-from", proxies, "--access-log", tmp_path / "access",
                       *options, folder, **how)
        return served
    return begin


def peers(tmp_path, n):
    """Of the first @n lines of the access log."""
    def lines():
        text = (tmp_path / "access").read_text().splitlines()
        return text if len(text) >= n else None
    return [line.split()[0] for line in until(lines, f"{n} requests are logged")]


GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("header, peer", [
    (v1("198.51.100.7"), "198.51.100.7"),
    (v1("2001:db8::7"), "2001:db8::7"),
    (v2("198.51.100.7"), "198.51.100.7"),
    (v2("2001:db8::7", more=b"\x02\0\x04name" + b"\x04\x03\xe8" + bytes(1000)), "2001:db8::7"),
    (v2(None, more=b"whatever"), PROXY),
    (v2("198.51.100.7", command=0), PROXY),
    (b"PROXY UNKNOWN\r\n", PROXY),
], ids=["v1", "v1-six", "v2", "v2-six-tlvs", "v2-local", "v2-local-addresses", "v1-unknown"])
def test_the_header_says_who_it_is(logged, tmp_path, header, peer):
    served = logged()
    with served.connect() as wire:
        wire.send(header + GET)
        assert wire.read().body == b"aaa"
        wire.send(GET)
        assert wire.read().status == 200
    assert peers(tmp_path, 2) == [peer] * 2


def test_a_header_may_come_in_pieces_and_long_before_the_request(logged, tmp_path):
    served = logged()
    with served.connect() as wire:
        for byte in v2("198.51.100.7"):
            wire.send(bytes([byte]))
        assert wire.silent(0.05)
        wire.send(GET)
        assert wire.read().status == 200
    assert peers(tmp_path, 1) == ["198.51.100.7"]


def test_strangers_are_not_believed(logged, tmp_path):
    served = logged()
    with served.connect(source=STRANGER) as wire:
        wire.send(v1("198.51.100.7") + GET)
        assert wire.read().status == 400
    with served.connect(source=STRANGER) as wire:
        assert wire.ask("GET", "/a").status == 200
    assert set(peers(tmp_path, 2)) == {STRANGER}


@pytest.mark.parametrize("bad", [GET, v1("198.51.100.7").replace(b"\r", b""), b"PROXY " + b"x" * 200, V2 + b"\x31\x11\0\0",
                                 V2 + b"\x21\x11\xff\xff"], ids=["none", "no-cr", "long", "version-3", "huge"])
def test_without_a_header_a_proxy_is_not_served(logged, bad):
    served = logged()
    with served.connect() as wire:
        wire.send_willing(bad)
        with pytest.raises((Closed, OSError)):
            wire.read()
    assert "address=127.0.0.1" in served.wait_log("proxy-header")


def test_a_check_by_the_proxy_leaves_no_trace(logged):
    served = logged()
    for _ in range(5):
        served.connect().close()
    with served.connect() as wire:
        wire.send(b"PROXY TC")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.ended()
    with served.connect() as wire:
        wire.send(v1("198.51.100.7") + GET)
        assert wire.read().status == 200
    assert "proxy-header" not in served.text() and "died" not in served.text()


def test_a_proxy_that_says_nothing_is_not_waited_for(logged, model):
    if model != "pool":
        pytest.skip("it takes five seconds, and is the same for all")
    served = logged()
    with served.connect() as wire:
        wire.send(b"PROXY TCP4 ")
        assert wire.ended()  # after 5 seconds, and the harness waits for 15


def test_limits_count_those_behind_the_proxy(logged):
    served = logged("--max-per-ip", "2")

    def ask(source):
        wire = served.connect()
        wire.send(v1(source) + GET)
        return wire.read().status
    assert [ask("198.51.100.1") for _ in range(3)] == [200, 200, 503]
    assert [ask("2001:db8:0:1::1"), ask("2001:db8:0:1::2"), ask("2001:db8:0:1::3")] == [200, 200, 503]
    assert [ask(f"198.51.100.{i}") for i in range(10, 20)] == [200] * 10


def test_what_dead_workers_held_for_a_proxy_is_counted_no_more(logged, model):
    served = logged("--max-per-ip", "2")

    def ask():
        wire = served.connect()
        wire.send(v1("198.51.100.1") + GET)
        status = wire.read().status
        return wire, status
    for _ in range(3):
        held = []
        until(lambda: held.extend(w for w, status in [ask()] if status == 200) or len(held) == 2, "two places are free")
        assert ask()[1] == 503
        for pid in {holder for wire in held for holder in served.holders(wire)}:
            served.kill_worker(pid)
        for wire in held:
            wire.close()


def test_guesses_of_one_client_do_not_slow_the_others(start, folder, tmp_path):
    (folder / "a").write_bytes(b"aaa")
    users = tmp_path / "users"
    subprocess.run([PREFORKD, "passwd", users, "alice"], input=b"secret\n", check=True, capture_output=True)
    served = start("drive", "--users", users, "--proxy-from", PROXY, folder)

    def ask(source, password):
        with served.connect() as wire:
            wire.send(v1(source))
            return wire.ask("GET", "/a", basic("alice", password))
    for _ in range(4):
        assert ask("198.51.100.1", "wrong").status == 401
    began = time.monotonic()
    assert ask("198.51.100.1", "wrong").status == 401
    slowed = time.monotonic()
    assert ask("198.51.100.2", "secret").status == 200
    assert time.monotonic() - slowed < slowed - began  # two seconds


def test_programs_see_the_clients_address(start, model):
    served = start("exec", "--model", model, "--workers", "2", "--proxy-from", PROXY, "--listen", "127.0.0.1:0", "--", "/bin/sh", "-c",
                   'read line; echo "$PROTO $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP $TCPLOCALPORT $line"', listen=None)
    with served.connect() as wire:
        wire.send(v2("198.51.100.7", 4321, more=bytes(300)) + b"hello\n")
        assert wire.socket.makefile("rb").read() == b"TCP 198.51.100.7 4321 198.51.100.7 443 hello\n"


def test_who_comes_by_a_unix_socket(logged, tmp_path):
    served = logged(proxies="unix 10.0.0.0/8", listen=f"unix:{tmp_path}/s")
    with served.connect() as wire:
        wire.send(v1("198.51.100.7") + GET)
        assert wire.read().status == 200
    with served.connect() as wire:
        wire.send(V2 + b"\x21\x31\0\xd8" + b"/some/where".ljust(216, b"\0") + GET)
        assert wire.read().status == 200
    assert "198.51.100.7" in peers(tmp_path, 2)


def test_a_parked_connection_keeps_its_address_over_everything(tmp_path, start, folder, monkeypatch):
    """Another worker, a reload, a killed worker, another program."""
    (folder / "a").write_bytes(b"aaa")
    installed = Installed(tmp_path, start, folder)
    served = installed.start(monkeypatch, "--proxy-from", PROXY, "--access-log", tmp_path / "access", "--linger", "0", "--workers", "2")
    wire = served.connect()
    wire.send(v2("198.51.100.7"))

    def ask():
        wire.send(GET)
        assert wire.read().status == 200
        until(lambda: installed.ctl.service()["parked"] == 1, "it is parked")
    ask()
    ask()
    installed.ctl.ok("reload")
    ask()
    assert len(peers(tmp_path, 3)) == 3  # a killed worker writes nothing more
    for pid in list(served.workers()):
        served.kill_worker(pid)
    ask()
    old, _ = installed.upgrade()
    for_exit(old)
    ask()
    assert peers(tmp_path, 5) == ["198.51.100.7"] * 5
    wire.close()
    installed.end()


def test_a_wrong_block_names_its_line(tmp_path, folder):
    conf = tmp_path / "x.conf"
    conf.write_text(f"[service files]\nrun = drive\nlisten = 127.0.0.1:0\nroot = {folder}\nproxy_from = 10.0.0.0/8 10.0.0.1/8\n")
    done = subprocess.run([PREFORKD, "-c", conf, "-t"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 78
    assert re.search(r"x\.conf:5: .*\"10\.0\.0\.1/8\" is an address and not a block", done.stderr), done.stderr
