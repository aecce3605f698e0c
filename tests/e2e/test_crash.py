# SPDX-License-Identifier: MIT
"""kill -9 at every step: each call that changes the disk, of each method, is once not reached.

The program is tests/preforkd-faults (src/os/fault.h). The steps are counted, not listed: the first is
left out, then the second, until the request comes through; so a new step is tried without being named here.
"""
import itertools
import os
import shutil
import xml.etree.ElementTree as ET

import pytest

import harness.server
from harness.wait import until
from harness.wire import Closed

FAULTS = os.path.join(os.path.dirname(harness.server.PREFORKD), "../../tests/preforkd-faults")
LOCK = b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
OLD, NEW = b"old contents", b"the new contents"
LARGE = "v" * 20_000  # too long for an attribute


def patch(value):
    return (f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="urn:x">{value}</p></D:prop></D:set>'
            '</D:propertyupdate>').encode()


def put(served):
    return served.ask("PUT", "/a/file", body=NEW)


def put_unseen(served):
    """Most of it by a pipe."""
    return served.ask("PUT", "/a/file", body=b"l" * 3_000_000)


def put_new(served):
    return served.ask("PUT", "/a/new", body=NEW)


def copy(served):
    return served.ask("COPY", "/b/other", {"Destination": "/a/file"})


def copy_tree(served):
    return served.ask("COPY", "/b", {"Destination": "/c"})


def move(served):
    return served.ask("MOVE", "/b/other", {"Destination": "/a/file"})


def move_tree(served):
    return served.ask("MOVE", "/b", {"Destination": "/a"})


def delete(served):
    return served.ask("DELETE", "/a/file")


def delete_tree(served):
    return served.ask("DELETE", "/a")


def proppatch(served):
    return served.ask("PROPPATCH", "/a/file", {}, patch("new"))


def proppatch_large(served):
    return served.ask("PROPPATCH", "/a/file", {}, patch(LARGE))


def lock(served):
    return served.ask("LOCK", "/a/file", {}, LOCK)


def mkcol(served, value="new"):
    return served.ask("MKCOL", "/a/sub", {}, b'<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype>'
                                             b'<p xmlns="urn:x">' + value.encode() + b'</p></D:prop></D:set></D:mkcol>')


def put_large(served):
    return put(served)


def copy_large(served):
    return copy(served)


def move_large(served):
    return move(served)


def delete_large(served):
    return delete(served)


def proppatch_small(served):
    return served.ask("PROPPATCH", "/a/file", {}, patch("new"))


def proppatch_none(served):
    return served.ask("PROPPATCH", "/a/file", {}, patch("").replace(b"set>", b"remove>"))


def mkcol_large(served):
    return mkcol(served, LARGE)


# In the middle of it the folder that is replaced is in the trash, and nothing has its name yet.
HALFWAY = {move_tree: lambda before: {path: what for path, what in before.items() if not path.startswith("/a/")}}
# These with large properties to begin with, which are beside the file; and without a trash, so that both go.
LARGE_ONES = [put_large, copy_large, move_large, delete_large, proppatch_small, proppatch_none]
METHODS = [put, put_unseen, put_new, copy, copy_tree, move, move_tree, delete, delete_tree, proppatch, proppatch_large, lock, mkcol,
           mkcol_large, *LARGE_ONES]


def fill(folder, served, method):
    """The same small tree each time, in the place of what is there."""
    for entry in folder.iterdir():
        if entry.name != ".prefork":
            shutil.rmtree(entry)
    for beside in folder.glob(".prefork/props/*"):
        beside.unlink()
    for name, data in (("a/file", OLD), ("b/other", NEW)):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(data)
    for lock in (folder / ".prefork" / "locks" / "tree").iterdir():
        shutil.rmtree(lock)
    assert served.ask("PROPPATCH", "/a/file", {}, patch(LARGE if method in LARGE_ONES else "old")).status == 207
    assert served.ask("PROPPATCH", "/b/other", {}, patch("other")).status == 207


def tree(served):
    """{path: (contents, property, whether it is locked)} of all that can be seen."""
    found = {}
    asked = (b'<D:propfind xmlns:D="DAV:"><D:prop><p xmlns="urn:x"/><D:lockdiscovery/><D:resourcetype/></D:prop></D:propfind>')
    answer = served.ask("PROPFIND", "/", {"Depth": "infinity"}, asked)
    assert answer.status == 207, answer
    for one in ET.fromstring(answer.body):
        path = one.find("{DAV:}href").text
        if one.find(".//{DAV:}collection") is None:
            got = served.ask("GET", path)
            assert got.status == 200, path
            found[path] = (got.body, one.findtext(".//{urn:x}p"), one.find(".//{DAV:}activelock") is not None)
        else:
            found[path] = one.findtext(".//{urn:x}p")
    return found


def trashed(folder):
    """What files the trash holds."""
    return [p.read_bytes() for p in (folder / ".prefork" / "trash").rglob("*") if p.is_file() and not p.is_symlink()]


def litter(folder):
    return [p for name in ("tmp", "notes") for p in (folder / ".prefork" / name).iterdir()]


def strays(folder):
    """Files of large properties (fs/props.h) whose owner is no more."""
    owners = {f"{p.lstat().st_ino:x}" for p in folder.rglob("*")}
    return [p.name for p in folder.glob(".prefork/props/*") if p.name not in owners]


@pytest.fixture
def faulty(start, folder, tmp_path, monkeypatch):
    """Starts servers that can be told to die: (begin, control)."""
    if not os.access(FAULTS, os.X_OK):
        pytest.skip("preforkd-faults is not built: meson setup -Dtests=true")
    control = tmp_path / "fault"
    control.touch()
    monkeypatch.setattr(harness.server, "PREFORKD", FAULTS)

    def begin(method):
        trash = "off" if method in LARGE_ONES else "30d"
        checksums = "none" if method is put_unseen else "sha256"
        return start("drive", "--workers", "1", "--trash", trash, "--checksums", checksums, folder,
                     env={"PREFORK_FAULT": str(control)}.items())
    return begin, control


def act(method, served, control, step, whom):
    """Does it without its step @step. Says what that would have been (None: there is none), and whether the
    request was answered well all the same: where nothing had begun, another worker takes it."""
    control.write_text(f"{step} {whom}")
    try:
        status = method(served).status
    except (Closed, OSError):
        status = None
    fired = control.read_text()
    control.write_text("")
    if fired[:1].isdigit():
        assert status in (200, 201, 204, 207), status
        return None, True
    assert status in (None, 502) or status < 300, (fired, status)
    return fired, status in (200, 201, 204, 207)


def judge(method, fired, answered, now, before, after, folder):
    allowed = [after] if answered else [before, after, *([HALFWAY[method](before)] if method in HALFWAY else [])]
    assert now in allowed, f"not done: {fired}"
    data = [what[0] for what in now.values() if isinstance(what, tuple)]
    if method not in (proppatch, proppatch_large, lock, mkcol, mkcol_large, put_new, copy_tree, *LARGE_ONES):
        assert OLD in data or OLD in trashed(folder), f"lost; not done: {fired}"
    assert NEW in data or before == now, f"lost; not done: {fired}"


def states(method, folder, served):
    fill(folder, served, method)
    before = tree(served)
    assert method(served).status < 300
    return before, tree(served)


def sweep(begin, method, served, folder):
    """Another server, which takes away what the first one's workers left, and says so."""
    left = litter(folder)
    served.stop()
    served = begin(method)
    if left:
        served.wait_log("swept")
    assert litter(folder) == [] == strays(folder)
    return served


QUICK = [delete]
SLOW = [put_unseen, *LARGE_ONES[1:]]  # even when everything is killed
DEATHS = 2  # more in a row, and the supervisor makes each new worker wait (docs/decisions/0004)


@pytest.mark.parametrize("method", [pytest.param(m, id=m.__name__, marks=[] if m in QUICK else pytest.mark.slow) for m in METHODS])
def test_a_worker_killed_at_any_step_leaves_the_old_or_the_new(faulty, folder, method):
    begin, control = faulty
    served = begin(method)
    before, after = states(method, folder, served)

    steps = []
    for step in itertools.count(1):
        fill(folder, served, method)
        fired, answered = act(method, served, control, step, "self")
        if not fired:
            break
        steps.append(fired)
        judge(method, fired, answered, tree(served), before, after, folder)
        if step % DEATHS == 0:
            served = sweep(begin, method, served, folder)
    assert steps and tree(served) == after

    assert tree(sweep(begin, method, served, folder)) == after


@pytest.mark.parametrize("method", [pytest.param(m, id=m.__name__, marks=pytest.mark.slow if m in SLOW else []) for m in METHODS])
def test_everything_killed_at_any_step_leaves_the_old_or_the_new(faulty, folder, method):
    begin, control = faulty
    served = begin(method)
    before, after = states(method, folder, served)

    for step in itertools.count(1):
        fill(folder, served, method)
        fired, answered = act(method, served, control, step, "all")
        if not fired:
            break
        served.wait()
        until(lambda: not served._session(), "all of it is dead")
        served = begin(method)
        judge(method, fired, answered, tree(served), before, after, folder)
        assert litter(folder) == [] == strays(folder), fired
