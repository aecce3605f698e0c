# SPDX-License-Identifier: MIT
"""What a caller does to a call, and what it sees of it while it runs: cold and warm alike."""
import os
import select
import signal
import subprocess

import pytest

from interp.world import PATIENCE_S, TIMEOUT_S


@pytest.fixture(params=["cold", "warm"])
def how(request):
    return request.param


@pytest.fixture
def begin(probe, how):
    """Starts a call that goes on; it is ended with the test."""
    running = []

    def start(*args, **more):
        more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": probe.world.environment, **more}
        running.append(subprocess.Popen(getattr(probe, how)(*args), **more))
        return running[-1]
    yield start
    for call in running:
        call.kill()
        call.wait(TIMEOUT_S)
        for stream in (call.stdin, call.stdout):
            if stream:
                stream.close()


def comes(stream):
    assert select.select([stream], [], [], PATIENCE_S)[0], "nothing came"
    return os.read(stream.fileno(), 65536)


def test_a_closed_stdout_reaches_the_reader_at_once(begin):
    """Defect 13."""
    call = begin("close_out")

    assert comes(call.stdout) == b"before\n"
    assert comes(call.stdout) == b""
    assert call.poll() is None

    call.stdin.close()
    assert call.wait(TIMEOUT_S) in (0, 120)


def test_output_comes_as_it_is_written(begin):
    call = begin("cat")

    for text in (b"one\n", b"two\n"):
        call.stdin.write(text)
        call.stdin.flush()
    call.stdin.close()

    assert call.stdout.read() == b"one\ntwo\n"
    assert call.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT,
                                    signal.SIGWINCH, signal.SIGALRM], ids=lambda number: number.name)
def test_a_signal_arrives_as_what_it_is(begin, number):
    """Defect 6."""
    call = begin("wait_for_signal", int(number))
    assert comes(call.stdout) == b"ready\n"

    call.send_signal(number)

    assert comes(call.stdout) == b"got %d\n" % number
    assert call.wait(TIMEOUT_S) == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL],
                         ids=lambda number: number.name)
def test_a_signal_that_nobody_handles_kills(begin, number):
    call = begin("cat")
    call.stdin.write(b"there\n")
    call.stdin.flush()
    assert comes(call.stdout) == b"there\n"

    call.send_signal(number)

    assert call.wait(TIMEOUT_S) == -number
    assert comes(call.stdout) == b"", "the script goes on without its caller"


def test_stopped_and_continued(begin):
    call = begin("cat")
    call.stdin.write(b"one\n")
    call.stdin.flush()
    assert comes(call.stdout) == b"one\n"

    call.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(call.pid, os.WUNTRACED)[1])
    call.send_signal(signal.SIGCONT)
    call.stdin.write(b"two\n")
    call.stdin.close()

    assert comes(call.stdout) == b"two\n"
    assert call.wait(TIMEOUT_S) == 0


def test_a_child_in_the_background_outlives_the_call(begin, tmp_path):
    """Defect 4."""
    os.mkfifo(tmp_path / "late")
    news = os.open(tmp_path / "late", os.O_RDONLY | os.O_NONBLOCK)
    go, done = os.pipe()
    call = begin("background", tmp_path / "late", stdin=go)
    os.close(go)

    assert call.wait(TIMEOUT_S) == 0
    assert call.stdout.read() == b"True\n"

    os.write(done, b"go\n")
    os.close(done)
    assert select.select([news], [], [], PATIENCE_S)[0], "it was killed"
    assert os.read(news, 10) == b"late\n"
    os.close(news)


def test_a_program_it_became_is_left_alone(begin):
    """Defect 3."""
    call = begin("become", "sh", "-c", "echo here; read x; echo $x; exit 4")
    assert comes(call.stdout) == b"here\n"

    call.stdin.write(b"still\n")
    call.stdin.close()

    assert call.stdout.read() == b"still\n"
    assert call.wait(TIMEOUT_S) == 4
