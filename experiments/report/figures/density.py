"""The data with the mixture density that each method fitted."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.densities import component_densities, component_scale, has_density
from experiments.report.figures.picture import (
    Picture,
    below_rug,
    bins_of,
    draw_rug,
    legend_above,
    new_figure,
    view_range,
    with_unit,
)
from experiments.report.palette import DATA, MUTED, REFERENCE
from experiments.report.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(view: View) -> Picture | None:
    """Return the picture (D = 1), or None where there is nothing to draw over the data."""
    problem, unit = view.record.problem, view.record.unit
    if not view.with_draws or not view.one_feature or not has_density(problem.mixture):
        return None
    x = problem.x[:, 0]
    edges = bins_of(x)
    grid = np.linspace(*view_range(x, component_scale(problem.mixture)), 320)
    curves = [
        (entry, component_densities(problem.mixture, draws, grid).sum(axis=0))
        for entry, draws in view.with_draws
    ]
    truth = None
    if view.reference is not None:
        truth = component_densities(problem.mixture, view.reference, grid).sum(axis=0)
    heights, _ = np.histogram(x, edges, weights=problem.sample_weight, density=True)

    def draw(width: float) -> "Figure":
        figure = new_figure(width, 3.1)
        axes = figure.subplots()
        axes.stairs(heights, edges, fill=True, facecolor=DATA.light, alpha=0.55, linewidth=0)
        draw_rug(axes, x, MUTED.light)
        handles = []
        if truth is not None:
            handles += axes.plot(
                grid, truth, color=REFERENCE.light, linewidth=4.5, alpha=0.5, label="reference"
            )
        for entry, curve in curves:
            handles += axes.plot(
                grid, curve, color=entry.style.colour.light, linestyle=entry.style.dash, label=entry.label
            )
        axes.set_xlim(grid[0], grid[-1])
        axes.set_xlabel(with_unit("x", unit))
        axes.set_title(with_unit("density", f"per {unit}" if unit else ""), fontsize=8)
        below_rug(axes)
        legend_above(figure, handles, width)
        return figure

    thick = " The thick grey line is the reference." if truth is not None else ""
    return Picture(
        "density",
        "Data and fitted densities",
        "Grey bars and ticks are the data; each line is the density that a method predicts for a new "
        "point. Where the lines coincide, the methods agree about the data, whatever their bounds "
        f"say.{thick}{view.missing_from([entry for entry, _ in curves])}",
        draw,
    )
