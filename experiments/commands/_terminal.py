"""What a run says on the terminal: the verdict, a small table for each problem, where the report lies.

Problems that do not fit on a screen are counted, and the worst of them named (`_many`).
"""

import sys
from collections.abc import Collection, Sequence
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.commands._many import MOST_LINES, print_many
from experiments.commands._messages import last_lines
from experiments.commands._wrapping import GAP, columns, pieces
from experiments.engine.workers.terminal import console_on
from experiments.records import CellRecord, MethodCalibration, ProblemRecord, QuantityCalibration, StudyRecord
from experiments.report import MOST_ON_ONE_PAGE
from experiments.report.style.numbers import DASH, fixed, seconds, typeset, with_error, with_spread
from experiments.report.tables.table import Table as ReportTable

_LEAST_WRAPPED = 24  # columns that a column which wraps has at least
_COLOURS = {"pass": "green", "fail": "red", "undecided": "yellow"}


def print_study(record: StudyRecord, *, report: str, console: Console | None = None) -> None:
    """Print a study for a reader, in fewer than 60 lines, to stdout unless another console is given."""
    console = console or stdout()
    if len(record.problems) <= MOST_ON_ONE_PAGE:
        with console.capture() as capture:
            _print_all(record, report, console)
        if capture.get().count("\n") <= MOST_LINES:
            console.file.write(capture.get())
            return
    _print_verdict(record, console)
    print_many(record, console, _print_table)
    console.print()
    _say(console, f"Report: {report}", soft_wrap=True)


def _print_all(record: StudyRecord, report: str, console: Console) -> None:
    _print_verdict(record, console)
    for problem in record.problems:
        console.print()
        _PRINTERS[record.kind](problem, console)
    console.print()
    _say(console, f"Report: {report}", soft_wrap=True)


def _print_verdict(record: StudyRecord, console: Console) -> None:
    style = f"bold {_COLOURS.get(record.verdict.decision, '')}".strip()
    console.print(Text(typeset(record.verdict.sentence), style=style))
    if record.verdict.on_the_data:
        _say(console, record.verdict.on_the_data, "bold")


def stdout() -> Console:
    """Return a console on stdout; where that is no terminal, wide enough to wrap nothing that matters."""
    return console_on(sys.stdout, width=columns() or 140)


def _say(console: Console, text: str, style: str = "", *, soft_wrap: bool = False) -> None:
    console.print(typeset(text), style=style, highlight=False, markup=False, soft_wrap=soft_wrap)


def _print_mixture(problem: ProblemRecord, console: Console) -> None:
    from experiments.report.cautions import cautions

    _say(console, _heading(problem), "bold")
    _say(console, problem.about_model, "dim")
    _print_results(problem, console)
    for caution in cautions(problem):
        _say(console, f"Caution: {caution}", "yellow")
    for cell in problem.cells:
        if cell.status != "ok":
            _say_failed(console, cell)


def _say_failed(console: Console, cell: CellRecord) -> None:
    """Say how a cell failed, and the last lines that it printed."""
    _say(console, f"{cell.cell.method}: {cell.message}", "red")
    for line in last_lines(cell.printed):
        _say(console, line, "dim")


def _print_own(problem: ProblemRecord, console: Console) -> None:
    from experiments.report.tables.by_quantity import methods_table, moments_table

    _say(console, f"{problem.model}: {problem.reference.reason}", "bold")
    for table in (methods_table(problem), moments_table(problem)):
        if table is not None:
            _print_table(table, console)
            console.print()
    for cell in problem.cells:
        if cell.status != "ok":
            _say_failed(console, cell)
        elif cell.verdict:
            _say(console, cell.verdict.sentence)


def _print_table(table: ReportTable, console: Console) -> None:
    headings = [table.first.lower(), *(column.name.lower() for column in table.columns)]
    rows = [[row.head, *(entry.plain for entry in row.entries)] for row in table.rows]
    numbers = {i for i, column in enumerate(table.columns, 1) if column.numeric}
    print_columns(console, headings, rows, numbers)


def print_columns(
    console: Console,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[int] = (),
    *,
    wraps: Collection[int] = (),
    keys: int = 1,
) -> None:
    """Print a table without lines, in pieces if it is too wide, each with the first `keys` columns.

    Columns of numbers are aligned at the `right`; those that `wrap` take what room the others leave.
    """
    texts = [[*map(Text, row)] for row in (headings, *rows)]
    widths = [max(row[i].cell_len for row in texts) for i in range(len(headings))]
    needed = [min(width, _LEAST_WRAPPED) if i in wraps else width for i, width in enumerate(widths)]
    for number, piece in enumerate(pieces(needed, console.width, keys)):
        if number:
            console.print()
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        fits = sum(needed[i] + GAP for i in piece) - GAP <= console.width
        for i in piece:
            alone = fits and i not in wraps  # else what is too long is broken, and not cut off
            aligned = "right" if i in right else "left"
            overflow = "ellipsis" if alone else "fold"
            table.add_column(texts[0][i], justify=aligned, no_wrap=alone, overflow=overflow)  # type: ignore[arg-type]
        for row in texts[1:]:
            table.add_row(*(row[i] for i in piece))
        console.print(table)


def _print_calibration(problem: ProblemRecord, console: Console) -> None:
    found = problem.details
    if found is None:
        _say(console, f"{problem.model}: {problem.reference.reason}", "bold")
        return
    _say(console, f"{found.model}: {problem.about_data}", "bold")
    _say(console, found.about, "dim")
    _print_ranks(found.methods, console)
    for one in found.methods:
        _say(console, f"{one.sentence}{'' if one.judged else ' (not judged)'}")
        for what, reasons in (("left out", one.refused), ("failed", one.failed)):
            for why, number in reasons.items():
                replicates = "replicate" if number == 1 else "replicates"
                _say(console, f"  {number} {replicates} {what}: {why}", "yellow")


_PRINTERS = {"mixtures": _print_mixture, "own": _print_own, "calibration": _print_calibration}


def _heading(problem: ProblemRecord) -> str:
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    evidence = problem.reference.evidence
    if evidence is None:
        truth = f"log evidence unknown; {problem.reference.reason.rstrip('.')}"
    else:
        figure = with_error(evidence.value, evidence.standard_error).plain
        exact = f", {evidence.accuracy}" if evidence.accuracy else ""
        truth = f"log evidence {figure} nats ({evidence.method}{exact})"
    return f"{problem.dataset}, {problem.model}{repeat}: {truth}"


def _print_results(problem: ProblemRecord, console: Console) -> None:
    headings = ["method", "own bound", "F", "F symmetrised", "compile s", "run s"]
    headings += [_heading_of_means(problem), "verdict"]
    print_columns(console, headings, [_row(cell) for cell in problem.cells], range(1, 6), wraps=(6,))


def _row(cell: CellRecord) -> list[str]:
    if cell.status != "ok":
        return [cell.cell.method, *[DASH] * 5, cell.status.replace("_", " "), DASH]
    verdict = cell.verdict.decision if cell.verdict and cell.verdict.decision != "none" else DASH
    return [
        cell.cell.method,
        _bound(cell, "own_bound"),
        _bound(cell, "collapsed_bound"),
        _bound(cell, "symmetrised_bound"),
        seconds(cell.seconds_compile).plain,
        seconds(cell.seconds_run).plain,
        _means(cell),
        verdict,
    ]


def _bound(cell: CellRecord, name: str) -> str:
    measurement = cell.measurements.get(name)
    if measurement is None or not isinstance(measurement.value, float | int):
        return with_error(cell.bound, cell.bound_se).plain if name == "own_bound" else DASH
    error = cast(float | None, measurement.standard_error)
    return with_error(measurement.value, error).plain


def _means(cell: CellRecord) -> str:
    means, sds = cell.measurements.get("sorted_means"), cell.measurements.get("sorted_sds")
    if means is not None and _is_nested(means.value):  # of several numbers a component only names make sense
        means, sds = cell.measurements.get("component_means"), cell.measurements.get("component_sds")
    if means is None or not isinstance(means.value, list):
        return DASH
    spreads = sds.value if sds is not None and isinstance(sds.value, list) else [None] * len(means.value)
    return ", ".join(_pair(*pair) for pair in zip(means.value, spreads, strict=True))


def _heading_of_means(problem: ProblemRecord) -> str:
    """Return "sorted means ± sd", or what they are for this family and number of features."""
    from experiments.posterior.draws import location, location_word

    assert problem.problem is not None
    prior = problem.problem.mixture.components.mean_draw()
    word = location_word(prior)
    words = "probabilities" if word == "probability" else f"{word}s"
    unit = f" ({problem.unit})" if problem.unit and word == "mean" else ""
    return f"{'sorted ' if location(prior).shape[-1] == 1 else ''}{words} ± sd{unit}"


def _is_nested(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list) and len(value[0]) > 1


def _pair(mean: Any, sd: Any) -> str:
    if isinstance(mean, list):
        inner = [_pair(*pair) for pair in zip(mean, sd or [None] * len(mean), strict=True)]
        return inner[0] if len(inner) == 1 else f"({', '.join(inner)})"
    return with_spread(mean, sd).plain


def _print_ranks(methods: tuple[MethodCalibration, ...], console: Console) -> None:
    headings = ["method", "quantity", "shift / sd", "width", "50 %", "80 %", "95 %", "band p", "verdict"]
    rows = [
        [one.method if row == 0 else "", *_ranks_row(quantity)]
        for one in methods
        for row, quantity in enumerate(one.quantities)
    ]
    print_columns(console, headings, rows, range(2, 8), keys=2)


def _ranks_row(one: QuantityCalibration) -> list[str]:
    shares = [f"{100 * c.share:.1f}" for c in one.coverage]
    shift = f"{fixed(one.shift.value, 2)} [{fixed(one.shift.low, 2)}, {fixed(one.shift.high, 2)}]"
    width = f"{one.width.value:.2f} [{one.width.low:.2f}, {one.width.high:.2f}]"
    p = "< 0.0001" if one.band_p < 1e-4 else f"{one.band_p:.4f}"
    words = ", ".join(one.findings) or one.decision
    return [one.quantity, shift, width, *shares, p, words]
