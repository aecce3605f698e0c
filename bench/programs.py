# SPDX-License-Identifier: MIT
"""A program for each connection: exec against the servers that do only this."""
import os
import subprocess

import servers
from cases import Case, load, round_of
from figures import Figure


class ExecTrue(Case):
    group = "exec"
    places = ("tmpfs",)
    name, title, unit = "exec-true", "exec: /bin/true for each connection, 8 at once", "connection"
    peers = (servers.PreforkdExec, servers.PreforkdExecShared, servers.PreforkdExecFork, servers.Tcpserver, servers.Xinetd, servers.Socat)
    figures = tuple(Figure(f"{what} than {peer}", "preforkd exec, pool", peer, by)
                    for peer in ("tcpserver", "xinetd", "socat") for what, by in (("no more CPU", "cpu_us"), ("no fewer", "rate")))

    def round(self, server):
        return round_of(*load(server, "--raw", "-c", 8, "-E", 0, seconds=self.seconds))


def running(program):
    return tuple(type(kind.__name__ + "Static", (kind,), {"program": program}) for kind in ExecTrue.peers)


class ExecStatic(ExecTrue):
    """The smallest program there is: what remains is the server's own."""
    name, title = "exec-static", "exec: a small static program for each connection, 8 at once"
    program = os.path.abspath("build-bench/nothing")
    peers = running(program)

    def prepare(self, folder):
        subprocess.run(["musl-gcc", "-Os", "-static", "-s", "-x", "c", "-o", self.program, "-"], input=b"int main(void){return 0;}",
                       check=True)


ALL = (ExecTrue, ExecStatic)
