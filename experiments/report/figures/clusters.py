"""The teaching picture: each cluster's histogram with rug, and the fitted normal densities over it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax

from experiments.families.gaussian import normal_density
from experiments.report.densities import has_density, normal_components
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

_MOST_POINTS = 100_000


def clusters_figure(
    x: np.ndarray,
    means: np.ndarray,
    component_sds: np.ndarray,
    responsibilities: np.ndarray,
    unit: str = "",
    *,
    sample_weight: np.ndarray | None = None,
    width: float = WIDE,
) -> Figure:
    """Draw each cluster's histogram with rug and the fitted normal densities over it.

    Histograms and densities have the area N_k / N, so that their sum, the mixture, has area 1.

    Parameters
    ----------
    x : ndarray, shape (N,)
    means, component_sds : ndarray, shape (K,)
        Mean and predictive standard deviation of x within each component.
    responsibilities : ndarray, shape (N, K)
        A point counts in every cluster by its share.
    sample_weight : ndarray, shape (N,), optional
        How many points each row stands for.
    width : float
        In inches.
    """
    x = np.asarray(x, dtype=np.float64).reshape(-1)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    mass = responsibilities * (weight / weight.sum())[:, np.newaxis]
    shares = mass.sum(axis=0)
    edges = bins_of(x)
    grid = np.linspace(*view_range(x, float(np.max(component_sds))), 400)
    most_likely = responsibilities.argmax(axis=1)
    total = np.zeros_like(grid)
    tops = np.zeros(len(edges) - 1)

    with figure_style():
        figure = new_figure(width, 3.1)
        axes = figure.subplots()
        for k, (mean, sd, share) in enumerate(zip(means, component_sds, shares, strict=True)):
            colour = cluster_colour(k).light
            heights, _ = np.histogram(x, edges, weights=mass[:, k])
            heights = heights / np.diff(edges)
            tops = np.maximum(tops, heights)
            axes.stairs(heights, edges, fill=True, facecolor=colour, alpha=0.28, linewidth=0)
            axes.stairs(heights, edges, edgecolor=colour, alpha=0.55, linewidth=0.6)
            curve = share * normal_density(grid, float(mean), float(sd) ** 2)
            total += curve
            axes.plot(grid, curve, color=colour)
            draw_rug(axes, x[most_likely == k], colour, weight[most_likely == k])
        axes.plot(grid, total, color=INK.light, linewidth=0.9, dashes=(3, 2))
        for k, (mean, sd, share) in enumerate(zip(means, component_sds, shares, strict=True)):
            near = (edges[1:] > mean - 0.7 * sd) & (edges[:-1] < mean + 0.7 * sd)
            peak = max(share / (np.sqrt(2 * np.pi) * sd), tops[near].max(initial=0.0))
            if share > 1e-3:
                _label(axes, k, float(mean), float(peak), float(share), width >= WIDE and len(means) <= 8)
        axes.set_ylim(top=1.13 * axes.get_ylim()[1])
        axes.set_xlim(grid[0], grid[-1])
        axes.set_xlabel(with_unit("x", unit))
        axes.set_title(with_unit("density", f"per {unit}" if unit else ""), fontsize=8)
        below_rug(axes)
    return figure


def _label(axes: Axes, component: int, mean: float, height: float, share: float, with_share: bool) -> None:
    """Write a component's number over its peak, so that colour is not needed to tell clusters apart."""
    text = f"{component + 1}: {100 * share:.0f} %" if with_share else f"{component + 1}"
    colour = cluster_colour(component).light
    write(axes, text, (mean, height), (0, 4), ha="center", color=colour, fontweight="bold")


def picture(view: View) -> Picture | None:
    """Return the picture for the first method that has draws (D = 1), which is CAVI where it was run."""
    record = view.record
    if not view.with_draws or not view.one_feature or not has_density(view.problem.mixture):
        return None
    entry, draws = next(
        (pair for pair in view.with_draws if pair[0].record.cell.kind == "cavi"), view.with_draws[0]
    )
    mixture, (x, weight) = view.problem.mixture, view.problem.drawn
    x = x[:, 0]
    if len(x) > _MOST_POINTS:
        step = -(-len(x) // _MOST_POINTS)
        x, weight = x[::step], None if weight is None else weight[::step]
    weights, centres, covariances = normal_components(mixture, draws)
    means, sds = centres[:, 0], np.sqrt(covariances[:, 0, 0])
    scores = np.log(weights) - 0.5 * ((x[:, np.newaxis] - means) / sds) ** 2 - np.log(sds)
    responsibilities = softmax(scores, axis=1)
    return Picture(
        "clusters",
        f"Clusters found by {entry.label}",
        f"Each colour is one cluster of {entry.label}, numbered from left to right with its share of the "
        "points: its histogram, a tick below the axis for each point, and the normal density fitted to it. "
        "A point between two clusters counts in both by its probability. The dashed line is the whole "
        "mixture.",
        lambda width: clusters_figure(
            x, means, sds, responsibilities, record.unit, sample_weight=weight, width=width
        ),
    )
