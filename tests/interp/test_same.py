# SPDX-License-Identifier: MIT
"""A script cannot tell whether it was called cold or warm, and nor can its caller.

Every case is run both ways and the results are compared. Where they differ on
purpose, prefork-interp(1) says so and the case is not here.
"""
import os
import resource
import signal
import subprocess

import pytest

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


@case
def arguments(call):
    return call("argv", "a", "", "b c", "-x", "--", "\u00e4\u20ac", b"\xff\xfe", "new\nline", "'\"\\")


@case
def twenty_thousand_arguments(call):
    return call("count", *[f"argument {n} " + "x" * 20 for n in range(20_000)])


@case
def environment(call):
    return call("env", more={"EMPTY": "", "SPACE": " a b ", "BYTES": os.fsdecode(b"\xff\x01"), "LONG": "x" * 100_000})


@case
def environment_with_one_other_value(call):
    return call("env", more={"PATH": "/bin"})


@case
def environment_of_children(call):
    result = call("child_env", more={"ONLY_HERE": "1"})
    result.out = sorted(result.out.split(b"\0"))
    return result


@case
def no_environment(call):
    return call("env", more={"PATH": None})


@case
def working_directory(call):
    return call("place", cwd="/usr/share")


@case
def working_directory_that_is_gone(call, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir(exist_ok=True)
    return call("argv", preexec_fn=lambda: (os.chdir(gone), os.rmdir(gone)))


@case
def umask(call):
    return call("place", preexec_fn=lambda: os.umask(0o137))


@case
def nice(call):
    return call("place", preexec_fn=lambda: os.nice(7))


@case
def groups(call):
    return call("place", preexec_fn=lambda: os.setgroups([0, 4, 20]))


def lower_limits():
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 1000))
    resource.setrlimit(resource.RLIMIT_CPU, (50, 60))
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 5 << 20))


@case
def limits(call):
    return call("limits", preexec_fn=lower_limits)


def ignore_some():
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


@case
def ignored_signals(call):
    return call("signals", preexec_fn=ignore_some, restore_signals=False)


@case
def default_signals(call):
    return call("signals")


@case
def blocked_signals(call):
    return call("signals", preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGTERM]))


@case
def descriptors(call, tmp_path):
    inherited = os.open(tmp_path, os.O_RDONLY)
    try:
        return call("fds", preexec_fn=lambda: (os.dup2(inherited, 7), os.dup2(inherited, 130)), close_fds=False)
    finally:
        os.close(inherited)


@pytest.mark.parametrize("number", [0, 1, 2])
def closed(number):
    def run(call, tmp_path):
        def close():
            os.dup2(2 if number != 2 else 1, 9)  # for what there is to say
            os.close(number)
        with open(tmp_path / "facts", "w+b") as said:
            result = call("fds", preexec_fn=close, **{} if number == 1 else {"stdout": said}, pass_fds=[9])
            said.seek(0)
            lines = (result.out or said.read()).splitlines()
        # The interpreter's own files, the script and modules with data, may have the number that is free.
        result.out = [line for line in lines if b"/probe" not in line and not line.endswith(b".pm")]
        return result
    return run


CASES.update({f"closed_{number}": closed(number) for number in (0, 1, 2)})


@case
def all_standard_descriptors_closed(call):
    return call("leave", "3", preexec_fn=lambda: [os.close(n) for n in range(3)])


@case
def a_named_pipe_of_the_shell(call):
    return call.shell('"$@" /dev/fd/8 8< <(echo through a pipe)', "read_fd")


@case
def process_substitution(call):
    return call.shell('"$@" <(echo through a pipe)', "read_fd")


@case
def input_from_a_pipe(call):
    return call("lines", stdin=b"one\ntwo\nthree")


@case
def input_from_a_file(call, tmp_path):
    (tmp_path / "input").write_bytes(b"0123456789" * 10)
    with open(tmp_path / "input", "rb") as file:
        file.seek(5)
        result = call("position", stdin=file)
        result.out += b"%d" % (file.tell() if not result.out else 0)
    return result


@case
def no_input(call):
    return call("lines", stdin=subprocess.DEVNULL)


@case
def a_megabyte(call):
    return call("cat", stdin=bytes(range(256)) * 4100)


@case
def standard_streams_of_files(call, tmp_path):
    with open(tmp_path / "out", "w+b") as out:
        out.write(b"before")
        out.flush()
        return call("standard", stdin=subprocess.DEVNULL, stdout=out)


@case
def standard_streams_of_pipes(call):
    return call("standard")


@case
def output_to_a_full_device(call):
    with open("/dev/full", "wb") as full:
        return call("argv", stdout=full)


@case
def output_nobody_reads(call):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return call("pipe_broken", stdout=writer)
    finally:
        os.close(writer)


@case
def output_that_only_head_reads(call):
    return call.shell('"$@" | head -1; echo ${PIPESTATUS[0]}', "pipe_broken")


@case
def words_at_the_end(call):
    return call("leave_with_words")


@case
def an_error_nobody_catches(call):
    result = call("fail")
    result.err = result.err.splitlines()[-1]
    return result


@case
def another_program(call):
    return call("become", "sh", "-c", 'echo "$0" "$@" $#; exit 9', "x", "y z")


@case
def another_program_that_reads(call):
    return call("become", "cat", stdin=b"passed on")


@case
def the_end(call, tmp_path):
    result = call("ends", tmp_path / "written")
    result.out = sorted(result.out.splitlines())  # in which order objects go no language promises
    return result, (tmp_path / "written").read_bytes()


@case
def time_zone(call):
    return call("clock", more={"TZ": "Asia/Tokyo"})


@case
def its_name(call):
    return call("name")


@case
def its_name_from_another_place(call):
    return call.relative("name")


CASES.update({f"exit_{n}": lambda call, n=n: call("leave", n) for n in (0, 1, 2, 126, 127, 128, 200, 254, 255, 256, 259)})
CASES.update({f"raise_{n}": lambda call, n=n: call("raise_exit", n) for n in (0, 3, 255)})
CASES.update({f"death_by_{n}": lambda call, n=n: call("die", n)
              for n in (1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 64)})


class NotWarm(Exception):
    """The call was served by no server's executor."""


class Call:
    """Calls the script one way, and wants the warm one to have been warm."""

    def __init__(self, script, kind):
        self.script, self.kind = script, kind

    def command(self, *args):
        return (self.script.cold if self.kind == "cold" else self.script.warm)(*args)

    def run(self, command, more=None, **how):
        env = {**self.script.world.environment, **(more or {})}
        how.setdefault("cwd", "/")
        before = self.script.began()
        result = self.script.call(command, env={k: v for k, v in env.items() if v is not None}, **how)
        if self.kind == "warm" and self.script.began() != before + 1:
            raise NotWarm(self.script.servers())
        return result

    def __call__(self, *args, **how):
        command = [arg if isinstance(arg, bytes) else os.fsencode(str(arg)) for arg in args]
        return self.run([*self.command(), *command], **how)

    def shell(self, text, *args):
        return self.run(["bash", "-c", text, "bash", *self.command(*args)])

    def relative(self, *args):
        """By another name it is another script, with a server of its own."""
        path = self.script.path
        return self.run([f"./{path.name}" if word == str(path) else word for word in self.command(*args)], cwd=path.parent)


def until_warm(script, run, more):
    """A first call by another name, or one that loads what none has loaded before, is not warm."""
    for _ in range(8):
        try:
            return run(Call(script, "warm"), **more)
        except NotWarm as cold:
            why = cold
    raise why


@pytest.mark.parametrize("name", CASES)
def test_cold_and_warm_are_the_same(probe, name, tmp_path):
    run = CASES[name]
    wants = run.__code__.co_varnames[:run.__code__.co_argcount]
    more = {"tmp_path": tmp_path} if "tmp_path" in wants else {}

    cold = run(Call(probe, "cold"), **more)
    warm = until_warm(probe, run, more)

    assert warm == cold
