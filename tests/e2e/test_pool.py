# SPDX-License-Identifier: MIT
"""The pool's promises: nobody waits behind a busy worker, nothing unbegun is lost, one death is one death."""
import os
import re
import resource
import signal
import threading

import pytest

from harness import ledger
from harness.server import descriptors
from harness.wait import until
from harness.wire import Closed, head

GET_A = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def pool(start, folder):
    (folder / "a").write_bytes(b"a" * 1024)

    def begin(*options, **how):
        return start("drive", "--model", "pool", *options, folder, **how)
    return begin


def broken(account):
    return account["broken_before"]["all"] + account["broken_after"]["all"]


@pytest.mark.core
def test_many_idle_connections_cost_no_worker(pool, folder):
    n = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500)
    if "asan" in os.environ.get("PREFORKD", ""):
        n = min(n, 1000)
    served = pool("--workers", "8", "--linger", "10ms", "--idle-timeout", "300s",
                  prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2))
    with ledger.Load(served, "--hold", "-c", n, "-t", "120s", "-T", "30s", "-p", "/a", "-E", "1024") as idle:
        assert idle.held() == n
        until(lambda: sum(len(descriptors(w)) for w in served.workers()) < 8 * 40, "the workers have given them back")

        busy = ledger.run(served, "-c", "16", "-t", "1s", "-p", "/a", "-E", "1024")
        account = idle.result()

    assert broken(busy) == 0 and busy["right"] > 100
    assert account["right"] == 2 * n and account["held_lost"] == 0


@pytest.mark.core
@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("upload", [False, True], ids=["get", "put"])
def test_killed_workers_lose_nothing_that_had_not_begun(pool, folder, seconds, upload):
    served = pool("--workers", "4..8", "--durability", "rename")
    (folder / "up").mkdir()
    what = ("-m", "PUT", "-b", "1K", "-p", "/up/%c") if upload else ("-p", "/a", "-E", "1024")
    killed, done = 0, threading.Event()
    with ledger.Load(served, "-c", "16", "-t", f"{seconds}s", "-T", "5s", *what) as load:
        while load.process.poll() is None:
            done.wait(0.1)
            if workers := served.workers():
                try:
                    os.kill(workers[killed % len(workers)], signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
        account = load.result()

    print(f"{killed} kills: {account}")
    assert killed > 5 and account["right"] > 100
    assert account["broken_before"]["all"] == 0, "a request that had not begun was lost"
    assert set(account["wrong"]) <= {"all", "502", "503"}


@pytest.mark.core
def test_a_stopped_worker_holds_nobody_else_up(pool):
    served = pool("--workers", "4", "--connections", "1")
    wire = served.connect()
    wire.send(GET_A[:20])
    stopped = served.holder(wire)
    os.kill(stopped, signal.SIGSTOP)
    try:
        account = ledger.run(served, "-c", "8", "-t", "1s", "-T", "5s", "-p", "/a", "-E", "1024")
    finally:
        os.kill(stopped, signal.SIGCONT)

    assert broken(account) == 0 and account["right"] > 100
    wire.send(GET_A[20:])
    assert wire.read().status == 200


@pytest.mark.core
def test_a_request_half_read_by_a_killed_worker_is_answered_by_another(pool):
    served = pool("--workers", "4")
    wire = served.connect()
    wire.send(GET_A[:20])
    worker = served.holder(wire)

    served.kill_worker(worker)

    until(lambda: any(pid != worker for pid in served.holders(wire)), "another has it")
    wire.send(GET_A[20:])
    assert wire.read().body == b"a" * 1024


@pytest.mark.core
def test_a_request_that_kills_two_workers_is_answered_502_and_named_in_the_log(pool):
    served = pool("--workers", "4")
    wire = served.connect()
    wire.send(b"GET /poison?x=1 HTTP/1.1\r\nHost: loc")
    first = served.holder(wire)
    served.kill_worker(first)
    second = until(lambda: [pid for pid in served.holders(wire) if pid != first], "another has it")[0]

    served.kill_worker(second)

    assert wire.read().status == 502
    assert wire.ended()
    assert "/poison" in served.wait_log(r"poison")
    assert served.ask("GET", "/a").status == 200
    until(lambda: len(served.workers()) >= 4, "there are four workers again")


@pytest.mark.core
def test_an_answer_that_had_begun_ends_with_its_worker(pool, folder):
    (folder / "big").write_bytes(b"x" * (64 << 20))
    served = pool("--workers", "4")
    wire = served.connect()
    wire.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert wire.read_head().status == 200

    served.kill_worker(served.holder(wire))

    with pytest.raises(Closed):
        wire._exactly(64 << 20)
    assert served.ask("GET", "/a").status == 200


def test_an_upload_that_had_begun_and_was_not_answered_is_502(pool, folder):
    served = pool("--workers", "4")
    wire = served.connect()
    wire.send(head("PUT", "/new", {"Content-Length": "100000"}) + b"x" * 50_000)
    worker = served.holder(wire)
    until(lambda: any(os.path.exists(f"/proc/{worker}/fd/{fd}") and os.stat(f"/proc/{worker}/fd/{fd}").st_size == 50_000
                      for fd in descriptors(worker)), "the upload has begun")
    served.kill_worker(worker)
    assert wire.read().status == 502
    assert not (folder / "new").exists()


@pytest.mark.core
def test_when_all_are_busy_the_queue_is_bounded_and_says_no(pool):
    served = pool("--workers", "2", "--connections", "1", "--queue", "3", "--queue-timeout", "30s", "--head-timeout", "30s")
    busy = []
    for _ in range(2):
        busy.append(served.connect())
        busy[-1].send(GET_A[:20])
        served.holder(busy[-1])
    waiting = [served.connect() for _ in range(3)]
    for wire in waiting:
        wire.send(GET_A)
    until(lambda: sum("socket:" in t for t in descriptors(served.pid).values()) >= 5, "they are accepted")

    refused = [served.connect() for _ in range(3)]
    for wire in refused:
        wire.send_willing(GET_A)
    statuses = [wire.read() for wire in refused]

    assert [(a.status, bool(a["retry-after"])) for a in statuses] == [(503, True)] * 3
    for wire in busy:
        wire.send(GET_A[20:])
        assert wire.read().status == 200
    for wire in waiting:
        assert wire.read().status == 200


def test_who_waits_too_long_in_the_queue_is_refused(pool):
    served = pool("--workers", "1", "--connections", "1", "--queue-timeout", "300ms", "--head-timeout", "30s")
    busy = served.connect()
    busy.send(GET_A[:20])
    served.holder(busy)
    wire = served.connect()
    wire.send(GET_A)
    answer = wire.read()
    assert answer.status == 503 and answer["retry-after"]


def test_workers_grow_with_demand_and_shrink_after_it(pool):
    served = pool("--workers", "1..6", "--connections", "1", "--head-timeout", "30s")
    busy = []
    for _ in range(6):
        busy.append(served.connect())
        busy[-1].send(GET_A[:20])
        served.holder(busy[-1])
    assert len(served.workers()) == 6
    for wire in busy:
        wire.send(GET_A[20:])
        assert wire.read().status == 200


@pytest.mark.core
def test_few_descriptors_are_a_clear_answer_and_life_goes_on(pool):
    served = pool("--workers", "2", prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    wires = []
    for _ in range(100):
        wires.append(served.connect())
        wires[-1].send_willing(GET_A)
    statuses = []
    for wire in wires[:20]:
        try:
            statuses.append(wire.read().status)
        except Closed:
            statuses.append(0)
    assert 200 in statuses and set(statuses) <= {200, 503, 0}
    for wire in wires:
        wire.close()

    until(lambda: served.ask("GET", "/a").status == 200, "it answers again")
    assert any(re.search(r"descriptor|connections-full", line) for line in served.log), "it is worth a line"


def no_more_descriptors(pid):
    """Takes from process @pid the right to open one more; returns what gives it back."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    free = next(n for n in range(before[0]) if n not in descriptors(pid))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, before[1]))
    return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_without_descriptors_and_connections_accepting_goes_on_when_there_are_some(pool):
    """There is no connection whose end could free one: it was somebody else who had them all."""
    served = pool("--workers", "1")
    give_back = no_more_descriptors(served.pid)
    wire = served.connect()
    wire.send(GET_A)
    served.wait_log("no-descriptors")
    assert wire.silent(0.1)
    give_back()
    assert wire.read().status == 200


def test_a_connection_no_worker_can_take_is_refused_in_time(pool):
    served = pool("--workers", "1", "--queue-timeout", "500ms")
    give_back = no_more_descriptors(served.workers()[0])
    assert served.ask("GET", "/a").status == 503
    give_back()
    until(lambda: served.ask("GET", "/a").status == 200, "it answers again")
    assert sum(" no-descriptors: " in line for line in served.log) == 1, "and not a line for each time it was offered"


def test_little_memory_is_a_clear_answer_and_life_goes_on(pool, folder):
    if "asan" in os.environ.get("PREFORKD", ""):
        pytest.skip("a sanitizer needs terabytes of address space")
    served = pool("--workers", "2", "--cache", "64M",
                  prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (48 << 20, 48 << 20)))
    for i in range(200):
        (folder / f"f{i}").write_bytes(b"x" * 500_000)
        answer = served.ask("GET", f"/f{i}")
        assert answer.status in (200, 503, 507)
    assert served.ask("GET", "/a").status == 200


@pytest.mark.core
def test_the_oldest_idle_connection_gives_way_where_there_may_be_no_more(pool):
    served = pool("--workers", "1", "--max-connections", "4")
    idle = [served.connect() for _ in range(4)]
    for wire in idle:
        wire.send(head("GET", "/a"))
        assert wire.read().status == 200

    assert served.ask("GET", "/a").status == 200

    assert idle[0].socket.recv(1) == b"", "it was the oldest"
    idle[3].send(head("GET", "/a"))
    assert idle[3].read().status == 200


def test_the_debug_log_says_who_waits_and_who_got_which_connection(pool):
    served = pool("--workers", "2", "--log-level", "debug")
    served.wait_log(r"worker-ready: worker waits for work .*worker=1")
    served.ask("GET", "/a")
    conn, worker = re.search(r"(conn=\d+) .*(worker=\d+)", served.wait_log("placed: connection goes to a worker")).groups()
    served.wait_log(rf"(done|parked): .*{conn} .*{worker}\b")
    served.wait_log(rf"worker-idle: worker waits for work .*{worker}\b")


def test_at_info_a_server_is_silent_while_it_serves(pool):
    served = pool("--workers", "2")
    before = len(served.log)
    for _ in range(20):
        served.ask("GET", "/a")
        served.ask("GET", "/none")
        served.ask("PUT", "/b", body=b"x")
    assert served.log[before:] == []


@pytest.mark.core
def test_the_rest_of_a_refused_upload_is_never_taken_for_a_request(pool):
    """A worker dies while it waits for the end of a body nobody wants; what follows must not reach another as a request."""
    served = pool("--workers", "2")
    wire = served.connect()
    wire.send(head("PUT", "/no/such/folder/x", {"Content-Length": str(1 << 30)}))
    assert wire.read().status == 409

    served.kill_worker(served.holder(wire))
    try:
        wire.send(head("DELETE", "/a"))
        wire.ended()
    except (Closed, BrokenPipeError, ConnectionResetError):
        pass
    for _ in range(100):  # time enough for both workers to have come to it
        assert served.ask("GET", "/a").status == 200, "the body was carried out"
