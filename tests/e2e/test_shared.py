# SPDX-License-Identifier: MIT
"""What the model shared alone does: whoever is awake accepts."""
import pytest

pytestmark = pytest.mark.core  # the life of a server is each model's own


def test_who_is_full_lets_the_others_go_first(start, folder):
    """The one who has watched the listener the longest is woken, and would close an idle connection for each that comes."""
    (folder / "a").write_bytes(b"a")
    served = start("drive", "--model", "shared", "--workers", "4", "--connections", "4", folder)
    idle = []
    for _ in range(12):
        idle.append(served.connect())
        assert idle[-1].ask("GET", "/a").status == 200
    for wire in idle:
        assert wire.ask("GET", "/a").status == 200
