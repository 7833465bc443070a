"""The pages of a study of a user's own models: as those of mixtures, without what only mixtures have."""

from typing import Any

from experiments.records import ProblemRecord, StudyRecord
from experiments.report.figures import forest, posterior_density
from experiments.report.metric_tables import metric_tables
from experiments.report.outcomes import title_of
from experiments.report.pages.base import Badged, Folded, Kind, Section, Styles, drawn, present, quality_of
from experiments.report.style.glossary import OF_OWN
from experiments.report.style.palette import MethodStyle, methods_of
from experiments.report.tables import by_quantity
from experiments.report.tables.methods import verdict_table
from experiments.report.view import View, look_at_own

_LEDE = "A model of your own: its hand-derived variational inference beside PyMC's."
_BY_QUANTITY = ("means", "sds", "mean_error", "sd_ratio")  # have tables of their own


def _frame(record: StudyRecord, styles: Styles) -> dict[str, Any]:
    return {"lede": _LEDE, "glossary": OF_OWN, "caveats": [], "seeded": "every model, method and repeat"}


def _section(
    record: ProblemRecord, anchor: str, styles: dict[str, MethodStyle], alone: bool
) -> tuple[Section, tuple[str, ...]]:
    view = look_at_own(record, styles)
    return _section_of(view, anchor, alone), tuple(f"{record.model}, {note}." for note in view.notes)


def _section_of(view: View, anchor: str, alone: bool) -> Section:
    record, title = view.record, title_of(view.record)
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
        figures=[drawn(picture, anchor, title, alone) for picture in pictures if picture is not None],
        folded=[fold for fold in folded if fold.tables],
    )


def _verdicts(view: View) -> list[Badged]:
    cells = [entry.record for entry in view.entries]
    given = [Badged(cell.verdict.decision, cell.verdict.sentence) for cell in cells if cell.verdict]
    failed = [entry for entry in view.entries if entry.record.status != "ok"]
    return given + [Badged("none", f"{entry.label}: {entry.record.message}") for entry in failed]


KIND = Kind("study", "problem", methods_of, _section, _frame)
