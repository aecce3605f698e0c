#!/usr/bin/env python3
"""Fails where a C file breaks a rule of docs/STYLE.md that a machine can see."""
import pathlib
import re
import sys

MOST_LINES = 700
SAYS_WHY_LONG = re.compile(r"over %d lines" % MOST_LINES)
FIRST_LINE = "/* SPDX-License-Identifier: MIT */"
BANNED = [  # (pattern in code, what to do)
    (re.compile(r"\b(strcpy|strcat|sprintf|gets|atoi|atol|alloca|system|popen|tmpnam|mktemp)\s*\("),
     "{0}() is banned; see docs/STYLE.md, Shape"),
    (re.compile(r"\b(nullptr|constexpr)\b"), "{0} is in neither compiler"),
    (re.compile(r"^\s*(?:static\s+|const\s+)*auto\s+\w+\s*="), "auto compiles as int"),
    (re.compile(r"^\s*typedef\s+struct\b"), "no typedef for structs"),
    (re.compile(r"\b(signal|sigaction)\s*\([^)]*handler"), "no signal handlers"),
]
NO_COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def blank(match):
    """Comments and strings become white space of the same number of lines."""
    return re.sub(r"[^\n]", " ", match[0])


def faults(path):
    text = path.read_text()
    lines = text.splitlines()
    if not lines or lines[0] != FIRST_LINE:
        yield 1, "the first line is not " + FIRST_LINE
    if path.suffix == ".h" and (len(lines) < 2 or lines[1] != "#pragma once"):
        yield 2, "a header's second line is #pragma once"
    if len(lines) > MOST_LINES and not SAYS_WHY_LONG.search(text):
        yield len(lines), f"more than {MOST_LINES} lines, and no comment says why it is 'over {MOST_LINES} lines'"
    for n, line in enumerate(NO_COMMENT.sub(blank, text).splitlines(), 1):
        if "//" in line:
            yield n, "// comments are for uncommitted code"
        for pattern, what in BANNED:
            if m := pattern.search(line):
                yield n, what.format(m[1] if m.groups() else "")
    if path.suffix == ".c" and (path.with_suffix(".h")).exists():
        include = next((line for line in lines if line.startswith("#include")), "")
        if not include.endswith(f'{path.stem}.h"'):
            yield 1, f"the first include is not its own header, {path.stem}.h"


top = pathlib.Path(sys.argv[1])
files = [p for room in ("src", "tests", "bindings", "bench") for p in sorted((top / room).rglob("*.[ch]"))]
found = [f"{p}:{n}: {why}" for p in files for n, why in faults(p)]
print("\n".join(found) or f"{len(files)} files keep the style")
sys.exit(bool(found))
