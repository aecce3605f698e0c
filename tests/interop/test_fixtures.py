# SPDX-License-Identifier: MIT
"""What Finder, Explorer and Office send, replayed. (The format is in fixtures/README.)"""
import pathlib
import re

import pytest

SESSIONS = sorted((pathlib.Path(__file__).parent / "fixtures").glob("*.session"))


def steps(text):
    """(statuses, request, texts its answer holds) of each request; and the (path, text) at the end."""
    found, files = [], []
    for line in text.split("\n"):
        if line.startswith(">>> "):
            found.append(([int(s) for s in line[4:].split(",")], [], []))
        elif line.startswith("<<< "):
            found[-1][2].append(line[4:])
        elif line.startswith("=== "):
            files.append(line[4:].split(" ", 1))
        elif line or (found and "" not in found[-1][1]):
            found[-1][1].append(line)
    return found, files


def as_bytes(lines, host, token):
    end = lines.index("")
    head, body = lines[:end], "\n".join(lines[end + 1:])
    chunked = any(h.lower().startswith("transfer-encoding") for h in head)
    if chunked:
        body = body.replace("\n", "\r\n") + "\r\n\r\n"
    elif body and not any(h.lower().startswith("content-length") for h in head):
        head.append(f"Content-Length: {len(body.encode())}")
    elif head[0].startswith("PUT") and not any(h.lower().startswith("content-length") for h in head):
        head.append("Content-Length: 0")
    text = "\r\n".join(head) + "\r\n\r\n" + body
    return text.replace("{host}", host).replace("{token}", token).encode()


@pytest.mark.core
@pytest.mark.parametrize("session", SESSIONS, ids=lambda p: p.stem)
def test_a_known_clients_requests_get_the_answers_it_needs(served, folder, session):
    requests, files = steps(session.read_text())
    token = ""
    with served.connect() as wire:
        for statuses, lines, texts in requests:
            wire.send(as_bytes(lines, wire.host, token))
            answer = wire.read(lines[0].split()[0])
            assert answer.status in statuses, (lines[0], answer)
            if lines[0].startswith("OPTIONS"):
                assert "2" in re.split(", *", answer["dav"]) and answer["ms-author-via"] == "DAV"
            for text in texts:
                assert text.encode() in answer.body, (lines[0], text, answer.body)
            if answer["lock-token"]:
                token = answer["lock-token"].strip("<>")
    assert files
    for path, text in files:
        assert (folder / path).read_text() == text
