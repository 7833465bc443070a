"""Counts and categories: bars of the data, and the probabilities of a new point under each method."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.records import Draws
from experiments.report.densities import component_densities, has_mass
from experiments.report.figures.marks import legend_above
from experiments.report.figures.picture import WIDE, Picture, figure_style, new_panels
from experiments.report.style.palette import DATA, INK, MUTED, REFERENCE_STYLE, MethodStyle, cluster_colour
from experiments.report.view import View
from hand_cavi import Mixture

_MOST_FEATURES = 6
_MOST_BARS = 40
_TOGETHER = MethodStyle("together", INK, "_", (0.0, (3, 2)))


def picture(view: View) -> Picture | None:
    """Return bars of the data with every method's predictions, or None for data that are neither."""
    problem = view.problem
    if not view.with_draws or not has_mass(problem.mixture):
        return None
    x, weight = problem.x, problem.sample_weight
    names = [view.feature(d) for d in range(x.shape[1])]
    lines = [] if view.reference is None else [(REFERENCE_STYLE, view.reference)]
    lines += [(entry.style, draws) for entry, draws in view.with_draws]
    panels = [_Panel(problem.mixture, x, weight, d) for d in range(min(len(names), _MOST_FEATURES))]
    for panel in panels:
        panel.lines = [(style, panel.masses(draws).sum(axis=0)) for style, draws in lines]
    more = f" Only the first {_MOST_FEATURES} features are shown." if len(names) > _MOST_FEATURES else ""
    return Picture(
        "bars",
        "Data and fitted probabilities",
        "Rootograms (Kleiber & Zeileis 2016): grey bars are the numbers of points, markers those that each "
        "method expects, on a scale of square roots, on which errors are alike; shaded: 2 standard errors "
        "about the expected ones. Where markers coincide, the methods agree about the data."
        f"{_binned(panels)}{more}{view.missing_from([entry for entry, _ in view.with_draws])}",
        lambda width: _figure(panels, names, width),
    )


def components_figure(
    mixture: Mixture,
    draws: Draws,
    x: np.ndarray,
    names: list[str],
    labels: tuple[tuple[str, ...], ...] = (),
    weight: np.ndarray | None = None,
) -> Figure:
    """Draw bars of the data, (N, D), each component's share of the probabilities, and their sum.

    Draws are canonical, (S, K, ...); `labels` say what the categories of each feature are called, and
    `weight`, (N,), how many points each row stands for.
    """
    markers = "osD^vPXph"
    panels = []
    for d in range(min(x.shape[1], _MOST_FEATURES)):
        panel = _Panel(mixture, x, weight, d)
        panel.labels = labels[d] if labels else ()
        masses = panel.masses(draws)
        panel.lines = [
            (MethodStyle(f"component {k + 1}", cluster_colour(k), markers[k % len(markers)], (0.0, ())), mass)
            for k, mass in enumerate(masses)
        ]
        panel.lines.append((_TOGETHER, masses.sum(axis=0)))
        panels.append(panel)
    with figure_style():
        return _figure(panels, names, WIDE)


class _Panel:
    """One feature: where its bars stand, how high they are, and the probabilities of each line."""

    def __init__(self, mixture: Mixture, x: np.ndarray, weight: np.ndarray | None, feature: int) -> None:
        self.mixture, self.feature, x = mixture, feature, x[:, feature]
        self.n_categories = getattr(mixture.components, "n_categories", None)
        low, high = (0, self.n_categories - 1) if self.n_categories else (int(x.min()), int(x.max()))
        low = 0 if low < 0.3 * high else low
        self.step = -(-(high - low + 1) // _MOST_BARS)
        self.edges = np.arange(low, high + self.step + 1, self.step)
        heights, _ = np.histogram(x, self.edges - 0.5, weights=weight)
        self.heights, self.n_points = heights, heights.sum()
        self.middles = self.edges[:-1] + (self.step - 1) / 2
        self.labels: tuple[str, ...] = ()
        self.lines: list[tuple[MethodStyle, np.ndarray]] = []

    def masses(self, draws: Draws) -> np.ndarray:
        """Return how many points each component expects at every bar, shape (K, bars)."""
        values = np.arange(self.edges[0], self.edges[-1])
        if self.n_categories:
            values = values[: self.n_categories]
        masses = component_densities(self.mixture, draws, values, self.feature)
        return self.n_points * np.add.reduceat(masses, np.arange(0, len(values), self.step), axis=1)

    def draw(self, axes: Axes) -> None:
        """Draw the bars and the lines; for categories, which have no order, markers side by side."""
        axes.bar(self.middles, self.heights, 0.82 * self.step, color=DATA.light, alpha=0.75, linewidth=0)
        number = sum(style.marker != "_" for style, _ in self.lines)
        places = iter(0.6 * (np.arange(number) - (number - 1) / 2) / max(number, 3))
        for style, mass in self.lines:
            if style.marker == "_":  # no method, but what is compared with
                thick, alpha = (4.5, 0.5) if style is REFERENCE_STYLE else (1.0, 1.0)
                ends = self.middles[:, np.newaxis] + np.array([-0.45, 0.45])
                levels = np.column_stack([mass, mass])
                where, height = (ends.T, levels.T) if self.n_categories else (self.middles, mass)
                _, *others = axes.plot(where, height, linewidth=thick, alpha=alpha, **style.line)
                for line in others:  # one of them stands in the legend
                    line.set_label("_")
                continue
            aside = next(places)
            where, size = (self.middles + aside, 4.6) if self.n_categories else (self.middles, 3.6)
            (line,) = axes.plot(
                where, mass, marker=style.marker, linewidth=1.0, markersize=size, **style.line
            )
            if self.n_categories:
                line.set_linestyle("none")
        if not self.n_categories:
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        else:
            labels = [f"{value:g}" for value in self.middles]
            labels[: len(self.labels)] = self.labels
            axes.set_xticks(self.middles, labels)
        expected = self.lines[-1 if self.lines[-1][0] is _TOGETHER else 0][1]
        error = 2 * np.sqrt(expected * (1 - expected / self.n_points))
        low, high = np.maximum(expected - error, 0), expected + error
        grey = REFERENCE_STYLE.colour.light
        axes.bar(self.middles, high - low, self.step, low, color=grey, alpha=0.2, linewidth=0)
        axes.set_yscale("function", functions=(lambda value: np.sqrt(np.maximum(value, 0)), np.square))


def _figure(panels: list[_Panel], names: list[str], width: float) -> Figure:
    columns = 1 if len(panels) == 1 or width < WIDE else 2
    figure, grid = new_panels(len(panels), columns, width, 2.8 if len(panels) == 1 else 2.0, 0.5)
    for axes, panel in zip(grid, panels, strict=True):
        panel.draw(axes)
        kind = "category" if panel.n_categories else "count"
        axes.set_title(f"{names[panel.feature]}: points at each {kind}", fontsize=8)
        axes.set_xlabel(names[panel.feature], color=MUTED.light)
        axes.set_ylim(bottom=0)
    legend_above(grid[0], width)
    return figure


def _binned(panels: list[_Panel]) -> str:
    wide = [str(panel.step) for panel in panels if panel.step > 1]
    return f" A bar stands for up to {max(wide, key=int)} neighbouring counts." if wide else ""
