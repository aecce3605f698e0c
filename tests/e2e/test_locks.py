# SPDX-License-Identifier: MIT
"""WebDAV locks: what RFC 4918 promises to who holds one, and to everybody else."""
import re
import threading
import xml.etree.ElementTree as ET

import pytest

from harness.wait import until
from harness.wire import basic

D = "{DAV:}"


def lockinfo(scope="exclusive", owner="<D:href>mailto:a@example.org</D:href>"):
    return (f'<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope>'
            f"<D:locktype><D:write/></D:locktype><D:owner>{owner}</D:owner></D:lockinfo>").encode()


def lock(server, target, depth="0", scope="exclusive", status=(200, 201), fields=None, **more):
    """The token of a new lock; or the answer, where that is another."""
    answer = server.ask("LOCK", target, {"Depth": depth, **(fields or {}), **more}, lockinfo(scope))
    if answer.status not in (200, 201):
        assert answer.status == status, answer
        return answer
    assert status == (200, 201) or answer.status == status, answer
    token = re.fullmatch("<(urn:uuid:[0-9a-f-]{36})>", answer["lock-token"])[1]
    assert token in answer.body.decode()
    return token


def unlock(server, target, token, status=204, **fields):
    answer = server.ask("UNLOCK", target, {"Lock-Token": f"<{token}>", **fields})
    assert answer.status == status, answer
    return answer


def held(*tokens):
    return {"If": "(" + ")(".join(f"<{t}>" for t in tokens) + ")"}


def active(server, target, **fields):
    """[(scope, depth, token, root, seconds, owner)] as lockdiscovery says."""
    body = b'<propfind xmlns="DAV:"><prop><lockdiscovery/><supportedlock/></prop></propfind>'
    answer = server.ask("PROPFIND", target, {"Depth": "0", **fields}, body)
    assert answer.status == 207, answer
    root = ET.fromstring(answer.body)
    assert len(root.findall(f".//{D}lockentry")) == 2
    return [(e.find(D + "lockscope")[0].tag[len(D):], e.find(D + "depth").text, e.find(f"{D}locktoken/{D}href").text,
             e.find(f"{D}lockroot/{D}href").text, int(e.find(D + "timeout").text[len("Second-"):]),
             "".join(e.find(D + "owner").itertext()) if e.find(D + "owner") is not None else None)
            for e in root.iter(D + "activelock")]


@pytest.fixture
def house(folder):
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"alpha")
    (folder / "sub" / "b.txt").write_bytes(b"beta")
    (folder / "sub" / "deep" / "c.txt").write_bytes(b"gamma")
    return folder


@pytest.mark.core
def test_a_lock_is_told_of_and_keeps_others_from_writing(served, house):
    token = lock(served, "/a.txt", Timeout="Second-600")

    (scope, depth, told, root, seconds, owner), = active(served, "/a.txt")
    assert (scope, depth, told, root, owner) == ("exclusive", "0", token, "/a.txt", "mailto:a@example.org")
    assert 590 <= seconds <= 600
    refused = served.ask("PUT", "/a.txt", body=b"other")
    assert refused.status == 423 and b"lock-token-submitted" in refused.body and b"/a.txt" in refused.body
    for method, fields in (("DELETE", {}), ("MOVE", {"Destination": "/x"}), ("PROPPATCH", {})):
        body = b'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'
        assert served.ask(method, "/a.txt", fields, body if method == "PROPPATCH" else None).status == 423, method
    assert served.ask("COPY", "/sub/b.txt", {"Destination": "/a.txt"}).status == 423
    assert served.ask("GET", "/a.txt").body == b"alpha"
    assert served.ask("COPY", "/a.txt", {"Destination": "/copy.txt"}).status == 201
    assert active(served, "/copy.txt") == []

    assert served.ask("PUT", "/a.txt", held(token), b"mine").status == 204
    unlock(served, "/a.txt", token)
    assert active(served, "/a.txt") == []
    assert served.ask("PUT", "/a.txt", body=b"other").status == 204


@pytest.mark.core
def test_options_says_that_there_are_locks(drive, house):
    answer = drive().ask("OPTIONS", "/a.txt")
    assert [c.strip() for c in answer["dav"].split(",")][:3] == ["1", "2", "3"]
    assert {"LOCK", "UNLOCK"} <= {m.strip() for m in answer["allow"].split(",")}
    assert "2" not in drive("--read-only").ask("OPTIONS", "/a.txt")["dav"]


@pytest.mark.core
def test_a_lock_on_a_name_without_a_file_makes_one_that_can_be_written_as_new(served, house):
    """What davfs2 does for every new file."""
    token = lock(served, "/new.txt", status=201)
    assert (house / "new.txt").read_bytes() == b""
    other = served.ask("PUT", "/new.txt", {"If-None-Match": "*"}, b"other")
    assert other.status in (412, 423)

    put = served.ask("PUT", "/new.txt", {"If-None-Match": "*", "If": f"<{served.url}/new.txt> (<{token}>)"}, b"new")
    assert put.status in (201, 204) and (house / "new.txt").read_bytes() == b"new"
    again = served.ask("PUT", "/new.txt", {"If-None-Match": "*", "If": f"<{served.url}/new.txt> (<{token}>)"}, b"newer")
    assert again.status == 412
    unlock(served, "/new.txt", token)


def test_what_a_lock_made_can_also_be_written_as_the_empty_file_it_is(served, house):
    """What davfs2 1.6.1 does: LOCK, HEAD, PUT with the tag it saw."""
    token = lock(served, "/new.txt", status=201)
    tag = served.ask("HEAD", "/new.txt")["etag"]
    assert served.ask("PUT", "/new.txt", {"If-Match": tag, **held(token)}, b"new").status == 204
    assert served.ask("PUT", "/new.txt", {"If-Match": tag, **held(token)}, b"old").status == 412
    assert (house / "new.txt").read_bytes() == b"new"


def test_an_empty_file_that_was_there_is_not_taken_for_new(served, house):
    (house / "empty").touch()
    token = lock(served, "/empty", status=200)
    assert served.ask("PUT", "/empty", {"If-None-Match": "*", **held(token)}, b"x").status == 412


def test_a_lock_needs_a_folder_to_be_in_and_makes_none(served, house):
    assert lock(served, "/none/x", status=409).status == 409
    assert served.ask("LOCK", "/none/", {}, lockinfo()).status in (404, 405, 409)
    assert not (house / "none").exists()


@pytest.mark.core
def test_exclusive_locks_exclude_and_shared_ones_share(served, house):
    lock(served, "/a.txt", scope="exclusive")
    conflict = lock(served, "/a.txt", scope="shared", status=423)
    assert b"no-conflicting-lock" in conflict.body

    one, two = lock(served, "/sub/b.txt", scope="shared"), lock(served, "/sub/b.txt", scope="shared")
    lock(served, "/sub/b.txt", scope="exclusive", status=423)
    assert {t for _, _, t, *_ in active(served, "/sub/b.txt")} == {one, two}
    assert served.ask("PUT", "/sub/b.txt", body=b"x").status == 423
    assert served.ask("PUT", "/sub/b.txt", held(two), b"x").status == 204
    unlock(served, "/sub/b.txt", one)
    assert served.ask("PUT", "/sub/b.txt", body=b"x").status == 423


@pytest.mark.core
def test_a_deep_lock_covers_all_below_also_what_comes_later(served, house):
    token = lock(served, "/sub/", "infinity")
    (scope, depth, told, root, *_), = active(served, "/sub/deep/c.txt")
    assert (depth, told, root) == ("infinity", token, "/sub/")
    assert served.ask("PUT", "/sub/deep/c.txt", body=b"x").status == 423
    assert served.ask("PUT", "/sub/new.txt", body=b"x").status == 423
    assert served.ask("MKCOL", "/sub/new/").status == 423
    assert served.ask("COPY", "/a.txt", {"Destination": "/sub/new.txt"}).status == 423
    assert served.ask("MOVE", "/a.txt", {"Destination": "/sub/new.txt"}).status == 423
    assert served.ask("MOVE", "/sub/b.txt", {"Destination": "/b.txt"}).status == 423

    tagged = {"If": f"</sub/> (<{token}>)"}
    assert served.ask("PUT", "/sub/new.txt", tagged, b"x").status == 201
    assert [t for _, _, t, *_ in active(served, "/sub/new.txt")] == [token]
    assert served.ask("MKCOL", "/sub/new/", tagged).status == 201
    assert served.ask("MOVE", "/sub/new.txt", {"Destination": "/out.txt", **tagged}).status == 201
    assert active(served, "/out.txt") == []
    unlock(served, "/sub/deep/c.txt", token)  # anything it covers will do
    assert active(served, "/sub/") == []


def test_a_lock_of_depth_0_on_a_folder_keeps_its_members_names(served, house):
    token = lock(served, "/sub/", "0")
    assert served.ask("PUT", "/sub/b.txt", body=b"changed").status == 204
    assert served.ask("PUT", "/sub/new.txt", body=b"x").status == 423
    assert lock(served, "/sub/new.txt", status=423).status == 423
    assert served.ask("DELETE", "/sub/b.txt").status == 423
    assert served.ask("MOVE", "/sub/b.txt", {"Destination": "/b.txt"}).status == 423
    assert served.ask("PUT", "/sub/deep/new.txt", body=b"x").status == 201
    assert served.ask("DELETE", "/sub/b.txt", {"If": f"</sub/> (<{token}>)"}).status == 204


@pytest.mark.core
def test_a_deep_lock_and_one_below_it_exclude_one_another(served, house):
    lock(served, "/sub/deep/c.txt")
    answer = lock(served, "/sub/", "infinity", status=207)
    assert b"/sub/deep/c.txt" in answer.body and b"423" in answer.body and b"424" in answer.body
    lock(served, "/sub/", "0")
    assert served.ask("LOCK", "/", {}, lockinfo()).status == 207  # no Depth is infinity


def test_what_holds_a_locked_member_does_not_go(served, house):
    token = lock(served, "/sub/deep/c.txt")
    for method, fields in (("DELETE", {}), ("MOVE", {"Destination": "/elsewhere/"})):
        answer = served.ask(method, "/sub/", fields)
        assert answer.status == 207 and b"/sub/deep/c.txt" in answer.body and b"423" in answer.body
    assert served.ask("COPY", "/sub/deep/", {"Destination": "/copy/"}).status == 201
    assert served.ask("COPY", "/copy/", {"Destination": "/sub/"}).status == 207
    assert (house / "sub" / "deep" / "c.txt").exists()

    moved = served.ask("MOVE", "/sub/", {"Destination": "/elsewhere/", "If": f"</sub/deep/c.txt> (<{token}>)"})
    assert moved.status == 201
    assert active(served, "/elsewhere/deep/c.txt") == []
    unlock(served, "/elsewhere/deep/c.txt", token, status=409)
    assert served.ask("PUT", "/elsewhere/deep/c.txt", body=b"x").status == 204


def test_a_deleted_files_lock_goes_with_it(served, house):
    token = lock(served, "/a.txt")
    assert served.ask("DELETE", "/a.txt", held(token)).status == 204
    assert served.ask("PUT", "/a.txt", body=b"again").status == 201
    assert active(served, "/a.txt") == []


def test_a_locked_file_that_is_overwritten_stays_locked(served, house):
    token = lock(served, "/a.txt")
    tagged = {"Destination": "/a.txt", "If": f"</a.txt> (<{token}>)"}
    assert served.ask("COPY", "/sub/b.txt", tagged).status == 204
    assert [t for _, _, t, *_ in active(served, "/a.txt")] == [token]
    assert served.ask("MOVE", "/sub/b.txt", tagged).status == 204
    assert [t for _, _, t, *_ in active(served, "/a.txt")] == [token]
    assert (house / "a.txt").read_bytes() == b"beta"


@pytest.mark.core
def test_a_refresh_prolongs_and_needs_the_token(served, house):
    token = lock(served, "/a.txt", Timeout="Second-100")
    answer = served.ask("LOCK", "/a.txt", {**held(token), "Timeout": "Second-5000"})
    assert answer.status == 200 and answer["lock-token"] is None and token in answer.body.decode()
    (_, _, told, _, seconds, owner), = active(served, "/a.txt")
    assert told == token and 4990 <= seconds <= 5000 and owner == "mailto:a@example.org"
    assert served.ask("LOCK", "/a.txt").status == 400
    assert served.ask("LOCK", "/a.txt", held("urn:uuid:01234567-89ab-4def-8123-456789abcdef")).status == 412
    assert served.ask("LOCK", "/sub/b.txt", held(token)).status == 412


def test_timeouts_have_a_maximum_and_end_the_lock(served, house):
    lock(served, "/a.txt", Timeout="Infinite, Second-4100000000")
    assert active(served, "/a.txt")[0][4] <= 86400
    lock(served, "/sub/b.txt", Timeout="Second-1")
    assert served.ask("PUT", "/sub/b.txt", body=b"x").status == 423
    until(lambda: active(served, "/sub/b.txt") == [], "the lock has ended", 5)
    assert served.ask("PUT", "/sub/b.txt", body=b"x").status == 204
    lock(served, "/sub/b.txt")


@pytest.mark.parametrize("fields, body, status", [
    ({"Depth": "1"}, lockinfo(), 400), ({"Depth": "x"}, lockinfo(), 400), ({}, b"<no", 400), ({}, b"<x/>", 422),
    ({"If": "(<no"}, lockinfo(), 400), ({"If": "(<urn:x:y>)"}, lockinfo(), 412)])
def test_a_lock_that_makes_no_sense_is_refused(served, house, fields, body, status):
    answer = served.ask("LOCK", "/a.txt", fields, body)
    assert answer.status in (status, 400 if status == 422 else status), answer
    assert active(served, "/a.txt") == []


def test_unlock_needs_the_right_token(served, house):
    token = lock(served, "/a.txt")
    assert served.ask("UNLOCK", "/a.txt").status == 400
    unlock(served, "/a.txt", "urn:uuid:01234567-89ab-4def-8123-456789abcdef", status=409)
    assert b"lock-token-matches-request-uri" in unlock(served, "/sub/b.txt", token, status=409).body
    assert served.ask("UNLOCK", "/a.txt", {"Lock-Token": token}).status == 204  # Windows forgets the brackets


@pytest.fixture
def two_users(start, folder, house, tmp_path, model):
    import subprocess
    from harness.server import PREFORKD
    for name in ("alice", "bob"):
        subprocess.run([PREFORKD, "passwd", tmp_path / "users", name], input=f"{name}\n".encode(), check=True, capture_output=True)
    return start("drive", "--model", model, "--workers", "2..4", "--users", tmp_path / "users", folder)


def test_nobody_can_use_another_users_lock(two_users, house):
    alice, bob = basic("alice", "alice"), basic("bob", "bob")
    token = lock(two_users, "/a.txt", fields=alice)

    (_, _, told, *_), = active(two_users, "/a.txt", **bob)
    assert two_users.ask("PUT", "/a.txt", {**held(told), **bob}, b"stolen").status == 423
    assert two_users.ask("LOCK", "/a.txt", {**held(told), **bob}).status in (403, 412, 423)
    unlock(two_users, "/a.txt", told, status=403, **bob)
    assert two_users.ask("PUT", "/a.txt", {**held(token), **alice}, b"mine").status == 204
    assert (house / "a.txt").read_bytes() == b"mine"


# the If field

def etag(server, target):
    return server.ask("HEAD", target)["etag"]


@pytest.mark.core
def test_an_if_field_holds_when_one_of_its_lists_does(served, house):
    tag, token = etag(served, "/a.txt"), lock(served, "/a.txt")
    stranger = "urn:uuid:01234567-89ab-4def-8123-456789abcdef"
    cases = [
        (f"(<{token}>)", 204), (f"(<{token}> [{tag}])", 412), (f"(<{stranger}>)(<{token}>)", 204), (f"(<{stranger}>)", 412),
        (f"(Not <{stranger}>)", 423), (f"(<{token}>)(Not <DAV:no-lock>)", 204), (f"(<{token}> <{stranger}>)", 412),
        (f"</a.txt> (<{token}>)", 204), (f"<{served.url}/a.txt> (<{token}>)", 204), (f"</sub/b.txt> (<{token}>)", 412),
        (f"</sub/b.txt> (Not <{token}>)", 204), (f"<http://other.example/a.txt> (<{token}>)", 412),
        ("", 400), ("(", 400), ("()", 400), ("<x>", 400)]
    assert served.ask("PUT", "/a.txt", {"If": f"(<{token}> [{tag}])"}, b"first").status == 204
    for field, status in cases:
        assert served.ask("PUT", "/a.txt", {"If": field}, b"x").status == status, field


def test_an_if_field_may_speak_of_several_resources_and_their_etags(served, house):
    a, b = etag(served, "/a.txt"), etag(served, "/sub/b.txt")
    assert served.ask("PUT", "/a.txt", {"If": f"</sub/b.txt> ([{b}])"}, b"x").status == 204
    assert served.ask("PUT", "/a.txt", {"If": f'</sub/b.txt> (["none"])'}, b"x").status == 412
    assert served.ask("PUT", "/a.txt", {"If": f"([{a}])"}, b"x").status == 412
    assert served.ask("DELETE", "/a.txt", {"If": f'(Not ["none"])'}).status == 204
    assert served.ask("GET", "/sub/b.txt", {"If": '(["none"])'}).status == 412
    assert served.ask("MKCOL", "/dir/", {"If": '</none> (["x"])'}).status == 412


# what lasts, what races

def test_locks_outlive_the_server_and_hold_in_every_worker(drive, house):
    first = drive()
    token = lock(first, "/sub/", "infinity")
    first.stop()
    second = drive()
    for _ in range(12):
        with second.connect() as a, second.connect() as b:
            for wire in (a, b):
                assert wire.ask("PUT", "/sub/b.txt", body=b"x").status == 423
    assert second.ask("PUT", "/sub/b.txt", {"If": f"</sub/> (<{token}>)"}, b"x").status == 204


def test_a_lock_is_on_the_file_whatever_links_lead_to_it(served, house):
    (house / "way").symlink_to("sub")
    lock(served, "/way/b.txt")
    assert served.ask("PUT", "/sub/b.txt", body=b"x").status == 423
    lock(served, "/way/deep/", "infinity")
    assert served.ask("PUT", "/sub/deep/c.txt", body=b"x").status == 423
    assert len(active(served, "/way/deep/c.txt")) == 1


def test_an_upload_that_began_before_the_lock_does_not_slip_past_it(served, house):
    with served.connect() as wire:
        wire.send(b"PUT /a.txt HTTP/1.1\r\nHost: " + wire.host.encode() + b"\r\nContent-Length: 10\r\n\r\nhello")
        until(lambda: served.holders(wire), "a worker reads it")
        token = lock(served, "/a.txt")
        wire.send(b"world")
        assert wire.read("PUT").status == 423
    assert (house / "a.txt").read_bytes() == b"alpha"
    unlock(served, "/a.txt", token)


def at_once(n, work):
    """What @work(i) gave, for all i, done by n threads that begin together."""
    barrier, results = threading.Barrier(n), [None] * n

    def run(i):
        barrier.wait()
        results[i] = work(i)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


MKCOL = (b'<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype><x xmlns="urn:x">1</x>'
         b'</D:prop></D:set></D:mkcol>')


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["lock", "deep", "put-new", "put-same", "if", "mkcol", "mkcol-with", "move"])
def test_of_sixteen_who_want_the_same_exactly_one_wins(drive, house, kind, rounds):
    served = drive("--durability", "rename")

    def attempt(round_, tag, i):
        with served.connect() as wire:
            if kind == "lock":
                return wire.ask("LOCK", f"/l{round_}", {"Depth": "0"}, lockinfo())
            if kind == "deep":
                target, depth = (f"/d{round_}/", "infinity") if i % 2 else (f"/d{round_}/x", "0")
                return wire.ask("LOCK", target, {"Depth": depth}, lockinfo())
            if kind == "put-new":
                return wire.ask("PUT", f"/p{round_}", {"If-None-Match": "*"}, b"%d" % i)
            if kind == "put-same":
                return wire.ask("PUT", "/a.txt", {"If-Match": tag}, b"%d %d" % (i, round_))
            if kind == "if":
                return wire.ask("PUT", "/a.txt", {"If": f"([{tag}])"}, b"%d %d" % (i, round_))
            if kind == "mkcol":
                return wire.ask("MKCOL", f"/m{round_}/")
            if kind == "mkcol-with":
                return wire.ask("MKCOL", f"/w{round_}/", {}, MKCOL if i % 2 else None)
            return wire.ask("MOVE", f"/from{i}", {"Destination": f"/t{round_}", "Overwrite": "F"})
    for round_ in range(rounds):
        for i in range(16):
            (house / f"from{i}").write_bytes(b"%d" % i)
        if kind == "deep":
            (house / f"d{round_}").mkdir()
            (house / f"d{round_}" / "x").touch()
        tag = etag(served, "/a.txt")
        answers = at_once(16, lambda i: attempt(round_, tag, i))
        winners = [a for a in answers if a.status in (200, 201, 204)]
        assert len(winners) == 1, [a.status for a in answers]
        assert {a.status for a in answers if a not in winners} <= {405, 412, 423, 207}


def test_a_lock_bomb_leaves_a_server_that_locks(start, house, model):
    # Each keeps its connection, which under the model fork is a process.
    served = start("drive", "--model", model, "--workers", "16", "--durability", "rename", house)

    def bomb(i):
        with served.connect() as wire:
            for n in range(100):
                answer = wire.ask("LOCK", f"/bomb{i}", {"Depth": "0"}, lockinfo())
                assert answer.status in (200, 201)
                assert wire.ask("UNLOCK", f"/bomb{i}", {"Lock-Token": answer["lock-token"]}).status == 204
        return True
    assert at_once(16, bomb) == [True] * 16
    assert list((house / ".prefork" / "locks" / "tree").iterdir()) == []
    lock(served, "/a.txt")


def test_thousands_of_locks_in_a_folder_are_listed_and_respected(drive, house):
    served = drive("--durability", "rename")
    with served.connect() as wire:
        for n in range(2000):
            assert wire.ask("LOCK", f"/sub/n{n}", {"Depth": "0"}, lockinfo()).status == 201
        assert wire.ask("PUT", "/sub/n1999", {}, b"x").status == 423
        found = wire.ask("PROPFIND", "/sub/", {"Depth": "1"}, b'<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>')
        assert found.body.count(b"<D:activelock>") == 2000
        assert wire.ask("LOCK", "/sub/", {}, lockinfo()).status == 207
        assert wire.ask("DELETE", "/sub/").status == 207
