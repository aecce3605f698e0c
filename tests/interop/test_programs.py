# SPDX-License-Identifier: MIT
"""Programs that were written for inetd and tcpserver, unchanged, under every model; used by their own clients."""
import filecmp
import os
import subprocess
import threading

import pytest

from harness.wait import until

MODELS = ["fork", "pool", "reuseport", "ring", "shared"]


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def run(start, model):
    def begin(*command):
        return start("exec", "--model", model, "--workers", "2..16", "--listen", "127.0.0.1:0", "--", *command, listen=None)
    return begin


def ok(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, done
    return done.stdout


def all_at_once(what, n):
    """what(0) ... what(n - 1), each in a thread; fails as the first of them did."""
    failed = []

    def one(i):
        try:
            what(i)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def nobody_left(server):
    until(lambda: not any("program-failed" in line for line in server.log)
          and all(not children(pid) for pid in server.workers()), "every program has ended")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


def test_git_clones_and_pushes(run, need, tmp_path):
    git = need("git")
    env = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(tmp_path)}
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    bare, work = tmp_path / "git" / "project.git", tmp_path / "work"
    ok(git, "init", "-q", "-b", "main", "--bare", bare, env=env)
    ok(git, "-C", bare, "config", "daemon.receivepack", "true", env=env)
    ok(git, "init", "-q", "-b", "main", work, env=env)
    (work / "big").write_bytes(os.urandom(3 << 20))
    ok(git, "-C", work, "add", "big", env=env)
    ok(git, "-C", work, *who, "commit", "-qm", "one", env=env)
    server = run(git, "daemon", "--inetd", "--export-all", f"--base-path={tmp_path / 'git'}")
    url = f"git://127.0.0.1:{server.port}/project.git"

    ok(git, "-C", work, "push", "-q", url, "main", env=env)
    all_at_once(lambda i: ok(git, "clone", "-q", url, tmp_path / f"clone{i}", env=env), 3)

    for i in range(3):
        assert filecmp.cmp(work / "big", tmp_path / f"clone{i}" / "big", shallow=False)
    nobody_left(server)


def test_rsync_copies_there_and_back(run, need, tmp_path):
    rsync = need("rsync")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    for i in range(50):
        (here / f"file {i}").write_bytes(os.urandom(i * 5000))
    conf = tmp_path / "rsyncd.conf"
    conf.write_text(f"use chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n[files]\npath = {there}\nread only = no\n")
    server = run(rsync, "--daemon", f"--config={conf}")  # a socket as its standard input: so inetd has started it
    url = f"rsync://127.0.0.1:{server.port}/files/"

    ok(rsync, "-a", f"{here}/", url)
    all_at_once(lambda i: ok(rsync, "-a", url, tmp_path / f"back{i}/"), 3)

    for back in (there, *(tmp_path / f"back{i}" for i in range(3))):
        same = filecmp.dircmp(here, back)
        assert not (same.left_only or same.right_only or filecmp.cmpfiles(here, back, same.common_files, shallow=False)[1:] != ([], []))
    nobody_left(server)
