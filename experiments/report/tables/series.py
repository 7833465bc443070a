"""Studies over the number of components: a table and a picture for each data set and series of models.

The figures are those of the first method that has a bound, CAVI where it was run.
"""

from functools import partial

from experiments.methods import label
from experiments.report.figures.number_of_components import CAPTION, choosing_figure
from experiments.report.figures.picture import Picture
from experiments.report.pages.base import Choice
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.table import Column, Row, Table
from experiments.report.view import View, number_of
from experiments.studies.choosing import ELBO, EVIDENCE, SYMMETRISED, Candidate, conclusion


def choices(views: list[View]) -> list[Choice]:
    """Return every series of two models or more, in the order of the study."""
    series: dict[tuple[str, str, int], list[View]] = {}
    for view in views:
        record = view.record
        if record.series:
            series.setdefault((record.dataset, record.series, record.repeat), []).append(view)
    found = []
    for (dataset, name, repeat), members in series.items():
        candidates = [candidate for view in members if (candidate := _candidate(view)) is not None]
        if len(candidates) < 2:
            continue
        title = f"How many components? {dataset}, {name}" + (f", repeat {repeat}" if repeat > 1 else "")
        drawing = partial(choosing_figure, candidates)
        picture = Picture("choosing", "Numbers of components", CAPTION, drawing)
        found.append(Choice(title, _table(candidates), picture, tuple(view.record for view in members)))
    return found


def _candidate(view: View) -> Candidate | None:
    cells = [entry.record for entry in view.entries if entry.record.bound is not None]
    if not cells:
        return None
    cell = next((cell for cell in cells if cell.cell.kind == "cavi"), cells[0])
    assert cell.bound is not None
    plain, symmetrised = number_of(cell, "collapsed_bound"), number_of(cell, "symmetrised_bound")
    # KL(q, q_sym), of the same draws
    symmetry = None if plain is None or symmetrised is None else max(0.0, symmetrised[0] - plain[0])
    return Candidate(
        n_components=view.problem.mixture.n_components,
        elbo=cell.bound,
        symmetry=symmetry,
        evidence=view.evidence,
        held_out=cell.told.held_out,
        held_out_se=cell.told.held_out_se,
        occupied=cell.told.occupied,
        starts=cell.told.starts or 0,
        starts_at_best=cell.told.starts_at_best,
        method=label(cell.cell.method),
    )


COLUMNS = (
    Column(ELBO, "nats"),
    Column(SYMMETRISED, "nats"),
    Column(EVIDENCE, "nats"),
    Column("Held out", "nats per point ± s.e."),
    Column("Starts at best", numeric=False),
    Column("Occupied"),
)
"""What speaks for a number of components."""


def row_of(one: Candidate) -> Row:
    """Return what speaks for one number of components, under `COLUMNS`."""
    evidence = one.evidence
    starts = f"{one.starts_at_best} of {one.starts}" if one.starts_at_best is not None else numbers.DASH
    entries = (
        Shown(numbers.fixed(one.elbo, 3)),
        missing() if one.symmetrised is None else Shown(numbers.fixed(one.symmetrised, 3)),
        numbers.with_error(evidence.value, evidence.standard_error) if evidence else missing(one.no_evidence),
        numbers.with_error(one.held_out, one.held_out_se),
        Shown(starts, numeric=False),
        missing() if one.occupied is None else Shown(str(one.occupied)),
    )
    return Row(str(one.n_components), entries)


def _table(candidates: list[Candidate]) -> Table:
    caption = "What speaks for each number of components K, by the bounds of "
    caption += f"{' and '.join(dict.fromkeys(one.method for one in candidates))}"
    rows = tuple(row_of(one) for one in sorted(candidates, key=lambda one: one.n_components))
    return Table(". ".join([caption, *conclusion(candidates)]), COLUMNS, rows)
