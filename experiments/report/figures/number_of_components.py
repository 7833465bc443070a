"""Numbers of components against what speaks for them: bounds and evidence, and held-out prediction."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report.figures.marks import ALONG, legend_above, write
from experiments.report.figures.picture import WIDE, figure_style, new_figure
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, REFERENCE, MethodStyle, cluster_colour
from experiments.studies.choosing import Candidate

CAPTION = (
    "In nats: the ELBO; ELBO + KL(q, q sym), symmetrised over relabellings, which is the fairer of the two "
    "between different K; and log p(x) where a reference has it. If a lower panel is there, it shows the log "
    "predictive density of points that the fit has not seen, per point, ± 2 standard errors. A ring marks "
    "the highest of each; an arrow, a value too low to be drawn. Where they disagree, ask what K is for: the "
    "bounds weigh models, the lower panel weighs predictions."
)


def choosing_figure(found: Sequence[Candidate], width: float = WIDE) -> Figure:
    """Draw candidates, in ascending order of K; the width is in inches."""
    found = sorted(found, key=lambda one: one.n_components)
    numbers = np.array([one.n_components for one in found])
    held_out = any(one.held_out is not None for one in found)
    with figure_style():
        figure = new_figure(width, 4.6 if held_out else 3.0)
        panels = figure.subplots(2 if held_out else 1, 1, squeeze=False, sharex=True)[:, 0]
        bounds = panels[0]
        elbo = np.array([one.elbo for one in found])
        _line(bounds, numbers, elbo, MethodStyle("ELBO", MUTED, "o", (0.0, (4, 2))))
        symmetrised = np.array([one.symmetrised for one in found], dtype=float)  # None becomes NaN
        first = MethodStyle("ELBO + KL(q, q sym)", cluster_colour(0), "s", (0.0, ()))
        _line(bounds, numbers, symmetrised, first)
        evidence = np.array([one.evidence.value if one.evidence else np.nan for one in found])
        _line(bounds, numbers, evidence, MethodStyle("log p(x)", REFERENCE, "D", (0.0, (1.4, 1.2))))
        bounds.set_title("nats", fontsize=8)
        if held_out:
            prediction = panels[1]
            means = np.array([one.held_out for one in found], dtype=float)
            errors = np.nan_to_num(np.array([one.held_out_se for one in found], dtype=float))
            prediction.errorbar(
                numbers, means, yerr=2 * errors, color=INK.light, elinewidth=1.0, capsize=2, linewidth=0
            )
            _line(prediction, numbers, means, MethodStyle("held out", INK, "o", (0.0, ())))
            prediction.set_title("held-out log predictive density, nats per point", fontsize=8)
        panels[-1].set_xticks(numbers)
        panels[-1].set_xlabel("components K", color=MUTED.light)
        for axes in panels:
            axes.grid(axis="y")
            axes.margins(x=0.05, y=0.14)
        _focus(bounds, numbers, np.fmax(symmetrised, elbo))
        if held_out:
            _focus(panels[1], numbers, means, 2 * float(np.nanmedian(errors)))
        legend_above(bounds, width)
    return figure


def _line(axes: Axes, numbers: np.ndarray, heights: np.ndarray, style: MethodStyle) -> None:
    """Draw a line with a ring about its highest point; nothing if there are no values."""
    if not np.isfinite(heights).any():
        return
    axes.plot(numbers, heights, marker=style.marker, linewidth=1.3, zorder=3, **style.line)
    top = int(np.nanargmax(heights))
    axes.plot(numbers[top], heights[top], "o", markersize=11, mfc="none", mec=style.colour.light, mew=1.1)


def _focus(axes: Axes, numbers: np.ndarray, heights: np.ndarray, error: float = 0.0) -> None:
    """Cut off what lies far below the rest, and say where; error bars, `error` to either side, stay whole."""
    top = float(np.nanmax(heights))
    floor = top - max(4 * (top - float(np.nanmedian(heights))), 2 * error)
    if len(numbers) < 4 or not floor < top or float(np.nanmin(heights)) >= floor:
        return
    axes.set_ylim(floor, top + max(0.14 * (top - floor), 1.2 * error))
    for number, height in zip(numbers, heights, strict=True):
        if height < floor:
            text = f"↓ {fixed(height, 1 if abs(height) >= 100 else 2)}"
            write(axes, text, (number, 0.02), (0, 0), ALONG, ha="center", va="bottom")
