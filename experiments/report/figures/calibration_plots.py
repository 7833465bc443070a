"""The pictures of a calibration: rank ECDFs in their bands, effects in their margins, coverage."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.calibration.effects import LEVELS
from experiments.posterior.bands import band
from experiments.records import Design, MethodCalibration, ModelCalibration, QuantityCalibration
from experiments.report.figures.marks import (
    band_of_shares,
    factor_ticks,
    few_ticks,
    lanes,
    legend_above,
    shade,
)
from experiments.report.figures.picture import WIDE, Picture, new_figure, new_panels
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, MethodStyle

Styles = dict[str, MethodStyle]
Interval = Callable[[QuantityCalibration], tuple[float, float, float]]

_FINE = 400  # points at which an empirical distribution is drawn


def pictures(model: ModelCalibration, styles: Styles) -> list[Picture]:
    """Return the pictures of a model; none if no method gave anything to rank."""
    shown = [one for one in model.methods if one.quantities]
    if not shown:
        return []
    design = model.design
    level = 100 * (1 - design.test_level)
    return [
        Picture(
            "ecdf",
            "Where the truth lies among the draws",
            "For each quantity, the empirical distribution of the truth's place among a method's draws (0: "
            "below all of them, 1: above), minus the uniform distribution that exact posteriors give. The "
            f"shaded band holds a calibrated method's whole line with probability {_percent(level)} %. "
            "First above, then below: too many truths at both ends, the method is over-confident; first "
            "below, then above: under-confident; above throughout: the method sits too high; below "
            "throughout: too low.",
            lambda width: _draw_ecdf(shown, styles, design.test_level, width),
        ),
        Picture(
            "effects",
            "How far off, and which way",
            "Left: by how many posterior standard deviations the truth lies above the method's centre, on "
            "average; left of 0, the method sits too high. Right: by which factor the truth is more "
            "spread than the method claims; above 1, its intervals are too narrow. With "
            f"{_percent(100 * (1 - 2 * design.error_rate))} % intervals; shaded: what no longer matters (a "
            "convention of this project). Both are read off the places as if posteriors were normal.",
            lambda width: _draw_effects(shown, styles, design, width),
        ),
        Picture(
            "coverage",
            "How often intervals hold the truth",
            "The share of simulated data sets whose central 50 %, 80 % and 95 % interval held the "
            "true value, with Wilson's 95 % intervals. The line is what the interval claims; left of it a "
            "method is over-confident.",
            lambda width: _draw_coverage(shown, styles, width),
        ),
    ]


def _draw_ecdf(shown: list[MethodCalibration], styles: Styles, test_level: float, width: float) -> Figure:
    names = quantities_of(shown)
    columns = min(len(names), 3 if width >= WIDE else 2)
    height = 1.75 if width >= WIDE else 1.6
    figure, panels = new_panels(len(names), columns, width, height, 0.75, sharex=True, sharey=True)
    bounds = band(min(one.replicates for one in shown), 1 - test_level)
    fine = np.linspace(0, 1, _FINE)
    for name, axes in zip(names, panels, strict=True):
        band_of_shares(axes, bounds)
        for one in shown:
            result = next((q for q in one.quantities if q.quantity == name), None)
            if result is not None:
                below = np.searchsorted(np.sort(result.ranks), fine, side="right") / len(result.ranks)
                axes.plot(fine, below - fine, linewidth=1.4, **styles[one.method].line)
        axes.set_title(name)
    for axes in panels[-columns:]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("place z of the truth", color=MUTED.light)
    for axes in panels[::columns]:
        axes.set_ylabel("ECDF \N{MINUS SIGN} z", color=MUTED.light)
    legend_above(panels[0], width)
    return figure


def _draw_effects(shown: list[MethodCalibration], styles: Styles, design: Design, width: float) -> Figure:
    measures: list[tuple[str, Interval]] = [
        ("shift (posterior sds)", lambda q: (q.shift.value, q.shift.low, q.shift.high)),
        ("width, true / claimed", lambda q: (q.width.value, q.width.low, q.width.high)),
    ]
    figure, (shift, factor) = _lanes(shown, styles, width, measures)
    margin = design.shift_margin
    shade(shift, -margin, margin)
    shift.axvline(0.0, color=INK.light, linewidth=1.0)
    few_ticks(shift, 5 if width >= WIDE else 2)
    factor.set_xscale("log")
    shade(factor, 1 / design.width_margin, design.width_margin)
    factor.axvline(1.0, color=INK.light, linewidth=1.0)
    low, high = factor.get_xlim()
    factor_ticks(factor, _round_factors(low, high))
    factor.set_xlim(low, high)
    return figure


def _draw_coverage(shown: list[MethodCalibration], styles: Styles, width: float) -> Figure:
    head = " intervals" if width >= WIDE else ""
    measures = [(f"{_percent(100 * level)} %{head}", partial(_coverage, i)) for i, level in enumerate(LEVELS)]
    figure, panels = _lanes(shown, styles, width, measures)
    for axes, level in zip(panels, LEVELS, strict=True):
        axes.axvline(100 * level, color=INK.light, linewidth=1.0)
        few_ticks(axes, 4 if width >= WIDE else 2)
        low, high = axes.get_xlim()
        axes.set_xlim(max(0.0, low), min(102.0, max(high, 100 * level + 2)))
    panels[len(panels) // 2].set_xlabel("coverage (%)", color=MUTED.light)
    return figure


def _coverage(level: int, one: QuantityCalibration) -> tuple[float, float, float]:
    found = one.coverage[level]
    return 100 * found.share, 100 * found.low, 100 * found.high


def _lanes(
    shown: list[MethodCalibration], styles: Styles, width: float, measures: Sequence[tuple[str, Interval]]
) -> tuple[Figure, list[Axes]]:
    """Draw panels side by side, one for each measure, with one legend."""
    names = quantities_of(shown)
    figure = new_figure(width, 1.0 + len(names) * max(0.32, 0.12 * len(shown)))
    panels = list(figure.subplots(1, len(measures), sharey=True, squeeze=False)[0])
    for axes, (title, interval) in zip(panels, measures, strict=True):
        methods = []
        for one in shown:
            rows = [(names.index(q.quantity), *interval(q)) for q in one.quantities]
            row, value, low, high = (np.array(column) for column in zip(*rows, strict=True))
            methods.append((styles[one.method], (row, value, low, high)))
        lanes(axes, names, methods)
        axes.set_title(title)
    legend_above(panels[0], width)
    return figure, panels


def quantities_of(shown: Iterable[MethodCalibration]) -> list[str]:
    """Return the quantities of methods, in the order of the first that has them."""
    return list(dict.fromkeys(q.quantity for one in shown for q in one.quantities))


def _round_factors(low: float, high: float) -> list[float]:
    """Return round factors on both sides of 1, those that the axis holds."""
    for ticks in ([0.8, 0.9, 1, 1.1, 1.25], [0.5, 0.75, 1, 1.5, 2], [0.25, 0.5, 1, 2, 4], [0.1, 1, 10]):
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= 3 or (inside and ticks[0] < low and ticks[-1] > high):
            if high <= ticks[-1] * 1.3 and low >= ticks[0] / 1.3:
                return inside
    return [1.0]


def _percent(value: float) -> str:
    return fixed(value, 2).rstrip("0").rstrip(".")
