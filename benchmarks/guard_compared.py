"""Whether a row of `guard.py` moved: by instructions, which hardly vary, or by the ratios of paired times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOVED = {"instructions": 0.01, "times": 0.05}
"""By how much a row has to move to be told."""
COVERAGE = 0.99


@dataclass(frozen=True)
class Compared:
    """A row of both: head over base, the interval of that ratio, and what it is by."""

    row: str
    by: str
    base: float = math.nan
    head: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    why: str = ""

    @property
    def moved(self) -> str:
        """``slower``, ``faster``, or empty."""
        margin = MOVED[self.by]
        if self.low > 1 and self.ratio > 1 + margin:
            return "slower"
        return "faster" if self.high < 1 and self.ratio < 1 - margin else ""

    @property
    def cells(self) -> dict[str, str]:
        """The row of the table."""
        if self.why:
            return {"row": self.row, "verdict": f"not run: {self.why}"}
        scale, unit = (1e-6, "million") if self.by == "instructions" else (1e3, "ms")
        told = {"row": self.row, f"base, {unit}": f"{self.base * scale:.1f}"}
        told |= {f"head, {unit}": f"{self.head * scale:.1f}", "head / base": f"{self.ratio:.3f}"}
        if self.by == "times":
            told["99 % interval"] = f"{self.low:.3f} to {self.high:.3f}"
        return {**told, "verdict": self.moved}


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and an interval that holds the true one with a chance of 99 % at least.

    Between two order statistics, whatever the distribution: the sign test turned round. Too few values have
    no such interval, and everything is in it.
    """
    ordered, n = sorted(values), len(values)
    below, place = 0.0, -1
    while below + math.comb(n, place + 1) / 2**n <= (1 - COVERAGE) / 2:
        place += 1
        below += math.comb(n, place) / 2**n
    if place < 0:
        return median(ordered), 0.0, math.inf
    return median(ordered), ordered[place], ordered[n - 1 - place]
