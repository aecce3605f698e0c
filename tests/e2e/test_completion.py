# SPDX-License-Identifier: MIT
"""What the shells offer after a TAB."""
import os
import pathlib
import shutil
import subprocess

import pytest

from harness.server import PREFORKD

COMPLETION = pathlib.Path(__file__).parents[2] / "etc/completion"
PLACES = f"{os.path.dirname(PREFORKD)}:{os.path.dirname(PREFORKD)}/../interp"


def offered(line, program="preforkd"):
    """What bash offers for the last word of @line, which may be empty."""
    script = f"""
        shopt -s progcomp
        source {COMPLETION / program}.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _{program.replace('-', '_')}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", *line.split(" ")], cwd=COMPLETION, capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{PLACES}:{os.environ['PATH']}"}, timeout=10, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("line, expected", [
    ("preforkd dr", {"drive"}),
    ("preforkd --he", {"--help"}),
    ("preforkd -d dr", {"drive"}),
    ("preforkd passwd _preforkd", {"_preforkd"}),
    ("preforkd passwd --de", {"--delete"}),
    ("preforkd scrub --ad", {"--add", "--adopt"}),
    ("preforkd trash ", {"list", "restore", "empty"}),
    ("preforkd trash list _preforkd", {"_preforkd"}),
    ("preforkd trash restore --", {"--to", "--overwrite"}),
    ("preforkd trash empty . --", {"--older"}),
    ("preforkd drive --durab", {"--durability"}),
    ("preforkd drive --durability ", {"full", "rename"}),
    ("preforkd echo --model r", {"ring", "reuseport"}),
    ("preforkd drive --root _preforkd", {"_preforkd"}),
    ("preforkd -c preforkctl.b", {"preforkctl.bash"}),
    ("preforkd -c preforkctl.bash -", {"-t", "-T", "-d"}),
])
def test_preforkd_is_completed(line, expected):
    assert offered(line) == expected


def test_the_launcher_is_completed():
    assert offered("prefork-interp --ki", "prefork-interp") == {"--kill"}


def offered_by_zsh(line):
    """What zsh's own functions are asked for at the last word of @line: words to choose from, or a kind of word."""
    zsh = shutil.which("zsh")
    if not zsh:
        pytest.skip("zsh is not installed")
    script = f"""
        _call_program() {{ shift; "$@" }}
        _describe() {{ print -rl -- ${{(P)2}} }}
        for kind in command_names files parameters message; do functions[_$kind]="print -r $kind"; done
        complete() {{ source {COMPLETION}/_prefork-interp }}
        words=("$@") CURRENT=$# PREFIX=$words[$#]
        complete
    """
    done = subprocess.run([zsh, "-f", "-c", script, "zsh", *line.split(" ")], capture_output=True, text=True, timeout=10, check=True,
                          env={**os.environ, "PATH": f"{PLACES}:{os.environ['PATH']}"})
    assert done.stderr == ""
    return {one.partition(":")[0] for one in done.stdout.splitlines()}


@pytest.mark.parametrize("line, expected", [
    ("prefork-interp py", {"command_names"}),
    ("prefork-interp -f -E HOME py", {"command_names"}),
    ("prefork-interp -E ", {"parameters"}),
    ("prefork-interp -G ", {"message"}),
    ("prefork-interp perl ", {"files"}),
    ("prefork-interp --preload=auto perl -", {"files"}),
])
def test_the_launcher_is_completed_by_zsh(line, expected):
    assert offered_by_zsh(line) == expected


def test_zsh_offers_every_option_of_the_launcher():
    assert {"-U", "-L", "-f", "-E", "-G", "-g", "--kill", "--status", "--json", "--preload=auto", "--tty", "--compat"} \
        <= offered_by_zsh("prefork-interp -")


def test_zsh_reads_its_completions():
    zsh = shutil.which("zsh")
    if not zsh:
        pytest.skip("zsh is not installed")
    for file in COMPLETION.glob("_*"):
        subprocess.run([zsh, "-n", str(file)], check=True, timeout=10)


def test_every_service_and_subcommand_is_offered():
    assert {"drive", "echo", "exec", "passwd"} <= offered("preforkd ")


@pytest.mark.parametrize("line, expected", [
    ("preforkctl sw", {"switch-model"}),
    ("preforkctl switch-model drive re", {"reuseport"}),
])
def test_preforkctl_is_completed(line, expected):
    assert offered(line, "preforkctl") == expected
