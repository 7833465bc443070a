"""Which problems of a study are asked for."""

from collections.abc import Iterable

from experiments.config.plugins import did_you_mean
from experiments.records import StudyRecord
from experiments.report.outcomes import page_names, title_of
from hand_cavi import InputError


def pages_called(record: StudyRecord, asked: Iterable[str]) -> list[str]:
    """Return the names of the pages that are asked for by that, by a data set, a model, a title, or ``all``.

    Raises InputError if there is no such problem.
    """
    pages: dict[str, list[str]] = {}
    for problem, page in zip(record.problems, page_names(record), strict=True):
        for name in {page, problem.dataset, problem.model, title_of(problem), "all"}:
            pages.setdefault(name, []).append(page)
    found: dict[str, None] = {}
    for name in asked:
        if name not in pages:
            others = [other for other in pages if other and other != "all"]
            raise InputError(
                f'there is no problem "{name}" in this study{did_you_mean(name, others)}; give a data set, a '
                "model, or all"
            )
        found |= dict.fromkeys(pages[name])
    return list(found)
