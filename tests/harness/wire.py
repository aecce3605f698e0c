# SPDX-License-Identifier: MIT
"""HTTP by hand: sends exactly the bytes it is given, and reads one answer as strictly as RFC 9112 is written."""
import base64
import re
import select
import socket

from harness.wait import PATIENCE_S

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]*")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")


class Answer:
    def __init__(self, status, fields):
        self.status, self.fields, self.body, self.interim = status, fields, b"", []

    def __getitem__(self, name):
        """The one field of that name; fails where there are several. None if there is none."""
        values = [v for n, v in self.fields if n == name.lower()]
        assert len(values) <= 1, f"{name} comes {len(values)} times"
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.status} {dict(self.fields)} {self.body[:200]!r}{'...' if len(self.body) > 200 else ''}>"


class Closed(Exception):
    """The connection ended; .got is what had come of the answer."""

    def __init__(self, got, why="closed"):
        super().__init__(f"{why} after {got[:200]!r}")
        self.got, self.why = got, why


def head(method, target, fields=(), host="localhost"):
    """A request's head; @fields is a dict or pairs, and may replace Host."""
    pairs = list(fields.items() if isinstance(fields, dict) else fields)
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.insert(0, ("Host", host))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Wire:
    """One connection. Reads block for at most @seconds."""

    def __init__(self, address, seconds=PATIENCE_S, source=None):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self.host = "localhost" if isinstance(address, str) else \
            f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends it as a crashed client does: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_willing(self, data):
        """Sends while the other side takes it; a server that refuses may close in the middle."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            raise Closed(self.kept, "reset") from None
        except TimeoutError:
            raise AssertionError(f"no more came in time, after {self.kept[:200]!r}") from None
        if not data:
            raise Closed(self.kept)
        self.kept += data

    def _line(self):
        while b"\n" not in self.kept:
            self._more()
        line, _, self.kept = self.kept.partition(b"\n")
        assert line.endswith(b"\r") and b"\r" not in line[:-1], f"a bare CR or LF: {line!r}"
        return line[:-1]

    def _exactly(self, n):
        parts = [self.kept]
        got = len(self.kept)
        while got < n:
            self.kept = b""
            self._more()
            parts.append(self.kept)
            got += len(self.kept)
        whole = b"".join(parts)
        self.kept = whole[n:]
        return whole[:n]

    def _head(self):
        line = self._line()
        status = STATUS_LINE.fullmatch(line)
        assert status, f"not a status line: {line!r}"
        fields = []
        while line := self._line():
            field = FIELD.fullmatch(line)
            assert field, f"not a field: {line!r}"
            fields.append((field[1].decode().lower(), field[2].decode("utf-8", "surrogateescape")))
        return Answer(int(status[1]), fields)

    def _chunks(self):
        body = []
        while True:
            size = self._line()
            assert re.fullmatch(rb"[0-9a-fA-F]+", size), f"not a chunk size: {size!r}"
            if int(size, 16) == 0:
                assert self._line() == b"", "trailers nobody asked for"
                return b"".join(body)
            body.append(self._exactly(int(size, 16)))
            assert self._line() == b"", "a chunk does not end where it said"

    def read(self, method="GET"):
        """One whole answer to a request by @method, the interim ones in .interim."""
        interim = []
        answer = self._head()
        while answer.status < 200:
            interim.append(answer)
            answer = self._head()
        answer.interim = interim
        length, coding = answer["content-length"], answer["transfer-encoding"]
        assert not (length and coding), "Content-Length and Transfer-Encoding together"
        assert answer["date"] or answer.status >= 500, "an origin server with a clock sends Date"
        if answer.status == 204:
            assert length is None and coding is None, "a 204 has no framing"
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if coding:
            assert coding == "chunked", coding
            answer.body = self._chunks()
        elif length is not None:
            assert re.fullmatch("[0-9]+", length), length
            answer.body = self._exactly(int(length))
        else:
            assert answer["connection"] == "close", "neither a length nor a close ends this answer"
            answer.body = self.rest()
        return answer

    def read_head(self):
        """Only the head of an answer: the body is left to be read or not."""
        return self._head()

    def rest(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self._more()
        except Closed as end:
            assert end.why == "closed", end
            self.kept = b""
            return end.got

    def ask(self, method, target="/", fields=(), body=None):
        pairs = list(fields.items() if isinstance(fields, dict) else fields)
        if body is not None and not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in pairs):
            pairs.append(("Content-Length", str(len(body))))
        self.send_willing(head(method, target, pairs, self.host) + (body or b""))
        return self.read(method)

    def ended(self):
        """True when the server ended it (in good order or not) before anything else came."""
        assert not self.kept, f"bytes behind the answer: {self.kept!r}"
        try:
            self._more()
        except Closed:
            return True
        return False

    def silent(self, seconds):
        """True when nothing at all comes for that long: for what must not be answered yet."""
        return not self.kept and not select.select([self.socket], [], [], seconds)[0]
