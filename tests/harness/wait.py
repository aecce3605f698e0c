# SPDX-License-Identifier: MIT
"""Waiting for what must come, with a deadline. Nothing here guesses how long something takes."""
import os
import select
import threading
import time

PATIENCE_S = 15.0  # longer than anything takes on a busy machine, with sanitizers


def until(condition, what, seconds=PATIENCE_S):
    """Returns the first true value of @condition(); fails with "WHAT did not happen" at the deadline.

    Only for what gives no sign of its own (a file, a line in /proc): a log line
    or the end of a process is waited for by itself.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < deadline, f"within {seconds} s it did not happen: {what}"
        pause.wait(0.005)
    return value


def for_exit(pid, seconds=PATIENCE_S):
    """Returns when process @pid, of whoever, has ended (or was not there)."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], seconds)[0], f"process {pid} did not end within {seconds} s"
    finally:
        os.close(fd)
