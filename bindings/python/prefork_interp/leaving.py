# SPDX-License-Identifier: MIT
"""The end of an executor, prepared: leaving.c has what it does, and why."""
import gc
import io
import opcode
import sys

from . import native

RETURNS = bytes(opcode.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opcode.opmap)
WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
ANY_FILE = io.IOBase.__base__  # in C, as the others are: no abstract class, of which anything may claim to be
sys_exit = sys.exit


def flush(files):
    """Every file that is still open; one that cannot be flushed would say nothing in a cold run either."""
    for file in files:
        try:
            if not file.closed:
                file.flush()
        except (OSError, ValueError):
            pass


def outermost_frame():
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    return frame


def subclasses(cls):
    yield cls
    for sub in type.__subclasses__(cls):
        yield from subclasses(sub)


def prepare():
    """To be called once, before the first fork: what is noted here of every module would, in an
    executor, copy the pages of them all.
    """
    for cls in subclasses(SystemExit):
        native.watch_exit(cls)
    variables = vars(sys.modules["__main__"])
    for names in (vars(sys), variables):
        for name in [name for name, value in names.items() if value is sys_exit]:
            names[name] = native.exit
    files = [thing for thing in gc.get_objects() if isinstance(thing, WRITERS)]
    flush(files)
    native.note_leaving(files, set(sys.modules), variables, {id(value) for value in variables.values()},
                        outermost_frame(), RETURNS, WRITERS, ANY_FILE, gc.get_objects)
    gc.callbacks.append(native.collects)
