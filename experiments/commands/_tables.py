"""What a run says on the terminal: the verdict, a small table for each problem, where the report lies."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.records import CellRecord, ProblemRecord, StudyRecord
from experiments.report.style.numbers import DASH, seconds, with_error, with_spread

_COLOURS = {"pass": "green", "fail": "red", "undecided": "yellow"}


def print_study(record: StudyRecord, *, report: str, console: Console | None = None) -> None:
    """Print a study for a reader, to stdout unless another console is given."""
    console = console or stdout()
    console.print(
        Text(record.verdict.sentence, style=f"bold {_COLOURS.get(record.verdict.decision, '')}".strip())
    )
    for problem in record.problems:
        console.print()
        console.print(_heading(problem), style="bold", highlight=False)
        console.print(problem.about_model, style="dim", highlight=False)
        console.print(_table(problem))
        for cell in problem.cells:
            if cell.status != "ok":
                console.print(
                    f"{cell.cell.method}: {cell.message}", style="red", highlight=False, markup=False
                )
    console.print()
    console.print(f"Report: {report}", highlight=False, markup=False, soft_wrap=True)


def stdout() -> Console:
    """Return a console on stdout; where that is no terminal, wide enough to wrap nothing that matters."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _heading(problem: ProblemRecord) -> str:
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    evidence = problem.reference.log_evidence
    if evidence is None:
        truth = f"log evidence unknown; {problem.reference.reason.rstrip('.')}"
    else:
        figure = with_error(evidence.value, evidence.standard_error).plain
        truth = f"log evidence {figure} nats ({evidence.method})"
    return f"{problem.dataset}, {problem.model}{repeat}: {truth}"


def _table(problem: ProblemRecord) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("method", no_wrap=True)
    for heading in ("own bound", "F", "F symmetrised", "compile s", "run s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(_heading_of_means(problem))
    table.add_column("verdict", no_wrap=True)
    for cell in problem.cells:
        table.add_row(*_row(cell))
    return table


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
    error: Any = measurement.standard_error
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

    prior = problem.problem.mixture.components.mean_draw()
    word = location_word(prior)
    words = "probabilities" if word == "probability" else f"{word}s"
    unit = f" ({problem.unit})" if problem.unit and word == "mean" else ""
    return f"{'sorted ' if location(prior).shape[-1] == 1 else ''}{words} ± sd{unit}"


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list) and len(value[0]) > 1


def _pair(mean: Any, sd: Any) -> str:
    if isinstance(mean, list):
        inner = [_pair(*pair) for pair in zip(mean, sd or [None] * len(mean), strict=True)]
        return inner[0] if len(inner) == 1 else f"({', '.join(inner)})"
    return with_spread(mean, sd).plain
