# SPDX-License-Identifier: MIT
"""From set-up to executor: what the interpreter keeps of its own, made this call's."""
import faulthandler
import gc
import io
import os
import signal
import sys
import time

from . import leaving, loaded, native

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


class Stream:
    """One of the standard streams, and whether the script chose its line buffering itself."""

    def __init__(self, fd, name, mode):
        self.fd, self.name, self.mode = fd, name, mode
        self.text = getattr(sys, f"__{name}__")
        self.in_use = getattr(sys, name) is self.text
        self.plain = isinstance(self.text, io.TextIOWrapper) and not self.text.closed
        self.line_buffering = None
        if self.plain and self.text.line_buffering != self.by_default():
            self.line_buffering = self.text.line_buffering

    def by_default(self):
        return self.mode == "w" and (self.fd == 2 or os.isatty(self.fd)) and not self.text.write_through

    def made_anew(self):
        """The stream over what the descriptor is now: the same objects, for whoever holds them."""
        if not self.plain:
            return open(self.fd, self.mode, closefd=False, newline="\n",
                        errors="backslashreplace" if self.fd == 2 else "surrogateescape")
        text, binary = self.text, self.text.buffer
        raw = io.FileIO(self.fd, self.mode + "b", closefd=False)  # the old one remembers whether it could seek
        raw.name = f"<{self.name}>"
        if isinstance(binary, io.RawIOBase):
            binary = raw
        else:
            binary.__init__(raw, getattr(raw, "_blksize", io.DEFAULT_BUFFER_SIZE))  # as open() does
        line_buffering = self.by_default() if self.line_buffering is None else self.line_buffering
        text.__init__(binary, encoding=text.encoding, errors=text.errors, newline="\n",
                      line_buffering=line_buffering, write_through=text.write_through)
        return text

    def reopen(self):
        try:
            os.fstat(self.fd)
        except OSError:
            stream = None  # the caller had it closed: a new interpreter has None here
        else:
            if self.text is not None and not self.plain:
                return  # the script closed it, or put something of its own there
            stream = self.made_anew()
        setattr(sys, f"__{self.name}__", stream)
        if self.in_use:
            setattr(sys, self.name, stream)


class Setup:
    """What the script has changed so far, to be kept; what it has not is the caller's."""

    def __init__(self):
        self.streams = [Stream(fd, name, mode) for fd, (name, mode) in enumerate(STREAMS)]
        self.handlers = {n: signal.getsignal(n) for n in signal.valid_signals()}
        self.time_zone = os.environ.get("TZ")
        self.coerced = os.environ.get("LC_CTYPE")
        self.environment = list(os.environb.items())
        self.faults = faulthandler.is_enabled()
        # An interpreter whose caller ignores the signal does not install this: so that it can be told, it goes.
        if self.handlers[signal.SIGINT] is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def rehearse(self):
        """In an executor that waits for its call: most of what take_over takes is the first write to a shared page."""
        take_environment([], self.coerced)
        take_environment([name + b"=" + value for name, value in self.environment], self.coerced)
        take_arguments(os.fsencode(sys.orig_argv[0]), os.fsencode(sys.argv[0]), map(os.fsencode, sys.argv[1:]))
        for stream in self.streams:
            stream.reopen()
        self.leaving.rehearse()

    def take_over(self, interp, script, args, env):
        self.leaving.executor = os.getpid()
        take_environment(env, self.coerced)
        take_arguments(interp, script, args)
        take_signals(self.handlers)
        for stream in self.streams:
            stream.reopen()
        if self.faults:
            faulthandler.disable()
            faulthandler.enable()
        if os.environ.get("TZ") != self.time_zone:
            time.tzset()
        reseed()


def take_environment(entries, coerced):
    """os.environ as a new interpreter fills it: of two entries with one name the first; environ(7) is right already."""
    fresh = {}
    for entry in entries:
        name, sign, value = entry.partition(b"=")
        if sign and name:
            fresh.setdefault(name, value)
    data = os.environ._data  # not by os.environ itself, which would call putenv
    data.clear()
    data.update(fresh)
    # Without a locale the interpreter chooses UTF-8 and tells its children so (PEP 538).
    if coerced and not fresh.get(b"LC_ALL") and b"LC_CTYPE" not in fresh:
        os.environ["LC_CTYPE"] = coerced


def take_arguments(interp, script, args):
    options = sys.orig_argv[1:len(sys.orig_argv) - len(sys.argv)]
    if script:
        sys.argv[0] = os.fsdecode(script)
    sys.argv[1:] = map(os.fsdecode, args)
    sys.orig_argv[:] = [os.fsdecode(interp) or sys.orig_argv[0], *options, *sys.argv]


def take_signals(handlers):
    """The script's handlers on top of the caller's dispositions, by the rules of a new interpreter."""
    ignored = native.ignored()
    for number, handler in handlers.items():
        if handler == signal.SIG_DFL:
            if number not in ignored:
                continue
            if number not in (signal.SIGPIPE, signal.SIGXFSZ):  # these the interpreter itself ignores
                handler = signal.SIG_IGN
        elif handler is signal.default_int_handler and number in ignored:
            handler = signal.SIG_IGN
        if handler is not None:  # else it was not Python that set it
            signal.signal(number, handler)


def reseed():
    """Generators that were touched in set-up; that of the random module has a fork hook of its own."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def warn_of_threads():
    threading = sys.modules.get("threading")
    names = [t.name for t in threading.enumerate() if t is not threading.main_thread()] if threading else []
    if names:
        print(f"prefork-interp: {sys.argv[0]}: these threads are not in the calls that follow: {', '.join(names)}",
              file=sys.stderr)


def become(also_check, warn, options):
    """The set-up process ends in here; the executors return."""
    if warn:
        warn_of_threads()
    for path in loaded.files():
        native.also_check(path)
    for path in also_check:
        native.also_check(path)
    setup = Setup()
    leaving.flush(leaving.open_files(gc.get_objects()))
    # What is frozen no collection of an executor looks at, so it stays in memory shared with the server.
    gc.collect()
    setup.leaving = leaving.prepare()
    gc.freeze()
    try:
        call = native.serve(setup.rehearse, *options)
    except OSError as error:
        print(f"prefork-interp: {sys.argv[0]}: {error}", file=sys.stderr, flush=True)
        os._exit(255)
    setup.take_over(*call)
