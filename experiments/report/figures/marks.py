"""Marks that several figures share: ticks, names of rows, lanes within rows, and words beside points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.posterior.bands import Band
from experiments.report.figures.picture import WIDE, Layout
from experiments.report.style.numbers import typeset
from experiments.report.style.palette import INK, REFERENCE, RULE, MethodStyle

Ends = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Rows, values, and where their intervals begin and end, each of shape (n,)."""

ACROSS = ("axes fraction", "data")
"""Coordinates of what stands beside the axes."""
ALONG = ("data", "axes fraction")
"""Coordinates of what stands above or at the foot of the axes."""


def write(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0.0, 0.0),
    within: str | tuple[str, str] = "data",
    **look: Any,
) -> None:
    """Write words at a point of the axes, shifted by so many points of type; `look` is matplotlib's."""
    look = {"fontsize": 8, **look}
    axes.annotate(text, at, xytext=shift, xycoords=within, textcoords="offset points", **look)


def legend_above(axes: Axes, width: float) -> None:
    """Put one legend above a figure, of what has a label in these axes, in as many columns as fit."""
    handles, _ = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    if not handles or figure is None:
        return
    if not isinstance(figure.get_layout_engine(), Layout):  # a user's own figure
        axes.legend(handles=handles)
    else:
        columns = min(len(handles), 5 if width >= WIDE else 2)
        figure.legend(handles=handles, loc="outside upper left", ncols=columns, borderaxespad=0)


def few_ticks(axes: Axes, number: int = 4) -> None:
    """Let the horizontal axis have at most `number` intervals."""
    axes.xaxis.set_major_locator(MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]))


def panel_ticks(axes: Axes, columns: int) -> None:
    """Let the horizontal axis have few ticks, and two, far apart, among more than three panels in a row."""
    if columns <= 3:
        few_ticks(axes, 3)
        return
    low, high = axes.get_xlim()
    for number in range(2, 9):
        ticks = np.asarray(MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        inside = ticks[(ticks >= low) & (ticks <= high)]
        if len(inside) >= 2:
            axes.set_xticks([inside[0], inside[-1]])
            return


def factor_ticks(axes: Axes, ticks: Sequence[float]) -> None:
    """Let a logarithmic horizontal axis have these ticks alone, in plain figures."""
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:g}")))


def row_names(axes: Axes, names: Sequence[str], edge: float = 0.5, *, spine: bool = False) -> None:
    """Name rows 0, -1, ... on the vertical axis, from `edge` above the first; `spine`: with a line."""
    axes.set_ylim(-len(names) + 1 - edge, edge)
    axes.set_yticks([-row for row in range(len(names))], names)
    axes.tick_params(axis="y", length=0, labelcolor=INK.light)
    axes.spines["left"].set_visible(spine)


def shade(axes: Axes, low: float, high: float) -> None:
    """Shade what lies between two values of the horizontal axis, in the reference's grey."""
    axes.axvspan(low, high, color=REFERENCE.light, alpha=0.16, linewidth=0)


def band_of_shares(axes: Axes, bounds: Band) -> None:
    """Draw a simultaneous band of shares minus those expected, from 0 to 1, and the line of no difference."""
    low, high = (np.pad(counts / bounds.n - bounds.grid, 1) for counts in (bounds.lower, bounds.upper))
    z = np.concatenate([[0.0], bounds.grid, [1.0]])
    axes.fill_between(z, low, high, color=REFERENCE.light, alpha=0.2, linewidth=0)
    axes.axhline(0.0, color=INK.light, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def lanes(
    axes: Axes, rows: Sequence[str], methods: Sequence[tuple[MethodStyle, Ends]], *, size: float = 4.2
) -> None:
    """Draw intervals, a row for each quantity, in it a lane for each method."""
    lane = 0.8 / len(methods)
    for place, (style, (row, value, low, high)) in enumerate(methods):
        y, error = -row + 0.4 - (place + 0.5) * lane, np.maximum(np.vstack([value - low, high - value]), 0)
        look: dict[str, Any] = {"color": style.colour.light, "elinewidth": 1.1, "capsize": size / 2 - 0.7}
        axes.errorbar(value, y, None, error, style.marker, ms=size, label=style.label, zorder=3, **look)
    for line in range(len(rows) - 1):
        axes.axhline(-line - 0.5, color=RULE.light, linewidth=0.6)
    row_names(axes, rows)
    axes.grid(axis="x")
