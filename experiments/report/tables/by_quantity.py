"""The tables of a user's model: the methods with their bounds, and every quantity under every method."""

from typing import Any

from experiments.methods import label
from experiments.records import CellRecord, Measurement
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.methods import how_it_ended
from experiments.report.tables.table import MARKS, Column, Row, Table
from experiments.studies.own_run import CustomProblemRecord

_DASH_NOTE = "a sampler has no bound"


def methods_table(problem: CustomProblemRecord) -> Table:
    """Return how each method ended, its bounds, k-hat, times and verdict."""
    columns = (
        Column("Outcome", numeric=False),
        Column("Own bound", "nats"),
        Column("F", "nats ± s.e."),
        Column("k-hat"),
        Column("Compile", "s"),
        Column("Run", "s"),
        Column("Verdict", numeric=False),
    )
    rows = tuple(
        Row(
            label(cell.cell.method),
            (
                how_it_ended(cell),
                _scalar(cell, "own_bound"),
                _scalar(cell, "collapsed_bound"),
                _scalar(cell, "k_hat"),
                numbers.seconds(cell.seconds_compile),
                numbers.seconds(cell.seconds_run),
                _verdict(cell),
            ),
            method=cell.cell.method,
        )
        for cell in problem.cells
    )
    return Table("The methods, on one scale", columns, rows)


def moments_table(problem: CustomProblemRecord) -> Table | None:
    """Return the posterior mean ± sd of every quantity (rows) under every method; None without figures."""
    cells = _with(problem, "means")
    if not cells:
        return None
    rows = tuple(
        Row(name, tuple(_pair(cell, name) for cell in cells)) for name in _entries(cells[0], "means")
    )
    columns = tuple(Column(label(cell.cell.method), "mean ± sd") for cell in cells)
    return Table("Posterior means, ± the posterior's standard deviation", columns, rows, first="Quantity")


def errors_table(problem: CustomProblemRecord) -> Table | None:
    """Return every quantity's error against the reference under every method; None without a reference."""
    cells = [
        cell for cell in _with(problem, "mean_error") if cell.measurements["mean_error"].value is not None
    ]
    if not cells:
        return None
    columns = tuple(
        column
        for cell in cells
        for column in (Column(label(cell.cell.method), "mean, in reference sds"), Column("", "sd ratio"))
    )
    rows = tuple(
        Row(
            name,
            tuple(
                entry
                for cell in cells
                for entry in (_at(cell, "mean_error", name), _at(cell, "sd_ratio", name))
            ),
        )
        for name in _entries(cells[0], "mean_error")
    )
    return Table("Distance from the reference; 0 and 1 are perfect", columns, rows, first="Quantity")


def _with(problem: CustomProblemRecord, metric: str) -> list[CellRecord]:
    return [cell for cell in problem.cells if metric in cell.measurements]


def _entries(cell: CellRecord, metric: str) -> tuple[str, ...]:
    return cell.measurements[metric].entries


def _number(measurement: Measurement, name: str) -> tuple[Any, Any]:
    i = measurement.entries.index(name)
    assert isinstance(measurement.value, list) and isinstance(measurement.standard_error, list)
    return measurement.value[i], measurement.standard_error[i]


def _pair(cell: CellRecord, name: str) -> Shown:
    mean, sd = (_number(cell.measurements[metric], name)[0] for metric in ("means", "sds"))
    return numbers.with_spread(mean, sd)


def _at(cell: CellRecord, metric: str, name: str) -> Shown:
    if metric not in cell.measurements:
        return missing()
    return numbers.with_error(*_number(cell.measurements[metric], name))


def _scalar(cell: CellRecord, metric: str) -> Shown:
    measurement = cell.measurements.get(metric)
    if measurement is None:
        return missing(_DASH_NOTE if cell.status == "ok" and metric == "own_bound" else "")
    assert isinstance(measurement.value, float | int | None)
    error: Any = measurement.standard_error
    return numbers.with_error(measurement.value, error, measurement.note)


def _verdict(cell: CellRecord) -> Shown:
    if cell.verdict is None:
        is_reference = "this run" in cell.measurements.get("mean_error", Measurement(None)).note
        return Shown("reference" if is_reference else numbers.DASH, numeric=False)
    decision = cell.verdict.decision
    return Shown(f"{MARKS.get(decision, '')} {decision}", mark=decision, numeric=False)
