# SPDX-License-Identifier: MIT
"""Which files a server depends on: those it loaded, and those it would have loaded instead."""
import importlib.machinery
import os
import sys

SUFFIXES = (importlib.machinery.EXTENSION_SUFFIXES + importlib.machinery.SOURCE_SUFFIXES
            + importlib.machinery.BYTECODE_SUFFIXES)


def candidates(directory, name):
    """What an import of @name looks for in @directory, in its order."""
    stem = os.path.join(directory, name)
    yield stem  # a package
    for suffix in SUFFIXES:
        yield stem + suffix


def search_path(name):
    parent, _, _ = name.rpartition(".")
    if not parent:
        return sys.path
    return getattr(sys.modules.get(parent), "__path__", ())


def shadows(name, origin):
    """The paths that an import of @name looks at before it finds @origin."""
    last = name.rpartition(".")[2]
    for directory in search_path(name):
        if not os.path.isdir(directory):  # not there, or an archive: it counts as a whole
            yield directory or os.curdir
            continue
        for path in candidates(directory, last):
            if origin == path or origin.startswith(path + os.sep):
                return
            yield path


def files():
    """Every path whose change, appearance or disappearance makes what is loaded out of date."""
    found = set()
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None) or getattr(module, "__file__", None)
        if not isinstance(origin, str) or not os.path.isabs(origin):
            continue  # built in, frozen, or made by hand
        found.add(origin)
        if spec is not None:
            found.update(shadows(name, origin))
    return found
