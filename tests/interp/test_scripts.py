# SPDX-License-Identifier: MIT
"""What people's scripts do, and the suite's one does not: each is written here, and called cold and warm."""
import os
import subprocess

import pytest

from interp.world import LANGUAGES, PERL, PYTHON, RUBY, TIMEOUT_S

READ_DATA = {
    ".pl": "#READY\nprint <DATA>;\n__END__\none\ntwo\n",
    ".rb": "#READY\nputs DATA.read\n__END__\none\ntwo\n",
}
MAIN = {
    ".pl": '#READY\nprint "main\\n" if __FILE__ eq $0; warn "here";\n',
    ".py": "#READY\nimport warnings; print(__file__); warnings.warn('here')\n",
    ".rb": '#READY\nputs "main" if __FILE__ == $0; warn "here", uplevel: 0\n',
}
UNTAINT = """#READY
use Scalar::Util 'tainted';
print join(' ', map { tainted($_) ? 'outside' : 'trusted' } $0, $ARGV[0], @ENV{qw(PATH HOME)}), "\\n";
"""


def of(language, texts):
    return texts[language.suffix].replace("#READY", language.ready)


def twice_warm(script, command, **how):
    """Two calls of a server that is there: what the first has read the second has to read again."""
    for _ in range(8):
        before = script.began()
        results = [script.call(command, **how) for _ in range(2)]
        if before and script.began() == before + 2:
            return results
    raise AssertionError(f"no server for {command}: {script.servers()}")


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.suffix in READ_DATA], ids=str)
def test_every_call_has_the_data_behind_the_scripts_end(home, language):
    script = home.script(language, of(language, READ_DATA))

    cold = script.call(script.cold())

    assert cold.out == b"one\ntwo\n"
    assert twice_warm(script, script.warm()) == [cold, cold]


@pytest.mark.parametrize("language", LANGUAGES, ids=str)
def test_a_lock_on_what_was_open_before_is_one_calls_alone(home, language):
    take = {
        ".pl": "open my $f, '<', $0 or die; #READY\nuse Fcntl ':flock'; print flock($f, LOCK_EX | LOCK_NB) ? 'mine' : 'no'; <STDIN>",
        ".py": "import fcntl, sys; f = open(__file__)\n#READY\n"
               "try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print('mine', end='', flush=True)\n"
               "except OSError: print('no', end='', flush=True)\nsys.stdin.read()",
        ".rb": "f = File.open(__FILE__)\n#READY\n$stdout.sync = true; print f.flock(File::LOCK_EX | File::LOCK_NB) ? 'mine' : 'no'; $stdin.read",
    }
    script = home.script(language, of(language, take).replace("; print flock", "; $| = 1; print flock"))
    twice_warm(script, script.warm())

    first = subprocess.Popen(script.warm(), env=home.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert os.read(first.stdout.fileno(), 9) == b"mine"
        assert script.call(script.warm()).out == b"no"
    finally:
        first.communicate(timeout=TIMEOUT_S)
    assert script.call(script.warm()).out == b"mine"


@pytest.mark.parametrize("spell", ["{path}", "./{name}", "{name}", "../{folder}/{name}"])
@pytest.mark.parametrize("language", LANGUAGES, ids=str)
def test_it_is_what_it_was_called_whichever_call_came_first(home, language, spell):
    script = home.script(language, of(language, MAIN))
    twice_warm(script, script.warm())
    name = spell.format(path=script.path, name=script.path.name, folder=script.path.parent.name)

    def named(command):
        return [name if word == str(script.path) else word for word in command]

    cold = script.call(named(script.cold()), cwd=script.path.parent)
    warm = twice_warm(script, named(script.warm()), cwd=script.path.parent)

    assert warm == [cold, cold]


def test_under_perls_t_what_comes_from_outside_is_tainted(home):
    script = home.script(PERL, UNTAINT.replace("#READY", PERL.ready))
    options = ["-T", *(f"-I{folder}" for folder in home.tree.perl)]

    cold = script.call([PERL.interp, *options, str(script.path), "word"])
    warm = twice_warm(script, [str(home.tree.launcher), ",".join(["-U", PERL.interp, *options]), str(script.path), "word"])

    assert cold.out == b"outside outside outside outside\n"
    assert warm == [cold, cold]


@pytest.mark.parametrize("flags", ["0", "A", "AS", "SAL"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_perl_reads_arguments_as_it_is_told(home, flags, locale):
    script = home.script(PERL, f"{PERL.ready} print length($ARGV[0]), ' ', utf8::is_utf8($ARGV[0]) ? 1 : 0;")
    env = {**home.environment, "PERL_UNICODE": flags, "LANG": locale}

    cold = script.call(script.cold("\u00e4\u20ac"), env=env)

    assert twice_warm(script, script.warm("\u00e4\u20ac"), env=env) == [cold, cold]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_rubys_arguments_are_as_ruby_makes_them(home, locale):
    script = home.script(RUBY, f"{RUBY.ready}; p ARGV, ARGV.map(&:encoding), ARGV.map(&:frozen?)")
    env = {**home.environment, "LANG": locale}

    cold = script.call(script.cold("a", "\u00e4"), env=env)

    assert twice_warm(script, script.warm("a", "\u00e4"), env=env) == [cold, cold]


@pytest.mark.parametrize("interp, text", [(PERL, b"print 1"), (PYTHON, b"print(1)"), (RUBY, b"puts 1")], ids=str)
@pytest.mark.parametrize("words", [[], ["-"], ["-W"]], ids=str)
def test_commands_on_standard_input_are_read(home, interp, text, words):
    command = [interp.interp, *(["-W", "ignore"] if words == ["-W"] and interp is PYTHON else words)]
    script = home.script(interp, "")

    cold = script.call(command, stdin=text)

    assert cold.out.strip() == b"1"
    assert script.call([str(home.tree.launcher), *command], stdin=text) == cold


@pytest.mark.parametrize("language", [PERL, PYTHON], ids=str)
def test_what_preload_cannot_know_is_run_as_it_is(home, language):
    script = home.script(language, "print('out')")
    command = [language.interp, {".pl": "-w", ".py": "-u"}[language.suffix], str(script.path)]

    cold = script.call(command)

    assert cold.out.strip() == b"out"
    assert script.call([str(home.tree.launcher), "--preload=auto", *command]) == cold


@pytest.mark.parametrize("language", LANGUAGES, ids=str)
def test_it_may_change_its_environment(home, language):
    change = {
        ".pl": "#READY\n$ENV{NEW} = 1; $ENV{HOME} = 'x' x 100; delete $ENV{LANG}; $ENV{NEW} = $_ for 2 .. 99;\n"
               "$ENV{\"N$_\"} = 1 for 1 .. 99; system 'env | sort'; %ENV = (ONE => 1); system '/usr/bin/env';\n",
        ".py": "#READY\nimport os; os.environ['NEW'] = '1'; os.environ['HOME'] = 'x' * 100; del os.environ['LANG']\n"
               "for n in range(99): os.environ[f'N{n}'] = '1'\nos.system('env | sort'); os.environ.clear(); os.system('/usr/bin/env')\n",
        ".rb": "#READY\nENV['NEW'] = '1'; ENV['HOME'] = 'x' * 100; ENV.delete('LANG')\n99.times { |n| ENV[\"N#{n}\"] = '1' }\n"
               "system 'env | sort'; ENV.clear; ENV['ONE'] = '1'; system '/usr/bin/env'\n",
    }
    script = home.script(language, of(language, change))

    cold = script.call(script.cold())

    assert b"NEW=" in cold.out and b"N98=1" in cold.out
    assert twice_warm(script, script.warm()) == [cold, cold]


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.suffix == ".pl"], ids=str)
def test_perls_die_ends_it_with_the_error_that_loading_left(home, language):
    (home.path / "later").mkdir()
    (home.path / "later/Own.pm").write_text("package Own; 1;")
    script = home.script(language, f"use lib '{home.path}/none', '{home.path}/later'; use Own; {language.ready} die \"words\\n\"")

    cold = script.call(script.cold())

    assert twice_warm(script, script.warm()) == [cold, cold]


def test_preload_loads_what_has_no_package_of_its_own_into_the_scripts(home):
    [auto] = [one for one in LANGUAGES if one.name == "perl-auto"]
    (home.path / "Common.pm").write_text("sub greet { print 'hello' } 1;")
    script = home.script(auto, "use Common; greet();")

    env = {**home.environment, "PERL5LIB": f"{home.path}:{home.environment['PERL5LIB']}"}

    assert [result.out for result in twice_warm(script, script.warm(), env=env)] == [b"hello", b"hello"]


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.preload], ids=str)
def test_preload_gives_each_call_the_environment_that_loading_made(home, language):
    modules = {
        ".pl": ("Own.pm", "package Own; $ENV{MADE} //= 'own'; delete $ENV{GONE}; 1;"),
        ".py": ("Own.py", "import os; os.environ.setdefault('MADE', 'own'); os.environ.pop('GONE', None)"),
    }
    uses = {".pl": "use Own; system 'echo $MADE $GONE'", ".py": "import Own, os; os.system('echo $MADE $GONE')"}
    name, text = modules[language.suffix]
    (home.path / name).write_text(text)
    script = home.script(language, uses[language.suffix])
    env = {**home.environment, "PERL5LIB": f"{home.path}:{home.environment['PERL5LIB']}", "GONE": "here"}

    assert script.call(script.cold(), env=env).out == b"own\n"
    assert script.call(script.warm(), env=env).out == b"own\n"
    script.end()  # the next one loads what this call has noted
    assert [result.out for result in twice_warm(script, script.warm(), env=env)] == [b"own\n"] * 2
    assert script.call(script.warm(), env={**env, "MADE": "callers"}).out == b"callers\n"


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.preload], ids=str)
def test_preload_is_content_with_what_cannot_be_loaded_ahead(home, language):
    made_while_it_runs = {
        ".pl": "BEGIN { unshift @INC, sub { $_[1] eq 'Made.pm' ? \\'1;' : () } } require Made; print 'ran'\n",
        ".py": "import sys, types; sys.modules['made_by_hand'] = types.ModuleType('made_by_hand'); print('ran', end='')\n",
    }
    script = home.script(language, of(language, made_while_it_runs))

    assert [result.out for result in twice_warm(script, script.warm())] == [b"ran", b"ran"]


def test_two_pythons_of_venvs_called_by_relative_paths_are_two(home):
    script = home.script(PYTHON, "import sys, prefork_interp; prefork_interp.ready(); print(sys.prefix)")
    for name in ("one", "two"):
        (home.path / name / "bin").mkdir(parents=True)
        (home.path / name / "bin/python3").symlink_to(PYTHON.interp)
        (home.path / name / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")

    for name in ("one", "two"):
        done = script.call([str(home.tree.launcher), f"{name}/bin/python3", script.path.name], cwd=home.path)
        assert done.out.decode().strip() == str(home.path / name)
