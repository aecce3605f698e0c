# SPDX-License-Identifier: MIT
"""The witness: bench/load, which accounts for every request it makes."""
import json
import os
import subprocess

from harness.wait import PATIENCE_S

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOAD = os.environ.get("LOAD", os.path.join(TOP, "build-test/bench/load"))


class Load:
    """bench/load at work in the background; result() waits for its ledger."""

    def __init__(self, server, *options):
        command = [LOAD, *map(str, options), server.host, str(server.port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def held(self, seconds=60):
        """With --hold: how many connections are idle now."""
        line = self.process.stdout.readline()
        assert line.startswith("held "), line
        return int(line.split()[1])

    def result(self, seconds=120):
        out, _ = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


def run(server, *options, seconds=120):
    with Load(server, *options) as load:
        return load.result(seconds)
