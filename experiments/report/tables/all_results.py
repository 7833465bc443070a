"""All results of a study, a row for each problem and method: what a reader sorts, and chooses from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from experiments.report.outcomes import Outcome, title_of
from experiments.report.style.numbers import Shown, exactly, from_source, missing, rough, seconds
from experiments.report.tables.table import MARKS, Column, Row, Table

_COLUMNS = (
    Column("Method", numeric=False),
    Column("Verdict", numeric=False),
    Column("Mean error", "worst, posterior sds"),
    Column("Width", "worst sd ratio"),
    Column("Evidence gap", "nats"),
    Column("Time", "s, compiling too"),
)


def results_table(caption: str, outcomes: Sequence[Outcome], links: Mapping[int, str]) -> Table:
    """Return the table; `links` are the places of problems' sections or pages, by the problem's `id`.

    A column that would be empty is left out.
    """
    rows = [
        Row(title_of(one.problem), _entries(one), link=links.get(id(one.problem), "")) for one in outcomes
    ]
    kept = [i for i in range(len(_COLUMNS)) if i < 2 or any(row.entries[i].exact for row in rows)]
    narrowed = (replace(row, entries=tuple(row.entries[i] for i in kept)) for row in rows)
    columns = tuple(_COLUMNS[i] for i in kept)
    return Table(caption, columns, tuple(narrowed), first="Problem", filters=(0, 1, 2))


def _entries(one: Outcome) -> tuple[Shown, ...]:
    figures = (
        _figure("mean_error", one.error, one.error_se),
        _figure("sd_ratio", one.width),
        _figure("evidence_gap", one.gap),
        from_source(seconds(one.seconds), "wall_time"),
    )
    verdict = f"{MARKS.get(one.mark, '')} {one.words}".strip()
    return Shown(one.label, numeric=False), Shown(verdict, mark=one.mark, numeric=False), *figures


def _figure(metric: str, value: float | None, error: float | None = None) -> Shown:
    """Return a figure to about three digits; with all of them where a reader points at it."""
    if value is None:
        return missing()
    return from_source(replace(rough(value), exact=exactly(value, error)), metric)
