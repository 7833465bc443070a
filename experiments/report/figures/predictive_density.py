"""The data with the density that each method predicts, and below it how far each is from the reference's.

The noise floor is the Monte-Carlo error of the reference's own curve, from batches of its draws (batch
means; consecutive draws, so that a sampler's correlation counts), times sqrt 2 for a difference.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.records import Draws
from experiments.report.densities import component_densities, has_density
from experiments.report.figures.marks import legend_above
from experiments.report.figures.picture import (
    Picture,
    below_rug,
    bins_of,
    draw_rug,
    new_figure,
    view_range,
    with_unit,
)
from experiments.report.style.palette import DATA, MUTED, REFERENCE
from experiments.report.view import Entry, View
from hand_cavi import Mixture

_BATCHES = 20
Curves = list[tuple[Entry, np.ndarray]]
Truth = tuple[np.ndarray, np.ndarray]
"""The reference's density on the grid, and its standard error, both of shape (G,)."""


def picture(view: View) -> Picture | None:
    """Return the picture (D = 1), or None where there is nothing to draw over the data."""
    problem, unit = view.problem, view.record.unit
    if not view.with_draws or not view.one_feature or not has_density(problem.mixture):
        return None
    scale = float(np.sqrt(getattr(problem.mixture.components, "noise_variance", 0.0)))
    grid = np.linspace(*view_range(problem.drawn[0][:, 0], scale), 240)
    curves = [
        (entry, component_densities(problem.mixture, draws, grid).sum(axis=0))
        for entry, draws in view.with_draws
    ]
    truth = None if view.reference is None else density_and_error(problem.mixture, view.reference, grid)

    def draw(width: float) -> Figure:
        heights = (1.0,) if truth is None else (2.1, 1.0)
        figure = new_figure(width, 2.9 if truth is None else 4.0)
        panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        _densities(panels[0], view, grid, curves, truth)
        panels[0].set_title(with_unit("density", f"per {unit}" if unit else ""), fontsize=8)
        if truth is not None:
            _differences(panels[1], grid, curves, truth)
        for axes in panels:
            axes.set_xlim(grid[0], grid[-1])
        panels[-1].set_xlabel(with_unit("x", unit))
        legend_above(panels[0], width)
        return figure

    below = (
        " The thick grey line is the reference. Below: each method's density minus the reference's; in the "
        "grey band, ± 2 standard errors of such a difference by the number of draws alone, lies the noise "
        "floor, where differences mean nothing."
        if truth is not None
        else ""
    )
    return Picture(
        "density",
        "Data and predictive densities",
        "Grey bars and ticks are the data; each line is the density that a method predicts for a new "
        "point. Where the lines coincide, the methods agree about the data, whatever their bounds "
        f"say.{below}{view.missing_from([entry for entry, _ in curves])}",
        draw,
    )


def density_and_error(mixture: Mixture, draws: Draws, grid: np.ndarray) -> Truth:
    """Return the predictive density and its Monte-Carlo standard error, each of shape (G,)."""
    n_draws = len(next(iter(draws.values())))
    edges = np.linspace(0, n_draws, min(_BATCHES, n_draws) + 1).round().astype(int)
    batches = np.array(
        [
            component_densities(mixture, {name: v[a:b] for name, v in draws.items()}, grid).sum(axis=0)
            for a, b in zip(edges, edges[1:], strict=False)
        ]
    )
    density = np.average(batches, axis=0, weights=np.diff(edges))
    if len(batches) < 2:
        return density, np.full(len(grid), np.nan)
    return density, batches.std(axis=0, ddof=1) / np.sqrt(len(batches))


def _densities(axes: Axes, view: View, grid: np.ndarray, curves: Curves, truth: Truth | None) -> None:
    x, weight = view.problem.drawn
    x = x[:, 0]
    edges = bins_of(x)
    heights, _ = np.histogram(x, edges, weights=weight, density=True)
    axes.stairs(heights, edges, fill=True, facecolor=DATA.light, alpha=0.55, linewidth=0)
    draw_rug(axes, x, MUTED.light, weight)
    if truth is not None:
        axes.plot(grid, truth[0], color=REFERENCE.light, linewidth=4.5, alpha=0.5, label="reference")
    for entry, curve in curves:
        axes.plot(grid, curve, linewidth=1.4, **entry.style.line)
    below_rug(axes)


def _differences(axes: Axes, grid: np.ndarray, curves: Curves, truth: Truth) -> None:
    density, error = truth
    floor = 2 * np.sqrt(2) * error
    axes.fill_between(grid, -floor, floor, color=REFERENCE.light, alpha=0.3, linewidth=0)
    axes.axhline(0, color=REFERENCE.light, linewidth=0.8)
    for entry, curve in curves:
        axes.plot(grid, curve - density, linewidth=1.2, **entry.style.line)
    axes.set_title("minus the reference's", fontsize=8)
    axes.locator_params(axis="y", nbins=4)
