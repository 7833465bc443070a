"""A study's figures as rows: one for each cell, metric and quantity."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from experiments.engine.store.files import write_whole
from experiments.engine.store.folder import Store
from experiments.records import (
    CellRecord,
    Measurement,
    MethodCalibration,
    ModelCalibration,
    ProblemEntry,
    ProblemRecord,
)


@dataclass(frozen=True)
class TidyRow:
    """One figure. `entry` says which of several, such as ``2`` or ``weight 1``; what there is not is None.

    `decision` is that of the verdict on the cell; of a row whose metric is ``comparison`` that of the
    comparison, and of a calibration's that on the quantity. A cell without figures has one row, without
    a metric.
    """

    dataset: str
    model: str
    method: str
    repeat: int | None
    status: str
    metric: str | None = None
    entry: str | None = None
    value: float | None = None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    decision: str | None = None
    note: str | None = None
    key: str | None = None


COLUMNS = tuple(field.name for field in fields(TidyRow))
"""The columns, in their order."""


def rows_of(
    problem: ProblemRecord | ProblemEntry, cells: Iterable[CellRecord], details: ModelCalibration | None
) -> list[TidyRow]:
    """Return all rows of a problem, from its cells, and from the details of a calibration."""
    rows = [row for cell in cells for row in _of_cell(cell)]
    for method in details.methods if details is not None else ():
        rows += _of_calibration(problem, method)
    return rows


def stored_rows(store: Store, problem: ProblemEntry) -> list[TidyRow]:
    """Return all rows of a stored problem, of which no draws are read."""
    cells = (
        store.cell(cell.key) or CellRecord(cell, "missing", store.why_missing(cell.key))
        for cell in problem.cells
    )
    judgement = None if problem.has_content else store.judgement(problem.key)
    return rows_of(problem, cells, judgement.details if judgement else None)


def write_csv(path: Path, rows: Sequence[TidyRow]) -> None:
    """Write rows as CSV, UTF-8, what there is not as nothing; whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)
    write_whole(path, text.getvalue().encode())


def write_parquet(path: Path, rows: Sequence[TidyRow]) -> None:
    """Write rows as Parquet, what there is not as null; whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"value", "standard_error", "low", "high"}
    types = {name: pa.float64() if name in numbers else pa.string() for name in COLUMNS} | {
        "repeat": pa.int64()
    }
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=pa.schema(list(types.items()))), buffer)
    write_whole(path, buffer.getvalue())


def _of_cell(record: CellRecord) -> Iterator[TidyRow]:
    cell, verdict = record.cell, record.verdict
    place: dict[str, Any] = {
        "dataset": cell.dataset,
        "model": cell.model,
        "method": cell.method,
        "repeat": cell.repeat,
        "status": record.status,
        "key": cell.key,
    }
    decided = verdict.decision if verdict else None
    if not record.measurements:
        yield TidyRow(**place, decision=decided, note=record.message or None)
    for metric, measurement in record.measurements.items():
        for figure in _figures(measurement):
            yield TidyRow(**place, metric=metric, decision=decided, **figure)
    for one in verdict.comparisons if verdict else ():
        yield TidyRow(
            **place,
            metric="comparison",
            entry=one.quantity,
            value=one.difference,
            standard_error=one.standard_error,
            low=one.low,
            high=one.high,
            unit=one.unit,
            decision=one.decision,
            note=one.needs or None,
        )


def _figures(one: Measurement) -> Iterator[dict[str, Any]]:
    """Yield the figures of a measurement, each entry of a list one."""
    about: dict[str, Any] = {"unit": one.unit or None, "note": one.note or None}
    if len(one.interval) == 2:
        about |= {"low": one.interval[0], "high": one.interval[1]}
    if not isinstance(one.value, list):
        yield {"value": one.value, "standard_error": one.standard_error, **about}
        return
    for path, value in _flat(one.value):
        error = one.standard_error
        for i in path:
            error = error[i] if isinstance(error, list) else error
        named = len(path) == 1 and len(one.entries) == len(one.value)
        entry = one.entries[path[0]] if named else ",".join(str(i + 1) for i in path)
        yield {"entry": entry, "value": value, "standard_error": error, **about}


def _flat(values: list[Any], path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], float | None]]:
    for i, value in enumerate(values):
        if isinstance(value, list):
            yield from _flat(value, (*path, i))
        else:
            yield (*path, i), value


def _of_calibration(problem: ProblemRecord | ProblemEntry, method: MethodCalibration) -> Iterator[TidyRow]:
    place: dict[str, Any] = {
        "dataset": problem.dataset,
        "model": problem.model,
        "method": method.method,
        "repeat": None,
        "status": "ok",
    }
    for one in method.quantities:
        about = {**place, "entry": one.quantity, "decision": one.decision}
        for metric, effect in (("shift", one.shift), ("width", one.width)):
            yield TidyRow(**about, metric=metric, value=effect.value, low=effect.low, high=effect.high)
        for level in one.coverage:
            name = f"coverage {level.level:g}"
            yield TidyRow(**about, metric=name, value=level.share, low=level.low, high=level.high)
