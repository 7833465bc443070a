"""Does what was fitted fit the data? Posterior predictive checks of `experiments.posterior`, drawn."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.posterior.bands import band_on
from experiments.posterior.predictive_checks import LEVEL, Compared, compare
from experiments.report.figures.marks import band_of_shares, legend_above
from experiments.report.figures.picture import WIDE, Picture, new_panels
from experiments.report.style.palette import MUTED, REFERENCE_STYLE, MethodStyle
from experiments.report.view import View

_MOST = 9  # panels
_CAPTION = (
    "From the smallest values at the left to the largest at the right: the share of the points that have "
    "been passed, minus the share that the fitted mixture has there. Rising: more points than it says; "
    f"falling: fewer. The shaded band holds the whole line with probability {100 * (1 - LEVEL):g} % if the "
    "points come from the mixture; it was fitted to them, so that lines stay inside even more often. That "
    "all coincide says that the methods agree; that they lie in the band, that the data fit."
)
_SEVERAL = (
    " Two features together show whether they belong together as the mixture says; density, whether as many "
    "points are unlikely as should be."
)


def picture(view: View) -> Picture | None:
    """Return a panel for each function of the points that is checked; None without draws."""
    if not view.with_draws:
        return None
    names = [view.feature(d) for d in range(view.problem.x.shape[1])]
    sources = [] if view.reference is None else [(REFERENCE_STYLE, view.reference)]
    sources += [(entry.style, draws) for entry, draws in view.with_draws]
    panels: dict[str, list[tuple[MethodStyle, Compared]]] = {}
    for style, draws in sources:
        for one in compare(view.problem, draws, np.random.default_rng(1), names):
            panels.setdefault(one.name, []).append((style, one))
    if not panels:
        return None
    several = _SEVERAL if len(panels) > 1 else ""
    more = f" {_MOST} of {len(panels)} panels are shown." if len(panels) > _MOST else ""
    return Picture(
        "fit",
        "Does the fitted mixture fit the data?",
        f"{_CAPTION}{several}{more}{view.missing_from([entry for entry, _ in view.with_draws])}",
        lambda width: _figure(dict(list(panels.items())[:_MOST]), width),
    )


def _figure(panels: dict[str, list[tuple[MethodStyle, Compared]]], width: float) -> Figure:
    columns = min(len(panels), 3 if width >= WIDE else 2)
    figure, grid = new_panels(len(panels), columns, width, 2.6 if len(panels) == 1 else 1.8, 0.75)
    for i, (axes, (name, lines)) in enumerate(zip(grid, panels.items(), strict=True)):
        _draw(axes, lines)
        axes.set_title(name, fontsize=8)
        if i % columns == 0:
            axes.set_ylabel("points \N{MINUS SIGN} mixture", color=MUTED.light)
        if i >= len(panels) - columns:
            axes.set_xlabel("share of the mixture", color=MUTED.light)
    legend_above(grid[0], width)
    return figure


def _draw(axes: Axes, lines: list[tuple[MethodStyle, Compared]]) -> None:
    """Draw how far the shares of points are from the expected ones, and the band for the first line."""
    first = lines[0][1]
    band_of_shares(axes, band_on(first.n, first.expected, 1 - LEVEL))
    for style, one in lines:
        thick, alpha = (4.5, 0.5) if style is REFERENCE_STYLE else (1.4, 1.0)
        z, off = np.concatenate([[0.0], one.expected, [1.0]]), np.pad(one.counts / one.n - one.expected, 1)
        axes.plot(z, off, linewidth=thick, alpha=alpha, **style.line)
