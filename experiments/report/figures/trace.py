"""The bound against wall time, with the log evidence as the ceiling."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from experiments.report.figures.marks import legend_above
from experiments.report.figures.picture import Picture, new_figure
from experiments.report.style.numbers import typeset
from experiments.report.style.palette import INK, MUTED
from experiments.report.view import Entry, View

_MOST_POINTS = 300


def picture(view: View) -> Picture | None:
    """Return the picture, or None if no method traced its bound."""
    traced = [(entry, trace) for entry in view.entries if len(trace := _clean(entry.record.trace))]
    if not traced:
        return None
    evidence = view.evidence
    shortest = min(float(trace[0, 0]) for _, trace in traced)
    low, high = _limits(traced, None if evidence is None else evidence.value)
    samplers = [
        (entry, entry.record.seconds_run)
        for entry in view.entries
        if entry.record.status == "ok" and entry.record.bound is None and entry.record.seconds_run
    ]

    def draw(width: float) -> Figure:
        figure = new_figure(width, 3.1)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: typeset(f"{value:g}")))
        axes.xaxis.set_minor_formatter(NullFormatter())
        for entry, trace in traced:
            _line(axes, entry, trace)
        for entry, run in samplers:
            line = axes.axvline(run, linewidth=1.0, **entry.style.line)
            line.set_label(f"{entry.label}: done")
        if evidence is not None:
            if evidence.standard_error > 0:
                ends = (evidence.value + sign * 2 * evidence.standard_error for sign in (-1, 1))
                axes.axhspan(*ends, color=INK.light, alpha=0.12, linewidth=0)
            axes.axhline(evidence.value, color=INK.light, linewidth=1.0, label="log p(x)")
        axes.set_ylim(low, high)
        axes.margins(x=0.03)
        axes.grid(axis="y")
        axes.set_xlabel("seconds of running, logarithmic", color=MUTED.light)
        axes.set_title("own bound (nats)", fontsize=8)
        legend_above(axes, width)
        return figure

    ceiling = "The horizontal line is the log evidence log p(x), which no bound can exceed. "
    done = "A vertical line marks when a sampler, which has no bound, was done. " if samplers else ""
    start = f"Time starts at {shortest:.2g} s. " if shortest > 0 else ""
    return Picture(
        "trace",
        "Bound against wall time",
        "The bound that each method itself optimises, the best so far of all its starts, while it ran "
        "(compiling left out); shaded where it is a noisy estimate, ± 2 standard errors. Higher is "
        f"better. {ceiling if evidence is not None else ''}{done}{start}Early values far below the last are "
        "cut off.",
        draw,
        "bounds",
    )


def _clean(trace: np.ndarray) -> np.ndarray:
    """Return finite rows with times above zero, thinned evenly in log time; shape (T, 3)."""
    rows = np.asarray(trace, dtype=np.float64).reshape(-1, 3)
    rows = rows[np.isfinite(rows[:, :2]).all(axis=1)]
    if not len(rows):
        return rows
    positive = rows[rows[:, 0] > 0, 0]
    floor = positive.min() / 2 if len(positive) else 1e-4
    rows = np.column_stack([np.maximum(rows[:, 0], floor), rows[:, 1], np.nan_to_num(rows[:, 2], nan=0.0)])
    if len(rows) > _MOST_POINTS:
        targets = np.geomspace(rows[0, 0], rows[-1, 0], _MOST_POINTS)
        keep = np.append(np.searchsorted(rows[:, 0], targets), len(rows) - 1).clip(0, len(rows) - 1)
        rows = rows[np.unique(keep)]
    return rows


def _limits(traced: list[tuple[Entry, np.ndarray]], evidence: float | None) -> tuple[float, float]:
    """Return vertical limits that hold the last fifth of every trace, and the evidence."""
    lasts = np.concatenate([trace[-max(1, len(trace) // 5) :, 1] for _, trace in traced])
    top = max(lasts.max(), -np.inf if evidence is None else evidence)
    ends = min(float(trace[-1, 1]) for _, trace in traced)
    height = max(top - min(ends, float(np.percentile(lasts, 5))), 1.0)
    return top - 2.2 * height, top + 0.15 * height


def _line(axes: Axes, entry: Entry, trace: np.ndarray) -> None:
    """Draw a trace in steps: the best so far holds until a better one is found."""
    colour, style = entry.style.colour.light, entry.style
    seconds, bound, error = trace.T
    if np.any(error > 0):
        low, high = bound - 2 * error, bound + 2 * error
        axes.fill_between(seconds, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    (line,) = axes.step(seconds, bound, where="post", color=colour, label=style.label, linewidth=1.3)
    line.set(marker=style.marker, markevery=[len(trace) - 1])
