#!/usr/bin/env python3
"""Fails where preforkd's option tables and preforkd.conf(5) do not say the same.

usage: check-options.py PREFORKD PAGE

What preforkd knows is read from its --help, so from the tables themselves. Every
option must stand in the page's section for its group, with its default; and the
page may name none that is gone.
"""
import pathlib
import re
import subprocess
import sys

SECTIONS = {"Program": "SETTINGS OF THE PROGRAM", "Every service": "SETTINGS OF EVERY SERVICE"}
HIDDEN = {("Every service", "run")}  # in files only, so not in --help


def words_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def services(preforkd):
    listing = re.search(r"^Services:\n((?:  .*\n)+)", words_of(preforkd, "--help"), re.M)
    return [line.split()[0] for line in listing[1].splitlines()]


def table(help_text):
    """{(group, name): default or None} of one --help."""
    found, group, last = {}, None, None
    for line in help_text.splitlines():
        if m := re.match(r"(\w[\w ]*):$", line):
            group, last = m[1], None
        elif group and (m := re.match(r"  (?:-\w,|   ) --([\w-]+)(.*)", line)):
            last = (group, m[1].replace("-", "_"))
            found[last] = m[2]
        elif last:
            found[last] += " " + line.strip()
    default = re.compile(r"\(default: ([^()]*)\)$")
    return {key: (m[1] if (m := default.search(text)) else None) for key, text in found.items()}


def page_items(page):
    """{(section, name): the item's text} of a manual."""
    found, section, last = {}, None, None
    for line in pathlib.Path(page).read_text().splitlines():
        if line.startswith(".Sh "):
            section, last = line[4:], None
        elif m := re.match(r"\.It Cm (\w+)", line):
            last = (section, m[1])
            found[last] = ""
        elif last:
            found[last] += line + "\n"
    return found


def faults(preforkd, page):
    items = page_items(page)
    known = {key: None for key in HIDDEN}
    for service in services(preforkd):
        known |= table(words_of(preforkd, service, "--help"))
    for (group, name), default in sorted(known.items()):
        section = SECTIONS.get(group, f"SETTINGS OF {group}")
        text = items.get((section, name))
        if text is None:
            yield f"{name} is not in {section}"
        elif default and not re.search(rf"^\.Li {re.escape(default)}(?: |$)", text, re.M):
            yield f"{section}, {name}: the default, {default}, is not given as .Li {default}"
    sections = {SECTIONS.get(group, f"SETTINGS OF {group}") for group, _ in known}
    names = {(SECTIONS.get(group, f"SETTINGS OF {group}"), name) for group, name in known}
    for section, name in sorted(items):
        if section in sections and (section, name) not in names:
            yield f"{section}, {name}: there is no such option"


found = list(faults(*sys.argv[1:3]))
print("\n".join(found) or "the manual and the options agree")
sys.exit(bool(found))
