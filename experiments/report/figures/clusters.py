"""The teaching picture: each cluster's histogram with rug, and over it what the fitted mixture says."""

import numpy as np
from matplotlib.figure import Figure
from scipy.special import softmax

from experiments.records import Draws
from experiments.report.densities import component_densities, has_clusters, normal_components
from experiments.report.figures.marks import write
from experiments.report.figures.picture import (
    WIDE,
    Picture,
    below_rug,
    bins_of,
    draw_rug,
    figure_style,
    new_figure,
    view_range,
    with_unit,
)
from experiments.report.style.palette import INK, cluster_colour
from experiments.report.view import View
from hand_cavi import Mixture

_MOST_POINTS = 100_000


def clusters_figure(
    mixture: Mixture,
    draws: Draws,
    x: np.ndarray,
    responsibilities: np.ndarray,
    unit: str = "",
    *,
    sample_weight: np.ndarray | None = None,
    width: float = WIDE,
) -> Figure:
    """Draw each cluster's histogram with rug, and over it the component's density times its weight.

    Histograms have the area N_k / N; densities are the mixture's own, of area E[pi_k], whatever points there
    are: where the two part, the mixture does not fit the data.

    Draws are canonical, (S, K, ...), in the order in which components are numbered. Each of the points, (N,),
    counts in every cluster by its share, (N, K), and stands for `sample_weight` of them, (N,). The width is
    in inches.
    """
    x = np.asarray(x, dtype=np.float64).reshape(-1)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    mass = responsibilities * (weight / weight.sum())[:, np.newaxis]
    edges = bins_of(x)
    weights, _, covariances = normal_components(mixture, draws)
    grid = np.linspace(*view_range(x, float(np.sqrt(covariances.max()))), 400)
    curves = component_densities(mixture, draws, grid)
    most_likely = responsibilities.argmax(axis=1)
    tops = np.zeros(len(edges) - 1)

    with figure_style():
        figure = new_figure(width, 3.1)
        axes = figure.subplots()
        for k, curve in enumerate(curves):
            colour = cluster_colour(k).light
            heights, _ = np.histogram(x, edges, weights=mass[:, k])
            heights = heights / np.diff(edges)
            tops = np.maximum(tops, heights)
            axes.stairs(heights, edges, fill=True, facecolor=colour, alpha=0.28, linewidth=0)
            axes.stairs(heights, edges, edgecolor=colour, alpha=0.55, linewidth=0.6)
            axes.plot(grid, curve, color=colour)
            draw_rug(axes, x[most_likely == k], colour, weight[most_likely == k])
        axes.plot(grid, curves.sum(axis=0), color=INK.light, linewidth=0.9, dashes=(3, 2))
        for k, (curve, share) in enumerate(zip(curves, weights, strict=True)):
            around = grid[curve >= 0.8 * curve.max()]  # all of it, where the curve is nowhere seen
            near = (edges[1:] > around[0]) & (edges[:-1] < around[-1])
            peak, mean = max(curve.max(), tops[near].max(initial=0.0)), float(grid[curve.argmax()])
            if share > 1e-3:  # a number, so that colour is not needed to tell clusters apart
                text = f"{k + 1}: {100 * share:.0f} %" if width >= WIDE and len(weights) <= 8 else f"{k + 1}"
                look = {"ha": "center", "color": cluster_colour(k).light, "fontweight": "bold"}
                write(axes, text, (mean, float(peak)), (0, 4), **look)
        axes.set_ylim(top=1.13 * axes.get_ylim()[1])
        axes.set_xlim(grid[0], grid[-1])
        axes.set_xlabel(with_unit("x", unit))
        axes.set_title(with_unit("density", f"per {unit}" if unit else ""), fontsize=8)
        below_rug(axes)
    return figure


def picture(view: View) -> Picture | None:
    """Return the picture for the first method that has draws (D = 1), which is CAVI where it was run."""
    record = view.record
    if not view.with_draws or not view.one_feature or not has_clusters(view.problem.mixture):
        return None
    entry, draws = next(
        (pair for pair in view.with_draws if pair[0].record.cell.kind == "cavi"), view.with_draws[0]
    )
    mixture, (x, weight) = view.problem.mixture, view.problem.drawn
    x = x[:, 0]
    if len(x) > _MOST_POINTS:
        step = -(-len(x) // _MOST_POINTS)
        x, weight = x[::step], None if weight is None else weight[::step]
    weights, centres, covariances = normal_components(mixture, draws)  # near enough for the shares of points
    means, sds = centres[:, 0], np.sqrt(covariances[:, 0, 0])
    scores = np.log(weights) - 0.5 * ((x[:, np.newaxis] - means) / sds) ** 2 - np.log(sds)
    responsibilities = softmax(scores, axis=1)
    return Picture(
        "clusters",
        f"Clusters found by {entry.label}",
        f"Each colour is one cluster of {entry.label}, numbered from left to right: its histogram, a tick "
        "below the axis for each point, and as a line what the fitted mixture says, the component's density "
        "times its weight, which stands beside the number. A point between two clusters counts in both by "
        "its probability. The dashed line is the whole mixture: off the histogram, it does not fit.",
        lambda width: clusters_figure(
            mixture, draws, x, responsibilities, record.unit, sample_weight=weight, width=width
        ),
    )
