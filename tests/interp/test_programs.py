# SPDX-License-Identifier: MIT
"""Programs that nobody wrote for this: Debian's, as they are installed, called cold and warm with --preload=auto."""
import pathlib
import re
import shutil

import pytest

from interp.world import LANGUAGES, TRIES, Script

AUTO = {one.name: one for one in LANGUAGES if one.preload}
TIMES = re.compile(rb"\d+ wallclock secs.*|in \d+\.\d\ds\b")  # what prove and pytest took
POD = "=head1 NAME\n\nsample - an I<example>\n\n=head1 SYNOPSIS\n\nsample [B<-x>] E<gt> file\n\n=over\n\n=item *\n\npoint\n\n=back\n\n=cut\n"
FILES = {
    "sample.pod": POD,
    "broken.pod": POD.replace("=back\n", ""),
    "t/good.t": "use Test::More tests => 2; ok(1, 'one'); is(2, 2, 'two');\n",
    "t/bad.t": "use Test::More tests => 1; is(1, 2, 'not equal');\n",
    "meson.build": "project('sample', version: '1.2')\nconfigure_file(input: 'sample.pod', output: 'copy', copy: true)\n",
    "test_good.py": "def test_good(tmp_path, capsys):\n    print('x')\n    assert capsys.readouterr().out == 'x\\n'\n",
    "test_bad.py": "def test_bad():\n    assert [1, 2] == [1, 3]\n",
    "text.py": "print(_('to be translated'))\n",
    "Sample.xs": "#include \"perl.h\"\nMODULE = Sample PACKAGE = Sample\nint\ntwice(n)\n\tint n\nCODE:\n\tRETVAL = 2 * n;\nOUTPUT:\n\tRETVAL\n",
    "SHA": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  t/good.t\n",
}

# What the build and its tests need brings these: they are there wherever this runs.
SURE = [
    ("/usr/bin/json_pp", ["-json_opt canonical,pretty", "-f json -t dumper", "-V", "-unknown"]),
    ("/usr/bin/prove", ["-v t/good.t t/bad.t"]),
    ("/usr/bin/pod2text", ["sample.pod", "broken.pod", "-", "none.pod"]),
    ("/usr/bin/pod2man", ["--date=now --release=1 sample.pod", "--errors=die broken.pod"]),
    ("/usr/bin/podchecker", ["sample.pod broken.pod", "-warnings -warnings -"]),
    ("/usr/bin/shasum", ["sample.pod t/good.t", "-a 512 -b -", "-c SHA", "-a 3"]),
    ("/usr/bin/piconv", ["-f utf-8 -t utf-16le sample.pod", "-f utf-8 -t latin1", "-f none -t utf-8"]),
    ("/usr/bin/meson", ["introspect meson.build --projectinfo"]),
    ("/usr/bin/pytest", ["-p no:cacheprovider", "--help"]),
    ("/usr/bin/py3compile", ["--version", "-v text.py"]),
]
MAYBE = [
    ("/usr/bin/deb-systemd-helper", ["is-enabled none.service", ""]),
    ("/usr/sbin/adduser", ["--version", "--unknown"]),
    ("/usr/bin/py3versions", ["-s", "--unknown"]),
    ("/usr/bin/pygettext3", ["--help", "--unknown"]),
]
LONG = [
    ("/usr/bin/prove", ["t/good.t", "t/bad.t", "--dry t"]),
    ("/usr/bin/xsubpp", ["-typemap /usr/share/perl/5.36/ExtUtils/typemap Sample.xs", "-v", ""]),
    ("/usr/bin/corelist", ["JSON::PP", "-v 5.36.0 /^Test::Sim/", "None::Such"]),
    ("/usr/bin/meson", ["--version", "setup build", "setup none", "--unknown"]),
    ("/usr/bin/pytest", ["--version", "-p no:cacheprovider -q test_good.py", "--unknown"]),
    ("/usr/bin/mmdebstrap", ["--version", "--unknown"]),
    ("/usr/bin/debconf-show", ["--listdbs", "none", ""]),
]


def language_of(program):
    with open(program, "rb") as opened:
        return AUTO["python-auto" if b"python3" in opened.readline() else "perl-auto"]


def in_a_new_folder(script, command):
    """What one call gives: to its caller, and by name in the folder where it works."""
    folder = script.world.path / "work"
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    result = script.call(command, stdin=b'{"b": [1, null], "a": "\xc3\xa4"}\n', cwd=folder)
    result.out = TIMES.sub(b"", result.out)
    return result, sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def compare(script, words):
    """The call that learns what to load; one that makes a server which has loaded it; and one that this has answered."""
    cold = in_a_new_folder(script, script.cold(*words))
    assert in_a_new_folder(script, script.warm(*words)) == cold, words
    script.end()
    for _ in range(TRIES):
        before = script.began()
        assert in_a_new_folder(script, script.warm(*words)) == cold, words
        if before and script.began() == before + 1:
            return
    raise AssertionError(f"no server for {words}: {script.servers()}")


def table(rows):
    return pytest.mark.parametrize("program, lines", [pytest.param(*row, id=pathlib.Path(row[0]).name) for row in rows])


def run_all(home, program, lines):
    script = Script(home, pathlib.Path(program), language_of(program))
    home.scripts.append(script)
    for line in lines:
        compare(script, line.split())


@table(SURE)
def test_a_program_that_the_build_brings_does_the_same_warm(home, program, lines):
    run_all(home, program, lines)


@table(MAYBE)
def test_a_program_that_debian_may_have_does_the_same_warm(home, program, lines):
    if not pathlib.Path(program).exists():
        pytest.skip("not installed")
    run_all(home, program, lines)


@pytest.mark.slow
@table(LONG)
def test_a_program_does_more_of_the_same_warm(home, program, lines):
    if not pathlib.Path(program).exists():
        pytest.skip("not installed")
    run_all(home, program, lines)
