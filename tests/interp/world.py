# SPDX-License-Identifier: MIT
"""Scripts, and the two ways to call them: by their interpreter, and by prefork-interp."""
import dataclasses
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
TIMEOUT_S = 30
TRIES = 8  # a server that a busy machine lets say nothing for 250 ms is passed by, as it should be
PATIENCE_S = 5.0


@dataclasses.dataclass(frozen=True)
class Language:
    name: str
    interp: str
    suffix: str
    ready: str      # what a script says
    preload: bool = False

    def __str__(self):
        return self.name


PERL = Language("perl", "/usr/bin/perl", ".pl", "use Prefork::Interp; prefork_initialisation_complete();")
PYTHON = Language("python", "/usr/bin/python3", ".py", "import prefork_interp; prefork_interp.ready()")
RUBY = Language("ruby", "/usr/bin/ruby", ".rb", "require 'prefork_interp'; PreforkInterp.ready")
LANGUAGES = [
    PERL, PYTHON, RUBY,
    dataclasses.replace(PERL, name="perl-auto", ready="", preload=True),
    dataclasses.replace(PYTHON, name="python-auto", ready="", preload=True),
]


@dataclasses.dataclass
class Result:
    """What a caller of a script can see."""
    status: int
    out: bytes
    err: bytes

    @classmethod
    def of(cls, command, stdin=b"", **how):
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        if isinstance(stdin, bytes):
            how["input"] = stdin
        else:
            how["stdin"] = stdin
        done = subprocess.run(command, timeout=TIMEOUT_S, check=False, **how)
        return cls(done.returncode, done.stdout, done.stderr)


class Script:
    """One script file, and the commands that call it."""

    def __init__(self, world, path, language):
        self.world, self.path, self.language = world, path, language

    def cold(self, *args):
        return [self.language.interp, str(self.path), *map(str, args)]

    def warm(self, *args, options=()):
        preload = [self.world.preload(self.language)] if self.language.preload else []
        return [str(self.world.tree.launcher), *preload, *options, *self.cold(*args)]

    def call(self, command, **how):
        how.setdefault("env", self.world.environment)
        return Result.of(command, **how)

    def end(self):
        subprocess.run(self.warm(options=["--kill"]), env=self.world.environment, timeout=TIMEOUT_S, check=True)

    def prime(self, *args):
        """Calls it until a server answers that has nothing more to learn."""
        for _ in range(12):
            before = self.began()
            self.call(self.warm(*(args or ("argv",))))
            if before and self.began() == before + 1:
                return
        raise AssertionError(f"no server for {self.path}: {self.servers()}")

    def servers(self):
        """What --status knows about this script's servers, of which each has said its word."""
        for _ in range(TRIES):
            said = subprocess.run([self.world.tree.launcher, "--status", "--json"], env=self.world.environment, timeout=TIMEOUT_S,
                                  capture_output=True, check=True).stdout
            listed = json.loads(said)
            if not any(one["silent"] for one in listed):
                break
        return [one for one in listed if one["pid"] and one["name"].endswith(self.path.name)]

    def began(self):
        """How many executors have begun."""
        return sum(server["calls"] for server in self.servers())

    def server(self):
        """The pid of its server that was started by its full name; called by another it has others."""
        [pid] = [one["pid"] for one in self.servers()
                 if str(self.path).encode() in pathlib.Path(f"/proc/{one['pid']}/cmdline").read_bytes().split(b"\0")]
        return pid


class World:
    """A home with its run directory, and everything that was started below it."""

    def __init__(self, tree, path):
        self.tree, self.path = tree, path
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(path), "LANG": "C.UTF-8", **tree.environment}
        self.scripts = []
        self.probes = {}

    def preload(self, language):
        return "--preload=" + ("-MPrefork::Interp::Auto" if language.suffix == ".pl" else str(self.tree.python_auto))

    def script(self, language, text, name="script"):
        path = self.path / f"{name}-{self.path.name[4:]}{language.suffix}"  # the only one of its name in --status
        path.write_text(text)
        self.scripts.append(Script(self, path, language))
        return self.scripts[-1]

    def probe(self, language):
        text = (HERE / ("probe" + language.suffix)).read_text()
        return self.script(language, text.replace("#READY", language.ready), "probe" + language.name)

    def warm_probe(self, language):
        if language.name not in self.probes:
            self.probes[language.name] = self.probe(language)
            self.probes[language.name].prime()
        return self.probes[language.name]

    def end(self):
        for script in self.scripts:
            script.end()
