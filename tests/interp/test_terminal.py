# SPDX-License-Identifier: MIT
"""On a terminal, with the keys of one: cold and warm look the same from there too."""
import os
import shlex

import pytest

from interp.terminal import Terminal
from interp.test_defects import MAN


@pytest.fixture(params=["cold", "warm"])
def how(request):
    return request.param


@pytest.fixture
def seat(probe, how):
    """A terminal, and the command that calls the script."""
    terminal = Terminal(probe.world.environment, probe.world.path)

    def write(command):
        """Long lines would be echoed with breaks in them."""
        (probe.world.path / "p").write_text(f"#!/bin/sh\nexec {shlex.join(command)} \"$@\"\n")
        os.chmod(probe.world.path / "p", 0o755)

    terminal.write = write
    write(getattr(probe, how)())
    yield terminal
    terminal.end()


def test_it_has_the_terminal(seat, how, probe):
    """Warm where it says that it wants it."""
    options = {"cold": {}, "warm": {"options": ["--tty"]}}[how]
    seat.write(getattr(probe, how)("tty", **options))
    seat.command("./p")
    assert seat.output() == "to the terminal\nTrue True\n"


def test_without_saying_so_a_warm_script_finds_no_terminal(seat, how, probe):
    """As the manual says, with the reason. It learns it at once, and what it has of the terminal works."""
    seat.command("./p tty; echo status=$?")
    shown = seat.output()

    assert ("No such device or address" in shown) == (how == "warm"), shown
    assert how == "cold" or "status=0" not in shown
    assert "ENXIO" in MAN.read_text(encoding="utf-8")


def test_what_says_it_wants_a_terminal_is_warm_where_there_is_none(probe):
    probe.prime("leave", 5)
    before = probe.began()

    assert probe.call(probe.warm("leave", 5, options=["--tty"]), start_new_session=True).status == 5
    assert probe.began() == before + 1


def test_its_streams_know_the_terminal(seat):
    seat.command("./p standard")
    shown = seat.output()

    assert shown.count("tty") == 3 or shown.count("(True, True, 'utf-8'") >= 2, shown


def test_it_reads_what_is_typed(seat):
    seat.command("./p lines")
    seat.type("first\n")
    seat.expect("got first\n")
    seat.type("\x04")

    assert seat.output() == ""


def test_ctrl_c_ends_it_and_the_shell_goes_on(seat):
    seat.command("./p lines")
    seat.type("first\n")
    seat.expect("got first\n")
    seat.type("\x03")
    seat.output()

    seat.command("echo status=$?")
    assert seat.output() == "status=130\n"


def test_ctrl_z_stops_it_and_fg_goes_on(seat):
    """Defect 5: what is typed at the shell is the shell's."""
    seat.command("./p lines")
    seat.type("first\n")
    seat.expect("got first\n")
    seat.type("\x1a")
    assert "Stopped" in seat.output()
    seat.command("echo mine")
    assert seat.output() == "mine\n"
    seat.type("fg\n")
    seat.expect(r"fg\n.*\n")
    seat.type("second\n")
    seat.expect("got second\n")
    seat.type("\x04")
    seat.output()


def test_in_the_background_it_does_not_read(seat):
    seat.command("./p lines &")
    seat.output()
    seat.command("echo mine")
    assert "mine\n" in seat.output()
    seat.type("fg\n")
    seat.expect(r"fg\n.*\n")
    seat.type("second\n")
    seat.expect("got second\n")
    seat.type("\x04")
    seat.output()


def test_ctrl_backslash_kills_it(seat):
    seat.command("ulimit -c 0; ./p lines")
    seat.type("first\n")
    seat.expect("got first\n")
    seat.type("\x1c")
    seat.output()

    seat.command("echo status=$?")
    assert seat.output() == "status=131\n"


def test_it_is_told_the_size_of_the_window(seat):
    seat.command("stty rows 33 cols 99; ./p become stty size")
    assert seat.output() == "33 99\n"


def test_in_a_pipeline_of_a_terminal(seat):
    seat.command("echo through | ./p lines | cat")
    assert seat.output() == "got through\n"


def test_time_says_what_it_took(seat):
    seat.command("time ./p leave 3")
    shown = seat.output()

    assert "real" in shown and "user" in shown
