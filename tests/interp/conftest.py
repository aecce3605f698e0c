# SPDX-License-Identifier: MIT
"""An installed tree, a home of its own, and scripts that can be called cold and warm."""
import contextlib
import pathlib
import shutil
import tempfile

import pytest

from interp import stage, world


@pytest.fixture(scope="session")
def tree(tmp_path_factory, worker_id):
    """What `meson install` puts in place, in a folder; one for each of pytest's processes."""
    return stage.Tree(tmp_path_factory.getbasetemp() / f"tree-{worker_id}")


@contextlib.contextmanager
def a_home(tree):
    """A user's home, as short as a socket's name must be. Its servers are ended with it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pfi.", dir="/tmp"))
    made = world.World(tree, path)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(tree):
    with a_home(tree) as made:
        yield made


@pytest.fixture(scope="session")
def probes(tree):
    """The suite's script in each language, by the language's name; warm when it is first asked for."""
    with a_home(tree) as made:
        yield made


@pytest.fixture(params=world.LANGUAGES, ids=str)
def probe(probes, request):
    """The suite's script, warm, in a home that many tests share."""
    return probes.warm_probe(request.param)
