# SPDX-License-Identifier: MIT
"""The models against each other: one service, a drive, under each. Which is for whom (docs/BENCHMARKS.md) follows from these."""
import contextlib
import json
import os
import select
import signal
import subprocess
import threading

import faults
import servers
from cases import LOAD, Case, Round, load, round_of
from figures import Figure
from league import Target

ALL_MODELS = ("pool", "fork", "ring", "shared", "reuseport")


class Model(Case):
    group = "models"
    places = ("tmpfs",)
    peers = servers.of_models(ALL_MODELS)
    options = ()

    def prepare(self, folder):
        faults.prepare(folder)
        for i in range(faults.CONNECTIONS):
            (folder / "slow" / str(i)).write_bytes(b"a" * 1024)

    def round(self, server):
        before = {w["worker"]: w["requests"] for w in workers(server)}
        result = round_of(*load(server, "-c", 16, "-p", "/a", "-E", 1024, *self.options, seconds=self.seconds))
        done = [w["requests"] - before.get(w["worker"], 0) for w in workers(server)]
        if sum(done) > 0 and server.model != "fork":
            result.more["busiest worker %"] = 100 * max(done) / sum(done)
        return result


def workers(server):
    """Those that are there: one that is being made has no number yet, and 0 would be our own process group."""
    return [w for s in server.status()["services"] if s["state"] == "serving" for w in s["workers"] if w["pid"]]


class Kept(Model):
    name, title, unit = "models-kept", "Models: GET 1 KiB, 16 connections, keep-alive", "request"


class OneEach(Model):
    name, title, unit = "models-one-each", "Models: a connection for each GET of 1 KiB, 16 at once", "connection"
    options = ("-1",)


class HeadOfLine(Model):
    """The slow hundredth opens a file that takes 100 ms, so its worker stands still."""
    name, unit = "models-blocking", "connection"
    title = "Models: a connection for each GET, one in a hundred blocks its worker for 100 ms, up to 32 processes"
    peers = servers.of_models(ALL_MODELS, seats=1, more_options=("--cache", "0"))
    figures = (Figure("the pool at least as many as fork", "pool", "fork", "rate", 0.95),)
    options = ("-1",)

    def round(self, server):
        with faults.SlowDisk().lasting(Target(server)):
            return round_of(*load(server, "-c", 16, "-p", "/a", "-P", "/slow/%c", "-E", 1024, *self.options, seconds=self.seconds))


class HeadOfLineKept(HeadOfLine):
    name, unit, options, figures = "models-blocking-kept", "request", (), ()
    title = "Models: the same with kept connections, more than some models have seats: they close idle ones"


class Recovery(Model):
    """One client after another; the longest time in which nobody was answered."""
    rounds, warm = 5, False
    seconds = 1.5

    def hurt(self, pid):
        raise NotImplementedError

    def heal(self, pid):
        """Afterwards."""

    def round(self, server):
        victim = []

        def strike():
            # The worker that has done the most: it holds the ring's token as likely as any.
            while not victim:
                pid = max(workers(server), key=lambda w: w["requests"])["pid"]
                with contextlib.suppress(ProcessLookupError):  # one of fork's, done meanwhile: then another
                    self.hurt(pid)
                    victim.append(pid)
        timer = threading.Timer(0.5, strike)
        timer.start()
        try:
            ledger, cpu = load(server, "-1", "-c", 4, "-p", "/a", "-E", 1024, "-T", "5s", seconds=self.seconds)
        finally:
            timer.join()
            self.heal(victim[0])
        return round_of(ledger, cpu, **{"longest silence ms": ledger["longest_gap_ms"]})


class AfterKill(Recovery):
    name, title, unit = "models-kill", "Models: kill -9 of a worker under 4 clients", "connection"
    figures = (Figure("ring: answered again 100 ms after a death", "ring", "ring", "longest silence ms", 0.0, 100.0),)

    def hurt(self, pid):
        os.kill(pid, signal.SIGKILL)


class AfterStop(Recovery):
    name, title, unit = "models-stop", "Models: SIGSTOP of a worker under 4 clients, for the rest of the round", "connection"
    figures = (Figure("ring: answered again 500 ms after a stop", "ring", "ring", "longest silence ms", 0.0, 500.0),)

    def hurt(self, pid):
        os.kill(pid, signal.SIGSTOP)

    def heal(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Idle(Model):
    """What nothing costs: the server's CPU for a second in which connections are open and nobody asks."""
    rounds, warm = 1, False
    unit = "second"
    n_idle = 1

    def round(self, server):
        if server.model == "fork" and self.n_idle > server.most:
            raise RuntimeError(f"{self.n_idle} processes")
        command = [LOAD, "--hold", "-c", str(self.n_idle), "-t", "120s", "-p", "/a", "-E", "1024", server.host, str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            held = int(holder.stdout.readline().split()[1])
            select.select([], [], [], 1)  # what was begun is finished
            before = server.cpu_ns()
            select.select([], [], [], 2 * self.seconds)
            cpu = server.cpu_ns() - before
            ledger = json.loads(holder.communicate()[0])
        return Round(2 * self.seconds, 2 * self.seconds, cpu, 2 * self.n_idle - ledger["right"],
                     {"held": held})


def idle(n):
    seats = {"seats": -(-n // 4), "more_options": ("--idle-timeout", "300s", "--linger", "10ms"), "most": 1100 if n <= 1000 else 32}
    return type(f"Idle{n}", (Idle,), {"name": f"models-idle-{n}", "title": f"Models: {n:,} idle connections", "n_idle": n,
                                      "peers": servers.of_models(ALL_MODELS, **seats)})


class Full(Model):
    """Every worker is at a request that does not go on, and others wait: nobody may spin."""
    name, title, unit = "models-full", "Models: every worker full, five more wait, and no traffic", "second"
    rounds, warm = 1, False
    peers = servers.of_models(("pool", "fork", "ring"), seats=1, most=4, more_options=("--head-timeout", "60s", "--queue-timeout", "60s"))
    figures = (Figure("ring: under 1 % of a core", "ring", "ring", "cpu_us", 0.0, 10_000.0),)

    def round(self, server):
        with contextlib.ExitStack() as stack:
            for _ in range(9):
                wire = stack.enter_context(faults.socket.create_connection((server.host, server.port)))
                wire.sendall(b"GET /a HTTP/1.1\r\nHo")
            select.select([], [], [], 1)
            before = server.cpu_ns()
            select.select([], [], [], 2 * self.seconds)
            cpu = server.cpu_ns() - before
        return Round(2 * self.seconds, 2 * self.seconds, cpu)


ALL = (Kept, OneEach, HeadOfLine, HeadOfLineKept, AfterKill, AfterStop, *map(idle, (1, 100, 1000, 10_000)), Full)
