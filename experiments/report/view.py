"""A problem as the figures see it: its record, and the draws of every method in one order.

With one number a component (D = 1) a mixture's components are sorted within each draw; else they are named
alike by their allocations of points, see `experiments.relabel`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from experiments.engine.store.files import read_tree
from experiments.methods import label
from experiments.posterior.draws import as_arrays, as_tree, location, location_entries, location_word
from experiments.posterior.quantities import stored_quantities
from experiments.records import CellRecord, Draws, Estimate, Measurement, Problem, ProblemRecord
from experiments.records.provenance import cache_state
from experiments.relabel import named, pivot_of
from experiments.report.stored_draws import in_order, thinned
from experiments.report.style.palette import MethodStyle

_MOST_DRAWS = 4000  # a smooth density needs no more
_MOST_NAMED = 2000  # naming components by allocations takes longer than sorting them


@dataclass(frozen=True)
class Entry:
    """One method of a problem; whether its run is itself the reference, which it cannot be compared with.

    Its draws are thinned and canonical, components sorted or named alike; an own model's are (S,) each. The
    run that is the reference is judged against the `second`, in another language; empty: against none.
    """

    record: CellRecord
    style: MethodStyle
    draws: Draws | None = None
    is_reference: bool = False
    second: str = ""

    @property
    def label(self) -> str:
        """The method's name for readers."""
        return self.style.label


@dataclass(frozen=True)
class View:
    """A problem and all that is drawn of it, its methods in the order of the study.

    `reference` has the draws of the reference, if it qualifies, as those of the methods; `notes` say which
    draws could not be read.
    """

    record: ProblemRecord
    entries: tuple[Entry, ...]
    reference: Draws | None = None
    notes: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem:
        """The mixture and its data; a view of a user's own model has none."""
        problem = self.record.problem
        assert problem is not None
        return problem

    @property
    def evidence(self) -> Estimate | None:
        """The reference's log p(x), if it qualifies."""
        return self.record.reference.evidence

    @property
    def one_feature(self) -> bool:
        """Whether x is a number (D = 1)."""
        return self.problem.x.shape[1] == 1

    @property
    def entries_of_location(self) -> tuple[str, ...]:
        """What each number of a component's location is called; ("",) if there is but one."""
        names = self.record.features
        found = location_entries(self.problem.mixture.components.mean_draw())
        if 1 < len(found) == len(names):
            return names
        if len(names) > 1:  # categories: "feature 2 = 1" is the second name's
            return tuple(_with_name(entry, names) for entry in found)
        return found

    @property
    def is_sorted(self) -> bool:
        """Whether components are sorted within each draw: one number says where a component is."""
        return len(self.entries_of_location) == 1

    @property
    def word(self) -> str:
        """What a component's location is: "mean", "rate", "probability"."""
        return location_word(self.problem.mixture.components.mean_draw())

    @property
    def words(self) -> str:
        """The same for several: "means", "rates", "probabilities"."""
        return "probabilities" if self.word == "probability" else f"{self.word}s"

    def feature(self, d: int) -> str:
        """Return a feature's name."""
        names = self.record.features
        return names[d] if d < len(names) else "x" if self.one_feature else f"feature {d + 1}"

    @property
    def with_draws(self) -> list[tuple[Entry, Draws]]:
        """The methods that have draws, with them."""
        return [(entry, entry.draws) for entry in self.entries if entry.draws is not None]

    def missing_from(self, shown: list[Entry]) -> str:
        """Return a sentence naming the methods that are not in a figure, or nothing."""
        left_out = [entry.label for entry in self.entries if entry not in shown]
        return f" Without such figures: {', '.join(left_out)}." if left_out else ""


def look_at(record: ProblemRecord, styles: dict[str, MethodStyle]) -> View:
    """Return the view of a mixture with its data, reading the files of its draws."""
    problem, pivot = record.problem, None
    assert problem is not None

    def prepare(tree: xr.DataTree) -> Draws | None:
        """Return finite draws in order, or None; the first that need names give them to all."""
        nonlocal pivot
        draws = thinned(as_arrays(tree), _MOST_DRAWS)
        if not draws or not all(np.isfinite(values).all() for values in draws.values()):
            return None
        if location(draws).shape[-1] == 1:
            return in_order(draws)
        if pivot is None:
            pivot = pivot_of(problem, as_tree(draws))
        return named(problem, thinned(draws, _MOST_NAMED), pivot)

    entries, notes = _entries(record, styles, prepare)
    tree = record.reference.draws if record.reference.qualified else None
    return View(record, entries, None if tree is None else prepare(tree), notes)


def glance(record: ProblemRecord, styles: Mapping[str, MethodStyle]) -> View:
    """Return the view of a problem without any draws, for what is said by its record alone."""
    return View(record, tuple(_entry(record, cell, styles) for cell in record.cells))


def look_at_own(record: ProblemRecord, styles: dict[str, MethodStyle]) -> View:
    """Return the view of a user's own model, reading the files of its draws."""
    entries, notes = _entries(
        record, styles, lambda tree: {name: v.ravel() for name, v in stored_quantities(tree).items()}
    )
    qualified = record.reference.qualified
    reference = next((entry.draws for entry in entries if entry.is_reference and qualified), None)
    return View(record, entries, reference, notes)


def _entries(
    record: ProblemRecord, styles: dict[str, MethodStyle], prepare: Callable[[xr.DataTree], Draws | None]
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return every method with its draws, and which could not be read."""
    entries, notes = [], []
    for cell in record.cells:
        style, draws = styles[cell.cell.method], None
        if isinstance(cell.draws, Path) and cell.status == "ok":
            try:
                draws = prepare(read_tree(cell.draws))
            except (OSError, KeyError, ValueError) as error:
                why = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
                notes.append(f"{style.label}: its draws are not shown: the file {why} ({cell.draws.name})")
        entries.append(_entry(record, cell, styles, draws))
    return tuple(entries), tuple(notes)


def _entry(
    record: ProblemRecord, cell: CellRecord, styles: Mapping[str, MethodStyle], draws: Draws | None = None
) -> Entry:
    if cell.cell.key != record.reference_cell:
        return Entry(cell, styles[cell.cell.method], draws)
    second = (label(one.cell.method) for one in record.cells if one.cell.key == record.second_cell)
    return Entry(cell, styles[cell.cell.method], draws, is_reference=True, second=next(second, ""))


def numbers_of(cell: CellRecord, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a measurement's values and standard errors (NaN where unknown) as flat arrays, or None."""
    one = cell.measurements.get(name)
    return None if one is None or one.value is None else values_and_errors(one, one.value)


def values_and_errors(one: Measurement, value: float | list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of a measurement that has one, and standard errors, as `numbers_of`."""
    values = np.asarray(value, dtype=np.float64).ravel()
    error = np.asarray(np.nan if one.standard_error is None else one.standard_error, dtype=np.float64)
    return values, np.broadcast_to(error.ravel(), values.shape).copy()


def entries_of(cell: CellRecord, name: str) -> dict[str, tuple[float, float | None]]:
    """Return a list's values with their standard errors, if known, by the entries' names."""
    one = cell.measurements.get(name)
    if one is None or not isinstance(one.value, list):
        return {}
    errors = one.standard_error if isinstance(one.standard_error, list) else [None] * len(one.value)
    return dict(zip(one.entries, zip(one.value, errors, strict=True), strict=False))


def number_of(cell: CellRecord, name: str) -> tuple[float, float] | None:
    """Return a scalar measurement and its standard error (NaN where unknown); None if there is none."""
    numbers = numbers_of(cell, name)
    if numbers is None or numbers[0].size != 1 or not np.isfinite(numbers[0][0]):
        return None
    return float(numbers[0][0]), float(numbers[1][0])


def _with_name(entry: str, names: tuple[str, ...]) -> str:
    """Return "feature 2 = 1" with the second name in place of "feature 2"."""
    feature, _, category = entry.partition(" = ")
    number = feature.removeprefix("feature ")
    return f"{names[int(number) - 1]} = {category}" if number.isdigit() and category else entry


def warmth(cell: CellRecord) -> str:
    """Return what compiling found: "reused", "warm" or "cold"; empty if it is unknown, or there was none."""
    return cache_state(cell.told)
