"""Normal components of several features: ellipses over the scatter, D = 2; over pairs of features, D > 2."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.records import Draws, Problem
from experiments.report.densities import has_ellipses, normal_components
from experiments.report.figures.marks import write
from experiments.report.figures.picture import WIDE, Picture, figure_style, new_figure, new_panels, with_unit
from experiments.report.style.palette import DATA, MUTED, cluster_colour
from experiments.report.view import View
from hand_cavi import Mixture

SHARES = (0.5, 0.95)
"""Of a component's points that an ellipse holds."""

_MOST_POINTS = 500  # points drawn in a panel
_MOST_FEATURES = 5  # features in a pair plot
_NEGLIGIBLE = 1e-3  # weight below which a component is not drawn


@dataclass(frozen=True)
class Clusters:
    """What is drawn of a fit: weights (K,), means (K, D), covariances (K, D, D); each point's component."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, mixture: Mixture, draws: Draws, x: np.ndarray) -> "Clusters":
        """Return the clusters of draws, arrays (S, K, ...), and the most likely one of each point of x."""
        weights, means, covariances = normal_components(mixture, draws)
        scores = np.empty((len(x), len(weights)))
        for k, (weight, mean, covariance) in enumerate(zip(weights, means, covariances, strict=True)):
            root = np.linalg.cholesky(covariance)
            z = np.linalg.solve(root, (x - mean).T)
            scores[:, k] = np.log(weight) - 0.5 * np.sum(z**2, axis=0) - np.log(np.diag(root)).sum()
        return cls(weights, means, covariances, scores.argmax(axis=1))


def picture(view: View) -> Picture | None:
    """Return ellipses over the scatter, one panel a method, or a pair plot of the first method if D > 2."""
    problem = view.problem
    if not view.with_draws or not has_ellipses(problem.mixture):
        return None
    x = evenly(problem.x)
    names = [view.feature(d) for d in range(x.shape[1])]
    unit = view.record.unit
    if x.shape[1] == 2:
        shown = [(e.label, Clusters.of(problem.mixture, draws, x)) for e, draws in view.with_draws]
        return Picture(
            "ellipses",
            "Components over the data",
            "One panel for each method. Points have the colour of the component that they most likely "
            "belong to; a cross is a component's mean, and its ellipses hold 50 % and 95 % of its "
            f"points. The number is the component's, with its weight.{_thinned(problem)}"
            f"{view.missing_from([entry for entry, _ in view.with_draws])}",
            lambda width: scatter_figure(x, shown, names, unit, width=width),
        )
    entry, draws = view.with_draws[0]
    clusters = Clusters.of(problem.mixture, draws, x)
    left_out = f" Only the first {_MOST_FEATURES} features are shown." if x.shape[1] > _MOST_FEATURES else ""
    return Picture(
        "pairs",
        f"Components found by {entry.label}, two features at a time",
        "Points have the colour of the component that they most likely belong to; ellipses hold 50 % and "
        f"95 % of a component's points.{_thinned(problem)}{left_out}",
        lambda width: pairs_figure(x, clusters, names, width=width),
    )


def scatter_figure(
    x: np.ndarray, shown: list[tuple[str, Clusters]], names: list[str], unit: str = "", *, width: float = WIDE
) -> Figure:
    """Draw points, (N, 2), and components over them, a panel for each title; the width is in inches."""
    columns = 1 if len(shown) == 1 or width < WIDE else 2
    with figure_style():
        height = 3.6 if len(shown) == 1 else 2.7
        figure, panels = new_panels(len(shown), columns, width, height, sharex=True, sharey=True)
        for axes, (title, clusters) in zip(panels, shown, strict=True):
            _draw(axes, x, clusters, (0, 1), numbered=True)
            axes.set_title(title, fontsize=8)
            axes.tick_params(labelbottom=True)
        figure.supxlabel(with_unit(names[0], unit), fontsize=8.5, color=MUTED.light)
        figure.supylabel(with_unit(names[1], unit), fontsize=8.5, color=MUTED.light)
    return figure


def pairs_figure(x: np.ndarray, clusters: Clusters, names: list[str], *, width: float = WIDE) -> Figure:
    """Draw every pair of features as `scatter_figure` does, the pairs below a diagonal; x is (N, D)."""
    number = min(x.shape[1], _MOST_FEATURES) - 1
    with figure_style():
        figure = new_figure(width, 0.4 + number * (width - 0.6) / number * 0.82)
        grid = figure.subplots(number, number, squeeze=False, sharex="col", sharey="row")
        for i in range(number):
            for j in range(number):
                axes = grid[i, j]
                if j > i:
                    axes.remove()
                    continue
                _draw(axes, x, clusters, (j, i + 1), numbered=number <= 2 and width >= WIDE)
                axes.locator_params(nbins=3)
                if i == number - 1:
                    axes.set_xlabel(names[j])
                if j == 0:
                    axes.set_ylabel(names[i + 1])
    return figure


def evenly(x: np.ndarray, most: int = _MOST_POINTS) -> np.ndarray:
    """Return at most so many rows of x, taken evenly."""
    return x[np.unique(np.linspace(0, len(x) - 1, min(len(x), most)).round().astype(int))]


def _thinned(problem: Problem) -> str:
    n_rows, which = len(problem.x), "points" if problem.sample_weight is None else "rows"
    part = f" {_MOST_POINTS} of {n_rows} {which} are drawn." if n_rows > _MOST_POINTS else ""
    return part if which == "points" else f" A dot is a row, whatever its weight.{part}"


def _draw(axes: Axes, x: np.ndarray, clusters: Clusters, pair: tuple[int, int], numbered: bool) -> None:
    points = x[:, pair]
    axes.plot(points[:, 0], points[:, 1], "o", color=DATA.light, markersize=2.6, markeredgewidth=0)
    circle = np.linspace(0, 2 * np.pi, 73)
    for k, weight in enumerate(clusters.weights):
        if weight < _NEGLIGIBLE:
            continue
        colour = cluster_colour(k).light
        mine = points[clusters.labels == k]
        axes.plot(mine[:, 0], mine[:, 1], "o", color=colour, markersize=2.6, markeredgewidth=0, alpha=0.5)
        mean, covariance = clusters.means[k][list(pair)], clusters.covariances[k][np.ix_(pair, pair)]
        root = np.linalg.cholesky(covariance)
        for share, thickness in zip(SHARES, (1.6, 1.0), strict=True):
            radius = np.sqrt(-2 * np.log(1 - share))  # of a standard normal in the plane
            outline = mean + radius * (np.column_stack([np.cos(circle), np.sin(circle)]) @ root.T)
            axes.plot(outline[:, 0], outline[:, 1], color=colour, linewidth=thickness)
        axes.plot(*mean, "+", color=colour, markersize=7, markeredgewidth=1.4)
        if numbered:
            top = mean[1] + np.sqrt(-2 * np.log(1 - SHARES[1]) * covariance[1, 1])
            text, at = f"{k + 1}: {100 * weight:.0f} %", (mean[0], top)
            write(axes, text, at, (0, 3), ha="center", color=colour, fontweight="bold")
