# SPDX-License-Identifier: MIT
"""For scripts that know nothing of the launcher: python3 prefork_interp_auto.py SCRIPT [ARGS].

That is what prefork-interp --preload=auto runs. It imports what the script imported
in its last calls, becomes the server, and each executor runs the file itself, as
__main__. What a call imported beyond that is noted, in a file whose change makes
the server stale.
"""
import builtins
import importlib
import importlib.machinery
import os
import re
import sys
import types

NAMES_MAX = 2000
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
OWN = {"__main__", "__mp_main__", "prefork_interp"}
LOADERS = {"_frozen_importlib", "_frozen_importlib_external", "zipimport"}  # the interpreter's


def notes_of(script):
    """One file a script, below the user's own cache; None where there is no place for it."""
    home = os.environ.get("HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or (os.path.join(home, ".cache") if home else None)
    name = re.sub(r"[^A-Za-z0-9._-]", lambda m: f"%{ord(m[0]):02x}", os.path.realpath(script))
    return os.path.join(cache, "prefork", "python", name) if cache and len(name) <= 200 else None


def read_names(notes):
    try:
        with open(notes, encoding="ascii") as file:
            if os.fstat(file.fileno()).st_uid == os.geteuid():
                return [name for name in file.read().split("\n") if NAME.fullmatch(name)]
    except (OSError, ValueError):
        pass
    return []


def write_names(notes, names):
    """The whole file or none: other executors may be about to do the same."""
    unfinished = f"{notes}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(notes), mode=0o700, exist_ok=True)
        with open(unfinished, "w", encoding="ascii") as file:
            file.write("".join(f"{name}\n" for name in names))
        os.rename(unfinished, notes)
    except OSError:
        pass  # the next call is as slow as this one was: nothing is wrong with what it did


def preload(names):
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - the script will meet it itself, or not need it
            pass


def set_again(before, changed):
    """What loading set is set in each call whose environment has there what set-up's had.

    Where it has something else nobody knows what loading would have made of that: it stays.
    """
    for name, value in changed.items():
        if os.environ.get(name) != before.get(name):
            continue
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def is_ordinary(module):
    """Whether set-up would load the same: not what came by the script's own import hooks, as pytest's rewrites its plugins."""
    if not isinstance(module, types.ModuleType):
        return False
    spec = object.__getattribute__(module, "__dict__").get("__spec__")  # a lazy module stays unloaded
    loader = getattr(spec, "loader", None)
    return (loader if isinstance(loader, type) else type(loader)).__module__ in LOADERS


def note_what_is_new(notes, noted, loaded):
    known = loaded.union(noted)  # some cannot be loaded ahead
    new = [name for name, module in list(sys.modules.items())
           if name not in known and NAME.fullmatch(name) and name.partition(".")[0] not in OWN and is_ordinary(module)]
    if new and len(noted) + len(new) <= NAMES_MAX:
        write_names(notes, [*noted, *new])


def main_module(script):
    """What `python3 SCRIPT` would have for __main__."""
    path = script if os.path.isabs(script) else os.path.join(os.getcwd(), script)  # as it is: no folder made simpler
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__cached__ = None
    module.__builtins__ = builtins
    module.__annotations__ = {}
    module.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    return module


def compiled(path):
    """The script as code, or None: then it is compiled where its error is the script's own, in the call."""
    try:
        with open(path, "rb") as file:
            return compile(file.read(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return None


def hide_this_file():
    """An uncaught exception is reported by the interpreter as ever, without the lines of this file."""
    report = sys.excepthook

    def report_the_script(kind, error, trace):
        while trace and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        report(kind, error.with_traceback(trace), trace)

    sys.excepthook = report_the_script


def run(code, module):
    """As the interpreter runs its main program; only what is raised goes past this."""
    if code is None:
        with open(module.__file__, "rb") as file:
            code = compile(file.read(), module.__file__, "exec", dont_inherit=True)
    exec(code, vars(module))  # pylint: disable=exec-used


def main():
    del sys.orig_argv[-len(sys.argv)]
    del sys.argv[0]
    script = sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    import prefork_interp

    notes = notes_of(script)
    noted = read_names(notes) if notes else []
    before = dict(os.environ)
    preload(noted)
    changed = {name: os.environ.get(name) for name in before | os.environ if os.environ.get(name) != before.get(name)}
    module = main_module(script)
    code = compiled(module.__file__)
    sys.modules["__main__"] = module
    loaded = set(sys.modules)
    prefork_interp.ready(also_check=[path for path in (script, notes) if path], name=script)
    set_again(before, changed)
    try:
        run(code, module)
    except BaseException:
        hide_this_file()
        raise
    finally:
        if notes:
            note_what_is_new(notes, noted, loaded)


main()
