"""The tables of a user's model: the methods with their bounds, and every quantity under every method."""

from experiments.methods import label
from experiments.records import CellRecord, ProblemRecord
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.methods import how_it_ended, measured
from experiments.report.tables.table import MARKS, Column, Row, Table

_DASH_NOTE = "a sampler has no bound"


def methods_table(problem: ProblemRecord) -> Table:
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
                _own_bound(cell),
                measured(cell, "collapsed_bound"),
                measured(cell, "k_hat"),
                numbers.seconds(cell.seconds_compile),
                numbers.seconds(cell.seconds_run),
                _verdict(cell, problem.reference_cell),
            ),
            method=cell.cell.method,
        )
        for cell in problem.cells
    )
    return Table("The methods, on one scale", columns, rows)


def moments_table(problem: ProblemRecord) -> Table | None:
    """Return the posterior mean ± sd of every quantity (rows) under every method; None without figures."""
    cells = [cell for cell in problem.cells if "means" in cell.measurements]
    if not cells:
        return None
    columns = tuple(Column(label(cell.cell.method), "mean ± sd") for cell in cells)
    rows = tuple(Row(name, tuple(_spread(cell, name) for cell in cells)) for name in _names(cells, "means"))
    return Table("Posterior means, ± the posterior's standard deviation", columns, rows, first="Quantity")


def errors_table(problem: ProblemRecord) -> Table | None:
    """Return every quantity's error against the reference under every method; None without a reference."""
    cells = [cell for cell in problem.cells if _entries(cell, "mean_error")]
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
                for entry in (_error(cell, "mean_error", name), _error(cell, "sd_ratio", name))
            ),
        )
        for name in _names(cells, "mean_error")
    )
    return Table("Distance from the reference; 0 and 1 are perfect", columns, rows, first="Quantity")


def _entries(cell: CellRecord, metric: str) -> dict[str, tuple[float, float | None]]:
    """Return a measurement's values with their standard errors by the quantity's name, if there are any."""
    one = cell.measurements.get(metric)
    if one is None or not isinstance(one.value, list):
        return {}
    errors = one.standard_error if isinstance(one.standard_error, list) else [None] * len(one.value)
    return dict(zip(one.entries, zip(one.value, errors, strict=True), strict=True))


def _names(cells: list[CellRecord], metric: str) -> list[str]:
    return list(_entries(cells[0], metric))


def _spread(cell: CellRecord, name: str) -> Shown:
    mean, sd = (_entries(cell, metric).get(name, (None, None))[0] for metric in ("means", "sds"))
    return numbers.with_spread(mean, sd)


def _error(cell: CellRecord, metric: str, name: str) -> Shown:
    found = _entries(cell, metric).get(name)
    return missing() if found is None else numbers.with_error(*found)


def _own_bound(cell: CellRecord) -> Shown:
    if "own_bound" not in cell.measurements:
        return missing(_DASH_NOTE if cell.status == "ok" else "")
    return measured(cell, "own_bound")


def _verdict(cell: CellRecord, reference: str | None) -> Shown:
    if cell.verdict is None:
        return Shown("reference" if cell.cell.key == reference else numbers.DASH, numeric=False)
    decision = cell.verdict.decision
    return Shown(f"{MARKS.get(decision, '')} {decision}", mark=decision, numeric=False)
