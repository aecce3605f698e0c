# SPDX-License-Identifier: MIT
"""The script of the differential suite, in Python: says or does one thing about where it runs."""
import atexit
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time

touched = random.random()  # so that a generator that is not seeded anew shows
#READY


def fact(text):
    """A line of /proc/self/status."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(line.split(":", 1)[1].strip() for line in status if line.startswith(text + ":"))


def descriptors():
    listing = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
    names = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    os.close(listing)
    found = {}
    for number in names:
        try:
            what = os.readlink(f"/proc/self/fd/{number}").split(":")[0]
            if number < 64 or what != "socket":  # the executor's own, as the manual says
                found[number] = what
        except FileNotFoundError:
            pass
    found.pop(listing, None)
    return found


def argv():
    print(json.dumps(sys.argv[2:]), sys.argv[0], flush=True)


def count():
    print(len(sys.argv), sum(map(len, sys.argv)))


def env():
    print(json.dumps(sorted((repr(k), repr(v)) for k, v in os.environb.items())))


def child_env():
    subprocess.run(["/usr/bin/env", "-0"], check=True)


def place():
    umask = os.umask(0)
    print(os.getcwd(), oct(umask), os.nice(0), sorted(os.getgroups()), os.getuid())


def limits():
    print({n: resource.getrlimit(n) for n in range(16)})


def signals():
    print(fact("SigBlk"), fact("SigIgn"), fact("SigCgt"),
          [str(signal.getsignal(n)) for n in range(1, 32) if n not in (9, 19)])


def fds():
    print(descriptors())


def read_fd():
    with open(sys.argv[2], encoding="utf-8") as file:
        print(file.read())


def cat():
    while block := sys.stdin.buffer.read1(65536):
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()


def lines():
    for line in sys.stdin:
        print("got", line.strip())


def standard():
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        print(stream and (stream.isatty(), stream.line_buffering, stream.encoding, stream.errors, stream.seekable(),
                          stream.name, stream.mode), file=sys.stderr or sys.stdout)


def position():
    print(sys.stdin.buffer.read(4), sys.stdin.buffer.tell())


def close_out():
    print("before", flush=True)
    os.close(1)
    sys.stdin.read()


def leave():
    sys.exit(int(sys.argv[2]))


def leave_with_words():
    sys.exit("words")


def raise_exit():
    raise SystemExit(int(sys.argv[2]))


def fail():
    raise ValueError("on purpose")


def die():
    signal.signal(int(sys.argv[2]), signal.SIG_DFL) if int(sys.argv[2]) not in (9, 19) else None
    os.kill(os.getpid(), int(sys.argv[2]))
    signal.pause()


def wait_for_signal():
    signal.signal(int(sys.argv[2]), lambda n, frame: (os.write(1, b"got %d\n" % n), sys.exit(5)))
    woken, wake = os.pipe()  # a signal that comes just before the read has left its byte
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    os.write(1, b"ready\n")
    while True:
        os.read(woken, 1)


def become():
    sys.stdout.flush()
    os.execvp(sys.argv[2], sys.argv[2:])


def background():
    child = subprocess.Popen(["sh", "-c", f"read x; echo late > {sys.argv[2]}"], stdin=None,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(child.pid > 0)
    child.returncode = 0  # it is left behind on purpose


def tty():
    with open("/dev/tty", "r+b", buffering=0) as terminal:
        terminal.write(b"to the terminal\n")
        print(os.isatty(terminal.fileno()), os.tcgetpgrp(terminal.fileno()) == os.getpgrp())


def ends():
    class Thing:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            print("gone", self.name, json is not None)
    globals()["kept"] = Thing("kept")
    ring = [Thing("ring")]
    ring.append(ring)
    globals()["file"] = open(sys.argv[2], "w", encoding="utf-8")  # never closed
    globals()["file"].write("unflushed")
    atexit.register(print, "atexit")
    sys.stdout.write("no newline")


def chance():
    print(touched, random.random(), random.randrange(1 << 60), next(tempfile._get_candidate_names()))


def pipe_broken():
    for n in range(100000):
        print("line", n)


def clock():
    print(time.tzname, time.localtime(0).tm_hour)


def name():
    print(sys.argv[0], os.path.basename(__file__), __name__, sys.flags.optimize)


if __name__ == "__main__":
    {f.__name__: f for f in list(globals().values()) if callable(f) and getattr(f, "__module__", "") == "__main__"}[
        sys.argv[1]]()
