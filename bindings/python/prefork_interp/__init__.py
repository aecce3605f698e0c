# SPDX-License-Identifier: MIT
"""Scripts that start at once: say that the loading is done.

    #!/usr/local/bin/prefork-interp python3
    import argparse, json, ssl          # everything that takes long
    import prefork_interp
    prefork_interp.ready()              # returns once per call of the script
    ...                                 # sys.argv, sys.stdin, os.environ are this call's

Run by anything but prefork-interp(1), ready() returns at once and does nothing.
"""
import os

__all__ = ["managed", "ready"]


def managed():
    """Whether prefork-interp(1) started this process to become a server."""
    if "PREFORK_INTERP" not in os.environ:  # so that a plain run loads nothing more
        return False
    from . import native
    return native.managed()


def ready(*, also_check=(), max_servers=0, spares=0, idle_timeout=0, max_errors=0, log_facility=0,
          reload=True, reload_behind=False, forks_threads=False, name=None):
    """Set-up is done: become the server. Returns True in executors, False where nothing manages the process.

    also_check     further paths whose change makes the server start anew
    max_servers    how many calls run at once (0: 16; negative: no limit)
    spares         how many executors wait, forked in advance (0: 1; negative: none)
    idle_timeout   seconds without a call until the server ends (0: 900; negative: never)
    reload         whether to look for files that changed
    reload_behind  answer with the old code while the new one loads
    forks_threads  say nothing about threads and sockets that a fork does not copy well
    """
    if not managed():
        return False
    from . import server
    flags = (1 if reload_behind else 0) | (0 if reload else 2) | (4 if forks_threads else 0)
    server.become(also_check, not forks_threads,
                  (flags, max_servers, spares, idle_timeout, max_errors, log_facility, name))
    return True
