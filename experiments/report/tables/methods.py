"""The tables of methods: how they ended and their bounds, their means, and their verdicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from experiments.methods import label
from experiments.records import CellRecord
from experiments.report.cautions import of_reference, with_cautions
from experiments.report.figures.panels import flat_location, moments
from experiments.report.stored_draws import in_order
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, from_source, missing
from experiments.report.tables.table import MARKS, Column, Row, Table
from experiments.report.view import Entry, View, number_of, numbers_of, warmth

HOW = {
    "sorted": "sorted draw by draw by their first number",
    "component": "relabelled by allocation probabilities",
}
"""How components are told apart in a table of means."""


def measured(cell: CellRecord, name: str) -> Shown:
    """Return a scalar measurement with its standard error; a dash with its note if there is none."""
    number, note = number_of(cell, name), _note_of(cell, name)
    if number is None:
        return missing(note)
    about = cell.measurements[name].unit, f"{name} of {label(cell.cell.method)}"
    return from_source(numbers.with_error(*number, note), *about)


def _note_of(cell: CellRecord, name: str) -> str:
    measurement = cell.measurements.get(name)
    return measurement.note if measurement is not None else ""


def how_it_ended(cell: CellRecord) -> Shown:
    """Return the method's own word for how it ended; for a failure, what kind, and its message as note."""
    if cell.status == "ok":
        return Shown((cell.outcome or "ok").replace("_", " "), numeric=False)
    return Shown(cell.status.replace("_", " "), note=cell.message, numeric=False)


def own_bound(cell: CellRecord) -> Shown:
    """Return a method's own bound, whether it was measured or only reported."""
    if "own_bound" not in cell.measurements and cell.bound is not None:
        return numbers.with_error(cell.bound, cell.bound_se)
    return measured(cell, "own_bound")


def table_of_methods(
    caption: str, cells: Iterable[CellRecord], columns: Sequence[tuple[Column, Callable[[CellRecord], Shown]]]
) -> Table:
    """Return a table with a row for each method, by columns and what they show of a cell."""
    rows = (
        Row(label(cell.cell.method), tuple(show(cell) for _, show in columns), cell.cell.method)
        for cell in cells
    )
    return Table(caption, tuple(column for column, _ in columns), tuple(rows))


def bounds_table(view: View) -> Table:
    """Return the table of methods: outcome, bounds, gap, times."""
    return table_of_methods(
        "Methods: how they ended, what they reached, what it took",
        view.record.cells,
        (
            (Column("Outcome", numeric=False), how_it_ended),
            (Column("Own bound", "nats"), own_bound),
            (Column("F, collapsed", "nats ± s.e."), partial(measured, name="collapsed_bound")),
            (Column("F symmetrised", "nats ± s.e."), partial(measured, name="symmetrised_bound")),
            (Column("Evidence gap", "nats ± s.e."), partial(measured, name="evidence_gap")),
            (
                Column("Compile", "s, cache"),
                lambda cell: replace(numbers.seconds(cell.seconds_compile), error=warmth(cell)),
            ),
            (Column("Run", "s"), lambda cell: numbers.seconds(cell.seconds_run)),
        ),
    )


def means_table(view: View, kind: str) -> Table | None:
    """Return posterior means ± sd by component: `kind` is ``sorted`` or ``component`` (relabelled)."""
    found = {entry.record.cell.key: pair for entry, pair in moments(view, kind)}
    if not found:
        return None
    names = view.entries_of_location
    n_columns = view.problem.mixture.n_components * len(names)
    errors = kind == "sorted" and any("mean_error" in entry.record.measurements for entry in view.entries)
    rows = []
    for entry in view.entries:
        pair = found.get(entry.record.cell.key)
        if pair is None:
            entries = (missing(_why_missing(entry, f"{kind}_means")),) * n_columns
        else:
            source = f"{kind}_means of {entry.label}"
            entries = tuple(
                from_source(numbers.with_spread(m, s), source) for m, s in zip(*pair, strict=True)
            )
            entries = with_cautions(entries, entry.record.measurements.get("occupation"), kind)
        against = f"against {entry.second}" if entry.second else ""
        largest = (replace(_largest_error(entry.record), note=against),) if errors else ()
        rows.append(Row(entry.label, entries + largest, entry.record.cell.method))
    if view.reference is not None:
        values = flat_location(in_order(view.reference) if kind == "sorted" else view.reference)
        pairs = zip(values.mean(axis=0), values.std(axis=0), strict=True)
        entries = tuple(numbers.with_spread(float(m), float(s)) for m, s in pairs)
        entries = with_cautions(entries, of_reference(view.record), kind)
        rows.append(Row("reference", entries + ((missing(),) if errors else ())))
    columns = [Column(str(i // len(names) + 1), names[i % len(names)]) for i in range(n_columns)]
    if errors:
        columns.append(Column("Largest error", "reference sd ± s.e."))
    of_what = "" if view.word == "mean" else f" of the {view.words}"
    unit = f", in {view.record.unit}" if view.record.unit and view.word == "mean" else ""
    caption = f"Posterior means{of_what} ± standard deviations, components {HOW[kind]}{unit}"
    return Table(caption, tuple(columns), tuple(rows))


def _largest_error(cell: CellRecord) -> Shown:
    """Return the mean error that is furthest from 0, with its standard error."""
    found = numbers_of(cell, "mean_error")
    if found is None or not np.isfinite(found[0]).any():
        return missing(_note_of(cell, "mean_error"))
    worst = int(np.nanargmax(np.abs(found[0])))
    shown = numbers.with_error(float(found[0][worst]), float(found[1][worst]))
    return from_source(shown, f"mean_error of {label(cell.cell.method)}")


def _why_missing(entry: Entry, name: str) -> str:
    cell = entry.record
    return _note_of(cell, name) or ("" if cell.status == "ok" else cell.message)


def verdict_table(view: View) -> Table | None:
    """Return the verdicts' numbers: a row for each quantity compared, a column for each judged method."""
    verdicts = [
        (f"{entry.label}, against {entry.second}" if entry.second else entry.label, entry.record.verdict)
        for entry in view.entries
        if entry.record.verdict is not None and entry.record.verdict.comparisons
    ]
    quantities = dict.fromkeys(one.quantity for _, verdict in verdicts for one in verdict.comparisons)
    rows = []
    for quantity in quantities:
        entries, unit = [], ""
        for _, verdict in verdicts:
            one = next((one for one in verdict.comparisons if one.quantity == quantity), None)
            if one is None:
                entries.append(missing())
                continue
            margin = verdict.margin if one.margin is None else one.margin
            unit = f"± {numbers.fixed(margin, 2)} {one.unit}"
            interval = f"[{numbers.fixed(one.low, 2)}, {numbers.fixed(one.high, 2)}]"
            text = numbers.fixed(one.difference, 3, sign=True)
            shown = f"{interval} {MARKS.get(one.decision, one.decision)}"
            entries.append(Shown(text, shown, one.needs, one.decision))
        rows.append(Row(quantity, (Shown(unit, numeric=False), *entries)))
    if not rows:
        return None
    columns = (Column("Margin", numeric=False), *(Column(label) for label, _ in verdicts))
    caption = "Method minus reference: difference [interval] decision"
    return Table(caption, columns, tuple(rows), first="Quantity")
