"""The overview of a study with several problems: one row each, with links to their sections."""

from experiments.records import CellRecord
from experiments.report.outcomes import title_of
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.table import MARKS, Column, Row, Table
from experiments.report.view import View, number_of


def summary_table(views: list[View], anchors: list[str], methods: dict[str, str]) -> Table:
    """Return one row for each problem: its size, its evidence, and each method's verdict and gap.

    `anchors` are the ids of the problems' sections; `methods` has the labels of the study's methods, by name.
    """
    rows = []
    for view, anchor in zip(views, anchors, strict=True):
        record = view.record
        n_points, n_features = view.problem.n_points, view.problem.x.shape[1]
        size = numbers.thousands(str(n_points)) + (f" × {n_features}" if n_features > 1 else "")
        evidence = view.evidence
        entries = [
            Shown(size),
            Shown(str(view.problem.mixture.n_components)),
            missing() if evidence is None else numbers.with_error(evidence.value, evidence.standard_error),
        ]
        cells = {cell.cell.method: cell for cell in record.cells}
        entries += [_summary(cells.get(method)) for method in methods]
        rows.append(Row(title_of(record), tuple(entries), link=anchor))
    columns = (
        Column("N"),
        Column("K"),
        Column("log p(x)", "nats"),
        *(Column(label, "verdict, gap", numeric=False) for label in methods.values()),
    )
    return Table("All problems at a glance; gaps in nats", columns, tuple(rows))


def _summary(cell: CellRecord | None) -> Shown:
    if cell is None:
        return Shown(numbers.DASH, numeric=False)
    if cell.status != "ok":
        return Shown(cell.status.replace("_", " "), numeric=False)
    decision = cell.verdict.decision if cell.verdict else "none"
    gap = number_of(cell, "evidence_gap")
    words = "no verdict" if decision == "none" else f"{MARKS.get(decision, '')} {decision}"
    return Shown(words, "" if gap is None else numbers.rough(gap[0]).text, numeric=False)
