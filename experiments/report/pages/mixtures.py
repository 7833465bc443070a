"""The pages of a study of mixtures: what each section says."""

from experiments.families.formula import story_of
from experiments.records import ProblemRecord, StudyRecord
from experiments.report.conclusions import conclusions
from experiments.report.figures import FIGURES
from experiments.report.figures.picture import GROUPS, figure_style
from experiments.report.metric_tables import metric_tables
from experiments.report.pages.base import Badged, Folded, Pages, Section, drawn, fill, present, quality_of
from experiments.report.style import numbers
from experiments.report.style.glossary import OF_MIXTURES
from experiments.report.style.palette import method_styles
from experiments.report.style.words import as_sentence, caveats
from experiments.report.tables.log_evidence import decomposition_table, opinions_table
from experiments.report.tables.methods import HOW, bounds_table, means_table, verdict_table
from experiments.report.tables.overview import summary_table, title_of
from experiments.report.tables.series import choices
from experiments.report.view import View, look_at

_LEDE = "Hand-derived variational inference beside PyMC's, on the same data and the same model."


def render(record: StudyRecord) -> Pages:
    """Return the report of a study as texts and pictures; writes nothing."""
    styles = method_styles([cell.cell.method for problem in record.problems for cell in problem.cells])
    with figure_style():
        views = [look_at(problem, styles) for problem in record.problems]
        sections = [_section(view, f"problem-{i + 1}") for i, view in enumerate(views)]
        series = [
            Folded(title, [table], [drawn(picture, f"choice-{i + 1}", title)])
            for i, (title, table, picture) in enumerate(choices(views))
        ]
    anchors = [section.anchor for section in sections]
    labels = {method: style.label for method, style in styles.items()}
    return fill(
        "study",
        record,
        sections,
        styles,
        lede=_LEDE,
        choices=series,
        summary=summary_table(views, anchors, labels) if len(sections) > 1 else None,
        glossary=OF_MIXTURES,
        caveats=caveats(record, views, styles),
        seeded="every dataset, method and repeat",
    )


def _section(view: View, anchor: str) -> Section:
    record, title = view.record, title_of(view)
    first, second = ("sorted", "component") if view.is_sorted else ("component", "sorted")
    pictures = [picture for make in FIGURES if (picture := make(view)) is not None]
    figures = [drawn(picture, anchor, title) for picture in pictures]
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
