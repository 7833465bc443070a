"""The ladder of evidence: every bound (docs/mathematics.md, 4) and every opinion on log p(x), on one axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.records import Estimate, Reference
from experiments.report.figures.marks import ACROSS, ALONG, few_ticks, write
from experiments.report.figures.picture import WIDE, Picture, new_figure
from experiments.report.gauges import gauges, is_distrusted
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import INK, MUTED, PAPER, RULE, Colour
from experiments.report.view import Entry, View, number_of

RUNGS = (
    ("own_bound", "own bound"),
    ("collapsed_bound", "F"),
    ("iwae", "IWAE"),
    ("symmetrised_bound", "F symmetrised"),
    ("importance_evidence", "log p(x) by its q"),
)
"""Metrics, and what their rungs are called, from below."""

_GAP = 0.9  # between ladders, in rungs
_CLIPPED = 12.0
"""A rung is cut off where the axis would have to be this many times longer than all the others need."""


@dataclass(frozen=True)
class Rung:
    """One mark: a value with its standard error, and whether it can be trusted."""

    label: str
    value: float
    error: float
    trusted: bool = True


@dataclass(frozen=True)
class Ladder:
    """The rungs of one method, or the opinions on log p(x); how they look."""

    name: str
    rungs: tuple[Rung, ...]
    colour: Colour
    marker: str


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method has a bound."""
    bounded = [(entry, own) for entry in view.entries if (own := rungs_of(entry))]
    if not bounded:
        return None
    ladders = [Ladder(entry.label, own, entry.style.colour, entry.style.marker) for entry, own in bounded]
    if opinions := _opinions(view.record.reference):
        ladders.append(Ladder("reference", opinions, INK, "d"))
    evidence = view.evidence
    rungs = [rung for ladder in ladders for rung in ladder.rungs]
    said = [
        "The rungs of each method, from the bound that it optimises up. Bars are ± 2 standard errors; exact "
        "figures have none. Further right is better, but compare methods on the same rung only, on F or on "
        "F symmetrised: own bounds bound different things."
    ]
    if any(rung.label == RUNGS[4][1] for rung in rungs):
        said.append(
            f"The rung '{RUNGS[4][1]}' is no bound: it estimates the ceiling itself by importance sampling "
            "from the symmetrised q."
        )
    if view.record.reference.bracket is not None:
        said.append(
            "At least and at most are bounds on log p(x) itself, which lean on no sampler: the data come "
            "from the model's own prior. They hold in expectation; each is on the wrong side by more than b "
            "nats with a chance of at most exp(\N{MINUS SIGN}b). All chains of the upper one start from the "
            "truth: its error does not hold the spread over such draws."
        )
    if not all(rung.trusted for rung in rungs):
        said.append("A hollow mark is not to be trusted: its k-hat, or its reference's checks, say so.")
    said.append(
        "What is left between F symmetrised and the vertical line, log p(x), is the evidence gap."
        if evidence is not None
        else "There is no reference for log p(x), so the gap cannot be told."
    )
    return Picture(
        "ladder",
        "The ladder of evidence",
        " ".join(said) + view.missing_from([entry for entry, _ in bounded]),
        lambda width: _draw(ladders, evidence, width),
    )


def rungs_of(entry: Entry) -> tuple[Rung, ...]:
    """Return the rungs that a method has, from below."""
    gauge = gauges(entry.record)
    found = []
    for name, label in RUNGS:
        pair = number_of(entry.record, name)
        if pair is not None:
            trusted = name != "importance_evidence" or gauge is None or gauge.symmetrised_is_trusted
            found.append(Rung(label, pair[0], 0.0 if np.isnan(pair[1]) else pair[1], trusted))
    return tuple(found)


def _opinions(reference: Reference) -> tuple[Rung, ...]:
    opinions = (
        Rung(e.method, e.value, max(0.0, e.standard_error), reference.qualified and not is_distrusted(e))
        for e in (reference.log_evidence, *reference.opinions)
        if e is not None and np.isfinite(e.value)
    )
    if (bracket := reference.bracket) is None:
        return tuple(opinions)
    lower, upper = (
        Rung(f"{word}, {e.method}", e.value, e.standard_error)
        for word, e in (("at least", bracket.lower), ("at most", bracket.upper))
    )
    return (lower, *opinions, upper)


def _draw(ladders: list[Ladder], evidence: Estimate | None, width: float) -> Figure:
    n_rungs = sum(len(ladder.rungs) for ladder in ladders) + _GAP * (len(ladders) - 1)
    figure = new_figure(width, 0.75 + 0.19 * n_rungs)
    axes = figure.subplots()
    low = _cut(ladders)
    ticks, labels = [], []
    y = 0.0
    for ladder in ladders:
        corners = []
        for i, rung in enumerate(ladder.rungs):
            _mark(axes, rung, y, ladder, low)
            corners.append((max(rung.value, low), y))
            ticks.append(y)
            labels.append(f"{ladder.name}: {rung.label}" if i == 0 else rung.label)
            if width >= WIDE:
                write(axes, fixed(rung.value, 3), (1.01, y), (0, 0), ACROSS, va="center")
            y -= 1.0
        if ladder.colour is not INK:
            colour = ladder.colour.light
            axes.plot(*np.array(corners).T, color=colour, linewidth=0.9, alpha=0.6, drawstyle="steps-post")
        if ladder is not ladders[-1]:
            axes.axhline(y + 0.5 - _GAP / 2, color=RULE.light, linewidth=0.6)
        y -= _GAP
    if evidence is not None:
        _ceiling(axes, evidence)
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(y + _GAP + 0.3, 0.7)
    axes.margins(x=0.06)
    axes.grid(axis="x")
    few_ticks(axes, 6 if width >= WIDE else 3)
    axes.set_xlabel("nats", color=MUTED.light)
    return figure


def _mark(axes: Axes, rung: Rung, y: float, ladder: Ladder, low: float) -> None:
    colour = ladder.colour.light
    if rung.value < low:
        write(axes, "further left", (low, y), (5, 0), va="center", color=MUTED.light, fontsize=7.5)
        axes.plot(low, y, marker="<", markersize=5, color=colour, linestyle="none", zorder=3)
        return
    error, face = 2 * rung.error if rung.error > 0 else None, colour if rung.trusted else PAPER.light
    look: dict[str, Any] = {"color": colour, "mfc": face, "marker": ladder.marker, "markersize": 4.6}
    axes.errorbar(rung.value, y, None, error, elinewidth=1.1, capsize=2, capthick=1.1, zorder=3, **look)


def _cut(ladders: list[Ladder]) -> float:
    """Return where the axis begins: bounds tens of nats lower would leave nothing to see of the others."""
    values = np.sort([rung.value for ladder in ladders for rung in ladder.rungs])
    low = float(values[0])
    for i in range(1, len(values) - 2):
        rest = max(float(values[-1] - values[i]), 0.5)
        if values[-1] - values[i - 1] > _CLIPPED * rest:
            low = float(values[i]) - 0.12 * rest
    return low


def _ceiling(axes: Axes, evidence: Estimate) -> None:
    if evidence.standard_error > 0:
        ends = (evidence.value + sign * 2 * evidence.standard_error for sign in (-1, 1))
        axes.axvspan(*ends, color=INK.light, alpha=0.12, linewidth=0)
    axes.axvline(evidence.value, color=INK.light, linewidth=1.0)
    text = f"log p(x) = {fixed(evidence.value, 3)}"
    write(axes, text, (evidence.value, 1.0), (0, 3), ALONG, ha="right", va="bottom")
