"""Tables of the report as notebooks show them: plain, a row for each method, or for each problem."""

from experiments.records.study import ProblemRecord, StudyRecord
from experiments.report.outcomes import noted, outcomes_of, title_of
from experiments.report.style.numbers import fixed, typeset
from experiments.report.style.palette import method_styles
from experiments.report.tables.by_quantity import methods_table as own_table
from experiments.report.tables.methods import bounds_table
from experiments.report.tables.table import Table
from experiments.report.view import glance
from hand_cavi.result.html import listing, table

MOST = 20
"""Problems that are shown, the worst first."""


def as_html(found: Table) -> str:
    """Return a table of the report as plain HTML; what is below a column's name stands behind it."""
    heads = [f"{column.name} ({column.below})" if column.below else column.name for column in found.columns]
    rows = [[row.head, *(typeset(entry.plain) for entry in row.entries)] for row in found.rows]
    return table([found.first, *heads], rows, found.caption)


def methods_table(problem: ProblemRecord) -> str:
    """Return a row for each method: verdict, bounds, gap, times."""
    if problem.problem is None:
        return as_html(own_table(problem))
    view = glance(problem, method_styles([cell.cell.method for cell in problem.cells]))
    found = bounds_table(view)
    words = {one.method: one.words for one in outcomes_of(problem)}
    heads = ["Verdict", *(column.name for column in found.columns)]
    rows = [
        [row.head, words.get(row.method, ""), *(typeset(entry.plain) for entry in row.entries)]
        for row in found.rows
    ]
    return table([found.first, *heads], rows, f"{title_of(problem)}; bounds in nats, times in seconds")


def calibration_table(problem: ProblemRecord) -> str:
    """Return a row for each method and quantity: the decision, shift and width."""
    if problem.details is None:
        return listing([problem.reference.reason])
    heads = ["Method", "Quantity", "Decision", "Shift (posterior sds)", "Width (true / claimed)"]
    rows = []
    for one in problem.details.methods:
        for quantity in one.quantities:
            effects = (quantity.shift, quantity.width)
            said = [f"{fixed(e.value, 2)} [{fixed(e.low, 2)}, {fixed(e.high, 2)}]" for e in effects]
            rows.append([one.method, quantity.quantity, quantity.decision, *said])
    return table(heads, rows, f"{problem.details.model}: {problem.details.about}")


def problems_table(record: StudyRecord) -> str:
    """Return a row for each problem, the worst first, with what came of every method."""
    worst = noted(record)
    methods = list(dict.fromkeys(one.label for problem in worst for one in outcomes_of(problem.problem)))
    rows = []
    for one in worst[:MOST]:
        words = {outcome.label: outcome.words for outcome in outcomes_of(one.problem)}
        rows.append([title_of(one.problem), *(words.get(method, "") for method in methods)])
    left = len(worst) - MOST
    return table(["Problem", *methods], rows, f"and {left} more" if left > 0 else "")
