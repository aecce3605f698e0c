# SPDX-License-Identifier: MIT
"""A folder opened in a browser."""
import html
import html.parser
import os
import re
from urllib.parse import urljoin

import pytest


class Page(html.parser.HTMLParser):
    """The links of a page, and a check that its tags close in order."""
    VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr", "path", "use", "circle", "rect"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.links, self.text, self.tags = [], [], [], set()
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href"))

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)


def page(server, target="/", fields=()):
    answer = server.ask("GET", target, dict(fields) | {"Accept": "text/html"})
    assert answer.status == 200
    assert answer["content-type"].replace(" ", "").lower() == "text/html;charset=utf-8"
    return Page(answer.body.decode()), answer


@pytest.mark.core
def test_a_folder_is_a_page_with_a_link_to_everything_in_it(served, folder):
    (folder / "sub").mkdir()
    names = ["a.txt", "with space", "ümläut", "100%", "a#b", "q?", "<script>alert(1)</script>".replace("/", ""), "\"quoted\"", "a&b", "日本"]
    for name in names:
        (folder / name).write_text("x")

    shown, _ = page(served)

    text = "".join(shown.text)
    for name in names:
        assert name in text, name
    inside = {urljoin("/", link) for link in shown.links if link and not link.startswith(("?", "#", "/~/"))}
    reached = [served.ask("GET", link).body for link in inside if not link.endswith("/") and "?" not in link]
    assert reached.count(b"x") == len(names)


def test_a_name_cannot_become_markup(served, folder):
    (folder / "<img src=x onerror=alert(1)>").touch()
    _, answer = page(served)
    assert b"<img src=x" not in answer.body


def test_a_page_has_nothing_from_elsewhere_and_says_so(served, folder):
    _, answer = page(served)
    assert not re.search(rb"""(src|href)=["']?(https?:)?//""", answer.body)
    assert "default-src" in (answer["content-security-policy"] or "")
    assert answer["x-content-type-options"] == "nosniff"


def test_an_empty_folder_and_five_thousand_entries_are_pages_too(served, folder):
    assert page(served)[1].status == 200
    for i in range(5000):
        (folder / f"{'long ' * 30}{i}").touch()
    shown, _ = page(served)
    assert len([x for x in shown.links if x and "long" in x]) >= 5000


@pytest.mark.core
def test_what_is_hidden_is_not_listed(served, folder):
    (folder / ".prefork").mkdir(exist_ok=True)
    (folder / "~").mkdir()
    (folder / "seen").touch()
    _, answer = page(served)
    assert b".prefork" not in answer.body and b"seen" in answer.body
    listing = served.ask("PROPFIND", "/", {"Depth": "1"}).body
    assert b".prefork" not in listing and b"/~/" not in listing


def test_a_folder_that_may_not_be_read_is_403(start, folder, model):
    (folder / "closed").mkdir(mode=0)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and len(parent.parts) > 2:  # not /tmp itself
                parent.chmod(0o755)
        served = start("drive", "--model", model, "--user", "nobody", folder)
    else:
        served = start("drive", "--model", model, folder)
    assert served.ask("GET", "/closed/").status == 403


def test_the_page_names_where_one_is(served, folder):
    (folder / "one" / "two & three").mkdir(parents=True)
    shown, answer = page(served, "/one/two%20%26%20three/")
    assert html.escape("two & three").encode() in answer.body
    assert any(link in ("/", "../../", "/one/", "../") for link in shown.links)


def test_sorting_works_without_a_script(served, folder):
    for name, size in (("b", 1), ("a", 3), ("c", 2)):
        (folder / name).write_bytes(b"x" * size)
    shown, _ = page(served)
    sorts = [link for link in shown.links if link and "?" in link]
    assert sorts
    for link in sorts:
        assert served.ask("GET", "/" + link[link.index("?"):]).status == 200
