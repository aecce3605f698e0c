# SPDX-License-Identifier: MIT
"""With the known implementation: its launcher calls our module, and ours calls its module.

Scripts leave by POSIX::_exit, because with its module others are reported as
killed by SIGINT (defect 1).
"""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from interp.test_defects import processes, until
from interp.world import TRIES, Result

KNOWN = shutil.which("prefork-interp", path="/usr/bin")
KNOWN_MODULE = pathlib.Path("/usr/share/perl5/Proc/Prefork/Interp.pm")
pytestmark = pytest.mark.skipif(not KNOWN or not KNOWN_MODULE.exists(),
                                reason="chiark-utils-bin and chiark-scripts are not installed: tools/deps test installs them")

SCRIPT = """
use strict; use warnings; use POSIX ();
use Proc::Prefork::Interp;
my $setup = $$;
prefork_initialisation_complete(%s);
$| = 1;
my $in = <STDIN> // '';
print "$setup @ARGV|$ENV{FOR_ALL}|$in";
print STDERR "err\\n";
POSIX::_exit($ENV{RESULT} // 0);
"""


class Pair:
    """A launcher and a module, of which one may be the other implementation's."""

    def __init__(self, home, launcher, module):
        self.launcher = launcher
        self.environment = dict(home.environment, FOR_ALL="x")
        if module == "ours":
            self.environment["PERL5LIB"] = f"{home.tree.compat}:{self.environment['PERL5LIB']}"
        self.path = home.path / "script.pl"
        self.write()
        home.scripts.append(self)

    def end(self):
        assert self.call(options=["--kill"]).status == 0

    def write(self, options="max_servers => 4"):
        self.path.write_text(SCRIPT % options)

    def change(self):
        self.write("max_servers => 5")
        os.utime(self.path, (os.stat(self.path).st_mtime + 2,) * 2)  # the known module wants it newer

    def command(self, *args, options=()):
        return [*self.launcher, *options, "perl", str(self.path), *args]

    def call(self, *args, options=(), **more):
        return Result.of(self.command(*args, options=options), stdin=b"in\n", cwd="/", env={**self.environment, **more})

    def setup(self, *args, **how):
        """Which set-up served the call."""
        return int(self.call(*args, **how).out.split()[0])

    def warm(self):
        """Which set-up serves: one that answers two calls. Its server may say nothing for 250 ms on a busy machine, the known
        module's before all: such a call runs by itself, as it should."""
        seen = set()
        for _ in range(TRIES):
            setup = self.setup()
            if setup in seen:
                return setup
            seen.add(setup)
        raise AssertionError(f"nobody serves: {seen}")


def pair(home, tree, which):
    launcher, module = which.split("-")
    ours = [str(tree.launcher)]
    return Pair(home, {"known": [KNOWN, "-U"], "ours": ours, "compat": [*ours, "--compat"]}[launcher], module)


@pytest.fixture(params=["known-ours", "ours-known", "compat-known", "compat-ours"])
def both(request, home, tree):
    return pair(home, tree, request.param)


def test_a_call_is_whole_cold_and_warm(both):
    for status in (3, 4, 5, 0):
        result = both.call("a", "", "b c", RESULT=str(status))
        setup = result.out.split()[0]

        assert result == Result(status, setup + b" a  b c|x|in\n", b"err\n")


def test_later_calls_are_warm(both):
    first = both.setup()

    assert [both.warm() for _ in range(3)] == [first] * 3


def test_kill_ends_the_server(both):
    first = both.setup()

    assert both.call(options=["--kill"]).status == 0
    assert both.setup() != first


def test_kill_without_a_server_is_no_error(both):
    assert both.call(options=["--kill"]).status == 0


def test_fresh_replaces_the_server(both):
    first = both.setup()

    fresh = both.setup(options=["-f"])

    assert fresh != first
    assert both.warm() == fresh


def test_a_changed_script_is_loaded_again(both):
    first = both.setup()

    both.change()

    assert both.setup() != first


def server_of(script):
    """Its process: neither the watcher nor a spare."""
    started = f"perl\0{script.path}\0"
    [server] = {pid for pid, (parent, _, _) in processes().items() if command_of(pid) == started and command_of(parent) != started}
    return server


def has_waiting(server):
    """Whether somebody has connected to a socket of the stopped @server: the kernel lists what was not accepted, by its name."""
    inodes = {os.readlink(link).partition("[")[2].rstrip("]") for link in pathlib.Path(f"/proc/{server}/fd").iterdir()}
    lines = [line.split() for line in pathlib.Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:]]
    listens = {line[7] for line in lines if line[6] in inodes and len(line) > 7}
    return any(line[5:7] == ["02", "0"] and line[7] in listens for line in lines if len(line) > 7)


@pytest.mark.parametrize("which", ["known-ours", "compat-ours"])
def test_who_connects_before_the_server_sees_the_change_gets_the_new_code(home, tree, which):
    script = pair(home, tree, which)
    first = script.setup()
    server = server_of(script)

    os.kill(server, signal.SIGSTOP)
    script.change()
    with subprocess.Popen(script.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/", env=script.environment) as call:
        try:
            until(lambda: has_waiting(server), "it never connected")
        finally:
            os.kill(server, signal.SIGCONT)
        said = call.communicate(timeout=20)[0]

    assert call.returncode == 0
    assert int(said.split()[0]) != first


def blind(limit):
    """A user name space of its own, with less inotify to be had than a server wants."""
    return ["unshare", "-Ur", "sh", "-c", f"echo {limit[-1]} >/proc/sys/user/max_inotify_{limit[:-2]} && exec \"$@\"", "sh"]


@pytest.mark.skipif(subprocess.run([*blind("watches 0"), "true"], check=False, capture_output=True).returncode != 0,
                    reason="no user name spaces here")
@pytest.mark.parametrize("which, limit", [
    ("known-ours", "watches 1"),  # one is for its launcher's watcher, which never serves without
    ("compat-ours", "instances 0"),
    ("ours-ours", "instances 0"),
])
def test_a_changed_script_is_loaded_again_also_without_inotify(home, tree, which, limit):
    """Defect 17, and with the other implementation's launcher: slower, but right."""
    script = pair(home, tree, which)
    script.launcher = [*blind(limit), *script.launcher]
    first = script.setup()
    assert script.warm() == first

    script.change()
    assert script.setup() != first


@pytest.mark.parametrize("which", ["known-ours", "compat-ours"])
def test_an_idle_server_ends(home, tree, which):
    script = pair(home, tree, which)
    script.write("idle_timeout => 1")
    script.call()
    servers = {pid for pid in processes() if str(script.path) in command_of(pid)}
    assert servers

    until(lambda: not servers & set(processes()), "the server is still there")


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_death_by_signal_is_told(both):
    both.call()
    text = both.path.read_text().replace("POSIX::_exit", "kill 15, $$; POSIX::_exit")
    both.path.write_text(text)
    os.utime(both.path, (os.stat(both.path).st_mtime + 2,) * 2)
    both.call()

    assert both.call().status == -signal.SIGTERM


def test_the_names_of_the_two_never_meet(home, tree):
    """One directory each, so that neither calls the other's server by accident."""
    known, ours = pair(home, tree, "known-ours"), pair(home, tree, "ours-ours")
    assert known.setup() != ours.setup()
