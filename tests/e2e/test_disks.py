# SPDX-License-Identifier: MIT
"""The drive's files, properties, trash and crashes on ext4, XFS and tmpfs: the tests of those, with another folder."""
import subprocess

import pytest

from test_crash import *  # noqa: F403 - they are collected here once more
from test_props import *  # noqa: F403
from test_put import *  # noqa: F403
from test_trash import *  # noqa: F403

del test_a_large_file_goes_up_and_down_again_by_curl_with_the_same_digest  # noqa: F821 - larger than these disks
pytestmark = pytest.mark.slow
MAKE = {"ext4": ["mkfs.ext4", "-q"], "xfs": ["mkfs.xfs", "-q"], "tmpfs": None}


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.skip(f"{command[0]} does not work here: {done.stderr.strip()}")


@pytest.fixture(params=MAKE, scope="module")
def disk(request, tmp_path_factory):
    """A file system of its own, on a file where it needs a disk."""
    top = tmp_path_factory.mktemp(request.param)
    made, image = top / "mounted", top / "image"
    made.mkdir()
    if MAKE[request.param]:
        with image.open("wb") as f:
            f.truncate(400 << 20)
        run(*MAKE[request.param], image)
        run("mount", "-o", "loop", image, made)
    else:
        run("mount", "-t", "tmpfs", "-o", "size=400m", "none", made)
    yield made
    subprocess.run(["umount", "-l", made], check=True)
    image.unlink(missing_ok=True)


@pytest.fixture
def folder(disk, tmp_path):
    made = disk / tmp_path.name
    made.mkdir()
    return made
