# SPDX-License-Identifier: MIT
"""A worker that was broken into says to the supervisor what no sound one says: it is ended, and the others go on."""
import ctypes
import errno
import os
import socket
import struct

import pytest

from harness.wait import for_exit, until

LIBC = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438  # every architecture's number
CORE_READY, CORE_FAILED = 7, 8  # core/core_wire.h


def channel(pid):
    """The worker's end of its channel: the one socket it has that keeps messages apart."""
    process = os.pidfd_open(pid)
    try:
        for fd in map(int, os.listdir(f"/proc/{pid}/fd")):
            own = LIBC.syscall(PIDFD_GETFD, process, fd, 0)
            if own < 0:
                if ctypes.get_errno() == errno.EPERM:
                    pytest.skip("this kernel lets nobody have another's descriptors")
                continue
            try:
                found = socket.socket(fileno=own)
            except OSError:
                os.close(own)
                continue
            if found.family == socket.AF_UNIX and found.type == socket.SOCK_SEQPACKET:
                return found
            found.close()
    finally:
        os.close(process)
    raise AssertionError("it has no channel")


@pytest.mark.core
@pytest.mark.parametrize("word", [struct.pack("I", CORE_READY), struct.pack("I", CORE_FAILED) + b"no\0"], ids=["ready", "failed"])
def test_a_worker_that_serves_and_says_again_how_it_began_is_ended(start, model, word):
    served = start("echo", "--model", model, "--workers", "2..2")
    broken, *others = served.workers()
    with channel(broken) as said:
        said.send(word)

    served.wait_log("worker-garbled")
    for_exit(broken)
    with served.connect() as wire:
        wire.send(b"hello")
        while b"HELLO\n" not in wire.kept:
            wire._more()
    assert set(others) <= set(served.workers())
    until(lambda: len(served.workers()) > len(others), "there is another in its place")
