"""A problem as the figures see it: its record, and the draws of every method in one order."""

from dataclasses import dataclass, field

import numpy as np

from experiments.records import CellRecord, Draws, ProblemRecord
from experiments.report.draws import UnreadableDraws, in_order, posterior, read_draws
from experiments.report.palette import MethodStyle


@dataclass(frozen=True)
class Entry:
    """One method of a problem.

    Attributes
    ----------
    record : CellRecord
    style : MethodStyle
    draws : dict of ndarray, or None
        Thinned canonical draws; with one feature, components sorted within each draw.
    """

    record: CellRecord
    style: MethodStyle
    draws: Draws | None = None

    @property
    def label(self) -> str:
        """The method's name for readers."""
        return self.style.label


@dataclass(frozen=True)
class View:
    """A problem and all that is drawn of it.

    Attributes
    ----------
    record : ProblemRecord
    entries : tuple of Entry
        In the order of the study's methods.
    reference : dict of ndarray, or None
        Thinned canonical draws of the reference, in the same order.
    notes : tuple of str
        Which draws could not be read.
    """

    record: ProblemRecord
    entries: tuple[Entry, ...]
    reference: Draws | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def one_feature(self) -> bool:
        """Whether x is a number (D = 1)."""
        return self.record.problem.x.shape[1] == 1

    @property
    def with_draws(self) -> list[tuple[Entry, Draws]]:
        """The methods that have draws, with them."""
        return [(entry, entry.draws) for entry in self.entries if entry.draws is not None]

    def missing_from(self, shown: list[Entry]) -> str:
        """Return a sentence naming the methods that are not in a figure, or nothing."""
        left_out = [entry.label for entry in self.entries if entry not in shown]
        return f" Without such figures: {', '.join(left_out)}." if left_out else ""


def look_at(record: ProblemRecord, styles: dict[str, MethodStyle]) -> View:
    """Return the view of a problem, reading the files of its draws."""
    one_feature = record.problem.x.shape[1] == 1
    entries, notes = [], []
    for cell in record.cells:
        style, draws = styles[cell.cell.method], None
        if cell.draws is not None and cell.status == "ok":
            try:
                draws = _prepared(read_draws(cell.draws), one_feature)
            except UnreadableDraws as error:
                notes.append(f"{style.label}: {error}")
        entries.append(Entry(cell, style, draws))
    tree = record.reference.draws
    reference = None if tree is None else _prepared(posterior(tree), one_feature)
    return View(record, tuple(entries), reference, tuple(notes))


def numbers_of(cell: CellRecord, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a measurement's values and standard errors (NaN where unknown) as flat arrays, or None."""
    measurement = cell.measurements.get(name)
    if measurement is None or measurement.value is None:
        return None
    value = np.asarray(measurement.value, dtype=np.float64).ravel()
    error = np.full(value.shape, np.nan)
    if measurement.standard_error is not None:
        error = np.broadcast_to(
            np.asarray(measurement.standard_error, dtype=np.float64).ravel(), value.shape
        ).copy()
    return value, error


def number_of(cell: CellRecord, name: str) -> tuple[float, float] | None:
    """Return a scalar measurement and its standard error (NaN where unknown); None if there is none."""
    numbers = numbers_of(cell, name)
    if numbers is None or numbers[0].size != 1 or not np.isfinite(numbers[0][0]):
        return None
    return float(numbers[0][0]), float(numbers[1][0])


def _prepared(draws: Draws, one_feature: bool) -> Draws | None:
    """Return finite draws in order, or None if there is nothing to draw."""
    if not draws or not all(np.isfinite(values).all() for values in draws.values()):
        return None
    return in_order(draws) if one_feature and "mu" in draws else draws
