# SPDX-License-Identifier: MIT
"""What is tested is what gets installed: `meson install` into a folder."""
import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ.get("PREFORKD", "build-test/src/app/preforkd")).resolve().parents[2]


def folder_of(top, pattern):
    """The folder below @top from which @pattern leads to a file."""
    found = sorted(top.rglob(pattern))
    assert found, f"nothing like {pattern} was installed below {top}"
    return found[0].parents[pattern.count("/")]


class Tree:
    def __init__(self, top):
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", top],
                       check=True, stdout=subprocess.DEVNULL)
        self.launcher = folder_of(top, "bin/prefork-interp") / "bin/prefork-interp"
        self.python_auto = folder_of(top, "prefork_interp_auto.py") / "prefork_interp_auto.py"
        self.compat = folder_of(top, "perl-compat/Proc/Prefork/Interp.pm") / "perl-compat"
        self.perl = [folder_of(top, "auto/Prefork/Interp/Interp.so"), folder_of(top, "Prefork/Interp/Auto.pm")]
        self.python = folder_of(top, "prefork_interp/__init__.py")
        self.ruby = folder_of(top, "prefork_interp/native.rb")
        self.library = folder_of(top, "libprefork-interp.so.1")
        self.environment = {
            "LD_LIBRARY_PATH": str(self.library),
            "PERL5LIB": ":".join(map(str, self.perl)),
            "PYTHONPATH": str(self.python),
            "RUBYLIB": str(self.ruby),
        }
