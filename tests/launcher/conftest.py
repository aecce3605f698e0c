# SPDX-License-Identifier: MIT
import pathlib
import shutil
import tempfile

import pytest

from launcher.box import Box


@pytest.fixture
def box():
    """Its path is short, because a socket's must be."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pfl.", dir="/tmp"))
    made = Box(path)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def warm(box):
    return box.warm_up()
