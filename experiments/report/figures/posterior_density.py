"""Posterior densities of the sorted component means, methods laid over each other."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.report.figures.panels import axis_label, flat_location, only_first, panel_grid, titles
from experiments.report.figures.picture import Picture, few_ticks, legend_above, outer_ticks
from experiments.report.style.palette import REFERENCE
from experiments.report.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GRID = 128


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method has draws."""
    shown = view.with_draws
    if not shown:
        return None
    heads = titles(view)
    samples = [flat_location(draws) for _, draws in shown]
    truth = None if view.reference is None else flat_location(view.reference)

    def draw(width: float) -> "Figure":
        figure, panels, columns = panel_grid(len(heads), width, 1.55, 0.55)
        handles: list[Any] = []
        for k, axes in enumerate(panels):
            everyone = [mu[:, k] for mu in samples] + ([] if truth is None else [truth[:, k]])
            low = min(np.quantile(values, 0.001) for values in everyone)
            high = max(np.quantile(values, 0.999) for values in everyone)
            pad = 0.08 * (high - low) or 0.5
            grid = np.linspace(low - pad, high + pad, _GRID)
            handles = []
            if truth is not None:
                handles.append(
                    axes.fill_between(
                        grid,
                        smoothed(truth[:, k], grid),
                        color=REFERENCE.light,
                        alpha=0.3,
                        linewidth=0,
                        label="reference",
                    )
                )
            for (entry, _), mu in zip(shown, samples, strict=True):
                handles += axes.plot(
                    grid,
                    smoothed(mu[:, k], grid),
                    color=entry.style.colour.light,
                    linestyle=entry.style.dash,
                    linewidth=1.3,
                    label=entry.label,
                )
            axes.set_title(heads[k], fontsize=8)
            axes.set_ylim(bottom=0)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            if columns > 3:
                outer_ticks(axes)
            else:
                few_ticks(axes, 3)
        legend_above(figure, handles, width)
        figure.supxlabel(axis_label(view), fontsize=8.5)
        return figure

    grey = " Grey is the reference." if truth is not None else ""
    return Picture(
        "posterior",
        f"Posterior densities of the {view.words}",
        f"The same {view.words} as whole distributions, smoothed from draws.{grey} A curve that is too "
        "narrow is too sure of itself, as mean-field methods often are; a shifted one is "
        f"biased.{only_first(len(heads))}{view.missing_from([entry for entry, _ in shown])}",
        draw,
        "moments",
    )


def smoothed(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a Gaussian kernel density estimate with Silverman's robust bandwidth, shape (G,)."""
    quartiles = np.percentile(values, [25, 75])
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.349)
    bandwidth = 0.9 * spread * len(values) ** -0.2
    smallest = (grid[-1] - grid[0]) / len(grid)
    bandwidth = max(bandwidth, smallest)
    kernels = np.exp(-0.5 * ((grid[:, np.newaxis] - values) / bandwidth) ** 2)
    return kernels.mean(axis=1) / (bandwidth * np.sqrt(2 * np.pi))
