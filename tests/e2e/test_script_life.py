# SPDX-License-Identifier: MIT
"""The server of a service's script lives as long as the service, across its changes, and no longer: `place` counts what is left."""
import os
import pathlib
import signal
import socket

import pytest

from e2e.test_exec import answer, pids_of
from e2e.test_reload import reload
from e2e.test_script import PERL, all_of, lines, place, pytestmark, tree, warm, warm_lines  # noqa: F401 (fixtures)
from e2e.test_upgrade import Installed
from harness.wait import for_exit, until


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.pl"
    path.write_text(PERL)
    return path


class Conf:
    """A configuration file of one service of a script, whose lines can be changed."""

    def __init__(self, path, **settings):
        self.path = path
        self.settings = {"listen": "127.0.0.1:0", "run": "script", "workers": "2", **settings}
        self.write()

    def write(self, **settings):
        self.settings.update(settings)
        self.path.write_text("[service s]\n" + "".join(f"{name} = {value}\n" for name, value in self.settings.items()))


@pytest.fixture
def conf(place, tree, tmp_path, model, script):  # noqa: F811
    return Conf(tmp_path / "preforkd.conf", model=model, launcher=tree.launcher, run_directory=place, command=f"perl {script} upper")


@pytest.fixture
def served(conf, start, tree):  # noqa: F811
    """By that file, once it is ready; `warm` makes it so."""
    return start("-c", conf.path, listen=None, env=tree.environment)


def end_call(wire):
    """What the script makes of its last words."""
    wire.send(b"end\n")
    wire.socket.shutdown(socket.SHUT_WR)
    return wire.rest()


def test_after_a_stop_nothing_is_left(served, place):  # noqa: F811
    assert warm(served) in all_of(place)

    served.signal(signal.SIGTERM)

    assert served.wait() == 0
    until(lambda: not all_of(place), "no process is left")


def test_a_stop_waits_for_a_call_and_for_what_it_has_begun(served, place):  # noqa: F811
    parent = warm(served)
    wire = served.connect()
    pids_of(wire)

    served.signal(signal.SIGTERM)
    served.wait_log("draining:")
    until(lambda: not any(served.number_in(pid, wire) is None for pid in served.workers()), "the other worker has ended")

    assert parent in all_of(place)
    assert end_call(wire) == b"END\n"
    assert served.wait() == 0


def test_a_stop_ends_a_call_that_takes_too_long(conf, place, script, start, tree):  # noqa: F811
    conf.write(command=f"perl {script} wait", drain_timeout="200ms")
    served = start("-c", conf.path, listen=None, env=tree.environment)
    served.expect_status = None
    wires = [served.connect() for _ in range(2)]  # under fork more would wait
    for wire in wires:
        pids_of(wire)

    served.signal(signal.SIGTERM)

    for wire in wires:
        assert wire.ended()
    served.wait()
    until(lambda: not all_of(place), "no process is left")


def test_when_the_supervisor_is_killed_nothing_is_left(served, place):  # noqa: F811
    warm(served)
    wire = served.connect()
    pids_of(wire)

    served.signal(signal.SIGKILL)
    served.wait()

    assert end_call(wire) == b"END\n"
    until(lambda: not all_of(place), "no process is left")


def test_a_reload_keeps_the_server_and_drops_no_call(conf, served):
    parent = warm(served)
    wire = served.connect()
    pids_of(wire)

    for timeout in "1h", "2h":
        conf.write(timeout=timeout)
        reload(served)
        assert warm_lines(served, parent, b"x\n")[2] == b"X\n"

    assert end_call(wire) == b"END\n"
    assert warm(served) == parent


def test_another_command_has_another_server_and_the_old_one_ends(conf, served, script, place):  # noqa: F811
    before = warm(served)
    conf.write(command=f"perl {script} args")

    reload(served)

    assert b"[" in lines(served)[2]
    for_exit(before)
    assert warm(served) != before


def test_a_raised_limit_is_one_that_scripts_get(conf, served, script):
    for size in "1G", "2G":  # a server has the limits of its set-up, and could not raise them
        conf.write(rlimit_memory=size)
        reload(served)
        warm(served)


def test_an_upgrade_keeps_the_server_and_drops_no_call(conf, tmp_path, start, tree, folder, monkeypatch):  # noqa: F811
    installed = Installed(tmp_path, start, folder)
    conf.path.write_text(f"[preforkd]\ncontrol = {installed.ctl.path}\n" + conf.path.read_text())
    monkeypatch.setattr("harness.server.PREFORKD", str(installed.path))
    installed.served = served = start("-c", conf.path, listen=None, env=tree.environment)
    parent = warm(served)
    wire = served.connect()
    pids_of(wire)

    old, new = installed.upgrade()
    assert warm_lines(served, parent, b"x\n")[2] == b"X\n"
    assert end_call(wire) == b"END\n"
    for_exit(old)

    assert warm(served) == parent
    installed.end()


def test_an_edited_script_is_new_for_the_next_call_and_old_for_those_that_run(served, script, place):  # noqa: F811
    before = warm(served)
    wire = served.connect()
    pids_of(wire)

    script.write_text(PERL.replace("print uc", "print 'new ', uc"))

    assert lines(served, b"x\n")[2] == b"new X\n"
    after = warm(served)
    assert after != before and before in all_of(place)
    assert end_call(wire) == b"END\n"
    for_exit(before)


def test_a_set_up_that_fails_says_so_and_leaves_nothing(served, script, place):  # noqa: F811
    script.write_text('die "no database\\n"')
    for _ in range(2):
        assert answer(served) == b""
    until(lambda: served.text().count('line="no database"') == 2, "it is said each time")
    assert not all_of(place)

    script.write_text(PERL)
    assert warm(served)


def test_a_set_up_that_hangs_goes_with_its_client_and_with_its_worker(served, script, tmp_path, place):  # noqa: F811
    for end in "client", "worker":
        gate = tmp_path / end
        os.mkfifo(gate)
        script.write_text(f'open my $gate, ">", "{gate}"; print $gate "in\\n"; close $gate; sleep 1000;')
        wire = served.connect()
        with gate.open() as said:
            assert said.read() == "in\n"
        if end == "client":
            wire.reset()
        else:
            served.kill_worker(served.holder(wire))
        until(lambda: not all_of(place), "no process is left")


def test_what_a_script_leaves_in_its_group_ends_with_it(served, script, place):  # noqa: F811
    text = PERL.replace("print uc while <STDIN>", 'if ($warm && !fork) { close STDOUT; close STDERR; sleep 1000 } print "left"')
    script.write_text(text.replace("prefork_init", "my $warm = prefork_init"))  # a direct run's is nobody's to end
    parent = warm(served)

    assert warm_lines(served, parent, b"")[2] == b"left"
    until(lambda: not [pid for pid in all_of(place) if pathlib.Path(f"/proc/{pid}/wchan").read_text() == "hrtimer_nanosleep"],
          "nobody sleeps")


def test_a_server_killed_in_a_call_ends_that_call_alone(served, place):  # noqa: F811
    parent = warm(served)
    wire = served.connect()
    pids_of(wire)

    os.kill(parent, signal.SIGKILL)

    assert wire.ended()
    served.wait_log("its server has ended")
    assert lines(served, b"x\n")[2] == b"X\n"
    assert warm(served) != parent


def test_a_call_ends_also_while_its_server_is_stopped(served):
    parent = warm(served)
    wire = served.connect()
    pids_of(wire)

    os.kill(parent, signal.SIGSTOP)
    try:
        assert end_call(wire) == b"END\n"
        assert lines(served, b"x\n")[2] == b"X\n"
    finally:
        os.kill(parent, signal.SIGCONT)


def test_after_the_death_of_a_lone_worker_the_next_has_a_server(conf, start, tree):  # noqa: F811
    """The same, or another: whether anybody wanted it meanwhile is a race that does not matter."""
    conf.write(workers="1")
    served = start("-c", conf.path, listen=None, env=tree.environment)
    warm(served)

    served.kill_worker(served.workers()[0])

    assert lines(served, b"x\n")[2] == b"X\n"
    assert warm(served)
