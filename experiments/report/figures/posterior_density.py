"""Posterior densities of locations, or of a user's own quantities: methods laid over each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.report.figures.marks import legend_above, panel_ticks
from experiments.report.figures.panels import axis_label, flat_location, only_first, panel_grid, titles
from experiments.report.figures.picture import Picture
from experiments.report.style.palette import REFERENCE, MethodStyle
from experiments.report.view import View

_GRID = 128
Curves = list[tuple[MethodStyle, list[np.ndarray]]]
"""Methods with their draws, (S,) for each panel."""


def picture(view: View) -> Picture | None:
    """Return the picture of locations, or None if no method has draws."""
    shown = view.with_draws
    if not shown:
        return None
    heads = titles(view)
    curves = [(entry.style, list(flat_location(draws).T)) for entry, draws in shown]
    truth = None if view.reference is None else list(flat_location(view.reference).T)
    grey = " Grey is the reference." if truth is not None else ""
    return Picture(
        "posterior",
        f"Posterior densities of the {view.words}",
        f"The same {view.words} as whole distributions, smoothed from draws.{grey} A curve that is too "
        "narrow is too sure of itself, as mean-field methods often are; a shifted one is "
        f"biased.{only_first(len(heads))}{view.missing_from([entry for entry, _ in shown])}",
        lambda width: _draw(heads, curves, truth, width, axis=axis_label(view)),
        "moments",
    )


def quantities_picture(view: View) -> Picture | None:
    """Return the picture of a user's own quantities, or None if no method has draws."""
    shown = view.with_draws
    if not shown:
        return None
    heads = list(shown[0][1])
    same = [entry for entry, _ in shown if entry.is_reference and view.reference is not None]
    truth = None if view.reference is None else [view.reference[name] for name in heads]
    curves = [(e.style, [draws[name] for name in heads]) for e, draws in shown if e not in same]
    label = f"reference ({same[0].label})" if same else "reference"
    return Picture(
        "density",
        "Posterior densities",
        "The same as whole distributions, smoothed from draws. "
        f"{'Grey is the reference. ' if truth is not None else ''}"
        "A curve that is too narrow is too sure of itself, as those of mean-field methods often are; a "
        f"shifted one is biased.{only_first(len(heads))}",
        lambda width: _draw(heads, curves, truth, width, tail=0.002, truth_label=label),
    )


def _draw(
    heads: Sequence[str],
    curves: Curves,
    truth: list[np.ndarray] | None,
    width: float,
    *,
    tail: float = 0.001,
    truth_label: str = "reference",
    axis: str = "",
) -> Figure:
    """Draw a panel for each head, as wide as all draws without `tail` of them at either end."""
    figure, panels, columns = panel_grid(len(heads), width, 1.55, 0.55)
    for k, axes in enumerate(panels):
        everyone = [values[k] for _, values in curves] + ([] if truth is None else [truth[k]])
        low = min(np.quantile(values, tail) for values in everyone)
        high = max(np.quantile(values, 1 - tail) for values in everyone)
        pad = 0.08 * (high - low) or 0.5
        grid = np.linspace(low - pad, high + pad, _GRID)
        if truth is not None:
            density = smoothed(truth[k], grid)
            axes.fill_between(grid, density, color=REFERENCE.light, alpha=0.3, linewidth=0, label=truth_label)
        for style, values in curves:
            axes.plot(grid, smoothed(values[k], grid), linewidth=1.3, **style.line)
        axes.set_title(heads[k], fontsize=8)
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        panel_ticks(axes, columns)
    legend_above(panels[0], width)
    if axis:
        figure.supxlabel(axis, fontsize=8.5)
    return figure


def smoothed(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a Gaussian kernel density estimate with Silverman's robust bandwidth, shape (G,)."""
    quartiles = np.percentile(values, [25, 75])
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.349)
    bandwidth = 0.9 * spread * len(values) ** -0.2
    smallest = (grid[-1] - grid[0]) / len(grid)
    bandwidth = max(bandwidth, smallest)
    kernels = np.exp(-0.5 * ((grid[:, np.newaxis] - values) / bandwidth) ** 2)
    return kernels.mean(axis=1) / (bandwidth * np.sqrt(2 * np.pi))
