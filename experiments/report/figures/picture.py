"""What a figure of the report is, and the style that all share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import blended_transform_factory

from experiments.report.style.palette import INK, MUTED, PAPER, RULE
from hand_cavi import InputError

WIDE, NARROW = 7.4, 3.9
"""Widths in inches: for a page on a desk, and for one in the hand."""

GROUPS = {
    "bounds": "More on the bounds",
    "moments": "More on means, widths and weights",
    "clusters": "Which points belong together",
    "reference": "The reference's chains",
    "cost": "What it took",
}
"""Figures folded away, by theme, in the order of the report."""


@dataclass(frozen=True)
class Picture:
    """One figure of the report: its name in file names, what it shows, and how to read it.

    `draw` takes a width in inches. `group` says under which of `GROUPS` it is folded away; such a figure is
    drawn once, at the narrow width. It is empty for a figure that everyone should see.
    """

    key: str
    title: str
    caption: str
    draw: Callable[[float], Figure]
    group: str = ""


def figure_style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws as the report does."""
    settings: dict[Any, object] = {
        **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), 8.5),
        **dict.fromkeys(("axes.titlecolor", "text.color"), INK.light),
        **dict.fromkeys(("axes.labelcolor", "axes.edgecolor"), MUTED.light),
        **dict.fromkeys(("axes.linewidth", "grid.linewidth"), 0.6),
        **dict.fromkeys(("axes.axisbelow", "axes.unicode_minus"), True),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.formatter.useoffset"), False),
        **dict.fromkeys(("text.parse_math", "legend.frameon"), False),
        "axes.titleweight": "normal",
        "axes.titlelocation": "left",
        "axes.facecolor": "none",
        "figure.facecolor": PAPER.light,
        "grid.color": RULE.light,
        "legend.fontsize": 8,
        "legend.handlelength": 2.4,
        "legend.columnspacing": 1.4,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.5,
        "hatch.linewidth": 0.7,
    }
    ticks = {"color": MUTED.light, "labelsize": 8, "major.width": 0.6, "major.size": 3}
    settings |= {f"{axis}tick.{name}": value for axis in "xy" for name, value in ticks.items()}
    return matplotlib.rc_context(settings)


class Layout(ConstrainedLayoutEngine):
    """What keeps the parts of a figure from overlapping; only figures that are made here have it."""

    def __init__(self) -> None:
        super().__init__(w_pad=0.05, h_pad=0.05)


class GivenAxes:
    """Stands for a figure where its panels are given, in the order of reading."""

    def __init__(self, axes: list[Axes]) -> None:
        self._axes = axes

    def subplots(self, rows: int = 1, columns: int = 1, *, squeeze: bool = True, **share: Any) -> Any:
        """Return the panels as matplotlib's function of this name does; how they share axes is the giver's.

        Raises InputError if there are not as many as are needed.
        """
        needed = rows * columns
        if len(self._axes) != needed:
            panels = "1 panel" if needed == 1 else f"{needed} panels"
            raise InputError(
                f"this figure has {panels}; give as many axes as ax, where {len(self._axes)} came"
            )
        grid = np.array(self._axes, dtype=object).reshape(rows, columns)
        return grid if not squeeze else grid.item() if needed == 1 else grid.squeeze()

    def supxlabel(self, text: str, **look: Any) -> None:
        """Label the horizontal axis of every panel."""
        for axes in self._axes:
            axes.set_xlabel(text, **look)

    def supylabel(self, text: str, **look: Any) -> None:
        """Label the vertical axis of every panel."""
        for axes in self._axes:
            axes.set_ylabel(text, **look)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout=Layout())


_new: ContextVar[Callable[[float, float], Figure]] = ContextVar("_new", default=_figure)


@contextmanager
def figures_by(make: Callable[[float, float], Figure]) -> Iterator[None]:
    """Have the figures drawn here made by a function of width and height in inches."""
    token = _new.set(make)
    try:
        yield
    finally:
        _new.reset(token)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure whose parts do not overlap, or what `figures_by` has make it."""
    return _new.get()(width, height)


def new_panels(
    number: int, columns: int, width: float, row_height: float, extra: float = 0.0, **share: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels in rows of so many columns; `share` is for matplotlib's `subplots`.

    In inches: the figure's width, the height of each row of panels, and that of what stands around them.
    """
    rows = -(-number // columns)
    figure = new_figure(width, rows * row_height + extra)
    if isinstance(figure, GivenAxes):
        rows, columns = 1, number
    panels = list(figure.subplots(rows, columns, squeeze=False, **share).ravel())
    for axes in panels[number:]:
        axes.remove()
    return figure, panels[:number]


def settle(figure: Figure) -> Figure:
    """Lay the figure out once, so that saving it in several formats does not do it again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    return figure


def view_range(x: np.ndarray, scale: float) -> tuple[float, float]:
    """Return where the axis of the data begins and ends: a little beyond them, by `scale` at least."""
    edges = bins_of(x)
    pad = max(0.06 * float(edges[-1] - edges[0]), 2.0 * scale)
    return float(edges[0]) - pad, float(edges[-1]) + pad


def bins_of(x: np.ndarray) -> np.ndarray:
    """Return edges of 8 to 60 equal bins over the data; all points equal get a bin of their own.

    The Freedman-Diaconis width smears clusters that lie far apart, because their distance is in the
    quartiles; so there are at least 1.3 sqrt(N) bins.
    """
    low, high = float(x.min()), float(x.max())
    if not high > low:
        pad = max(0.5, 1e-6 * abs(low))
        return np.linspace(low - pad, high + pad, 4)
    quartiles = np.percentile(x, [25, 75])
    spread = 2 * (quartiles[1] - quartiles[0]) / len(x) ** (1 / 3)  # Freedman & Diaconis
    number = max((high - low) / spread if spread > 0 else 30, 1.3 * len(x) ** 0.5)
    return np.linspace(low, high, int(np.clip(number, 8, 60)) + 1)


def draw_rug(
    axes: Axes, x: np.ndarray, colour: str, weight: np.ndarray | None = None, most: int = 400
) -> None:
    """Draw a tick for each point below the axis; for many points, for evenly spaced order statistics."""
    order = np.argsort(x)
    points = x[order]
    if weight is not None and weight.sum() > most:  # those that the points stand for
        reached = np.cumsum(weight[order])
        points = points[np.searchsorted(reached, np.linspace(0, 1, most) * reached[-1] * (1 - 1e-12))]
    elif len(points) > most:
        points = points[np.linspace(0, len(points) - 1, most).round().astype(int)]
    vertices = np.column_stack([np.repeat(points, 2), np.tile([-0.05, -0.015], len(points))])
    codes = np.tile([Path.MOVETO, Path.LINETO], len(points)).astype(np.uint8)
    where = blended_transform_factory(axes.transData, axes.transAxes)
    look = {"edgecolor": colour, "facecolor": "none", "linewidth": 0.7, "alpha": 0.75, "clip_on": False}
    axes.add_patch(PathPatch(Path(vertices, codes), transform=where, **look))


def below_rug(axes: Axes) -> None:
    """Move the horizontal axis down, so that a rug has its place."""
    axes.spines["bottom"].set_position(("axes", -0.065))
    axes.set_ylim(bottom=0)


def with_unit(quantity: str, unit: str) -> str:
    """Return an axis label."""
    return f"{quantity} ({unit})" if unit else quantity
