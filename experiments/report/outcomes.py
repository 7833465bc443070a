"""What came of each method on each problem, alike for all kinds of study, and which problems come first.

Its figures are those that a large study is looked through by: how far a posterior mean is off, how wide the
posterior is, the evidence gap, and the seconds that it took.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

from experiments.methods import label
from experiments.records import CellRecord, MethodCalibration, ProblemRecord, StudyRecord
from experiments.records.calibration import CALIBRATED, UNDECIDED

DECISIONS = ("fail", "no result", "undecided", "none", "pass")
"""What can come of a method, the worst first; ``none``: no verdict was due, or there is no reference."""

NOTABLE = 20
"""Problems that a large study names."""


@dataclass(frozen=True)
class Outcome:
    """What came of one method on one problem.

    `error` is the largest of its mean errors, in reference (of a calibration: posterior) standard deviations,
    `error_se` its standard error; `width` the ratio of standard deviations that is furthest from 1; `gap` the
    evidence gap in nats; all None where they are not known. `words` is what a reader calls the decision.
    """

    problem: ProblemRecord
    method: str
    decision: str
    words: str
    sentence: str
    error: float | None = None
    width: float | None = None
    gap: float | None = None
    seconds: float | None = None
    error_se: float | None = None

    @property
    def label(self) -> str:
        """The method's name for readers."""
        return label(self.method)

    @property
    def said(self) -> str:
        """The sentence, which names the method."""
        named = not self.method or self.sentence.startswith(self.label)
        return self.sentence if named else f"{self.label}: {self.sentence}"

    @property
    def mark(self) -> str:
        """The style sheet's class for the decision; without a result there is no verdict."""
        return "none" if self.decision == "no result" else self.decision

    @property
    def rank(self) -> tuple[int, float]:
        """What outcomes are sorted by, the worst first."""
        return DECISIONS.index(self.decision), -(self.error or 0.0)


@dataclass(frozen=True)
class Noted:
    """A problem, its worst outcome, and the name of its page."""

    problem: ProblemRecord
    worst: Outcome
    page: str


def mark_of(decision: str) -> str:
    """Return the style sheet's class for a calibration's decision on a method or a quantity."""
    return {CALIBRATED: "pass", UNDECIDED: "undecided"}.get(decision, "fail")


def outcomes_of(problem: ProblemRecord) -> list[Outcome]:
    """Return what came of every method on a problem."""
    if problem.details is not None:
        return [_of_calibration(problem, one) for one in problem.details.methods]
    return [_of_cell(problem, cell) for cell in problem.cells]


def noted(record: StudyRecord) -> list[Noted]:
    """Return all problems, the worst first and the undecided after them, each with its worst outcome."""
    pages = page_names(record)
    found = []
    for problem, page in zip(record.problems, pages, strict=True):
        outcomes = outcomes_of(problem) or [Outcome(problem, "", "none", "no verdict", "It was not judged.")]
        found.append(Noted(problem, min(outcomes, key=lambda one: one.rank), page))
    return sorted(found, key=lambda one: one.worst.rank)


def page_names(record: StudyRecord) -> list[str]:
    """Return the names of the problems' pages, each once: letters, digits, and _ . + - ~ alone."""
    taken: Counter[str] = Counter()
    names = []
    for problem in record.problems:
        parts = [problem.dataset if problem.problem else "", problem.model]
        if problem.repeat > 1:
            parts.append(str(problem.repeat))
        name = re.sub(r"[^\w.+-]", "_", "-".join(part for part in parts if part))
        taken[name] += 1
        names.append(f"{name}~{taken[name]}" if taken[name] > 1 else name)
    return names


def title_of(record: ProblemRecord) -> str:
    """Return a problem's heading; that of a user's own model has its data in its module."""
    repeat = f", repeat {record.repeat}" if record.repeat > 1 else ""
    return f"{record.dataset}, {record.model}{repeat}" if record.problem else f"{record.model}{repeat}"


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many outcomes there are of each decision, in the order of `DECISIONS`."""
    found = dict.fromkeys(DECISIONS, 0)
    for one in outcomes:
        found[one.decision] += 1
    return found


def _of_cell(problem: ProblemRecord, cell: CellRecord) -> Outcome:
    if cell.status != "ok":
        words = cell.status.replace("_", " ")
        return Outcome(problem, cell.cell.method, "no result", words, cell.message)
    verdict = cell.verdict
    decision = verdict.decision if verdict else "none"
    is_reference = cell.cell.key == problem.reference_cell
    sentence = (
        verdict.sentence if verdict else "It is the reference." if is_reference else problem.reference.reason
    )
    error, error_se = _largest_error(cell)
    seconds = [some for some in (cell.seconds_compile, cell.seconds_run) if some is not None]
    return Outcome(
        problem,
        cell.cell.method,
        decision,
        "no verdict" if decision == "none" else decision,
        sentence,
        error,
        max(
            (one for one in _values(cell, "sd_ratio") if one > 0), key=lambda one: abs(log(one)), default=None
        ),
        next(iter(_values(cell, "evidence_gap")), None),
        sum(seconds) if seconds else None,
        error_se,
    )


def _largest_error(cell: CellRecord) -> tuple[float | None, float | None]:
    """Return the mean error furthest from 0, without its sign, and its standard error."""
    one = cell.measurements.get("mean_error")
    if one is None or one.value is None:
        return None, None
    values, errors = list(_flat([one.value])), list(_flat([one.standard_error]))
    errors = errors if len(errors) == len(values) else errors[:1] * len(values)
    found = [(abs(v), e) for v, e in zip(values, errors, strict=True) if _is_finite(v)]
    error, error_se = max(found, key=lambda pair: pair[0], default=(None, None))
    return error, error_se if _is_finite(error_se) else None


def _of_calibration(problem: ProblemRecord, one: MethodCalibration) -> Outcome:
    shifts = [abs(quantity.shift.value) for quantity in one.quantities if isfinite(quantity.shift.value)]
    widths = [quantity.width.value for quantity in one.quantities if quantity.width.value > 0]
    return Outcome(
        problem,
        one.method,
        mark_of(one.decision),
        one.decision,
        one.sentence,
        max(shifts, default=None),
        max(widths, key=lambda width: abs(log(width)), default=None),
        None,
        one.processor_seconds,
    )


def _values(cell: CellRecord, name: str) -> list[float]:
    """Return the finite numbers of a measurement."""
    one = cell.measurements.get(name)
    value = None if one is None else one.value
    values: Sequence[object] = value if isinstance(value, list) else [value]
    return [float(some) for some in _flat(values) if _is_finite(some)]


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _flat(values: Sequence[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value
