# SPDX-License-Identifier: MIT
"""The clients people have, as they are: what they see is what counts."""
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from harness.wait import until

NAMES = ["with space.txt", "ümläut.txt", "100% sure.txt", "hash#tag.txt", "why?.txt", "plus+plus.txt", "amp&er;sand.txt",
         "it's.txt", "日本語.txt", "new\nline.txt", " leading and trailing ", "[brackets]{braces}.txt", "tilde~.txt", "~",
         "colon:and,comma.txt", "percent%41.txt", "-dash.txt", ".hidden", "a" * 200 + ".txt", "emoji 🗂.txt"]


def run(command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=300, **more)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


# litmus

@pytest.mark.parametrize("suite", ["basic", "copymove", "props", "locks", "http"])
def test_litmus_finds_nothing_to_fail_or_warn_about(served, need, tmp_path, suite):
    status, said = run([need("litmus"), "-k", served.url + "/"], cwd=tmp_path, env=os.environ | {"TESTS": suite})

    print(said)
    if "2" not in served.ask("OPTIONS", "/")["dav"]:
        said = said.replace("WARNING: server does not claim Class 2 compliance", "")
    assert status == 0
    assert f"<- summary for `{suite}'" in said
    assert "FAIL" not in said and "WARNING" not in said and "SKIPPED" not in said
    assert re.search(r"100\.0%", said)


# curl

@pytest.fixture
def blob(tmp_path):
    path = tmp_path / "blob"
    path.write_bytes(os.urandom(1 << 20) * 32)
    return path


def test_curl_resumes_a_broken_download(served, folder, blob, need, tmp_path):
    shutil.copy(blob, folder / "blob")
    back, size = tmp_path / "back", blob.stat().st_size
    broken = subprocess.Popen([need("curl"), "-sS", "--limit-rate", "4M", "-o", back, served.url + "/blob"], stderr=subprocess.PIPE)
    until(lambda: back.exists() and back.stat().st_size > 1 << 20, "some of it has come")
    broken.kill()
    broken.communicate()
    assert back.stat().st_size < size

    status, said = run(["curl", "-sSf", "-C", "-", "-o", back, served.url + "/blob"])

    assert status == 0, said
    assert filecmp.cmp(back, blob, shallow=False)


def test_curl_broken_in_an_upload_leaves_the_old_file_and_no_litter(served, folder, blob, need):
    (folder / "blob").write_text("old")
    broken = subprocess.Popen([need("curl"), "-sS", "--limit-rate", "2M", "-T", blob, served.url + "/blob"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: any(open_with_size(pid, 1 << 20) for pid in served.workers()), "some of it has come")
    broken.kill()
    broken.communicate()

    assert (folder / "blob").read_text() == "old"
    until(lambda: [p for p in folder.rglob("*") if p.is_file() and p != folder / "blob" and p.stat().st_size > 1000] == [],
          "no litter is left")


def open_with_size(pid, least):
    try:
        return any(os.stat(f"/proc/{pid}/fd/{fd}").st_size >= least for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def test_curl_sends_what_it_reads_chunked(served, folder, need):
    status, said = run([need("curl"), "-sSf", "-T", "-", served.url + "/stream"], input=b"x" * 1_000_000)
    assert status == 0, said
    assert (folder / "stream").read_bytes() == b"x" * 1_000_000


def test_curl_sends_only_what_is_newer(served, folder, need, tmp_path):
    (folder / "a").write_text("a")
    run([need("curl"), "-sSf", "-R", "-o", tmp_path / "a", served.url + "/a"])
    status, said = run(["curl", "-sS", "-z", tmp_path / "a", "-o", "/dev/null", "-w", "%{http_code}", served.url + "/a"])
    assert said == "304"


# rclone

def rclone(need, server, *args):
    env = os.environ | {"RCLONE_CONFIG": "/dev/null", "RCLONE_WEBDAV_URL": server.url, "RCLONE_WEBDAV_VENDOR": "other",
                        "RCLONE_WEBDAV_ENCODING": "Slash", "RCLONE_LOCAL_ENCODING": "Slash"}  # names as they are
    return run([need("rclone"), "--retries", "1", "--low-level-retries", "1", "--transfers", "8", *args], env=env)


def gather(to, most):
    """Real files, with their folders, from /usr/share/doc."""
    source, n = pathlib.Path("/usr/share/doc"), 0
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 200_000:
            target = to / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            n += 1
            if n == most:
                break
    return n


@pytest.fixture(params=[300, pytest.param(2000, marks=pytest.mark.slow)])
def collection(tmp_path, request):
    """rclone makes a hundred requests a second and no more, so the whole of it takes a minute and a half."""
    source = tmp_path / "source"
    source.mkdir()
    assert gather(source, request.param) > 200, "too few files in /usr/share/doc"
    odd = source / "odd names & such"
    odd.mkdir()
    for name in NAMES:
        (odd / name).write_bytes(os.fsencode(name))
    (source / "empty folder").mkdir()
    (source / "empty file").touch()
    return source


def test_rclone_copies_a_collection_and_finds_it_the_same(drive, folder, collection, need):
    served = drive("--durability", "rename")

    status, said = rclone(need, served, "copy", "--create-empty-src-dirs", collection, ":webdav:")
    assert status == 0, said[-3000:]
    status, said = rclone(need, served, "check", "--download", collection, ":webdav:")

    assert status == 0, said[-3000:]
    assert "0 differences found" in said
    ours = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".prefork" not in p.parts}
    theirs = {p.relative_to(collection): p.read_bytes() for p in collection.rglob("*") if p.is_file()}
    assert ours == theirs
    status, said = rclone(need, served, "size", "--json", ":webdav:")
    assert f'"count":{len(theirs)}' in said
    status, said = rclone(need, served, "about", ":webdav:")
    assert status == 0 and "Free" in said, said


def test_rclone_moves_and_deletes(drive, folder, need, tmp_path):
    served = drive("--durability", "rename")
    (folder / "from").mkdir()
    for name in NAMES:
        (folder / "from" / name).write_bytes(os.fsencode(name))

    status, said = rclone(need, served, "moveto", ":webdav:from", ":webdav:to")
    assert status == 0, said[-3000:]
    assert {p.name for p in (folder / "to").iterdir()} == set(NAMES)
    status, said = rclone(need, served, "purge", ":webdav:to")
    assert status == 0 and not (folder / "to").exists(), said


# cadaver

def test_a_cadaver_session(served, folder, need, tmp_path):
    (tmp_path / "up.txt").write_text("from cadaver")
    (folder / "there.txt").write_text("there")
    script = f"""ls
mkcol stuff
cd stuff
put "{tmp_path}/up.txt" "new name.txt"
copy "new name.txt" copied.txt
move copied.txt moved.txt
ls
get ../there.txt {tmp_path}/down.txt
cd ..
ls
delete there.txt
rmcol none
quit
"""
    status, said = run([need("cadaver"), served.url + "/"], input=script.encode(), cwd=tmp_path,
                       env=os.environ | {"HOME": str(tmp_path)})

    print(said)
    assert status == 0
    assert (folder / "stuff" / "new name.txt").read_text() == "from cadaver"
    assert (folder / "stuff" / "moved.txt").read_text() == "from cadaver"
    assert not (folder / "stuff" / "copied.txt").exists()
    assert (tmp_path / "down.txt").read_text() == "there"
    assert not (folder / "there.txt").exists()
    assert "there.txt" in said and "Coll:" in said



# lftp

def test_lftp_mirrors_there_and_back(served, folder, need, tmp_path):
    (folder / "there.txt").write_text("there")
    source = tmp_path / "source"
    (source / "sub folder").mkdir(parents=True)
    for name in ("one.txt", "sub folder/two & three.txt", "sub folder/ümläut.txt"):
        (source / name).write_bytes(name.encode() * 1000)
    script = f"""set net:max-retries 1
set http:use-mkcol yes
set cmd:fail-exit yes
open {served.url}/
cls -1
get there.txt -o {tmp_path}/down.txt
put {source}/one.txt -o "up here.txt"
mkdir made
mirror -R {source} up
mirror up {tmp_path}/back
mv "up here.txt" made/moved.txt
rm there.txt
"""
    status, said = run([need("lftp")], input=script.encode(), cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})

    print(said)
    assert status == 0
    assert "there.txt" in said and (tmp_path / "down.txt").read_text() == "there"
    assert not trees_differ(source, folder / "up") and not trees_differ(source, tmp_path / "back")
    assert (folder / "made" / "moved.txt").read_bytes() == (source / "one.txt").read_bytes()
    assert not (folder / "there.txt").exists() and not (folder / "up here.txt").exists()


# davfs2: the folder as a part of the local file system

@pytest.fixture
def mounted(served, need, tmp_path):
    """(where the drive is mounted, what unmounts it so that everything has been sent)."""
    need("mount.davfs")
    place, conf = tmp_path / "mnt", tmp_path / "davfs2.conf"
    place.mkdir()

    def unmount():
        if os.path.ismount(place):
            subprocess.run(["umount", place], check=True, capture_output=True, timeout=120)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as cache:
        os.chmod(cache, 0o777)  # its daemon is a user of its own
        conf.write_text(f"use_locks 1\nask_auth 0\ncache_dir {cache}\ndelay_upload 0\n")
        done = subprocess.run(["mount", "-t", "davfs", "-o", f"conf={conf},uid=root", served.url + "/", place],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        if done.returncode or not os.path.ismount(place):
            pytest.skip(f"cannot mount with davfs2 here: {done.stderr.decode().strip()}")
        yield place, unmount
        unmount()


def trees_differ(a, b):
    def read(top):
        return {str(p.relative_to(top)): p.read_bytes() if p.is_file() else None for p in top.rglob("*")
                if ".prefork" not in p.parts and "lost+found" not in p.parts}
    a, b = read(a), read(b)
    return {n for n in a.keys() | b.keys() if a.get(n) != b.get(n)}


def test_a_tree_is_copied_into_a_mount_edited_and_moved(mounted, folder, tmp_path):
    mounted, unmount = mounted
    source = tmp_path / "source"
    gather(source, 60)
    for name in ("plain", "ümläut", "with space", "100%", "#?&+"):
        (source / name).write_bytes(os.urandom(5000))
    (source / "large").write_bytes(os.urandom(3 << 20))

    shutil.copytree(source, mounted / "tree")
    assert (mounted / "tree" / "large").read_bytes() == (source / "large").read_bytes()
    with open(mounted / "tree" / "plain", "ab") as f:
        f.write(b"more")
    os.rename(mounted / "tree" / "with space", mounted / "tree" / "moved")
    os.unlink(mounted / "tree" / "100%")
    os.chmod(mounted / "tree" / "#?&+", 0o755)
    unmount()

    with open(source / "plain", "ab") as f:
        f.write(b"more")
    os.rename(source / "with space", source / "moved")
    os.unlink(source / "100%")
    assert trees_differ(source, folder / "tree") == set()
    assert os.stat(folder / "tree" / "#?&+").st_mode & 0o111
    assert list((folder / ".prefork" / "locks" / "tree").iterdir()) == [], "it gives its locks back"


# GVFS: what file managers of GNOME and others use

def test_gio_works_on_the_drive(served, folder, need, tmp_path):
    session = [need("dbus-run-session"), "--", "sh", "-ec"]
    if not os.path.exists("/usr/libexec/gvfsd-dav"):
        pytest.skip("gvfs-backends is not installed: tools/deps test installs it")
    (tmp_path / "up & down.txt").write_bytes(b"from gio" * 1000)
    (folder / "there.txt").write_text("there")
    url = f"dav://{served.url.removeprefix('http://')}"
    script = f"""gio mount '{url}'
gio list '{url}'
gio mkdir '{url}/new folder'
gio copy '{tmp_path}/up & down.txt' '{url}/new folder/'
gio move '{url}/there.txt' '{url}/new folder/it is (here).txt'
gio rename '{url}/new folder/up & down.txt' 'renamed.txt'
gio cat '{url}/new folder/renamed.txt' > '{tmp_path}/down'
gio info '{url}/new folder/renamed.txt'
printf saved | gio save '{url}/saved.txt'
gio remove '{url}/new folder/it is (here).txt'
gio mount -u '{url}'
"""
    status, said = run(session + [script], env=os.environ | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path),
                                                             "GVFS_DISABLE_FUSE": "1"})
    print(said)
    assert status == 0
    assert "there.txt" in said and "standard::size: 8000" in said
    assert (tmp_path / "down").read_bytes() == b"from gio" * 1000
    assert {p.name for p in (folder / "new folder").iterdir()} == {"renamed.txt"}
    assert (folder / "saved.txt").read_text() == "saved"


# rclone, as owncloud's client

def test_rclone_as_an_owncloud_client_sends_nothing_twice(drive, folder, need, tmp_path):
    served = drive("--durability", "rename")
    source = tmp_path / "source"
    gather(source, 200)
    for i, path in enumerate(p for p in source.rglob("*") if p.is_file()):
        os.utime(path, (1_000_000_000 + i, 1_000_000_000 + i))
    owncloud = ["--webdav-vendor", "owncloud"]

    status, said = rclone(need, served, "copy", *owncloud, source, ":webdav:")
    assert status == 0, said[-3000:]
    ours = {p.relative_to(folder): int(p.stat().st_mtime) for p in folder.rglob("*") if p.is_file() and ".prefork" not in p.parts}
    assert ours == {p.relative_to(source): int(p.stat().st_mtime) for p in source.rglob("*") if p.is_file()}
    status, said = rclone(need, served, "copy", "-v", *owncloud, source, ":webdav:")
    assert status == 0 and "There was nothing to transfer" in said, said[-3000:]
    status, said = rclone(need, served, "check", *owncloud, source, ":webdav:")
    assert status == 0 and "200 matching files" in said and "could not be checked" not in said, said[-3000:]
    status, said = rclone(need, served, "check", "--download", *owncloud, source, ":webdav:")
    assert status == 0, said[-3000:]


def test_cadaver_locks_and_unlocks(served, folder, need, tmp_path):
    (folder / "a.txt").write_text("a")
    (tmp_path / "new").write_text("new")
    script = f"lock a.txt\ndiscover a.txt\nput {tmp_path}/new a.txt\npropset a.txt colour blue\npropget a.txt colour\nunlock a.txt\ndiscover a.txt\nquit\n"
    status, said = run([need("cadaver"), served.url + "/"], input=script.encode(), cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path)})
    print(said)
    assert status == 0 and said.count("succeeded") >= 4 and "blue" in said
    assert (folder / "a.txt").read_text() == "new"
    assert list((folder / ".prefork" / "locks" / "tree").iterdir()) == []
