# SPDX-License-Identifier: MIT
"""A shell on a terminal, as somebody sits before it."""
import os
import pty
import re
import select
import signal
import time

TIMEOUT_S = 20
PROMPT = "prompt-7391> "


class Terminal:
    def __init__(self, environment, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {**environment, "PS1": PROMPT, "TERM": "dumb"})
        self.seen = ""
        self.expect(PROMPT)

    def expect(self, pattern):
        """Reads until @pattern has come; what came before it, and it."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{pattern!r} did not come; there was {self.seen!r}")
            self.seen += os.read(self.fd, 4096).decode(errors="replace").replace("\r\n", "\n")
        text, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return text

    def type(self, text):
        os.write(self.fd, text.encode())

    def command(self, line):
        """Types a line, and waits for its echo."""
        self.type(line + "\n")
        self.expect(re.escape(line[-20:]) + "\n")

    def output(self):
        """What comes until the next prompt."""
        return self.expect(PROMPT)[:-len(PROMPT)]

    def end(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
