"""The k-hat of every method's importance weights, against the threshold beyond which they mean nothing."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.figures.picture import Picture, few_ticks, new_figure
from experiments.report.gauges import Gauge, gauges
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, PAPER, REFERENCE
from experiments.report.view import Entry, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADS = ("p/q", "p/q sym")


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method has a k-hat."""
    found = [(entry, gauge) for entry in view.entries if (gauge := gauges(entry.record)) is not None]
    if not found:
        return None
    return Picture(
        "k-hat",
        "Can the importance weights be trusted?",
        "The k-hat of each method's weights p/q (hollow) and p/q symmetrised (filled): how heavy their tail "
        "is. In the shaded part a few draws decide everything, and an importance-sampled log p(x) is not "
        "to be trusted. The threshold, min(1 − 1/log10 S, 0.7) for S draws, is from the literature (Vehtari "
        "et al. 2024). A good p/q does not show that q covers all the mirror-image modes: only p/q "
        f"symmetrised does.{view.missing_from([entry for entry, _ in found])}",
        lambda width: _draw(found, width),
        "bounds",
    )


def _draw(found: list[tuple[Entry, Gauge]], width: float) -> "Figure":
    figure = new_figure(width, 0.75 + 0.42 * len(found))
    axes = figure.subplots()
    values = [v for _, gauge in found for v in (gauge.single, gauge.symmetrised) if np.isfinite(v)]
    limits = sorted({gauge.threshold for _, gauge in found})
    high = max(1.05, *(v + 0.1 for v in values))
    axes.axvspan(limits[-1], high, color=REFERENCE.light, alpha=0.16, linewidth=0)
    for limit in limits:
        axes.axvline(limit, color=INK.light, linewidth=1.0)
    axes.annotate(
        "threshold " + " to ".join(fixed(limit, 2) for limit in dict.fromkeys((limits[0], limits[-1]))),
        (limits[-1], 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
    )
    for row, (entry, gauge) in enumerate(found):
        colour = entry.style.colour.light
        pairs = (gauge.single, gauge.single_is_trusted), (gauge.symmetrised, gauge.symmetrised_is_trusted)
        for i, (value, trusted) in enumerate(pairs):
            if not np.isfinite(value):
                continue
            y = -row + (0.17 if i == 0 else -0.17)
            axes.plot(
                value,
                y,
                marker=entry.style.marker,
                markersize=5.5,
                color=colour,
                markerfacecolor=PAPER.light if i == 0 else colour,
                linestyle="none",
                zorder=3,
            )
            axes.annotate(
                f"{_HEADS[i]} {fixed(value, 2)} {'trusted' if trusted else 'not trusted'}",
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=7.5,
                color=INK.light if trusted else MUTED.light,
            )
    axes.set_xlim(min(0.0, *values) - 0.08, high)
    axes.set_ylim(-len(found) + 0.45, 0.55)
    axes.set_yticks([-row for row in range(len(found))], [entry.label for entry, _ in found])
    axes.tick_params(axis="y", length=0, labelcolor=INK.light)
    few_ticks(axes, 4)
    axes.set_xlabel("k-hat", color=MUTED.light)
    return figure
