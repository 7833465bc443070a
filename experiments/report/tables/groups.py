"""The overview of a large study: verdicts, errors and times by groups, which stay as few as they are."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from experiments.report.outcomes import Outcome, counts
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.table import MARKS, Column, Row, Table

MOST_ROWS = 30
"""Rows of a table; data sets beyond that are put together, by their names without a number at the end."""

_BARS = " ▁▂▃▄▅▆▇█"
_BINS = 12
_DECIDED = {
    "pass": "Pass",
    "fail": "Fail",
    "undecided": "Undecided",
    "none": "No verdict",
    "no result": "No result",
}
Figure = Callable[[Outcome], float | None]
_FIGURES: tuple[tuple[str, str, Figure], ...] = (
    ("Largest mean error", "posterior standard deviations", lambda one: one.error),
    (
        "Ratio of standard deviations furthest from 1",
        "of the method's to the reference's",
        lambda one: one.width,
    ),
    ("Evidence gap", "nats", lambda one: one.gap),
    ("Time, compiling and running", "seconds", lambda one: one.seconds),
)


def verdicts_by_method(outcomes: Sequence[Outcome]) -> Table:
    """Return how many verdicts of each kind there are for every model and method."""
    return _verdicts("Verdicts by model and method", "Model and method", outcomes, _model_and_method)


def verdicts_by_dataset(outcomes: Sequence[Outcome]) -> Table | None:
    """Return the same for every data set; None where there is but one, or models bring their own."""
    names = {one.problem.dataset for one in outcomes}
    if len(names) < 2:
        return None
    group = _Datasets(names)
    return _verdicts("Verdicts by data set, all methods together", "Data set", outcomes, group)


def distributions(outcomes: Sequence[Outcome]) -> list[Table]:
    """Return for each figure how it is distributed over the problems, for every model and method."""
    tables = (_distribution(name, unit, figure, outcomes) for name, unit, figure in _FIGURES)
    return [table for table in tables if table is not None]


def _model_and_method(one: Outcome) -> tuple[str, str]:
    return f"{one.problem.series or one.problem.model}, {one.label}", one.method


class _Datasets:
    """Groups of data sets: each alone if they are few, else by the names without what numbers them."""

    def __init__(self, names: set[str]) -> None:
        few = len(names) <= MOST_ROWS
        self._group = {name: name if few else re.sub(r"[-_.]?\d+$", "", name) or "numbered" for name in names}
        self._size = {group: list(self._group.values()).count(group) for group in self._group.values()}

    def __call__(self, one: Outcome) -> tuple[str, str]:
        group = self._group[one.problem.dataset]
        size = self._size[group]
        return (f"{group}… ({size} data sets)" if size > 1 else one.problem.dataset), ""


def _grouped(
    outcomes: Sequence[Outcome], group: Callable[[Outcome], tuple[str, str]]
) -> dict[tuple[str, str], list[Outcome]]:
    """Return outcomes by group; those beyond the largest `MOST_ROWS` are put together."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(group(one), []).append(one)
    if len(found) <= MOST_ROWS:
        return found
    first = sorted(found, key=lambda key: -_badness(found[key]))[: MOST_ROWS - 1]
    rest = [one for key, members in found.items() if key not in first for one in members]
    kept = {key: members for key, members in found.items() if key in first}
    return {**kept, (f"{len(found) - len(first)} others", ""): rest}


def _badness(members: Sequence[Outcome]) -> float:
    number = counts(members)
    return (2 * (number["fail"] + number["no result"]) + number["undecided"]) / len(members)


def _verdicts(
    caption: str, first: str, outcomes: Sequence[Outcome], group: Callable[[Outcome], tuple[str, str]]
) -> Table:
    there = [name for name, number in counts(outcomes).items() if number]
    shown = [name for name in _DECIDED if name in there]
    rows = []
    for (head, method), members in _grouped(outcomes, group).items():
        number = counts(members)
        entries = (
            Shown(numbers.thousands(str(number[name])) if number[name] else numbers.DASH) for name in shown
        )
        rows.append(Row(head, (Shown(numbers.thousands(str(len(members)))), *entries), method))
    columns = [
        Column("Results"),
        *(Column(f"{MARKS.get(name, '')} {_DECIDED[name]}".strip()) for name in shown),
    ]
    return Table(caption, tuple(columns), tuple(rows), first=first)


def _distribution(name: str, unit: str, figure: Figure, outcomes: Sequence[Outcome]) -> Table | None:
    groups = {
        key: [figure(one) for one in members]
        for key, members in _grouped(outcomes, _model_and_method).items()
    }
    known = {key: np.array([one for one in some if one is not None]) for key, some in groups.items()}
    everything = np.concatenate([*known.values(), np.empty(0)])
    if not everything.size:
        return None
    edges = np.linspace(everything.min(), everything.max(), _BINS + 1)
    rows = []
    for (head, method), values in known.items():
        if values.size:
            ends = (numbers.rough(float(q)) for q in np.percentile(values, [0, 5, 50, 95, 100]))
            entries = (*ends, Shown(bars(values, edges), numeric=False))
        else:
            entries = (*(missing() for _ in range(5)), Shown("", numeric=False))
        rows.append(Row(head, entries, method))
    heads = [Column(text) for text in ("least", "5 %", "median", "95 %", "largest")]
    span = f"from {numbers.rough(float(edges[0])).text} to {numbers.rough(float(edges[-1])).text}"
    columns = (*heads, Column("distribution", span, numeric=False))
    return Table(f"{name}, {unit}", columns, tuple(rows), first="Model and method")


def bars(values: np.ndarray, edges: np.ndarray) -> str:
    """Return a histogram as a row of bars, one character each; a bin that is not empty shows."""
    if not edges[-1] > edges[0]:
        return _BARS[-1]
    heights = np.histogram(values, edges)[0]
    levels = np.ceil(heights / max(heights.max(), 1) * (len(_BARS) - 1)).astype(int)
    return "".join(_BARS[level] for level in levels).replace(" ", "\N{FIGURE SPACE}")
