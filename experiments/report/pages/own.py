"""The pages of a study of a user's own models: as those of mixtures, without what only mixtures have."""

from experiments.records import StudyRecord
from experiments.report.figures import forest, posterior_density
from experiments.report.figures.picture import figure_style
from experiments.report.metric_tables import metric_tables
from experiments.report.pages.base import Badged, Folded, Pages, Section, drawn, fill, present, quality_of
from experiments.report.style.glossary import OF_OWN
from experiments.report.style.palette import method_styles
from experiments.report.tables import by_quantity
from experiments.report.tables.methods import verdict_table
from experiments.report.view import View, look_at_own

_LEDE = "A model of your own: its hand-derived variational inference beside PyMC's."
_BY_QUANTITY = ("means", "sds", "mean_error", "sd_ratio")  # have tables of their own


def render(record: StudyRecord) -> Pages:
    """Return the report of a study as texts and pictures; writes nothing."""
    styles = method_styles([cell.cell.method for problem in record.problems for cell in problem.cells])
    with figure_style():
        views = [look_at_own(problem, styles) for problem in record.problems]
        sections = [_section(view, f"problem-{i + 1}") for i, view in enumerate(views)]
    return fill(
        "study",
        record,
        sections,
        styles,
        lede=_LEDE,
        summary=None,
        glossary=OF_OWN,
        caveats=[f"{view.record.model}, {note}." for view in views for note in view.notes],
        seeded="every model, method and repeat",
    )


def _section(view: View, anchor: str) -> Section:
    record = view.record
    title = record.model + (f", repeat {record.repeat}" if record.repeat > 1 else "")
    pictures = (forest.quantities_picture(view), posterior_density.quantities_picture(view))
    folded = (
        Folded("Every metric, and what it is held against", metric_tables(view, _BY_QUANTITY)),
        Folded("The numbers behind the verdicts", present(verdict_table(view))),
    )
    return Section(
        anchor=anchor,
        title=title,
        about_model=record.about_model,
        about_data=record.about_data,
        reference=f"{record.reference.reason}.",
        quality=quality_of(record.reference.quality),
        verdicts=_verdicts(view),
        tables=present(
            by_quantity.methods_table(record),
            by_quantity.moments_table(record),
            by_quantity.errors_table(record),
        ),
        figures=[drawn(picture, anchor, title) for picture in pictures if picture is not None],
        folded=[fold for fold in folded if fold.tables],
    )


def _verdicts(view: View) -> list[Badged]:
    cells = [entry.record for entry in view.entries]
    given = [Badged(cell.verdict.decision, cell.verdict.sentence) for cell in cells if cell.verdict]
    failed = [entry for entry in view.entries if entry.record.status != "ok"]
    return given + [Badged("none", f"{entry.label}: {entry.record.message}") for entry in failed]
