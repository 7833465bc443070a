"""Time against error: what each method takes, and how far off its means are, on every problem of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from experiments.report.figures.marks import write
from experiments.report.figures.picture import WIDE, Picture, new_panels
from experiments.report.outcomes import Outcome, title_of
from experiments.report.style.numbers import rough, seconds_text, typeset
from experiments.report.style.palette import MUTED, PAPER, REFERENCE, MethodStyle
from experiments.report.style.words import as_sentence, listed

_MOST_PANELS = 4  # problems with a panel each; more share one, each method with its medians
_MOST_DOTS = 300  # problems of a method that are drawn
_FAR = 20.0  # medians, from which the largest error makes the axis of errors logarithmic
_LINE = 9.0  # points of type between two labels
_WIDTH = 70.0  # points of type that a label takes, about


@dataclass(frozen=True)
class _Mark:
    """Where a method stands: seconds, error in posterior sds, and its standard error (0 where unknown)."""

    style: MethodStyle
    seconds: float
    error: float
    error_se: float


def picture(outcomes: Sequence[Outcome], styles: Mapping[str, MethodStyle], margin: float) -> Picture | None:
    """Return the picture, or None where fewer than two methods have a time and an error.

    The margin is what a verdict allows, in posterior standard deviations.
    """
    known = [one for one in outcomes if one.seconds and one.error is not None]
    medians = _medians(known, styles)
    if len(medians) < 2:
        return None
    by_problem: dict[str, list[Outcome]] = {}
    for one in known:
        by_problem.setdefault(title_of(one.problem), []).append(one)
    everywhere = [some for some in by_problem.values() if len({one.method for one in some}) == len(medians)]
    apart = len(by_problem) <= _MOST_PANELS
    panels = {name: _medians(some, styles) for name, some in by_problem.items()} if apart else {"": medians}
    others = [] if apart else [_mark(one, styles) for one in known]
    left_out = [
        f"{one.label} on {title_of(one.problem)}"
        for one in outcomes
        if one not in known and (one.seconds or one.decision == "no result")
    ]
    caption = [
        *_conclusion(everywhere or list(by_problem.values()), styles),
        "Time, compiling included, is on a logarithmic axis; the error is that of the mean furthest off, ± 2 "
        "standard errors. Better is further left and further down.",
    ]
    if not apart:
        caption.append("Small marks are problems, large ones the medians.")
    if left_out:
        more = f" and {len(left_out) - 4} more" if len(left_out) > 4 else ""
        caption.append(f"Without an error to show: {', '.join(left_out[:4])}{more}.")
    return Picture(
        "trade-off",
        "Time against error",
        " ".join(caption),
        lambda width: _draw(panels, others, margin, width),
    )


def _mark(one: Outcome, styles: Mapping[str, MethodStyle]) -> _Mark:
    assert one.seconds is not None and one.error is not None
    return _Mark(styles[one.method], one.seconds, one.error, one.error_se or 0.0)


def _medians(some: Sequence[Outcome], styles: Mapping[str, MethodStyle]) -> list[_Mark]:
    """Return each method's medians, in the order of the methods."""
    marks: dict[str, list[_Mark]] = {}
    for one in some:
        marks.setdefault(one.method, []).append(_mark(one, styles))
    return [
        _Mark(
            own[0].style,
            *(
                float(np.median([getattr(one, name) for one in own]))
                for name in ("seconds", "error", "error_se")
            ),
        )
        for own in (marks[method] for method in styles if method in marks)
    ]


def _conclusion(problems: list[list[Outcome]], styles: Mapping[str, MethodStyle]) -> list[str]:
    """Say who is fastest, who is closest, and who is neither; on the problems that all methods have."""
    medians = _medians([one for some in problems for one in some], styles)
    fast, close = min(medians, key=lambda one: one.seconds), min(medians, key=lambda one: one.error)
    where = (
        f"In the median of {len(problems)} problems"
        if len(problems) > 1
        else f"On {title_of(problems[0][0].problem)}"
    )
    time = f"{seconds_text(fast.seconds)} s"
    if fast is close:
        near = [
            one.style.label
            for one in medians
            if one is not fast and one.error - fast.error <= 2 * hypot(one.error_se, fast.error_se)
        ]
        end = f", which cannot be told from the error of {listed(near)}" if near else ""
        return [
            f"{where}, {fast.style.label} is both the fastest and the closest: {time}, and "
            f"{rough(fast.error).text} posterior standard deviations off{end}."
        ]
    ratio = rough(close.seconds / fast.seconds).text
    alike = fast.error - close.error <= 2 * hypot(fast.error_se, close.error_se)
    end = (
        "their errors cannot be told apart"
        if alike
        else f"{fast.style.label} is off by {rough(fast.error).text} posterior standard deviations, "
        f"{close.style.label} by {rough(close.error).text}"
    )
    said = [
        f"{where}, {fast.style.label} is the fastest: {time}, {ratio} times as fast as "
        f"{close.style.label}, which is the closest; {end}."
    ]
    behind = [
        one.style.label
        for one in medians
        if any(other.seconds < one.seconds and other.error < one.error for other in medians)
    ]
    if behind:
        verb = "is" if len(behind) == 1 else "are"
        said.append(as_sentence(f"{listed(behind)} {verb} both slower and further off than another"))
    return said


def _draw(panels: Mapping[str, list[_Mark]], others: list[_Mark], margin: float, width: float) -> Figure:
    columns = min(len(panels), 2 if width >= WIDE else 1)
    height = 2.5 if width >= WIDE or len(panels) == 1 else 1.9
    figure, grid = new_panels(len(panels), columns, width, height, 0.3, sharex=True, sharey=True)
    everything = [*others, *(one for marks in panels.values() for one in marks)]
    for i, (axes, (name, marks)) in enumerate(zip(grid, panels.items(), strict=True)):
        _frame(axes, everything, margin)
        axes.set_title(name, fontsize=8)
        for style in {one.style.label: one.style for one in others}.values():
            dots = [(one.seconds, one.error) for one in others if one.style == style]
            some = np.array(dots[:: -(-len(dots) // _MOST_DOTS)]).T
            look: dict[str, Any] = {"color": style.colour.light, "marker": style.marker}
            axes.plot(*some, markersize=2.5, linestyle="none", alpha=0.45, **look)
        for one in marks:
            bar = 2 * one.error_se if not others and one.error_se else None
            look = {"color": one.style.colour.light, "marker": one.style.marker}
            axes.errorbar(
                one.seconds, one.error, bar, markersize=6, elinewidth=1.1, capsize=2, zorder=3, **look
            )
        _name(axes, marks, bool(others), width / columns * 60, height * 55)
        if i >= len(panels) - columns:
            axes.set_xlabel("seconds, logarithmic", color=MUTED.light)
        if i % columns == 0:
            axes.set_ylabel("error, posterior sds", color=MUTED.light)
    return figure


def _frame(axes: Axes, marks: list[_Mark], margin: float) -> None:
    """Give the axes their ends: all marks, zero, and the margin where that is near."""
    seconds = np.array([one.seconds for one in marks])
    tops = np.array([one.error + 2 * one.error_se for one in marks])
    axes.set_xscale("log")
    axes.set_xlim(seconds.min() / 2.2, seconds.max() * 2.2)
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:g}")))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")
    top = float(tops.max())
    high = 1.12 * max(top, margin if top > margin / 4 else 0.0) or 1.0
    errors = np.array([one.error for one in marks if one.error > 0])
    if len(errors) and top > _FAR * np.median(errors):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:g}")))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(float(errors.min()) / 1.5, 1.5 * high)
    else:
        axes.set_ylim(0, high)
    if margin <= axes.get_ylim()[1]:
        axes.axhline(margin, color=REFERENCE.light, linewidth=0.9, linestyle=(0, (4, 2)))
        where = (axes.get_xlim()[0], margin)
        write(axes, "allowed", where, (3, 2), fontsize=7.5, color=MUTED.light, va="bottom")


def _name(axes: Axes, marks: list[_Mark], boxed: bool, width: float, height: float) -> None:
    """Write each method's name beside its mark, on the side of the middle, none over another."""
    box = {"facecolor": PAPER.light, "edgecolor": "none", "pad": 1, "alpha": 0.85} if boxed else None
    shares = axes.transAxes.inverted()
    placed: list[tuple[float, float]] = []
    for one in sorted(marks, key=lambda one: one.error):
        across, up = shares.transform(axes.transData.transform((one.seconds, one.error)))
        inward = 1 if across < 0.5 else -1
        x, y = across * width + inward * _WIDTH / 2, up * height
        at = y
        for other_x, other_y in sorted(placed, key=lambda place: place[1]):
            if abs(other_x - x) < _WIDTH and abs(other_y - at) < _LINE:
                at = other_y + _LINE
        placed.append((x, at))
        look: dict[str, Any] = {"color": one.style.colour.light, "va": "center", "bbox": box}
        write(
            axes,
            one.style.label,
            (one.seconds, one.error),
            (inward * 7, at - y),
            ha="left" if inward > 0 else "right",
            **look,
        )
