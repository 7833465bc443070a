"""What differs between two studies, or two runs of one: settings, versions, code, verdicts, figures.

Problems are matched by their titles, methods by their names, figures by metric and entry. Two figures differ
if they are further apart than their standard errors allow, at a chance of 5 % that any of all that are
compared would be by luck alone (Bonferroni).
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import hypot, isfinite

import numpy as np

from experiments.metrics import METRICS
from experiments.records import CellRecord, ProblemRecord, StudyRecord
from experiments.report.outcomes import Outcome, outcomes_of, title_of
from experiments.report.style.words import listed
from experiments.report.tables.how_made import code_of
from experiments.report.view import values_and_errors

CHANCE = 0.05
"""Of one figure at least that seems to differ where none does."""
_TIMES = "Cost"  # the theme of what no two runs have in common
_ROUNDING = 1e-9

Known = dict[tuple[str, str, str], tuple[float, float]]
"""Figures by problem, method and what they are of: value, and standard error (NaN where unknown)."""


@dataclass(frozen=True)
class Change:
    """A setting, a version, or the code of a method, before and after; empty where there is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class FigureChange:
    """A figure that differs: values with standard errors, and by how many of them they lie apart."""

    problem: str
    method: str
    what: str
    before: tuple[float, float]
    after: tuple[float, float]
    apart: float | None


@dataclass(frozen=True)
class Changes:
    """All that differs. `pairs` are results before and after that both have, those that changed first.

    `compared` is the number of figures that both have; `other_data` names problems of other data.
    """

    names: tuple[str, str]
    pairs: list[tuple[Outcome, Outcome]]
    compared: int
    figures: list[FigureChange] = field(default_factory=list)
    without_errors: list[FigureChange] = field(default_factory=list)
    settings: list[Change] = field(default_factory=list)
    versions: list[Change] = field(default_factory=list)
    only_before: list[str] = field(default_factory=list)
    only_after: list[str] = field(default_factory=list)
    other_data: list[str] = field(default_factory=list)

    @property
    def changed(self) -> list[tuple[Outcome, Outcome]]:
        """The results whose verdict is another."""
        return [pair for pair in self.pairs if pair[0].words != pair[1].words]

    @property
    def mark(self) -> str:
        """The style sheet's class: ``fail`` if a verdict is worse, ``undecided`` if anything else changed."""
        if not self.pairs:
            return "none"
        if any(after.rank[0] < before.rank[0] for before, after in self.changed):
            return "fail"
        return "undecided" if self.changed or self.figures else "pass"

    @property
    def word(self) -> str:
        """What stands beside the mark."""
        return {"none": "nothing in common", "fail": "worse", "undecided": "changed", "pass": "the same"}[
            self.mark
        ]

    @property
    def sentence(self) -> str:
        """The headline."""
        if not self.pairs:
            return "The two have no problem and method of the same names, so that nothing can be compared."
        number, of = len(self.changed), len(self.pairs)
        if number:
            named = [f"{b.label} on {title_of(b.problem)}: {b.words}, now {a.words}" for b, a in self.changed]
            more = f"; and {number - 3} more" if number > 3 else ""
            verdicts = f"{number} of {of} verdicts changed ({'; '.join(named[:3])}{more})"
        else:
            verdicts = f"{'All' if of > 1 else 'The'} {_count(of, 'verdict')} stayed as they were".replace(
                "The 1 verdict stayed as they were", "The one verdict stayed as it was"
            )
        count, all_of = len(self.figures), _count(self.compared, "figure")
        figures = f"{count or 'none'} of {all_of} differ{'s' if count < 2 else ''} beyond the stated errors"
        kinds = (
            (self.settings, "setting"),
            (self.versions, "version or hash of code"),
            (self.other_data, "data set"),
        )
        made = [_count(len(some), word) for some, word in kinds if some]
        several = sum(len(some) for some, _ in kinds) > 1
        end = (
            f"{listed(made)} {'differ' if several else 'differs'}"
            if made
            else "settings, code and data are the same"
        )
        return f"{verdicts}; {figures}; {end}."


def changes_between(before: StudyRecord, after: StudyRecord) -> Changes:
    """Return what differs between two studies, or two runs of one."""
    first, second = _results(before), _results(after)
    pairs = [(first[key], second[key]) for key in first if key in second]
    pairs.sort(key=lambda pair: (pair[0].words == pair[1].words, pair[1].rank))
    old, new = dict(_figures(before)), dict(_figures(after))
    both = [key for key in old if key in new]
    figures, unknown = _apart({key: old[key] for key in both}, new)
    return Changes(
        (before.name, after.name),
        pairs,
        len(both),
        figures,
        unknown,
        _changed(*_whole_tables(_settings(before.config), _settings(after.config))),
        _changed(_made_with(before), _made_with(after)),
        _alone(first, second),
        _alone(second, first),
        _of_other_data(before, after),
    )


def _of_other_data(before: StudyRecord, after: StudyRecord) -> list[str]:
    """Return the problems of the same title whose points are others."""
    known = {title_of(one): one.problem for one in before.problems}
    found = []
    for one in after.problems:
        old = known.get(title_of(one))
        if old is not None and one.problem is not None and not np.array_equal(old.x, one.problem.x):
            found.append(title_of(one))
    return found


def _count(number: int, word: str) -> str:
    plural = word.replace("version or hash", "versions or hashes") if " or " in word else f"{word}s"
    return f"{number} {word if number == 1 else plural}"


def _results(record: StudyRecord) -> dict[tuple[str, str], Outcome]:
    return {
        (title_of(problem), one.method): one for problem in record.problems for one in outcomes_of(problem)
    }


def _alone(some: Mapping[tuple[str, str], Outcome], others: Mapping[tuple[str, str], Outcome]) -> list[str]:
    """Return the problems that only the first have, and the methods on problems that both have."""
    known = {title for title, _ in others}
    there: dict[str, list[str]] = {}
    for (title, method), one in some.items():
        if (title, method) not in others:
            there.setdefault(title, []).append(one.label)
    return [
        title if title not in known else f"{listed(labels)} on {title}" for title, labels in there.items()
    ]


def _figures(record: StudyRecord) -> Iterator[tuple[tuple[str, str, str], tuple[float, float]]]:
    for problem in record.problems:
        title, evidence = title_of(problem), problem.reference.evidence
        if evidence is not None:
            yield (title, "reference", "log p(x)"), (evidence.value, evidence.standard_error)
        for cell in problem.cells:
            for what, figure in _of_cell(cell):
                yield (title, cell.cell.method, what), figure
        yield from _of_calibration(problem)


def _of_cell(cell: CellRecord) -> Iterator[tuple[str, tuple[float, float]]]:
    for name, one in cell.measurements.items():
        known = METRICS.get(name)
        if one.value is None or (known is not None and known.theme == _TIMES):
            continue
        label = known.label if known is not None else name.replace("_", " ")
        values, errors = values_and_errors(one, one.value)
        heads = one.entries if len(one.entries) == len(values) else tuple(map(str, range(1, len(values) + 1)))
        for i, (value, error) in enumerate(zip(values, errors, strict=True)):
            if isfinite(value):
                yield f"{label}: {heads[i]}" if len(values) > 1 else label, (float(value), float(error))


def _of_calibration(problem: ProblemRecord) -> Iterator[tuple[tuple[str, str, str], tuple[float, float]]]:
    """Yield shifts and widths; their errors are those that their intervals come from."""
    from scipy.stats import norm

    found = problem.details
    for method in found.methods if found is not None else ():
        for one in method.quantities:
            for name, effect in (("shift", one.shift), ("width", one.width)):
                half = (effect.high - effect.low) / 2
                error = half / float(norm.isf(found.design.error_rate)) if found is not None else np.nan
                yield (title_of(problem), method.method, f"{one.quantity}: {name}"), (effect.value, error)


def _apart(old: Known, new: Known) -> tuple[list[FigureChange], list[FigureChange]]:
    """Return the figures that differ beyond their errors, the furthest first, and those without errors."""
    from scipy.stats import norm

    limit = float(norm.isf(CHANCE / 2 / max(1, len(old))))
    beyond, unknown = [], []
    for key, before in old.items():
        after = new[key]
        difference, error = abs(before[0] - after[0]), hypot(before[1], after[1])
        if difference <= _ROUNDING * max(1.0, abs(before[0])):
            continue
        if not isfinite(error):
            unknown.append(FigureChange(*key, before, after, None))
        elif difference > limit * error:
            apart = difference / error if error else np.inf
            beyond.append(FigureChange(*key, before, after, apart))
    return sorted(beyond, key=lambda one: -(one.apart or 0.0)), unknown


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    names = dict.fromkeys([*before, *after])
    found = (Change(name, before.get(name, ""), after.get(name, "")) for name in names)
    return [one for one in found if one.before != one.after]


def _made_with(record: StudyRecord) -> dict[str, str]:
    return {**record.versions, **record.machine, **code_of(record.folder)}


def _settings(config: str) -> dict[str, str]:
    """Return a configuration's settings by their paths; what has a name goes by it, whatever its place."""
    try:
        return dict(_flat(tomllib.loads(config)))
    except tomllib.TOMLDecodeError:
        return {"configuration": config}


def _whole_tables(before: dict[str, str], after: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return settings in which a table that only one of them has, such as a data set, is one setting."""
    tables = [{key.partition("]")[0] for key in some if "]" in key} for some in (before, after)]

    def gathered(some: dict[str, str], others: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in some.items():
            table, bracket, _ = key.partition("]")
            alone = bracket and table not in others
            found[f"{table}]" if alone else key] = "there" if alone else value
        return found

    return gathered(before, tables[1]), gathered(after, tables[0])


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for i, one in enumerate(value, start=1):
            yield from _flat(one, f"{path}[{one.get('name', i)}]")
    else:
        yield path, str(value)
