# SPDX-License-Identifier: MIT
"""How a figure is judged: by rounds in pairs, and only as far as they can tell."""
import dataclasses
import math
import statistics


def interval(values):
    """Which two of @values their source's median lies between, 19 times out of 20 and however they are spread: it is as
    likely to have each of them above as below. Fewer than six cannot be so sure, and it is the lowest and the highest."""
    ordered, n = sorted(values), len(values)
    skip = max((k for k in range(n // 2) if sum(math.comb(n, i) for i in range(k + 1)) <= 2**n / 40), default=0)
    return ordered[skip], ordered[n - 1 - skip]


@dataclasses.dataclass
class Figure:
    """A figure of DESIGN.md: @ours is to be at most @factor times @peer's (or at least, for `rate`), and @plus.

    Compared is round with round, each with the other's of the same turn, and what counts is the median of that, and
    where it may lie: so a slow minute, which hits both, is no part of it."""
    text: str
    ours: str
    peer: str
    by: str  # "cpu_us", "rate", or a key of Round.more
    factor: float = 1.0
    plus: float = 0.0

    def judge(self, rounds):
        """@rounds: of each server, by its name, and by number. How it compares, and whether the figure is met, MISSED,
        or level: where the bound is inside the interval, this run cannot tell."""
        ours, peers = rounds.get(self.ours, {}), rounds.get(self.peer, {})
        pairs = [(ours[n].value(self.by), peers[n].value(self.by)) for n in ours.keys() & peers.keys()]
        out = {"text": self.text, "ours": self.ours, "peer": self.peer, "pairs": len(pairs), "verdict": None}
        if not pairs:
            return out
        is_ratio = self.ours != self.peer and not self.plus
        bound = self.factor if is_ratio else self.plus
        values = [a / b if is_ratio else a - self.factor * b for a, b in pairs]
        low, high = interval(values)
        best, worst = (-high, -low) if self.by == "rate" else (low, high)
        limit = -bound if self.by == "rate" else bound
        verdict = "met" if worst <= limit else "MISSED" if best > limit else "level"
        return out | {"verdict": verdict, "is_ratio": is_ratio, "bound": bound, "median": statistics.median(values),
                      "low": low, "high": high}
