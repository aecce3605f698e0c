# SPDX-License-Identifier: MIT
"""The folder page, as a person uses it: in a real browser, with its script."""
import os
import re
import urllib.parse

import pytest

from harness.browser import Browser
from harness.server import Server

DOWN, UP, HOME, END, ESCAPE, ENTER, DELETE, F2, BACK = (
    "\ue015", "\ue013", "\ue011", "\ue010", "\ue00c", "\ue007", "\ue017", "\ue032", "\ue003")  # as WebDriver writes keys
STRANGE = [b"100%", b"<b>bold&amp;</b>".replace(b"/", b"|"), b"\"double\" 'single'", b"a#b", b"bad\xff\xfe", b"c:d", b"e\nf",
           "long " .encode() * 40 + b"end", b"q?x=1&y", b"~tilde", "ümläut 日本".encode(), b"{a} $HOME `b`\\c"]


@pytest.fixture(scope="session")
def _browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("chromium"))
    yield made
    made.end()


@pytest.fixture
def browser(_browser):
    yield _browser
    _browser.driver.get("about:blank")  # so that the server of this test has no connection left


@pytest.fixture
def page(start, folder, browser):
    """The page of a drive over `folder`, as soon as it is asked for; what model runs it makes no difference here."""
    def begin(*options, path="/", root=folder):
        # Browsers keep connections for minutes, and how a test ends is judged by what is left open.
        server = start("drive", "--workers", "2", "--idle-timeout", "1s", *options, root)
        browser.open(server, path)
        return server
    return begin


def fill(folder, **sizes):
    for name, size in sizes.items():
        (folder / name).write_bytes(b"x" * size)


def inside(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != ".prefork")


def test_a_folder_is_opened_and_left_again(page, folder, browser):
    (folder / "one" / "two & three").mkdir(parents=True)
    (folder / "one" / "two & three" / "deep").touch()
    page()

    browser.click("one", "tbody")
    browser.click("two & three", "tbody")
    browser.shows("deep")
    assert browser.find("h1").text == "two & three"
    browser.click("one", "nav")
    browser.shows("two & three")
    browser.click("folder", "nav")
    browser.shows("one")


def test_a_heading_sorts_and_the_address_says_how(page, folder, browser):
    fill(folder, a2=3, a10=1, b=2)
    (folder / "z").mkdir()
    page()

    browser.shows("z", "a2", "a10", "b")
    browser.click("Size", "thead")
    browser.shows("z", "a10", "b", "a2")
    browser.click("Size", "thead")
    browser.shows("z", "a2", "b", "a10")
    browser.driver.refresh()
    browser.shows("z", "a2", "b", "a10")
    assert browser.find("th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_what_is_too_much_to_sort_is_said(drive, folder):
    """No browser: what the browser makes of it takes longer, and is below."""
    names = [f"file {i}" for i in range(10_001)]
    for name in names:
        (folder / name).touch()
    server = drive()

    def shown():
        text = server.ask("GET", "/").body.decode()
        return re.findall(r'href="./[^"]*">([^<]*)<', text), "more than 10,000" in text, "aria-sort" in text
    found, is_said, is_sorted = shown()
    assert sorted(found) == sorted(names) and is_said and not is_sorted
    (folder / names.pop()).unlink()
    assert shown() == (names, False, True)


@pytest.mark.slow
def test_the_browser_sorts_what_the_server_does_not(page, folder, browser):
    names = [f"file {i}" for i in range(10_001)]
    for name in names:
        (folder / name).touch()
    page()

    def shown():
        return browser.js("return [...document.querySelectorAll('tbody a')].map(link => link.textContent)")
    assert sorted(shown()) == sorted(names) and "A click" in browser.find("#unsorted").text
    browser.click("Name", "thead")
    assert shown() == names and not browser.js("return document.querySelector('#unsorted')")


def test_a_filter_hides_what_does_not_match(page, folder, browser):
    fill(folder, Apple=1, pineapple=1, pear=1)
    page()

    browser.find("input[type=search]").send_keys("APP")
    browser.shows("Apple", "pineapple")
    browser.type(ESCAPE)
    browser.shows("Apple", "pear", "pineapple")


def test_the_keyboard_is_enough(page, folder, browser):
    (folder / "sub").mkdir()
    fill(folder, a=1, b=1, c=1)
    page()

    browser.type(DOWN)
    assert browser.focused() == "sub"
    browser.type(END)
    assert browser.focused() == "c"
    browser.type(UP, "k")
    assert browser.focused() == "a"
    browser.type("j", HOME, DOWN, F2)
    browser.answer("renamed", "Rename")
    browser.shows("sub", "b", "c", "renamed")
    browser.until(lambda: browser.focused() == "renamed", "what was renamed has the focus")
    browser.type("/")
    assert browser.focused() == "Filter"
    browser.type("su", ENTER, ENTER)
    browser.until(lambda: browser.find("h1").text == "sub", "the folder is open")
    browser.type(BACK)
    browser.shows("sub", "b", "c", "renamed")


def test_files_are_uploaded_from_the_chooser(page, folder, browser, tmp_path):
    fill(tmp_path, one=10, two=200_000, none=0)
    os.utime(tmp_path / "one", (1_000_000_000, 1_000_000_000))
    page()

    browser.choose("Upload", tmp_path / "one", tmp_path / "two", tmp_path / "none")
    browser.shows("none", "one", "two")
    browser.until(lambda: "3 files uploaded" in browser.find("#uploads").text, "it says how many")
    assert (folder / "two").read_bytes() == (tmp_path / "two").read_bytes()
    assert int((folder / "one").stat().st_mtime) == 1_000_000_000
    browser.click("Close", "#uploads")
    assert not browser.js("return document.querySelector('#uploads').checkVisibility()")


def test_files_and_folders_are_dropped_on_the_page(page, folder, browser, tmp_path):
    tree = tmp_path / "tree"
    (tree / "inner & more").mkdir(parents=True)
    (tree / "empty").mkdir()
    fill(tree / "inner & more", deep=5)
    fill(tmp_path, flat=7)
    page()

    browser.drop(tree, tmp_path / "flat")
    browser.shows("tree", "flat")
    browser.until(lambda: "2 files uploaded" in browser.find("#uploads").text, "it says how many")
    assert (folder / "tree" / "inner & more" / "deep").read_bytes() == b"x" * 5
    assert (folder / "tree" / "empty").is_dir()


def test_a_dropped_file_that_lies_on_no_disk_is_taken_too(page, folder, browser):
    page()

    browser.js("""
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['made in a page'], 'picture.svg'));
        document.body.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}))""")
    browser.shows("picture.svg")
    assert (folder / "picture.svg").read_bytes() == b"made in a page"


@pytest.mark.parametrize("verb, left", [("Replace", {"a.txt": b"new", "b.txt": b"new"}),
                                        ("Keep both", {"a.txt": b"old", "a (2).txt": b"new", "b.txt": b"old", "b (2).txt": b"new"}),
                                        ("Skip", {"a.txt": b"old", "b.txt": b"old"})])
def test_a_name_that_is_taken_is_a_question(page, folder, browser, tmp_path, verb, left):
    for name in ("a.txt", "b.txt"):
        (folder / name).write_bytes(b"old")
        (tmp_path / name).write_bytes(b"new")
    page()

    browser.choose("Upload", tmp_path / "a.txt", tmp_path / "b.txt")
    browser.until(lambda: "is already here" in browser.find("dialog").text, "it asks")
    browser.find("dialog input[type=checkbox]").click()
    browser.click(verb, "dialog")
    browser.until(lambda: {n: (folder / n).read_bytes() for n in inside(folder)} == left, f"the folder has {list(left)}")
    if verb != "Skip":
        browser.until(lambda: "2 files uploaded" in browser.find("#uploads").text, "both are done")


def test_a_folder_is_made_renamed_and_deleted(page, folder, browser):
    page()

    browser.click("New folder")
    browser.answer("new & shiny?", "Create")
    browser.shows("new & shiny?")
    (folder / "new & shiny?" / "child").touch()

    browser.focus("new & shiny?")
    browser.find("tbody button").click()
    browser.click("Rename…", "#menu")
    browser.answer("100% #1", "Rename")
    browser.shows("100% #1")
    assert inside(folder) == ["100% #1"] and (folder / "100% #1" / "child").exists()

    browser.type(DELETE)
    browser.until(lambda: "everything in it will be in the trash" in browser.find("dialog").text, "it asks")
    browser.click("Cancel", "dialog")
    assert inside(folder) == ["100% #1"]
    browser.type(DELETE)
    browser.click("Delete", "dialog")
    browser.shows()
    assert inside(folder) == []
    assert "empty" in browser.find("#empty").text


def test_what_cannot_be_done_is_said(page, folder, browser, tmp_path):
    fill(folder, a=1, b=1)
    server = page()

    browser.click("New folder")
    browser.answer("a", "Create")
    browser.said("That name is taken.")
    browser.click("New folder")
    browser.answer(".prefork", "Create")
    browser.until(lambda: "You may not" in browser.find("#said").text or "does not take" in browser.find("#said").text, "it says no")
    browser.focus("a")
    browser.type(F2)
    browser.answer("b", "Rename")
    browser.said("That name is taken.")
    (folder / "a").unlink()
    browser.focus("a")
    browser.type(F2)
    browser.answer("c", "Rename")
    browser.said("It is no longer there.")
    server.stop()
    browser.click("New folder")
    browser.answer("late", "Create")
    browser.said("cannot be reached")


def test_a_full_disk_is_said_and_the_upload_can_be_tried_again(page, small_disk, browser, tmp_path):
    (tmp_path / "big").write_bytes(bytes(9 << 20))
    (small_disk / "filler").write_bytes(bytes(2 << 20))
    page(root=small_disk)

    browser.choose("Upload", tmp_path / "big")
    browser.until(lambda: "The drive is full." in browser.find("#uploads small").text, "it says so")
    (tmp_path / "big").write_bytes(b"less")
    assert inside(small_disk) == ["filler"]
    assert browser.find("#uploads button").is_displayed()


def test_where_nothing_may_be_changed_nothing_is_offered(page, folder, browser):
    fill(folder, a=1)
    page("--read-only")

    browser.shows("a")
    assert [b.text for b in browser.driver.find_elements("css selector", "button") if b.is_displayed()] == []
    assert "Read only" in browser.find("footer").text


def test_a_folder_that_became_read_only_says_so(page, start, folder, browser):
    """The page was made while it could be written to."""
    fill(folder, a=1)
    server = page()
    server.stop()
    start("drive", "--read-only", folder, listen=f"127.0.0.1:{server.port}")

    browser.focus("a")
    browser.type(DELETE)
    browser.click("Delete", "dialog")
    browser.said("You may not change this.")
    assert inside(folder) == ["a"]


def test_strange_names_are_shown_opened_and_deleted(page, folder, browser):
    for name in STRANGE:
        with open(os.path.join(os.fsencode(folder), name), "wb") as f:
            f.write(name)
    page()

    shown = browser.names()
    assert sorted(shown) == sorted(name.decode("utf-8", "replace") for name in STRANGE)
    contents = browser.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        const bytes = async a => [...new Uint8Array(await (await fetch(a.href)).arrayBuffer())];
        Promise.all([...document.querySelectorAll('tbody a')].map(bytes)).then(done)""")
    assert sorted(map(bytes, contents)) == sorted(STRANGE)
    assert not browser.driver.find_elements("css selector", "td b")
    for left in range(len(STRANGE) - 1, -1, -1):
        browser.js("document.querySelector('tbody a').focus()")
        browser.type(DELETE)
        browser.click("Delete", "dialog")
        browser.until(lambda: len(browser.names()) == left, f"{left} names are left")
    assert inside(folder) == []


def test_strange_names_are_made_by_upload(page, folder, browser, tmp_path):
    names = [n for n in STRANGE if b"\n" not in n and b"\xff" not in n]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as f:
            f.write(name)
    page()

    browser.drop(*(os.path.join(tmp_path, os.fsdecode(name)) for name in names))
    browser.until(lambda: f"{len(names)} files uploaded" in browser.find("#uploads").text, "all are there")
    assert sorted(set(os.listdir(os.fsencode(folder))) - {b".prefork"}) == sorted(names)
    assert all((folder / os.fsdecode(name)).read_bytes() == name for name in names)


def test_without_a_script_the_page_is_as_readable(page, folder, browser):
    (folder / "sub").mkdir()
    fill(folder, a=5)
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page()
        assert browser.find("tbody").text.split()[:1] == ["sub"]
        assert "5 B" in browser.find("tbody").text
        assert not browser.find("body").find_elements("css selector", "button")
        browser.click("Size", "thead")
        assert urllib.parse.urlsplit(browser.driver.current_url).query == "sort=size&order=asc"
        browser.click("sub", "tbody")
        assert "empty" in browser.find("main").text
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def test_dark_is_dark(page, folder, browser):
    page()

    def paper():
        return browser.js("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert min(paper()) > 200
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    try:
        browser.until(lambda: max(paper()) < 60, "the page is dark")
    finally:
        browser.devtools("Emulation.setEmulatedMedia", features=[])


def test_the_browser_complains_of_nothing(page, folder, browser):
    (folder / "sub").mkdir()
    fill(folder, a=5)
    browser.driver.get_log("browser")  # what it said before
    page()
    browser.click("sub", "tbody")
    browser.until(lambda: browser.find("h1").text == "sub", "the folder is open")

    assert [line for line in browser.driver.get_log("browser") if line["level"] in ("WARNING", "SEVERE")] == []
