# SPDX-License-Identifier: MIT
"""What the model fork alone does: a process for each connection, and an idle one ends for who waits."""
import signal

import pytest

from harness.server import slept
from harness.wait import until
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
