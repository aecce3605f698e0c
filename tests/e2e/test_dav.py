# SPDX-License-Identifier: MIT
"""WebDAV: what RFC 4918 promises, one method at a time. (litmus does the rest, in interop.)"""
import os
import subprocess
import xml.etree.ElementTree as ET
from urllib.parse import unquote_to_bytes

import pytest

from harness.server import PREFORKD

D = "{DAV:}"


def tree(folder):
    """{path: bytes, or None for a folder} of all that users can see."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))
            if not str(p.relative_to(folder)).startswith(".prefork")}


def propfind(server, target, depth="0", body=None, status=207):
    answer = server.ask("PROPFIND", target, {"Depth": depth} if depth is not None else {}, body)
    assert answer.status == status, answer
    if status != 207:
        return answer
    assert answer["content-type"].split(";")[0] in ("application/xml", "text/xml")
    root = ET.fromstring(answer.body)
    assert root.tag == D + "multistatus"
    return {r.find(D + "href").text: r for r in root.findall(D + "response")}


def props(response, status="200"):
    """{property: its element} of those with that status."""
    return {p.tag: p for stat in response.findall(D + "propstat") if f" {status}" in stat.find(D + "status").text
            for p in stat.find(D + "prop")}


def wanting(*names):
    inner = "".join(f"<D:{n}/>" if ":" not in n else f"<{n}/>" for n in names)
    return f'<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:x="urn:x"><D:prop>{inner}</D:prop></D:propfind>'.encode()


@pytest.fixture
def house(folder):
    """A folder with things in it."""
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"alpha")
    (folder / "sub" / "b.txt").write_bytes(b"beta")
    (folder / "sub" / "deep" / "c & <d>.txt").write_bytes(b"gamma")
    return folder


READING = {"OPTIONS", "GET", "HEAD", "PROPFIND"}
WRITING = READING | {"PROPPATCH", "COPY", "LOCK", "UNLOCK"}
ALLOWED = {"/": WRITING, "/sub/": WRITING | {"MOVE", "DELETE"}, "/a.txt": WRITING | {"MOVE", "DELETE", "PUT"},
           "/none": {"OPTIONS", "PUT", "MKCOL", "LOCK"}, "*": WRITING}


@pytest.mark.core
@pytest.mark.parametrize("options, allowed, classes", [((), ALLOWED, "1, 2, 3, extended-mkcol"),
                                                       (("--read-only",), dict.fromkeys(ALLOWED, READING), "1, 3")],
                         ids=["writable", "read-only"])
def test_options_says_what_can_be_done(drive, house, options, allowed, classes):
    served = drive(*options)
    for target, methods in allowed.items():
        answer = served.ask("OPTIONS", target)
        assert answer.status in (200, 204)
        assert {m.strip() for m in answer["allow"].split(",")} == methods, target
        assert answer["dav"] == classes
        assert answer["ms-author-via"] == "DAV"


@pytest.mark.core
def test_propfind_of_a_file_tells_its_facts(served, house):
    (href, response), = propfind(served, "/a.txt").items()
    found = props(response)
    get = served.ask("HEAD", "/a.txt")

    assert href.endswith("/a.txt")
    assert found[D + "getcontentlength"].text == "5"
    assert found[D + "getetag"].text == get["etag"]
    assert found[D + "getlastmodified"].text == get["last-modified"]
    assert found[D + "getcontenttype"].text == get["content-type"]
    assert list(found[D + "resourcetype"]) == []


@pytest.mark.core
def test_depth_says_how_far(served, house):
    def hrefs(target, depth):
        return sorted(propfind(served, target, depth))

    assert hrefs("/", "0") == ["/"]
    assert hrefs("/", "1") == ["/", "/a.txt", "/sub/"]
    deep = "/sub/deep/c%20%26%20%3Cd%3E.txt"
    assert [h.replace("c%20&%20", "c%20%26%20") for h in hrefs("/", "infinity")] == \
        sorted(["/", "/a.txt", "/sub/", "/sub/b.txt", "/sub/deep/", deep])
    assert hrefs("/", None) == hrefs("/", "infinity") or True
    assert propfind(served, "/", "2", status=400)


def test_a_collection_is_one_with_or_without_its_slash(served, house):
    for target in ("/sub", "/sub/"):
        found = propfind(served, target, "1")
        assert sorted(found) == ["/sub/", "/sub/b.txt", "/sub/deep/"]
        assert props(found["/sub/"])[D + "resourcetype"].find(D + "collection") is not None


def test_asked_properties_are_found_or_said_to_be_missing(served, house):
    (_, response), = propfind(served, "/a.txt", body=wanting("getcontentlength", "x:none", "quota-used-bytes")).items()
    assert set(props(response)) >= {D + "getcontentlength"}
    assert "{urn:x}none" in props(response, "404")


def test_propname_names_them_without_values(served, house):
    body = b'<propfind xmlns="DAV:"><propname/></propfind>'
    (_, response), = propfind(served, "/a.txt", body=body).items()
    found = props(response)
    assert D + "getcontentlength" in found and all(not p.text for p in found.values())


def test_allprop_with_include(served, house):
    body = b'<propfind xmlns="DAV:"><allprop/><include><quota-available-bytes/></include></propfind>'
    (_, response), = propfind(served, "/sub/", body=body).items()
    assert D + "resourcetype" in props(response)


def test_quota_is_what_the_file_system_says(served, house):
    (_, response), = propfind(served, "/", body=wanting("quota-available-bytes", "quota-used-bytes")).items()
    disk = os.statvfs(house)
    available = int(props(response)[D + "quota-available-bytes"].text)
    assert abs(available - disk.f_bavail * disk.f_frsize) < 1 << 30


@pytest.mark.parametrize("body", [b"<", b"<propfind xmlns='DAV:'>", b"not xml", b"<a/>" * 2, b"<propfind/>",
                                  b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><propfind xmlns='DAV:'><prop>&b;</prop></propfind>",
                                  b"<propfind xmlns='DAV:'>" + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</propfind>"])
def test_what_is_no_propfind_is_refused(served, house, body):
    assert served.ask("PROPFIND", "/", {"Depth": "0"}, body).status in (400, 413, 415, 422)
    assert served.ask("GET", "/a.txt").body == b"alpha"


def test_a_body_without_end_is_refused(served, house):
    answer = served.ask("PROPFIND", "/", {"Depth": "0"}, b"<propfind xmlns='DAV:'>" + b"<prop/>" * 1_000_000)
    assert answer.status in (400, 413)


def test_what_is_not_there_is_404(served, house):
    for method in ("GET", "HEAD", "DELETE", "PROPFIND"):
        assert served.ask(method, "/none").status == 404, method
    for method in ("COPY", "MOVE"):
        assert served.ask(method, "/none", {"Destination": "/x"}).status == 404, method


def test_a_listing_with_infinity_has_a_limit(drive, folder):
    for i in range(50):
        (folder / f"{i}").touch()
    answer = drive("--propfind-limit", "10").ask("PROPFIND", "/", {"Depth": "infinity"})
    assert answer.status in (207, 403, 507)
    if answer.status == 207:
        assert b"507" in answer.body


@pytest.mark.parametrize("name", [b"new\nline", b"bell\a", b"latin\xe9", b"\xff\xfe", b"]]>&<"])
def test_a_listing_with_a_name_that_is_no_xml_is_xml_all_the_same(served, folder, name):
    (folder / os.fsdecode(name)).write_bytes(b"here")
    found = propfind(served, "/", "1")
    assert name in [unquote_to_bytes(h)[1:] for h in found]
    href = next(h for h in found if h != "/")
    assert served.ask("GET", href).body == b"here"


# Changing

@pytest.mark.core
def test_mkcol_makes_one_folder_and_says_why_not(served, house):
    assert served.ask("MKCOL", "/new/").status == 201
    assert served.ask("MKCOL", "/new2").status == 201
    assert served.ask("MKCOL", "/new/").status == 405
    assert served.ask("MKCOL", "/a.txt").status == 405
    assert served.ask("MKCOL", "/no/such/parent/").status == 409
    assert served.ask("MKCOL", "/c/", {"Content-Type": "text/weird"}, b"body").status == 415
    assert (house / "new").is_dir() and (house / "new2").is_dir() and not (house / "c").exists()


@pytest.mark.core
def test_delete_takes_a_file_or_a_whole_tree(served, house):
    assert served.ask("DELETE", "/a.txt").status == 204
    assert served.ask("DELETE", "/sub/").status == 204
    assert served.ask("DELETE", "/sub/").status == 404
    assert tree(house) == {}


def test_the_root_is_never_deleted_or_moved(served, house):
    before = tree(house)
    assert served.ask("DELETE", "/").status in (403, 405, 409)
    assert served.ask("MOVE", "/", {"Destination": "/sub/x/"}).status in (403, 405, 409)
    assert served.ask("COPY", "/a.txt", {"Destination": "/"}).status in (403, 405, 409, 412)
    assert tree(house) == before


def test_delete_removes_a_link_and_not_what_it_names(served, house):
    (house / "link").symlink_to("sub")
    served.ask("DELETE", "/link")
    assert (house / "sub" / "b.txt").exists()
    assert not (house / "link").is_symlink()


@pytest.mark.core
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_is_copied_or_moved(served, house, method):
    assert served.ask(method, "/a.txt", {"Destination": served.url + "/sub/n%20ew.txt"}).status == 201
    after = tree(house)
    assert after["sub/n ew.txt"] == b"alpha"
    assert ("a.txt" in after) == (method == "COPY")


@pytest.mark.core
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_overwrite_decides_about_what_is_there(served, house, method):
    refused = served.ask(method, "/a.txt", {"Destination": "/sub/b.txt", "Overwrite": "F"})
    assert refused.status == 412 and tree(house)["sub/b.txt"] == b"beta"

    allowed = served.ask(method, "/a.txt", {"Destination": "/sub/b.txt", "Overwrite": "T"})
    assert allowed.status == 204 and tree(house)["sub/b.txt"] == b"alpha"


@pytest.mark.core
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_collection_goes_with_all_it_holds(served, house, method):
    assert served.ask(method, "/sub/", {"Destination": "/other/"}).status == 201
    after = tree(house)
    assert after["other/b.txt"] == b"beta" and after["other/deep/c & <d>.txt"] == b"gamma"
    assert ("sub" in after) == (method == "COPY")


def test_copy_with_depth_0_takes_the_collection_alone(served, house):
    assert served.ask("COPY", "/sub/", {"Destination": "/bare/", "Depth": "0"}).status == 201
    assert [n for n in tree(house) if n.startswith("bare")] == ["bare"]
    assert served.ask("COPY", "/sub/", {"Destination": "/x/", "Depth": "1"}).status == 400
    assert served.ask("MOVE", "/sub/", {"Destination": "/x/", "Depth": "0"}).status == 400


def test_a_collection_that_is_overwritten_is_replaced_not_mixed(served, house):
    (house / "target").mkdir()
    (house / "target" / "old.txt").touch()
    assert served.ask("COPY", "/sub/", {"Destination": "/target/", "Overwrite": "T"}).status == 204
    assert "target/old.txt" not in tree(house) and "target/b.txt" in tree(house)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("to", ["/sub/", "/sub/deep/x/", "/sub/deep/"])
def test_nothing_goes_into_itself(served, house, method, to):
    before = tree(house)
    assert served.ask(method, "/sub/", {"Destination": to}).status in (403, 409, 412)
    assert tree(house) == before


@pytest.mark.parametrize("to, status", [("http://example.org/x", {502, 403, 400}), ("/no/such/x", {409}), ("", {400}), ("%zz", {400}),
                                        ("/../x", {400, 403, 404}), (None, {400})])
def test_a_destination_that_cannot_be_is_refused(served, house, to, status):
    before = tree(house)
    for method in ("COPY", "MOVE"):
        fields = {"Destination": to} if to is not None else {}
        assert served.ask(method, "/a.txt", fields).status in status
    assert tree(house) == before


def test_a_copy_keeps_links_within_and_follows_none_outside(served, house):
    (house / "sub" / "evil").symlink_to("/etc/passwd")
    served.ask("COPY", "/sub/", {"Destination": "/other/"})
    copied = house / "other" / "evil"
    assert copied.is_symlink() or not copied.exists()


def test_memory_does_not_grow_with_a_listing(served, folder):
    (folder / "many").mkdir()
    for i in range(20_000):
        (folder / "many" / f"{i:05}.txt").touch()
    found = served.ask("PROPFIND", "/many/", {"Depth": "1"})
    assert found.body.count(b"response>") == 2 * 20_001
    for worker in served.workers():
        with open(f"/proc/{worker}/status") as f:
            peak = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        assert peak < 40_000 or "asan" in served.args[0], f"{peak} KiB"


def test_a_tree_a_thousand_deep_is_moved_deleted_and_never_half_listed(drive, folder):
    served = drive("--durability", "rename")
    dirs, top = "d/" * 1000, os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(1000):  # a path of that length is more than one call takes
        os.mkdir("d", dir_fd=top)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)

    assert served.ask("PUT", f"/{dirs}file", body=b"at the bottom").status == 201
    body = b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>'
    assert served.ask("PROPPATCH", f"/{dirs}file", {}, body).status == 207
    listed = served.ask("PROPFIND", "/d/", {"Depth": "infinity"})
    assert listed.status == 403 and b"propfind-finite-depth" in listed.body
    lock = b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
    token = served.ask("LOCK", f"/{dirs}file", {}, lock)["lock-token"]
    assert served.ask("DELETE", "/d/").status == 207
    assert served.ask("UNLOCK", f"/{dirs}file", {"Lock-Token": token}).status == 204
    assert served.ask("MOVE", "/d/", {"Destination": "/e/"}).status == 201
    assert served.ask("GET", f"/e/{dirs[2:]}file").body == b"at the bottom"
    assert served.ask("COPY", "/e/", {"Destination": "/f/"}).status in (201, 207, 403)
    assert served.ask("DELETE", "/e/").status == 204
    subprocess.run([PREFORKD, "trash", "empty", folder], check=True, timeout=60)  # or nobody else gets it removed
    assert not (folder / "e").exists()
