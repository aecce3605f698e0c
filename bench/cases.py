# SPDX-License-Identifier: MIT
"""What is measured. A case says who takes part, prepares a folder, and does one round against one server.

A round returns a Round: how many operations, the time and the server's CPU they
took, and whatever else the case wants in the table.
"""
import base64
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import resource
import subprocess
import threading
import time

import servers
from figures import Figure

LOAD = os.environ.get("LOAD", "build-bench/bench/load")
GIB = 1 << 30
SLICES = 0.25, 20  # seconds a round, and rounds: the machine changes its pace from second to second
PROPFIND_BODY = (b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/>'
                 b"<D:getlastmodified/><D:getetag/><D:getcontenttype/></D:prop></D:propfind>")


@dataclasses.dataclass
class Round:
    operations: float
    seconds: float
    cpu_ns: int
    errors: int = 0
    more: dict = dataclasses.field(default_factory=dict)

    @property
    def cpu_us(self):
        return self.cpu_ns / self.operations / 1000

    @property
    def rate(self):
        return self.operations / self.seconds

    def value(self, by):
        return self.more[by] if by in self.more else getattr(self, by)


def load(server, *options, seconds=None):
    """Runs the load generator against @server to its end; its ledger, and the server's CPU meanwhile."""
    command = [LOAD, *map(str, options), "127.0.0.1", str(server.port)]
    if seconds:
        command[1:1] = ["-t", f"{int(seconds * 1000)}ms"]
    before = server.cpu_ns()
    ledger = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)
    return ledger, server.cpu_ns() - before


def round_of(ledger, cpu_ns, scale=1.0, **more):
    errors = ledger["begun"] - ledger["right"]
    if ledger["right"] == 0:
        how = ", ".join(f"{n} {what}" for kind in ("wrong", "broken_before", "broken_after") for what, n in ledger[kind].items()
                        if what != "all")
        raise RuntimeError(f"none of {ledger['begun']} requests was answered right: {how or 'refused'}")
    return Round(ledger["right"] * scale, ledger["wall_s"], cpu_ns, errors,
                 {"p50_us": ledger["latency_us"]["p50"], "p99_us": ledger["latency_us"]["p99"], **more})


class Case:
    group, name, title, unit = "drive", "", "", ""
    places = None  # where the folder is; None: wherever it was asked for
    peers = (servers.Preforkd, servers.Nginx, servers.Lighttpd, servers.Apache)
    figures = ()
    seconds = 1.0
    rounds = 6
    others = 1  # who is in no figure takes part in each so-manieth round
    warm = True

    def prepare(self, folder):
        """Puts into @folder what the rounds need."""

    def takes_part(self, server, n):
        """Whether @server is in round @n."""
        return n % self.others == 0 or any(server.name in (f.ours, f.peer) for f in self.figures)

    def round(self, server):
        raise NotImplementedError


SMALL_PEERS = (servers.Preforkd, servers.Nginx, servers.NginxCache, servers.Lighttpd, servers.Apache, servers.ApachePrefork)


class GetSmall(Case):
    name, title, unit = "get-1k", "GET 1 KiB, 16 connections, keep-alive", "request"
    peers = (servers.PreforkdOne, *SMALL_PEERS)
    figures = (Figure("at most 0.6 of nginx's CPU", "preforkd", "nginx", "cpu_us", 0.6),
               Figure("level with lighttpd, one process each", "preforkd, 1 worker", "lighttpd", "cpu_us", 1.05))
    seconds, rounds, others = *SLICES, 3

    def prepare(self, folder):
        (folder / "small.bin").write_bytes(os.urandom(1024))

    def round(self, server):
        return round_of(*load(server, "-c", 16, "-p", "/small.bin", "-E", 1024, seconds=self.seconds))


class GetBig(Case):
    """In pieces: as many bytes in more pairs, and nearer to each other, halve the interval."""
    name, title, unit = "get-1g", "GET 1 GiB, in pieces of 128 MiB", "GiB"
    figures = (Figure("no more CPU than nginx", "preforkd", "nginx", "cpu_us"),)
    rounds, others = 160, 3
    bytes = GIB // 8

    def prepare(self, folder):
        block = os.urandom(1 << 20)
        with open(folder / "big.bin", "wb") as f:
            for _ in range(self.bytes >> 20):
                f.write(block)

    def round(self, server):
        return round_of(*load(server, "-n", 1, "-t", "60s", "-T", "60s", "-p", "/big.bin", "-E", self.bytes),
                        scale=self.bytes / GIB)


class PutBig(Case):
    name, title, unit = "put-1g", "PUT 1 GiB, in pieces of 256 MiB, curl -T, durability = rename", "GiB"
    figures = (Figure("no more CPU than lighttpd", "preforkd", "lighttpd", "cpu_us"),)
    rounds, others = 40, 3
    bytes = GIB // 4

    def prepare(self, folder):
        (folder / "up").mkdir(mode=0o777)
        (folder / "up").chmod(0o777)
        self.source = folder / "source.bin"
        self.block = os.urandom(1 << 20)
        with open(self.source, "wb") as f:
            for _ in range(self.bytes >> 20):
                f.write(self.block)

    def round(self, server):
        before, began = server.cpu_ns(), time.monotonic()
        status = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-T", self.source, "--max-time", "120",
             f"http://127.0.0.1:{server.port}/up/big.bin"], check=True, capture_output=True, text=True).stdout
        took, cpu = time.monotonic() - began, server.cpu_ns() - before
        target = pathlib.Path(server.folder) / "up" / "big.bin"
        whole = status in ("201", "204") and target.stat().st_size == self.bytes
        target.unlink()
        if not whole:
            raise RuntimeError(f"{server.name}: the upload was answered {status} or is not whole")
        return Round(self.bytes / GIB, took, cpu)


class PutDigest(PutBig):
    """Right behind each upload to lighttpd the hash is taken by itself, and counted to it."""
    name, title = "put-digest", "PUT 1 GiB, in pieces of 16 MiB, curl -T, durability = rename, ours with the SHA-256"
    figures = (Figure("no more than lighttpd and the hash by itself", "preforkd, as it comes", "lighttpd", "with the hash, ms"),)
    peers = (servers.PreforkdDigest, servers.Lighttpd)
    rounds = 80
    bytes = GIB // 64

    def round(self, server):
        result = super().round(server)
        cpu_ns = result.cpu_ns + (self.hash_ns() if isinstance(server, servers.Lighttpd) else 0)
        result.more["with the hash, ms"] = cpu_ns / 1e6 / result.operations
        return result

    def hash_ns(self):
        began = time.process_time_ns()
        for _ in range(self.bytes >> 20):
            hashlib.sha256(self.block).digest()
        return time.process_time_ns() - began


class PutSmall16(Case):
    """Each server over files of its own making: to keep another's owner and mode costs calls."""
    name, title, unit = "put-1k-16", "PUT 1 KiB, 16 connections, durability = rename", "request"
    peers = (servers.PreforkdDigest, *SMALL_PEERS)
    figures = (Figure("no more CPU than nginx", "preforkd", "nginx", "cpu_us"),)
    seconds, rounds, others = 0.25, 36, 3
    at_once = 16

    def prepare(self, folder):
        pass

    def round(self, server):
        up = "".join(c for c in server.name if c.isalnum())
        target = pathlib.Path(server.folder) / up
        target.mkdir(exist_ok=True)
        target.chmod(0o777)
        return round_of(*load(server, "-c", self.at_once, "-m", "PUT", "-b", 1024, "-p", f"/{up}/%c.bin",
                              seconds=self.seconds))


class PutSmallFull(PutSmall16):
    name, title = "put-1k-full", "PUT 1 KiB, 1 connection, ours with durability = full (fsync), the others without"
    seconds, rounds, others = *SLICES, 1
    peers = (servers.PreforkdFull, servers.Preforkd, servers.Nginx, servers.Lighttpd, servers.Apache)
    figures = (Figure("more per second than Apache without fsync", "preforkd, full", "apache", "rate"),)
    at_once = 1


class LockCycle(Case):
    """What an office program does to save. The tokens make a state, which the load generator has none of: so the
    client is this program, and its own pace bounds the rate; CPU is the figure to look at."""
    name, title, unit = "lock-cycle", "LOCK, PUT 1 KiB, UNLOCK of a file, 4 connections, durability = rename", "cycle"
    peers = (servers.Preforkd, servers.Lighttpd, servers.Apache)
    figures = (Figure("more per second than Apache", "preforkd", "apache", "rate"),
               Figure("more per second than lighttpd", "preforkd", "lighttpd", "rate"),
               Figure("no more CPU than Apache", "preforkd", "apache", "cpu_us"),
               Figure("no more CPU than lighttpd", "preforkd", "lighttpd", "cpu_us"))
    seconds, rounds = 0.5, 12
    at_once = 4
    body = (b'<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
            b"<D:locktype><D:write/></D:locktype><D:owner>bench</D:owner></D:lockinfo>")

    def cycles(self, server, path, until, done):
        """Cycles over one connection until the time is up: (right, wrong)."""
        right = wrong = 0
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def ask(method, body=None, **fields):
            client.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
            answer = client.getresponse()
            answer.read()
            return answer
        while time.monotonic() < until:
            locked = ask("LOCK", self.body, Content_Type="application/xml", Timeout="Second-60")
            token = locked.getheader("Lock-Token", "")
            answers = [locked.status, ask("PUT", b"x" * 1024, If=f"({token})").status, ask("UNLOCK", Lock_Token=token).status]
            if answers[0] in (200, 201) and answers[1] in (200, 201, 204) and answers[2] == 204:
                right += 1
            else:
                wrong += 1
        client.close()
        done.append((right, wrong))

    def round(self, server):
        up = pathlib.Path(server.folder) / ("locks" + "".join(c for c in server.name if c.isalnum()))
        up.mkdir(exist_ok=True)
        up.chmod(0o777)
        done, before, began = [], server.cpu_ns(), time.monotonic()
        threads = [threading.Thread(target=self.cycles, args=(server, f"/{up.name}/{i}.txt", began + self.seconds, done))
                   for i in range(self.at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        right, wrong = map(sum, zip(*done))
        return Round(max(right, 1), time.monotonic() - began, server.cpu_ns() - before, wrong)


class Propfind(Case):
    name, title, unit = "propfind-10k", "PROPFIND, depth 1, 10,000 files (nginx leaves out etag and type)", "listing"
    figures = (Figure("no more time than nginx", "preforkd", "nginx", "p50_us"),
               Figure("no more CPU than nginx", "preforkd", "nginx", "cpu_us"))
    entries = 10_000
    rounds = 9

    def prepare(self, folder):
        many = folder / "many"
        many.mkdir()
        for i in range(self.entries):
            (many / f"file number {i:05}.txt").write_bytes(b"x" * (i % 100))
        self.body = folder / "propfind.xml"
        self.body.write_bytes(PROPFIND_BODY)

    def round(self, server):
        return round_of(*load(server, "-n", 3, "-t", "30s", "-T", "30s", "-m", "PROPFIND", "-H", "Depth: 1", "-H",
                              "Content-Type: application/xml", "-B", self.body, "-p", "/many/"))


class PropfindFull(Propfind):
    """Ours are asked for all there is, of files that have it; nginx for what it can."""
    name = "propfind-10k-full"
    title = "PROPFIND, depth 1, 10,000 files: ours with etag, type, SHA-256 and two dead properties, nginx bare"
    peers = (servers.PreforkdDigest, servers.Nginx)
    figures = (Figure("within 2 times nginx's time", "preforkd, as it comes", "nginx", "p50_us", 2.0),
               Figure("within 2 times nginx's CPU", "preforkd, as it comes", "nginx", "cpu_us", 2.0))

    def prepare(self, folder):
        super().prepare(folder)
        self.body.write_bytes(PROPFIND_BODY.replace(
            b"</D:prop>", b'<c:checksums xmlns:c="http://owncloud.org/ns"/><x:author xmlns:x="urn:x"/><x:rating xmlns:x="urn:x"/></D:prop>'))
        self.is_filled = False

    def round(self, server):
        if isinstance(server, servers.Preforkd) and not self.is_filled:
            self.fill(server)
            self.is_filled = True
        return super().round(server)

    def fill(self, server):
        """Uploads the same files again, so that they have digests, and sets two properties."""
        patch = (b'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop><x:author>Somebody</x:author>'
                 b"<x:rating>5</x:rating></D:prop></D:set></D:propertyupdate>")
        wire = http.client.HTTPConnection("127.0.0.1", server.port)
        for i in range(self.entries):
            for method, body in (("PUT", b"x" * (i % 100)), ("PROPPATCH", patch)):
                wire.request(method, f"/many/file%20number%20{i:05}.txt", body)
                answer = wire.getresponse()
                answer.read()
                if answer.status not in (201, 204, 207):
                    raise RuntimeError(f"{method} was answered {answer.status}")
        wire.close()
        time.sleep(3)  # what is younger than two seconds is not remembered


class Password(GetSmall):
    """The same request to both: who has no users does not look at the field."""
    name, title = "password", "GET 1 KiB with a password, and without, in slices of a fifth of a second in turn"
    seconds, rounds = 0.2, 40
    peers = (servers.PreforkdUsers, servers.Preforkd)
    places = ("tmpfs",)  # what it adds is on no disk
    figures = (Figure("at most 1 us more than without", "preforkd, users", "preforkd", "cpu_us", 1.0, 1.0),)

    def round(self, server):
        word = base64.b64encode(b"bench:bench").decode()
        return round_of(*load(server, "-c", 16, "-p", "/small.bin", "-E", 1024, "-H", f"Authorization: Basic {word}",
                              seconds=self.seconds))


class Connections(GetSmall):
    name, title, unit = "connections", "GET 1 KiB, a connection for each, 16 at once", "connection"
    places = ("tmpfs",)
    figures = (Figure("beside nginx (rate)", "preforkd", "nginx", "rate", 0.0),)
    peers = (servers.Preforkd, servers.Nginx, servers.Lighttpd, servers.Apache)

    def round(self, server):
        return round_of(*load(server, "-1", "-c", 16, "-p", "/small.bin", "-E", 1024, seconds=self.seconds))


class Memory(Case):
    """Flat means: what the big one needs over the small one is noise, not size."""
    name, title, unit = "memory", "most memory (PSS) during GET and PUT of 1 MiB and 1 GiB, PROPFIND of 100 and 10,000", "set"
    rounds, warm = 1, False
    places = ("tmpfs",)
    figures = tuple(Figure(f"{what}: at most 1 MiB more for the big one", "preforkd", "preforkd", f"{what} grows KiB", 0.0,
                           1024.0) for what in ("get", "put", "propfind"))
    big, entries = GIB, 10_000

    def prepare(self, folder):
        for name, size in (("small.bin", 1 << 20), ("big.bin", self.big)):
            with open(folder / name, "wb") as f:
                for _ in range(size >> 20):
                    f.write(b"m" * (1 << 20))
        for name, n in (("few", 100), ("many", self.entries)):
            (folder / name).mkdir()
            for i in range(n):
                (folder / name / f"file number {i:05}.txt").write_bytes(b"x")
        (folder / "up").mkdir(mode=0o777)
        (folder / "up").chmod(0o777)
        self.body = folder / "propfind.xml"
        self.body.write_bytes(PROPFIND_BODY)

    def most_kib(self, server, *options):
        done, most = threading.Event(), [0]

        def watch():
            while not done.wait(0.02):
                most[0] = max(most[0], server.pss_bytes())
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            ledger, _ = load(server, "-n", 4, "-t", "60s", "-T", "60s", *options)
        finally:
            done.set()
            watcher.join()
        if ledger["right"] != 4:
            raise RuntimeError(f"not answered right: {ledger}")
        return max(most[0], server.pss_bytes()) // 1024

    def round(self, server):
        propfind = ("-m", "PROPFIND", "-H", "Depth: 1", "-H", "Content-Type: application/xml", "-B", self.body, "-p")
        put = ("-m", "PUT", "-p", "/up/m.bin", "-b")
        pairs = {"get": (("-p", "/small.bin"), ("-p", "/big.bin")),
                 "put": ((*put, 1 << 20), (*put, self.big)),
                 "propfind": ((*propfind, "/few/"), (*propfind, "/many/"))}
        more = {"idle KiB": server.pss_bytes() // 1024}
        before = server.cpu_ns()
        for what, (small, big) in pairs.items():
            small_kib, big_kib = self.most_kib(server, *small), self.most_kib(server, *big)
            more |= {f"{what} KiB": big_kib, f"{what} grows KiB": max(0, big_kib - small_kib)}
        return Round(1, 1, server.cpu_ns() - before, 0, more)


class Idle(GetSmall):
    name, title = "idle-10k", "10,000 idle keep-alive connections, and 16 that ask"
    peers = (servers.PreforkdEight, servers.Nginx, servers.Lighttpd)
    figures = (Figure("under 2 KB for each in our processes", "preforkd, 8", "preforkd, 8", "bytes each", 0.0, 2048.0),
               Figure("none of them lost", "preforkd, 8", "preforkd, 8", "lost", 0.0, 0.0))
    places = ("tmpfs",)
    seconds, rounds, warm = 1.0, 1, False  # memory is counted from the first connection on
    connections = 10_000

    def round(self, server):
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if isinstance(server, servers.Lighttpd) and descriptors < 2 * (self.connections + 16):
            raise RuntimeError(f"it takes half as many connections as it has descriptors, of which the machine allows {descriptors:,}")
        load(server, "-c", 16, "-n", 1000, "-p", "/small.bin")
        before = server.pss_bytes()
        command = [LOAD, "--hold", "-c", str(self.connections), "-t", "120s", "-p", "/small.bin", "-E", "1024",
                   "127.0.0.1", str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            held = int(holder.stdout.readline().split()[1])
            each = (server.pss_bytes() - before) / max(held, 1)
            result = round_of(*load(server, "-c", 16, "-p", "/small.bin", "-E", 1024, seconds=self.seconds))
            ledger = json.loads(holder.communicate()[0])
        lost = 2 * self.connections - ledger["right"]
        result.more |= {"held": held, "bytes each": max(each, 0.0), "lost": lost}
        return result


ALL = (GetSmall, GetBig, PutBig, PutDigest, PutSmall16, PutSmallFull, LockCycle, Propfind, PropfindFull, Password, Connections, Memory, Idle)
