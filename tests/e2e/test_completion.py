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
    ("preforkd drive --root _prefork", {"_preforkd", "_preforkctl"}),
    ("preforkd -c preforkctl.b", {"preforkctl.bash"}),
    ("preforkd -c preforkctl.bash -", {"-t", "-T", "-d"}),
])
def test_preforkd_is_completed(line, expected):
    assert offered(line) == expected


def test_the_launcher_is_completed():
    assert offered("prefork-interp --ki", "prefork-interp") == {"--kill"}


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
