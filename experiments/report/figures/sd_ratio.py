"""Each method's posterior standard deviations, divided by the reference's."""

import numpy as np
from matplotlib.figure import Figure

from experiments.report.figures.marks import Ends, factor_ticks, lanes, legend_above
from experiments.report.figures.panels import MOST, only_first, titles_of
from experiments.report.figures.picture import WIDE, Picture, new_figure
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, MethodStyle
from experiments.report.view import Entry, View, numbers_of

Ratios = tuple[Entry, np.ndarray, np.ndarray]


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method's standard deviations were compared."""
    found = [
        (entry, pair[0], pair[1])
        for entry in view.entries
        if (pair := numbers_of(entry.record, "sd_ratio")) is not None and (pair[0] > 0).any()
    ]
    if not found:
        return None
    number = max(len(ratios) for _, ratios, _ in found)
    heads = titles_of(view, number)[:MOST]
    left_out = view.missing_from([entry for entry, _, _ in found])
    return Picture(
        "sd-ratio",
        "Are the widths right?",
        f"The posterior standard deviation of every sorted {view.word} under each method, divided by the "
        "reference's, ± 2 standard errors; the axis is logarithmic. On the line a method is as unsure "
        "as it should be; left of it, too sure: its intervals are too narrow. Mean-field methods often "
        f"are; linear response is meant to mend it.{only_first(number)}{left_out}",
        lambda width: _draw(found, heads, width),
    )


def _draw(found: list[Ratios], heads: list[str], width: float) -> Figure:
    figure = new_figure(width, 0.95 + len(heads) * max(0.3, 0.13 * len(found)))
    axes = figure.subplots()
    axes.set_xscale("log")
    methods: list[tuple[MethodStyle, Ends]] = []
    ends = [0.9, 1.1]
    for entry, ratios, errors in found:
        ratios, errors = ratios[: len(heads)], np.nan_to_num(errors[: len(heads)])
        shown = np.flatnonzero(np.isfinite(ratios) & (ratios > 0))
        lower = np.maximum(ratios[shown] - 2 * errors[shown], 0.2 * ratios[shown])
        upper = ratios[shown] + 2 * errors[shown]
        ends += [*lower, *upper]
        methods.append((entry.style, (shown, ratios[shown], lower, upper)))
    lanes(axes, heads, methods, size=4.6)
    axes.axvline(1.0, color=INK.light, linewidth=1.0)
    low, high = min(ends) / 1.04, max(ends) * 1.04
    axes.set_xlim(low, high)
    factor_ticks(axes, _round_ratios(low, high, 7 if width >= WIDE else 4))
    axes.set_xlabel("method's sd / reference's sd", color=MUTED.light)
    legend_above(axes, width)
    return figure


def _round_ratios(low: float, high: float, most: int) -> list[float]:
    """Return round ratios between both ends, 1 among them: in steps so fine that there are `most` at most."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        ticks = [1 + step * i for i in range(-200, 201) if low <= 1 + step * i <= high]
        if len(ticks) <= most:
            return [float(fixed(tick, 2)) for tick in ticks]
    doublings = [2.0**i for i in range(-10, 11) if low <= 2.0**i <= high]
    return doublings[:: -(-len(doublings) // most)] or [1.0]
