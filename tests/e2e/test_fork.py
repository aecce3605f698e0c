# SPDX-License-Identifier: MIT
"""What the model fork alone does: a process for each connection, and an idle one ends for who waits."""
import signal
import struct

import pytest

from harness.server import slept
from harness.wait import for_exit, until
from harness.wire import head

pytestmark = pytest.mark.core  # the life of a server is each model's own


def test_who_has_asked_is_answered_though_another_waits_for_the_process(start, folder):
    (folder / "a").write_bytes(b"a")
    served = start("drive", "--model", "fork", "--workers", "1", folder)
    first = served.connect()
    assert first.ask("GET", "/a").status == 200
    holder = served.holder(first)
    served.kill_worker(holder, signal.SIGSTOP)
    second = served.connect()
    second.send(head("GET", "/a"))
    before = slept(served.pid)
    until(lambda: slept(served.pid) > before + 10, "the supervisor has looked again and again for who may go")
    first.send(head("GET", "/a"))
    served.kill_worker(holder, signal.SIGCONT)

    assert first.read().status == 200
    assert second.read().status == 200


def replace_shared(pid, old, new):
    """Puts the number @new wherever the memory that process @pid shares with others holds @old. Returns how often."""
    n = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for fields in map(str.split, maps):
            if fields[1] != "rw-s" or fields[5] != "/dev/zero":
                continue
            begin, end = (int(x, 16) for x in fields[0].split("-"))
            memory.seek(begin)
            at = (data := memory.read(end - begin)).find(struct.pack("i", old))
            while at >= 0:
                n += 1
                memory.seek(begin + at)
                memory.write(struct.pack("i", new))
                at = data.find(struct.pack("i", old), at + 1)
    return n


def test_a_child_cannot_say_which_process_it_is(start, folder):
    """It is made, and does what it can, before the supervisor hears of it."""
    (folder / "a").write_bytes(b"a")
    served = start("drive", "--model", "fork", "--workers", "2", "--log-level", "debug", folder)
    zygote, = served.workers()
    served.kill_worker(zygote, signal.SIGSTOP)
    wire = served.connect()
    served.wait_log("placed")
    served.signal(signal.SIGSTOP)
    served.kill_worker(zygote, signal.SIGCONT)
    child = until(lambda: [pid for pid in served.holders(wire) if pid != zygote], "the child has the connection")[0]

    n = replace_shared(child, child, 1)

    served.signal(signal.SIGCONT)
    assert wire.ask("GET", "/a").status == 200
    assert zygote in served.workers() and n == 0
    wire.close()
    for_exit(child)
    until(lambda: served.workers() == [zygote], "the child was reaped")
