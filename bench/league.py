# SPDX-License-Identifier: MIT
"""The league table: every fault of faults.py done to us, nginx and Apache under the same load; what is counted is what was lost."""
import json
import pathlib
import subprocess

import faults
import servers
from cases import LOAD, Case, Round


class Target:
    """A server of servers.py as faults.py wants it."""

    def __init__(self, server):
        self.server, self.folder = server, pathlib.Path(server.folder)

    def workers(self):
        return self.server.worker_pids()

    def __getattr__(self, name):
        return getattr(self.server, name)


class League(Case):
    group = "faults"
    places = ("tmpfs",)
    rounds, warm = 1, False
    seconds = 5.0
    unit = "request"
    fault = None

    def prepare(self, folder):
        faults.prepare(folder)

    def rage(self, server, *options):
        command = [LOAD, "-c", str(faults.CONNECTIONS), "-t", f"{int(self.seconds * 1000)}ms", "-T", "10s", *options, *self.fault.loads,
                   server.host, str(server.port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            strikes = faults.inflict(self.fault, Target(server), process)
            return json.loads(process.stdout.read()), strikes

    def round(self, server):
        for need in self.fault.needs:
            if not hasattr(server, need):
                raise RuntimeError(f"it has no {self.fault.name}")
        before = server.cpu_ns()
        accounts = [self.rage(server), self.rage(server, "-1")]
        lost = [faults.lost(account) for account, _ in accounts]
        return Round(max(1, sum(account["right"] for account, _ in accounts)), sum(account["wall_s"] for account, _ in accounts),
                     server.cpu_ns() - before, sum(lost) + sum(account["refused"] for account, _ in accounts),
                     {"strikes": sum(strikes for _, strikes in accounts), "lost, kept": lost[0], "lost, one each": lost[1],
                      "refused": sum(account["refused"] for account, _ in accounts),
                      "longest silence ms": max(account["longest_gap_ms"] for account, _ in accounts)})


def league(fault):
    ours = servers.of_models(("pool", "fork", "ring", "shared", "reuseport"), seats=2 * faults.CONNECTIONS, more_options=fault.options)
    others = (servers.NginxMaster, servers.ApacheGraceful) if set(fault.needs) <= {"reload", "upgrade"} and not fault.options else ()
    return type("League" + fault.__name__, (League,), {
        "fault": fault(), "name": "fault-" + fault.name, "title": "Lost: " + fault.__doc__.splitlines()[0].rstrip("."),
        "peers": (*ours, *others)})


ALL = tuple(league(fault) for fault in faults.ALL if not fault.unprivileged)
