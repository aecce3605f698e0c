# SPDX-License-Identifier: MIT
"""A box: a run directory of its own, the launcher, and everything that runs in it, counted."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("PREFORKD", "build-test/src/app/preforkd")).resolve().parents[2]
LAUNCHER = str(BUILD / "src/interp/prefork-interp")
TINY = str(BUILD / "tests/tiny")
PATIENCE_S = 20  # for what must happen; a test that waits so long has failed


def until(what, condition):
    """Waits for a thing that no descriptor tells of."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"never came: {what}"
        select.select([], [], [], 0.005)
    return found


class Box:
    def __init__(self, path):
        self.path = path
        self.run_dir = path / "run"
        self.run_dir.mkdir(mode=0o700)
        self.dir = self.run_dir / "prefork"
        self.mark = path / "mark"
        self.script = path / "script"
        self.script.write_text("#\n")
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(path),
            "PREFORK_RUN_DIR": str(self.run_dir),
            "TINY_MARK": str(self.mark),
            "TINY_BOX": str(path),
        }
        self.options = []

    def command(self, *words, cold=False, options=None):
        launcher = [] if cold else [LAUNCHER, *(self.options if options is None else options)]
        return [*launcher, TINY, str(self.script), *map(str, words)]

    def start(self, *words, cold=False, options=None, env=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(self.command(*words, cold=cold, options=options),
                                env={**self.env, **(env or {})}, **more)

    def run(self, *words, input=None, **more):
        if input is not None:
            more["stdin"] = subprocess.PIPE
        process = self.start(*words, **more)
        out, err = process.communicate(input, timeout=PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def warm_up(self, **more):
        """A server that has served."""
        assert self.run("exit", 0, **more).returncode == 0
        until("a server", lambda: any(row["pid"] for row in self.status()))
        return self

    def setups(self):
        """How often set-up ran: as a server, or cold."""
        return len(self.mark.read_bytes()) if self.mark.exists() else 0

    def launcher(self, *words, **more):
        return subprocess.run([LAUNCHER, *map(str, words)], env=self.env, capture_output=True,
                              timeout=PATIENCE_S, **more)

    def status(self):
        return json.loads(self.launcher("--status", "--json").stdout)

    def server(self):
        """The one there is; on a busy machine it may not have answered in time at first."""
        (row,) = until("a server", lambda: [row for row in self.status() if row["pid"]])
        return row

    def why_cold(self):
        (row,) = self.status()
        return row["last_cold"]["why"]

    def socket(self, kind):
        (path,) = self.dir.glob(kind + "*")
        return path

    def connect(self, kind):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if kind == "p" else socket.SOCK_STREAM)
        s.settimeout(PATIENCE_S)
        s.connect(str(self.socket(kind)))
        return s

    def processes(self):
        """All that began in this box, and are not zombies."""
        mine = f"TINY_BOX={self.path}\0".encode()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mine in (entry / "environ").read_bytes() \
                        and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def close(self):
        for path in self.dir.glob("[sp]*") if self.dir.exists() else []:
            path.unlink()
        try:
            until("the end of all processes", lambda: not self.processes())
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
