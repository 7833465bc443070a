"""The second page of a gallery: of each data set its source, the reference, and every method's figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.engine.store.files import write_whole
from experiments.methods import label
from experiments.records import CellRecord, ProblemRecord
from experiments.report.gallery.gallery_page import figures, gallery_page, span, table, title
from experiments.report.outcomes import Outcome, outcomes_of
from experiments.report.style.numbers import DASH, fixed, with_error
from experiments.report.tables.table import MARKS
from experiments.studies.found_answers import Exhibited
from hand_cavi import InputError


def write_gallery(exhibits: Sequence[Exhibited], folder: Path) -> Path:
    """Write a gallery's two pages into a folder, made if need be; return the first.

    Raises InputError if it cannot be written.
    """
    try:
        write_whole(folder / "details.md", details_page(exhibits).encode())
        write_whole(folder / "index.md", gallery_page(exhibits).encode())
    except OSError as error:
        raise InputError(f'the page cannot be written to "{folder}": {error.strerror}') from None
    return folder / "index.md"


def details_page(exhibits: Sequence[Exhibited]) -> str:
    """Return the page in Markdown."""
    parts = [part for one in exhibits for part in _section(one)]
    return "\n".join(["# The gallery in detail\n", "Made with [the gallery](index.md).\n", *parts])


def _section(one: Exhibited) -> Iterator[str]:
    yield f"## {title(one.name)}\n"
    if one.published is not None:
        about = one.published
        yield f"{about.data} {about.provenance}\n\nOthers: {about.by}\n"
    if one.record is None:
        yield f"No result: {one.failure}\n"
        return
    for problem in one.record.problems:
        yield f"{_sizes(problem)}: {problem.about_model}\n"
        took = f"It took {span(one.seconds)} in all."
        yield f"Reference: {problem.reference.reason}.{_evidence(problem)} {took}\n"
        outcomes = {outcome.method: outcome for outcome in outcomes_of(problem)}
        head = ["method", "", "F symmetrised", "evidence gap", "mean error, sd", "sd ratio", "seconds"]
        yield table(head, [_row(problem, cell, outcomes[cell.cell.method]) for cell in problem.cells])
        yield "\n".join(f"- {_said(one)}" for one in outcomes.values()) + "\n"
    if one.failure:
        yield f"Published answers are not compared: {one.failure}\n"
    for compared in one.compared:
        rows = [["published", figures(compared.answer.values, compared), ""]]
        rows += [
            [f.who, figures(f.values, compared), figures(f.sds, compared) if any(f.sds) else ""]
            for f in compared.found
        ]
        yield table([compared.answer.what, "figures", "posterior sds"], rows)


def _sizes(problem: ProblemRecord) -> str:
    """Return the family, and how many components, points and features there are."""
    if problem.problem is None:
        return "A model of one's own"
    mixture, n_features = problem.problem.mixture, problem.problem.x.shape[1]
    family = mixture.components.name.replace("_", " ")
    return f"{family}, K = {mixture.n_components}, N = {problem.problem.n_points}, D = {n_features}"


def _evidence(problem: ProblemRecord) -> str:
    evidence = problem.reference.evidence
    if evidence is None:
        return ""
    accuracy = evidence.accuracy or f"standard error {evidence.standard_error:.1g}"
    return f" log p(x) = {fixed(evidence.value, 4)}, {accuracy}, by {label(evidence.method)}."


def _row(problem: ProblemRecord, cell: CellRecord, outcome: Outcome) -> list[str]:
    own = problem.problem is None
    seconds = [some for some in (cell.seconds_compile, cell.seconds_run) if some is not None]
    error = DASH if outcome.error is None else with_error(outcome.error, outcome.error_se).plain
    return [
        outcome.label,
        "failed" if outcome.decision == "no result" else MARKS[outcome.mark],
        _measured(cell, "collapsed_bound" if own else "symmetrised_bound"),
        _measured(cell, "evidence_gap"),
        error,
        DASH if outcome.width is None else fixed(outcome.width, 2),
        f"{sum(seconds):.1f}" if seconds else DASH,
    ]


def _said(outcome: Outcome) -> str:
    """Return the verdict's sentences but the last, on what was judged: all methods are judged by the same."""
    return outcome.said.partition(" Judged: ")[0]


def _measured(cell: CellRecord, name: str) -> str:
    one = cell.measurements.get(name)
    if one is None or not isinstance(one.value, float):
        return DASH
    return with_error(one.value, one.standard_error if isinstance(one.standard_error, float) else None).plain
