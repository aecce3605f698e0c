# SPDX-License-Identifier: MIT
"""The end of an executor: everything of it that can be seen, and none of the taking apart.

Taking a loaded interpreter apart costs 8 to 15 ms. So when atexit handlers have
run and Python begins with it, this module does what shows - the script's objects
are let go, so that their __del__ runs, and files are flushed - and then leaves.
Where it is not sure of the exit status it does nothing, and Python goes on.
"""
import gc
import io
import opcode
import os
import sys
import types

from . import native

RETURNS = {opcode.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opcode.opmap}
CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
PLAIN = (int, float, complex, str, bytes, type(None))
sys_exit = sys.exit
WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def open_files(objects):
    return [thing for thing in objects if isinstance(thing, WRITERS)]


def flush(files):
    """Every file that is still open; one that cannot be flushed would say nothing in a cold run either."""
    for file in files:
        try:
            if not file.closed:
                file.flush()
        except (OSError, ValueError):
            pass


def finish(objects):
    """What is still held, by something that set-up made: it is not let go, but it has its end."""
    for thing in objects:
        if hasattr(type(thing), "__del__") and not isinstance(thing, io.IOBase):
            try:
                type(thing).__del__(thing)
            except Exception:  # noqa: BLE001 - Python reports these, and goes on, too
                sys.excepthook(*sys.exc_info())


def flush_standard():
    """Whether all of the output could be written."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def outermost_frame():
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    return frame


def has_del(value):
    return hasattr(type(value), "__del__")


def is_data(value):
    return not isinstance(value, CODE + PLAIN)


def holding(which):
    """The variables of __main__, and the names of those that hold what @which says yes to."""
    main = sys.modules.get("__main__")
    names = vars(main) if main else {}
    return names, [name for name, value in list(names.items()) if name != "__builtins__" and which(value)]


def let_go(which):
    names, found = holding(which)
    for name in found:
        names[name] = None


def subclasses(cls):
    yield cls
    for sub in type.__subclasses__(cls):
        yield from subclasses(sub)


class Leaving:
    def __init__(self, files):
        self.executor = None  # its pid, once there is one: a child that the script forks ends as any Python does
        self.files = files  # open since set-up, and so in no collection
        self.modules = set(sys.modules)
        self.frame = outermost_frame()
        self.before = {id(value) for value in vars(sys.modules["__main__"]).values()}
        self.end_status = None

    def status(self):
        """With what the interpreter will end, or None where that is not certain.

        The frame stays where it ended: on its return, or somewhere else when an
        exception went through it. An exception that is no SystemExit is left to
        Python, which knows which of them end it by a signal.
        """
        if self.frame.f_code.co_code[self.frame.f_lasti] in RETURNS:
            return 0
        return native.exit_code()

    def is_new(self, value):
        return id(value) not in self.before

    def rehearse(self):
        """In an executor that waits for its call: the motions of the end, so that it finds its pages copied.

        Nothing of the script's own is called: not a flush, nor a __class__, which isinstance may ask for.
        """
        self.status()
        native.new_keys(sys.modules, self.modules)
        holding(has_del)
        holding(self.is_new)

    def begin(self):
        self.end_status = self.status()
        if self.end_status is not None and not flush_standard():
            self.end_status = None  # Python will fail in the same way, and say so
        if self.end_status is not None:
            self.frame = None
            # What a __del__ needs stays as long as it can: code and plain values until all have run,
            # those that come with the collection which now follows too. What set-up made stays for
            # good if it has none: to take apart 100 MB that are shared costs as much as to copy them.
            let_go(has_del)
            let_go(lambda value: self.is_new(value) and is_data(value))
            for name in native.new_keys(sys.modules, self.modules):
                del sys.modules[name]

    def end(self):
        if self.end_status is None:
            return
        let_go(self.is_new)
        objects = gc.get_objects()  # none of them from before the fork
        finish(objects)
        flush(self.files)
        flush(open_files(objects))
        native.leave(self.end_status if flush_standard() else 120)

    def __call__(self, phase, info):
        if not sys.is_finalizing() or os.getpid() != self.executor:
            return
        if phase == "start":
            self.begin()
        else:
            self.end()


def prepare():
    """To be called once, before the first fork: what is noted here of every module would, in an
    executor, copy the pages of them all.

    Python collects garbage once when it begins to end, after atexit and the flush
    and before anything is taken apart, and tells gc.callbacks before and after.
    """
    for cls in subclasses(SystemExit):
        native.watch_exit(cls)
    for names in (vars(sys), vars(sys.modules["__main__"])):
        for name in [name for name, value in names.items() if value is sys_exit]:
            names[name] = native.exit
    leaving = Leaving(open_files(gc.get_objects()))
    gc.callbacks.append(leaving)
    return leaving
