"""The tables of a user's model: the methods with their bounds, and every quantity under every method."""

from functools import partial

from experiments.methods import label
from experiments.records import CellRecord, ProblemRecord
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.methods import how_it_ended, measured, own_bound, table_of_methods
from experiments.report.tables.table import MARKS, Column, Row, Table
from experiments.report.view import entries_of


def methods_table(problem: ProblemRecord) -> Table:
    """Return each method's verdict, how it ended, its bounds, k-hat and times."""

    def verdict(cell: CellRecord) -> Shown:
        if cell.verdict is None:
            is_reference = cell.cell.key == problem.reference_cell
            return Shown("reference" if is_reference else numbers.DASH, numeric=False)
        decision = cell.verdict.decision
        return Shown(f"{MARKS.get(decision, '')} {decision}", mark=decision, numeric=False)

    return table_of_methods(
        "The methods, on one scale",
        problem.cells,
        (
            (Column("Verdict", numeric=False), verdict),
            (Column("Outcome", numeric=False), how_it_ended),
            (Column("Own bound", "nats"), own_bound),
            (Column("F", "nats ± s.e."), partial(measured, name="collapsed_bound")),
            (Column("k-hat"), partial(measured, name="k_hat")),
            (Column("Compile", "s"), lambda cell: numbers.seconds(cell.seconds_compile)),
            (Column("Run", "s"), lambda cell: numbers.seconds(cell.seconds_run)),
        ),
    )


def moments_table(problem: ProblemRecord) -> Table | None:
    """Return the posterior mean ± sd of every quantity (rows) under every method; None without figures."""
    cells = [cell for cell in problem.cells if "means" in cell.measurements]
    if not cells:
        return None
    columns = tuple(Column(label(cell.cell.method), "mean ± sd") for cell in cells)
    rows = tuple(
        Row(name, tuple(_spread(cell, name) for cell in cells)) for name in entries_of(cells[0], "means")
    )
    return Table("Posterior means, ± the posterior's standard deviation", columns, rows, first="Quantity")


def errors_table(problem: ProblemRecord) -> Table | None:
    """Return every quantity's error against the reference under every method; None without a reference."""
    cells = [cell for cell in problem.cells if entries_of(cell, "mean_error")]
    if not cells:
        return None
    columns = tuple(
        column
        for cell in cells
        for column in (
            Column(label(cell.cell.method), "mean, in reference sds"),
            Column(label(cell.cell.method), "sd ratio"),
        )
    )
    metrics = ("mean_error", "sd_ratio")
    rows = tuple(
        Row(name, tuple(_error(cell, metric, name) for cell in cells for metric in metrics))
        for name in entries_of(cells[0], "mean_error")
    )
    return Table("Distance from the reference; 0 and 1 are perfect", columns, rows, first="Quantity")


def _spread(cell: CellRecord, name: str) -> Shown:
    mean, sd = (entries_of(cell, metric).get(name, (None, None))[0] for metric in ("means", "sds"))
    return numbers.with_spread(mean, sd)


def _error(cell: CellRecord, metric: str, name: str) -> Shown:
    found = entries_of(cell, metric).get(name)
    return missing() if found is None else numbers.with_error(*found)
