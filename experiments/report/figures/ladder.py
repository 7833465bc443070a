"""The ladder of bounds: own bound <= collapsed F <= symmetrised F <= log p(x), all on one axis."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.records import Estimate
from experiments.report.figures.picture import WIDE, Picture, few_ticks, new_figure
from experiments.report.numbers import fixed
from experiments.report.palette import INK, MUTED, PAPER, RULE
from experiments.report.view import Entry, View, number_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RUNGS = (("own_bound", "own bound"), ("collapsed_bound", "F"), ("symmetrised_bound", "F symmetrised"))
Rungs = list[tuple[int, float, float]]


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method has a bound."""
    ladders = [(entry, rungs) for entry in view.entries if (rungs := _rungs(entry))]
    if not ladders:
        return None
    evidence = view.record.reference.log_evidence

    def draw(width: float) -> "Figure":
        return _draw(ladders, evidence, width)

    ceiling = (
        "What is left between F symmetrised and the vertical line, log p(x), is the evidence gap."
        if evidence is not None
        else "There is no reference for log p(x), so the gap cannot be told."
    )
    return Picture(
        "ladder",
        "The ladder of bounds",
        "Three rungs for each method: the bound it optimises (open), the collapsed bound F, and F "
        "symmetrised over the labels. Bars are ± 2 standard errors; exact bounds have none. Further right "
        "is better, but compare methods on the same rung only. "
        f"{ceiling}{view.missing_from([entry for entry, _ in ladders])}",
        draw,
    )


def _rungs(entry: Entry) -> Rungs:
    found = [(i, number_of(entry.record, name)) for i, (name, _) in enumerate(_RUNGS)]
    return [(i, pair[0], 0.0 if np.isnan(pair[1]) else pair[1]) for i, pair in found if pair is not None]


def _draw(ladders: list[tuple[Entry, Rungs]], evidence: Estimate | None, width: float) -> "Figure":
    step, gap = 1.0, 1.3
    figure = new_figure(width, 0.9 + len(ladders) * (0.62 if width >= WIDE else 0.66))
    axes = figure.subplots()
    ticks, labels = [], []
    y = 0.0
    for entry, rungs in ladders:
        style, colour = entry.style, entry.style.colour.light
        start = y
        points = []
        for i, value, error in rungs:
            height = start - i * step
            axes.errorbar(
                value,
                height,
                xerr=2 * error if error > 0 else None,
                marker=style.marker,
                markersize=5,
                color=colour,
                markerfacecolor=PAPER.light if i == 0 else colour,
                markeredgecolor=colour,
                elinewidth=1.1,
                capsize=2,
                capthick=1.1,
                zorder=3,
            )
            points.append((value, height))
            ticks.append(height)
            labels.append(f"{entry.label}: {_RUNGS[i][1]}" if i == rungs[0][0] else _RUNGS[i][1])
            if width >= WIDE:
                axes.annotate(
                    fixed(value, 3),
                    (1.01, height),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    color=INK.light,
                    fontsize=8,
                )
        corners = np.array(points)
        axes.plot(
            corners[:, 0], corners[:, 1], color=colour, linewidth=0.9, alpha=0.6, drawstyle="steps-post"
        )
        y = start - (len(_RUNGS) - 1) * step - gap - step
        axes.axhline(y + step + gap / 2 - 0.35, color=RULE.light, linewidth=0.6)
    if evidence is not None:
        if evidence.standard_error > 0:
            spread = 2 * evidence.standard_error
            axes.axvspan(
                evidence.value - spread, evidence.value + spread, color=INK.light, alpha=0.12, linewidth=0
            )
        axes.axvline(evidence.value, color=INK.light, linewidth=1.0)
        axes.annotate(
            f"log p(x) = {fixed(evidence.value, 3)}",
            (evidence.value, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
        )
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(y + step + gap / 2 - 0.35, 0.9)
    axes.margins(x=0.06)
    axes.grid(axis="x")
    few_ticks(axes, 6 if width >= WIDE else 3)
    axes.set_xlabel("nats", color=MUTED.light)
    return figure
