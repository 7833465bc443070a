"""The k-hat of every method's importance weights, against the threshold beyond which they mean nothing."""

import numpy as np
from matplotlib.figure import Figure

from experiments.report.figures.marks import ACROSS, ALONG, few_ticks, row_names, shade, write
from experiments.report.figures.picture import Picture, new_figure
from experiments.report.gauges import Gauge, gauges
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, PAPER
from experiments.report.view import Entry, View

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


def _draw(found: list[tuple[Entry, Gauge]], width: float) -> Figure:
    figure = new_figure(width, 0.75 + 0.42 * len(found))
    axes = figure.subplots()
    values = [v for _, gauge in found for v in (gauge.single, gauge.symmetrised) if np.isfinite(v)]
    limits = sorted({gauge.threshold for _, gauge in found})
    high = max(1.05, *(v + 0.1 for v in values))
    shade(axes, limits[-1], high)
    for limit in limits:
        axes.axvline(limit, color=INK.light, linewidth=1.0)
    ends = " to ".join(fixed(limit, 2) for limit in dict.fromkeys((limits[0], limits[-1])))
    write(axes, f"threshold {ends}", (limits[-1], 1.0), (0, 3), ALONG, ha="center", va="bottom")
    for row, (entry, gauge) in enumerate(found):
        colour = entry.style.colour.light
        for i, value in enumerate((gauge.single, gauge.symmetrised)):
            if not np.isfinite(value):
                continue
            trusted = value <= gauge.threshold
            y = -row + (0.17 if i == 0 else -0.17)
            face = PAPER.light if i == 0 else colour
            axes.plot(value, y, entry.style.marker, color=colour, mfc=face, markersize=5.5, zorder=3)
            text = f"{_HEADS[i]} {fixed(value, 2)} {'trusted' if trusted else 'not trusted'}"
            ink = INK.light if trusted else MUTED.light
            write(axes, text, (1.01, y), (0, 0), ACROSS, va="center", fontsize=7.5, color=ink)
    axes.set_xlim(min(0.0, *values) - 0.08, high)
    row_names(axes, [entry.label for entry, _ in found], 0.55, spine=True)
    few_ticks(axes, 4)
    axes.set_xlabel("k-hat", color=MUTED.light)
    return figure
