"""One small panel for each component and feature: the frame that the forest and the densities share."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.posterior.draws import location
from experiments.records import Draws
from experiments.report.figures.picture import WIDE, new_panels
from experiments.report.view import Entry, View, numbers_of

MOST = 12
"""Panels shown; more than these make no readable figure."""

Moments = tuple[np.ndarray, np.ndarray]
"""Means and standard deviations, both of shape (panels,)."""


def flat_location(draws: Draws) -> np.ndarray:
    """Return the location of every draw's components, entry by entry, shape (S, K L)."""
    values = location(draws)
    return values.reshape(len(values), -1)


def titles_of(view: View, number: int) -> list[str]:
    """Return the titles of so many panels: `titles` if they are K L, else numbers."""
    heads = titles(view)
    return heads if len(heads) == number else [str(i + 1) for i in range(number)]


def titles(view: View) -> list[str]:
    """Return the title of every panel: K L of them, the entries of the first component first."""
    components = range(1, view.problem.mixture.n_components + 1)
    entries = view.entries_of_location
    if entries == ("",):
        return [f"component {k}" for k in components]
    return [f"{k}: {entry}" for k in components for entry in entries]


def moments(view: View, kind: str) -> list[tuple[Entry, Moments]]:
    """Return methods' means and sds, (K L,): of components ``sorted`` in each draw, or by ``component``."""
    number, found = len(titles(view)), []
    for entry in view.entries:
        means, sds = numbers_of(entry.record, f"{kind}_means"), numbers_of(entry.record, f"{kind}_sds")
        if means is not None and sds is not None and means[0].size == sds[0].size == number:
            found.append((entry, (means[0], sds[0])))
    return found


def panel_grid(number: int, width: float, row_height: float, extra: float) -> tuple[Figure, list[Axes], int]:
    """Return a figure with so many panels, `MOST` at most, and the number of columns; see `new_panels`."""
    number = min(number, MOST)
    rows = -(-number // (5 if width >= WIDE else 2))
    columns = -(-number // rows)
    return *new_panels(number, columns, width, row_height, extra), columns


def axis_label(view: View) -> str:
    """Return what the panels' horizontal axes show."""
    unit = f" ({view.record.unit})" if view.record.unit and view.word == "mean" else ""
    return f"{'sorted ' if view.is_sorted else ''}{view.word}{unit}"


def only_first(number: int) -> str:
    """Return a sentence saying that not all panels are shown, or nothing."""
    return f" Only the first {MOST} of {number} are shown." if number > MOST else ""
