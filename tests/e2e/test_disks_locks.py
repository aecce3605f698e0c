# SPDX-License-Identifier: MIT
"""Locks on ext4, XFS and tmpfs: as test_disks.py, apart because both have a `house`."""
import pytest

from test_disks import disk, folder  # noqa: F401 - fixtures
from test_locks import *  # noqa: F403 - they are collected here once more

pytestmark = pytest.mark.slow
