"""Which components hold points, and what is said of those that hold none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hand_cavi.result import Fit

OCCUPIED = 0.5
"""Points that a component holds at least, to count as occupied; a convention of this project."""


def occupied(fit: "Fit") -> np.ndarray:
    """Return which components hold points, shape (K,)."""
    return fit.counts >= OCCUPIED


def on_empty(holds: Sequence[bool] | np.ndarray) -> str:
    """Say which components hold no points, counted from 1 in the order given; nothing if all hold some."""
    empty = [k for k, one in enumerate(holds, 1) if not one]
    if not empty:
        return ""
    if len(empty) == 1:
        return f"component {empty[0]} holds no points: its figures are the prior's"
    return f"components {listed(empty)} hold no points: their figures are the prior's"


def listed(numbers: list[int]) -> str:
    """Return ascending numbers in words, three or more in a row as "2 to 4"."""
    runs: list[list[int]] = []
    for k in numbers:
        if runs and k == runs[-1][-1] + 1:
            runs[-1].append(k)
        else:
            runs.append([k])
    words = [word for run in runs for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
