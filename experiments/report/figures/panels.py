"""One small panel for each component: the frame that the forest and the densities share."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.figures.picture import WIDE, new_figure
from experiments.report.view import View, numbers_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 12
"""Components shown; more than these make no readable figure."""


def moments(view: View) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return (entry's index, sorted means, their posterior sds) of every method that has them (D = 1)."""
    n_components = view.record.problem.mixture.n_components
    found = []
    for index, entry in enumerate(view.entries):
        means, sds = numbers_of(entry.record, "sorted_means"), numbers_of(entry.record, "sorted_sds")
        if means is not None and sds is not None and means[0].size == sds[0].size == n_components:
            found.append((index, means[0], sds[0]))
    return found


def component_panels(
    view: View, width: float, row_height: float, extra: float
) -> tuple["Figure", list["Axes"], int]:
    """Return a figure with a panel for each component, and the number of columns.

    Parameters
    ----------
    view : View
    width, row_height, extra : float
        In inches: of the figure, of each row of panels, and of what stands around them.
    """
    number = min(view.record.problem.mixture.n_components, MOST)
    most = 5 if width >= WIDE else 2
    rows = -(-number // most)
    columns = -(-number // rows)
    figure = new_figure(width, rows * row_height + extra)
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.ravel())
    for axes in panels[number:]:
        axes.remove()
    return figure, panels[:number], columns


def only_first(view: View) -> str:
    """Return a sentence saying that not all components are shown, or nothing."""
    n_components = view.record.problem.mixture.n_components
    return f" Only the first {MOST} of {n_components} components are shown." if n_components > MOST else ""
