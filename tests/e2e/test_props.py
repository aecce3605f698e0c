# SPDX-License-Identifier: MIT
"""Properties that clients set: kept as they were given, whatever becomes of the file."""
import os
import subprocess
import xml.etree.ElementTree as ET

import pytest

from harness.server import PREFORKD

D, X = "{DAV:}", "{urn:x}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def patch(server, target, inner, status=207, fields=None):
    """{property: status} of a PROPPATCH with that inside."""
    body = f'<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">{inner}</D:propertyupdate>'.encode()
    answer = server.ask("PROPPATCH", target, fields or {}, body)
    assert answer.status == status, answer
    if status != 207:
        return answer
    return {p.tag: int(stat.find(D + "status").text.split()[1]) for stat in ET.fromstring(answer.body).iter(D + "propstat")
            for p in stat.find(D + "prop")}


def put(server, target, inner, **more):
    found = patch(server, target, f"<D:set><D:prop>{inner}</D:prop></D:set>", **more)
    assert more or set(found.values()) == {200}, found
    return found


def get(server, target, inner="<D:allprop/>", depth="0", fields=None):
    """{href: {property: element}} of what was found."""
    body = f'<D:propfind xmlns:D="DAV:" xmlns:x="urn:x">{inner}</D:propfind>'.encode()
    answer = server.ask("PROPFIND", target, {"Depth": depth, **(fields or {})}, body)
    assert answer.status == 207, answer
    return {r.find(D + "href").text: {p.tag: p for stat in r.findall(D + "propstat") if " 200 " in stat.find(D + "status").text
                                      for p in stat.find(D + "prop")} for r in ET.fromstring(answer.body).findall(D + "response")}


def one(server, target, name="x:p"):
    (found,) = get(server, target, f"<D:prop><{name}/></D:prop>").values()
    return found.get(name.replace("x:", X))


@pytest.fixture
def house(folder):
    (folder / "sub").mkdir()
    (folder / "a.txt").write_bytes(b"alpha")
    (folder / "sub" / "b.txt").write_bytes(b"beta")
    return folder


@pytest.mark.core
@pytest.mark.parametrize("target", ["/a.txt", "/sub/", "/"])
def test_a_property_comes_back_as_it_was_given(served, house, target):
    given = '<x:p xml:lang="de" x:at="1 &lt; 2" plain="y">text <x:in xmlns:z="urn:z"><z:deep/></x:in> &amp; more</x:p>'
    put(served, target, given)
    found = one(served, target)
    assert found.get(LANG) == "de" and found.get(X + "at") == "1 < 2" and found.get("plain") == "y"
    assert found.text == "text " and found[0].tag == X + "in" and found[0][0].tag == "{urn:z}deep" and found[0].tail == " & more"
    (allprop,), (names,) = get(served, target).values(), get(served, target, "<D:propname/>").values()
    assert allprop[X + "p"].get("plain") == "y" and X + "p" in names and not names[X + "p"].text
    assert patch(served, target, "<D:remove><D:prop><x:p/></D:prop></D:remove>") == {X + "p": 200}
    assert one(served, target) is None
    assert patch(served, target, "<D:remove><D:prop><x:p/></D:prop></D:remove>") == {X + "p": 200}


@pytest.mark.core
def test_a_request_is_done_whole_or_not_at_all(served, house):
    put(served, "/a.txt", "<x:p>old</x:p>")
    before = os.stat(house / "a.txt").st_mtime_ns
    found = patch(served, "/a.txt", "<D:set><D:prop><x:p>new</x:p><x:q/><D:lastmodified>1000000000</D:lastmodified></D:prop></D:set>"
                                    "<D:set><D:prop><D:getetag>mine</D:getetag></D:prop></D:set>")
    assert found == {X + "p": 424, X + "q": 424, D + "lastmodified": 424, D + "getetag": 403}
    assert one(served, "/a.txt").text == "old" and one(served, "/a.txt", "x:q") is None
    assert os.stat(house / "a.txt").st_mtime_ns == before


def test_what_is_set_and_removed_in_one_request_happens_in_its_order(served, house):
    patch(served, "/a.txt", "<D:set><D:prop><x:p>1</x:p></D:prop></D:set><D:remove><D:prop><x:p/></D:prop></D:remove>")
    assert one(served, "/a.txt") is None
    patch(served, "/a.txt", "<D:remove><D:prop><x:p/></D:prop></D:remove><D:set><D:prop><x:p>2</x:p></D:prop></D:set>")
    assert one(served, "/a.txt").text == "2"


@pytest.mark.parametrize("size", [10, 20_000])
def test_properties_go_where_the_file_goes(served, house, size):
    value = "v" * size
    put(served, "/sub/b.txt", f"<x:p>{value}</x:p>")
    put(served, "/sub/", f"<x:p>folder {value}</x:p>")
    put(served, "/a.txt", f"<x:q>{value}</x:q>")
    assert served.ask("PUT", "/sub/b.txt", body=b"changed").status == 204
    assert one(served, "/sub/b.txt").text == value
    assert served.ask("COPY", "/sub/b.txt", {"Destination": "/a.txt"}).status == 204
    assert one(served, "/a.txt").text == value and one(served, "/a.txt", "x:q") is None
    assert served.ask("COPY", "/sub/", {"Destination": "/copy/"}).status == 201
    assert served.ask("MOVE", "/copy/", {"Destination": "/moved/"}).status == 201
    assert one(served, "/moved/").text == "folder " + value and one(served, "/moved/b.txt").text == value
    put(served, "/moved/b.txt", "<x:p>its own</x:p>")
    assert one(served, "/sub/b.txt").text == value
    for target in ("/moved/", "/sub/", "/a.txt"):
        assert served.ask("DELETE", target).status == 204
    subprocess.run([PREFORKD, "trash", "empty", house], check=True)
    props = house / ".prefork" / "props"
    assert not props.exists() or list(props.iterdir()) == []
    assert served.ask("PUT", "/a.txt", body=b"new").status == 201
    assert one(served, "/a.txt") is None


def test_a_listing_tells_each_entrys_own(served, house):
    for i in range(300):
        (house / "sub" / f"{i}").touch()
    for i in range(0, 300, 50):
        put(served, f"/sub/{i}", f"<x:p>{i}</x:p>")
    (house / "sub" / "link").symlink_to("50")
    for depth, target in (("1", "/sub/"), ("infinity", "/")):
        found = get(served, target, "<D:prop><x:p/></D:prop>", depth)
        assert {h: p[X + "p"].text for h, p in found.items() if p} == \
            {f"/sub/{i}": str(i) for i in range(0, 300, 50)} | {"/sub/link": "50"}


def test_names_of_any_namespace_and_of_none(served, house):
    put(served, "/a.txt", '<n xmlns="">none</n><n xmlns="http://example.org/&amp;?">odd</n><D:own>dav</D:own>'
                          '<名 xmlns="urn:文">字&#x1F5C2;</名>')
    (found,) = get(served, "/a.txt").values()
    assert found["n"].text == "none" and found["{http://example.org/&?}n"].text == "odd" and found[D + "own"].text == "dav"
    assert found["{urn:文}名"].text == "字\U0001F5C2"


def test_there_is_a_limit_to_what_one_file_carries(served, house):
    inner = "".join(f"<x:p{i}>{'v' * 900}</x:p{i}>" for i in range(140))
    assert set(put(served, "/a.txt", inner, status=207).values()) <= {200, 424, 507}
    assert len([1 for i in range(2) if one(served, "/a.txt", f"x:p{i}") is not None]) in (0, 2)
    served.ask("PUT", "/b.txt", body=b"")
    for n in range(0, 250, 125):
        put(served, "/b.txt", "".join(f"<x:p{i}/>" for i in range(n, n + 125)))
    verdicts = put(served, "/b.txt", "".join(f"<x:q{i}/>" for i in range(125)), status=207)
    assert set(verdicts.values()) == {424, 507} and one(served, "/b.txt", "x:q0") is None
    (found,) = get(served, "/b.txt").values()
    assert sum(name.startswith(X) for name in found) == 250


@pytest.mark.core
def test_a_property_or_entity_bomb_is_refused(served, house):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE b [{entities}]><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><b>&e9;</b></D:prop></D:set></D:propertyupdate>'
    assert served.ask("PROPPATCH", "/a.txt", {}, bomb.encode()).status in (400, 403)
    many = "".join(f"<x:p{i}/>" for i in range(5000))
    assert patch(served, "/a.txt", f"<D:set><D:prop>{many}</D:prop></D:set>", status=413)
    deep = "<x:d>" * 500 + "</x:d>" * 500
    assert patch(served, "/a.txt", f"<D:set><D:prop>{deep}</D:prop></D:set>", status=413)
    assert patch(served, "/a.txt", f"<D:set><D:prop><x:p>{'v' * 400_000}</x:p></D:prop></D:set>", status=413)
    (found,) = get(served, "/a.txt").values()
    assert not any(name.startswith(X) for name in found)


@pytest.mark.core
def test_a_file_can_be_made_executable_and_its_time_set(served, house):
    A = "http://apache.org/dav/props/"
    put(served, "/a.txt", f'<e:executable xmlns:e="{A}">T</e:executable><D:lastmodified>1000000000</D:lastmodified>')
    stat = os.stat(house / "a.txt")
    assert stat.st_mode & 0o100 and int(stat.st_mtime) == 1000000000
    put(served, "/a.txt", f'<e:executable xmlns:e="{A}">F</e:executable>')
    assert not os.stat(house / "a.txt").st_mode & 0o111
    assert put(served, "/a.txt", f'<e:executable xmlns:e="{A}">maybe</e:executable>', status=207) == {f"{{{A}}}executable": 403}


WIN32 = '<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">{}</Z:Win32LastModifiedTime>'
TIME, TIME_TEXT = 1_234_567_890, "Fri, 13 Feb 2009 23:31:30 GMT"
# How rclone and ownCloud, rclone again, and Windows say it.
WAYS_OF_TIME = {
    "X-OC-Mtime": lambda server: server.ask("PUT", "/t", {"X-OC-Mtime": f"{TIME}.25"}, b"text"),
    "lastmodified": lambda server: put(server, "/t", f"<D:lastmodified>{TIME}</D:lastmodified>"),
    "Win32LastModifiedTime": lambda server: put(server, "/t", WIN32.format(TIME_TEXT)),
}


@pytest.mark.core
@pytest.mark.parametrize("way", WAYS_OF_TIME)
def test_the_time_a_client_gives_is_the_files_own_time(served, folder, way):
    first = served.ask("PUT", "/t", {}, b"text")
    digest = first["Repr-Digest"]
    WAYS_OF_TIME[way](served)

    def told(target):
        (found,) = get(served, target).values()
        answer = served.ask("HEAD", target)
        assert answer["Repr-Digest"] == digest  # the contents are the same
        return found[D + "getlastmodified"].text, answer["Last-Modified"], int(os.stat(folder / target[1:]).st_mtime)
    assert told("/t") == (TIME_TEXT, TIME_TEXT, TIME)
    assert served.ask("GET", "/t", {"If-None-Match": first["ETag"]}).status == 200  # it is another version
    assert served.ask("GET", "/t", {"If-Modified-Since": TIME_TEXT}).status == 304
    assert served.ask("COPY", "/t", {"Destination": "/copy"}).status == 201
    assert served.ask("MOVE", "/t", {"Destination": "/moved"}).status == 201
    assert told("/copy") == told("/moved") == (TIME_TEXT, TIME_TEXT, TIME)


def test_the_answer_says_that_the_time_was_taken_and_what_is_no_time_is_refused(served, folder):
    assert served.ask("PUT", "/t", {"X-OC-Mtime": str(TIME)}, b"text")["X-OC-Mtime"] == "accepted"
    assert served.ask("PUT", "/t", {}, b"text")["X-OC-Mtime"] is None
    was = os.stat(folder / "t").st_mtime_ns
    for value in "", "now", "--1", "0x10", "99999999999999999999":
        assert served.ask("PUT", "/t", {"X-OC-Mtime": value}, b"text").status == 400, value
        assert put(served, "/t", f"<D:lastmodified>{value}</D:lastmodified>", status=207) == {D + "lastmodified": 403}
        assert set(put(served, "/t", WIN32.format(value), status=207).values()) == {403}
    assert os.stat(folder / "t").st_mtime_ns == was


@pytest.mark.core
@pytest.mark.parametrize("way", ["X-OC-Mtime", "lastmodified", "Win32LastModifiedTime"])
def test_a_time_before_1970_is_a_time(served, folder, way):
    served.ask("PUT", "/t", {}, b"text")
    ways = {"X-OC-Mtime": lambda: served.ask("PUT", "/t", {"X-OC-Mtime": "-86401"}, b"text")["X-OC-Mtime"] == "accepted",
            "lastmodified": lambda: put(served, "/t", "<D:lastmodified>-86401</D:lastmodified>"),
            "Win32LastModifiedTime": lambda: put(served, "/t", WIN32.format("Tue, 30 Dec 1969 23:59:59 GMT"))}
    assert ways[way]()

    assert os.stat(folder / "t").st_mtime_ns // 10**9 == -86401
    assert served.ask("HEAD", "/t")["Last-Modified"] == "Tue, 30 Dec 1969 23:59:59 GMT"
    (found,) = get(served, "/t").values()
    assert found[D + "getlastmodified"].text == "Tue, 30 Dec 1969 23:59:59 GMT"


@pytest.mark.core
def test_a_file_from_the_far_future_is_served(served, folder):
    (folder / "t").write_bytes(b"text")
    os.utime(folder / "t", (10**10, 10**10))  # 2286, which is more than 64 bits of nanoseconds
    if os.stat(folder / "t").st_mtime != 10**10:
        pytest.skip("this disk has no such year")
    assert served.ask("GET", "/t").body == b"text"
    assert get(served, "/t")
    assert served.ask("PUT", "/t", {}, b"more").status == 204


def test_properties_outlive_the_server(drive, house):
    first = drive()
    put(first, "/a.txt", "<x:p>kept</x:p>")
    put(first, "/sub/", f"<x:p>{'large' * 2000}</x:p>")
    first.stop()
    second = drive()
    assert one(second, "/a.txt").text == "kept" and one(second, "/sub/").text == "large" * 2000


# Prefer

def test_a_minimal_answer_leaves_out_what_is_missing_and_what_is_known(served, house):
    body = b'<propfind xmlns="DAV:"><prop><getetag/><none/></prop></propfind>'
    answer = served.ask("PROPFIND", "/a.txt", {"Depth": "0", "Prefer": "return=minimal"}, body)
    assert b"404" not in answer.body and b"getetag" in answer.body and answer["preference-applied"] == "return=minimal"
    assert patch(served, "/a.txt", "<D:set><D:prop><x:p/></D:prop></D:set>", 204, {"Prefer": "return=minimal"}).body == b""
    refused = patch(served, "/a.txt", "<D:set><D:prop><D:getetag/></D:prop></D:set>", 207, {"Prefer": "return=minimal"})
    assert refused == {D + "getetag": 403}


def test_a_listing_without_its_root(served, house):
    found = get(served, "/", "<D:prop><D:getetag/></D:prop>", "1", {"Prefer": 'depth-noroot, return="minimal"'})
    assert sorted(found) == ["/a.txt", "/sub/"]
    assert sorted(get(served, "/", depth="0", fields={"Prefer": "depth-noroot"})) == ["/"]


# extended MKCOL

def mkcol(server, target, inner, **fields):
    body = (f'<D:mkcol xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop>{inner}</D:prop></D:set></D:mkcol>').encode()
    return server.ask("MKCOL", target, fields, body)


@pytest.mark.core
def test_a_folder_can_be_made_with_properties(served, house):
    kind = "<D:resourcetype><D:collection/></D:resourcetype>"
    assert mkcol(served, "/new/", kind + "<x:p>its</x:p>", **{"Content-Type": "application/xml"}).status == 201
    assert one(served, "/new/").text == "its"
    assert "extended-mkcol" in served.ask("OPTIONS", "/")["dav"]
    refused = mkcol(served, "/odd/", "<D:resourcetype><D:collection/><x:calendar/></D:resourcetype><x:p/>")
    assert refused.status == 403 and b"mkcol-response" in refused.body and b"424" in refused.body
    assert mkcol(served, "/odd/", kind + "<D:getetag>x</D:getetag>").status == 403
    assert not (house / "odd").exists()
    assert mkcol(served, "/sub/", kind).status == 405
    assert mkcol(served, "/none/sub/", kind).status == 409
    assert served.ask("MKCOL", "/odd/", {}, b"<x/>").status in (400, 422)
    assert served.ask("MKCOL", "/odd/", {"Content-Type": "text/plain"}, b"x").status == 415
