# SPDX-License-Identifier: MIT
"""The drive's files, properties, trash and crashes on ext4, XFS and tmpfs: the tests of those, with another folder."""
import contextlib
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


@contextlib.contextmanager
def mounted(top, make):
    """A file system of its own, on a file where it needs a disk."""
    made, image = top / "mounted", top / "image"
    made.mkdir()
    if make:
        with image.open("wb") as f:
            f.truncate(400 << 20)
        run(*make, image)
        run("mount", "-o", "loop", image, made)
    else:
        run("mount", "-t", "tmpfs", "-o", "size=400m", "none", made)
    yield made
    subprocess.run(["umount", "-l", made], check=True)
    image.unlink(missing_ok=True)


@pytest.fixture(params=MAKE, scope="module")
def disk(request, tmp_path_factory):
    with mounted(tmp_path_factory.mktemp(request.param), MAKE[request.param]) as made:
        yield made


@pytest.fixture
def folder(disk, tmp_path):
    made = disk / tmp_path.name
    made.mkdir()
    return made


def test_a_time_that_the_disk_has_no_year_for_is_not_accepted(start, tmp_path):
    """Inodes of 128 bytes know 1901 to 2038, in whole seconds."""
    with mounted(tmp_path, ["mkfs.ext4", "-q", "-I", "128"]) as folder:
        served = start("drive", folder)
        assert served.ask("PUT", "/t", {"X-OC-Mtime": "-86400"}, b"text")["X-OC-Mtime"] == "accepted"
        assert int((folder / "t").stat().st_mtime) == -86400

        assert served.ask("PUT", "/t", {"X-OC-Mtime": "5000000000"}, b"text")["X-OC-Mtime"] is None
        was = (folder / "t").stat().st_mtime
        patch = b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:lastmodified>%d</D:lastmodified></D:prop></D:set></D:propertyupdate>'
        assert served.ask("PROPPATCH", "/t", {}, patch % 5_000_000_000).status == 501
        assert (folder / "t").stat().st_mtime == was
        assert served.ask("PROPPATCH", "/t", {}, patch % 1_000_000_001).status == 207
        assert int((folder / "t").stat().st_mtime) == 1_000_000_001
        served.stop()
