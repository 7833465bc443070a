"""Wall time of each method: compiling apart from running."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.report.figures.marks import few_ticks, row_names, write
from experiments.report.figures.picture import WIDE, Picture, new_figure
from experiments.report.style.numbers import seconds_text
from experiments.report.style.palette import MUTED
from experiments.report.view import Entry, View, warmth

_HATCHED: dict[str, Any] = {"facecolor": "none", "hatch": "/////", "linewidth": 0.8}


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no time was taken."""
    timed = [entry for entry in view.entries if entry.record.seconds_run is not None]
    if not timed:
        return None

    def draw(width: float) -> Figure:
        figure = new_figure(width, 0.85 + 0.34 * len(timed))
        axes = figure.subplots()
        longest = max(sum(_seconds(entry)) for entry in timed)
        for row, entry in enumerate(timed):
            compiling, running = _seconds(entry)
            colour = entry.style.colour.light
            axes.barh(-row, compiling, 0.56, edgecolor=colour, **_HATCHED)
            axes.barh(-row, running, 0.56, compiling, color=colour, linewidth=0)
            words = f"{seconds_text(compiling)} + {seconds_text(running)} s{_ending(entry)}"
            write(axes, words, (compiling + running, -row), (5, 0), va="center")
        axes.set_xlim(0, (1.32 if width >= WIDE else 1.75) * max(longest, 1e-9))
        row_names(axes, [entry.label for entry in timed], 0.55, spine=True)
        few_ticks(axes, 5 if width >= WIDE else 3)
        axes.set_xlabel("seconds", color=MUTED.light)
        keys = [
            Patch(edgecolor=MUTED.light, label="compile", **_HATCHED),
            Patch(facecolor=MUTED.light, label="run"),
        ]
        figure.legend(handles=keys, loc="outside upper left", ncols=2, borderaxespad=0)
        return figure

    return Picture(
        "wall-time",
        "Wall time",
        "Hatched: building and compiling; solid: running. Both are in the labels, with whether the "
        "compiler's cache was warm (compiled before) or cold, or compiled code was reused: the time is then "
        "what compiling that had taken."
        f"{view.missing_from(timed)}",
        draw,
        "cost",
    )


def _seconds(entry: Entry) -> tuple[float, float]:
    return entry.record.seconds_compile or 0.0, entry.record.seconds_run or 0.0


def _ending(entry: Entry) -> str:
    status = entry.record.status
    word = warmth(entry.record) if status == "ok" else status.replace("_", " ")
    return f" ({word})" if word else ""
