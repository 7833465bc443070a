"""The pages of a study of mixtures: what each section says."""

from typing import Any

from experiments.families.formula import story_of
from experiments.records import ProblemRecord, StudyRecord
from experiments.report.conclusions import conclusions
from experiments.report.figures import FIGURES
from experiments.report.figures.picture import GROUPS
from experiments.report.metric_tables import metric_tables
from experiments.report.outcomes import title_of
from experiments.report.pages.base import (
    Badged,
    Choice,
    Folded,
    Kind,
    Section,
    Styles,
    drawn,
    present,
    quality_of,
)
from experiments.report.style import numbers
from experiments.report.style.glossary import OF_MIXTURES
from experiments.report.style.palette import MethodStyle, methods_of
from experiments.report.style.words import as_sentence, caveats
from experiments.report.tables.log_evidence import decomposition_table, opinions_table
from experiments.report.tables.methods import HOW, bounds_table, means_table, verdict_table
from experiments.report.tables.series import choices
from experiments.report.view import View, glance, look_at

_LEDE = "Hand-derived variational inference beside PyMC's, on the same data and the same model."


def _frame(record: StudyRecord, styles: Styles) -> dict[str, Any]:
    return {
        "lede": _LEDE,
        "glossary": OF_MIXTURES,
        "caveats": caveats(record, styles),
        "seeded": "every dataset, method and repeat",
    }


def _choices(record: StudyRecord, styles: Styles) -> list[Choice]:
    return choices([glance(problem, styles) for problem in record.problems])


def _section(
    record: ProblemRecord, anchor: str, styles: dict[str, MethodStyle], alone: bool
) -> tuple[Section, tuple[str, ...]]:
    view = look_at(record, styles)
    return _section_of(view, anchor, alone), tuple(f"{record.dataset}, {note}." for note in view.notes)


def _section_of(view: View, anchor: str, alone: bool) -> Section:
    record, title = view.record, title_of(view.record)
    first, second = ("sorted", "component") if view.is_sorted else ("component", "sorted")
    pictures = [picture for make in FIGURES if (picture := make(view)) is not None]
    figures = [drawn(picture, anchor, title, alone) for picture in pictures]
    folded = [
        Folded("Every metric, and what it is held against", metric_tables(view)),
        Folded("The numbers behind the verdicts", present(verdict_table(view))),
        Folded(f"The same {view.words}, components {HOW[second]}", present(means_table(view, second))),
        *(
            Folded(head, figures=[figure for figure in figures if figure.group == group])
            for group, head in GROUPS.items()
        ),
    ]
    return Section(
        anchor=anchor,
        title=title,
        story=story_of(view.problem.mixture),
        about_model=record.about_model,
        about_data=record.about_data,
        facts=_facts(view),
        reference=_reference(record),
        quality=quality_of(record.reference.quality),
        opinions=present(opinions_table(view)),
        verdicts=[
            Badged(entry.record.verdict.decision, entry.record.verdict.sentence)
            for entry in view.entries
            if entry.record.verdict is not None
        ],
        conclusions=conclusions(view),
        tables=present(bounds_table(view), means_table(view, first), decomposition_table(view)),
        figures=[figure for figure in figures if not figure.group],
        folded=[fold for fold in folded if fold.tables or fold.figures],
    )


def _facts(view: View) -> list[tuple[str, str]]:
    problem = view.problem
    points = numbers.thousands(str(problem.n_points))
    if problem.sample_weight is not None and problem.condensation is None:
        rows = len(problem.x)
        points += f" in {numbers.thousands(str(rows))} row{'s' * (rows != 1)}"
    facts = [
        ("points N", points),
        ("features D", str(problem.x.shape[1])),
        ("components K", str(problem.mixture.n_components)),
    ]
    if problem.condensation is not None:
        facts.append(("condensed", problem.condensation.sentence(len(problem.x))))
    if view.record.unit:
        facts.append(("unit of x", view.record.unit))
    return facts


def _reference(record: ProblemRecord) -> str:
    reference = record.reference
    evidence = reference.evidence
    if evidence is None:
        lead = "" if reference.qualified else "log p(x) is not known: "
        return as_sentence(lead + reference.reason, begin=not lead)
    shown = numbers.with_error(evidence.value, evidence.standard_error)
    exact = f", {evidence.accuracy}" if evidence.accuracy else ""
    reason = as_sentence(reference.reason, begin=False)
    return f"log p(x) = {shown.plain} nats by {evidence.method}{exact}: {reason}"


KIND = Kind("study", "problem", methods_of, _section, _frame, _choices)
