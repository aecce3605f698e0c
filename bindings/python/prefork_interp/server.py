# SPDX-License-Identifier: MIT
"""From set-up to server: what there is to note before the first fork. call.c has what executors do."""
import faulthandler
import functools
import gc
import io
import os
import signal
import sys

from . import leaving, loaded, native

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def is_by_line(fd, text):
    """The buffering that the interpreter would have chosen."""
    return fd > 0 and not text.write_through and (fd == 2 or os.isatty(fd))


def stream(fd, name, mode):
    """One of the standard streams for stream.c, and whether the script chose its line buffering itself."""
    text = getattr(sys, f"__{name}__")
    plain = isinstance(text, io.TextIOWrapper) and not text.closed
    said = (fd, name, f"__{name}__", mode, text, getattr(sys, name) is text)
    if not plain:
        return (*said, -1, False, None, None, None, None, None, None)
    chosen = -1 if text.line_buffering == is_by_line(fd, text) else text.line_buffering
    make_raw = functools.partial(io.FileIO, fd, mode + "b", False)
    buffer, raw = text.buffer, getattr(text.buffer, "raw", None)
    if raw is None:
        buffer, raw = None, buffer
    return (*said, chosen, text.write_through, make_raw, f"<{name}>", raw, buffer, text.encoding, text.errors)


def by_default(handlers):
    """Which signals have the default action, as a number: its lowest bit is signal 1."""
    return sum(1 << number - 1 for number, handler in handlers.items() if handler == signal.SIG_DFL)


def also():
    """What else an executor has to do of this interpreter's."""
    steps = []
    if faulthandler.is_enabled():
        steps += [faulthandler.disable, faulthandler.enable]  # its file is what sys.stderr is
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        steps.append(numpy_random.seed)  # that of the random module has a fork hook of its own
    return steps


def note_call():
    """What the script has changed so far, to be kept; what it has not is the caller's."""
    variables = os.environ._data  # the launcher's own is in no caller's environment
    variables.pop(b"PREFORK_INTERP", None)
    handlers = {n: signal.getsignal(n) for n in signal.valid_signals()}
    native.note_call(variables, also(), tuple(stream(fd, name, mode) for fd, (name, mode) in enumerate(STREAMS)),
                     by_default(handlers), handlers[signal.SIGINT] is signal.default_int_handler)


def warn_of_threads():
    threading = sys.modules.get("threading")
    names = [t.name for t in threading.enumerate() if t is not threading.main_thread()] if threading else []
    if names:
        print(f"prefork-interp: {sys.argv[0]}: these threads are not in the calls that follow: {', '.join(names)}",
              file=sys.stderr)


def prepare(also_check, warn):
    """All that is done before the first fork. In a function of its own, so that none of it ends in an executor."""
    if warn:
        warn_of_threads()
    for path in loaded.files():
        native.also_check(path)
    for path in also_check:
        native.also_check(path)
    # What Python and the linker do when something is printed for the first time is done for all executors.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        print(file=nowhere)
    leaving.prepare()
    note_call()
    # What is frozen no collection of an executor looks at, so it stays in memory shared with the server.
    gc.collect()
    gc.freeze()


def become(also_check, warn, options):
    """The set-up process ends in here; the executors return."""
    prepare(also_check, warn)
    try:
        native.serve(*options)
    except OSError as error:
        print(f"prefork-interp: {sys.argv[0]}: {error}", file=sys.stderr, flush=True)
        os._exit(255)
