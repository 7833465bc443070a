"""The page of two studies side by side: the headline, every verdict, every figure that differs, and why."""

from collections.abc import Sequence
from pathlib import Path

from experiments.engine.store.files import clear_errors, write_whole
from experiments.methods import label
from experiments.report import ReportPaths
from experiments.report.changes import Change, Changes, FigureChange
from experiments.report.outcomes import Outcome, title_of
from experiments.report.pages.base import fill_html, fill_markdown
from experiments.report.style.numbers import Shown, exactly, fixed, missing, rough, seconds, with_error
from experiments.report.tables.table import MARKS, Column, Row, Table

MOST_ROWS = 400
"""Of a table; more are counted."""


def write_comparison(found: Changes, folder: Path) -> ReportPaths:
    """Write ``comparison.html`` and ``comparison.md`` into a folder, made if need be, each whole or not.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    paths = ReportPaths(folder / "comparison.html", folder / "comparison.md")
    about = _about(found)
    markdown, html = fill_markdown("comparison", **about), fill_html("comparison", **about)
    with clear_errors("write to", folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(paths.markdown, markdown.encode("utf-8"))
        write_whole(paths.html, html.encode("utf-8"))
    return paths


def _about(found: Changes) -> dict[str, object]:
    first, second = found.names
    name = f"{first} and {second}" if first != second else f"{first}, twice"
    return {
        "name": name,
        "names": found.names,
        "mark": found.mark,
        "word": found.word,
        "sentence": found.sentence,
        "results": results_table(found) if found.pairs else None,
        "figures": figures_table("Figures that differ beyond their errors", found.figures),
        "without_errors": figures_table("Figures without a stated error that differ", found.without_errors),
        "settings": changes_table("Settings", found.settings),
        "versions": changes_table("Versions, machine and code", found.versions),
        "other_data": found.other_data,
        "only": [(f"Only before ({first})", found.only_before), (f"Only now ({second})", found.only_after)],
        "left_out": [
            f"{len(some) - MOST_ROWS} more {what} are not shown."
            for some, what in (
                (found.pairs, "results"),
                (found.figures, "figures that differ"),
                (found.without_errors, "figures without an error that differ"),
            )
            if len(some) > MOST_ROWS
        ],
        "styles": {},
        "unfinished": "",
    }


def results_table(found: Changes) -> Table:
    """Return every result that both have, those first whose verdict changed."""
    columns = (
        Column("Method", numeric=False),
        Column("Verdict", "now", numeric=False),
        Column("Verdict", "before", numeric=False),
        Column("Changed", numeric=False),
        Column("Mean error", "now, posterior sds"),
        Column("Mean error", "before"),
        Column("Time", "now, s"),
        Column("Time", "before, s"),
    )
    rows = tuple(_row(*pair) for pair in found.pairs[:MOST_ROWS])
    return Table("Results that both have", columns, rows, first="Problem", filters=(0, 1, 2, 4))


def _row(before: Outcome, after: Outcome) -> Row:
    changed = before.words != after.words
    entries = (
        Shown(after.label, numeric=False),
        _verdict(after),
        _verdict(before),
        Shown("changed" if changed else "same", numeric=False),
        *(_error(one) for one in (after, before)),
        *(seconds(one.seconds) for one in (after, before)),
    )
    return Row(title_of(after.problem), entries)


def _verdict(one: Outcome) -> Shown:
    return Shown(f"{MARKS.get(one.mark, '')} {one.words}".strip(), mark=one.mark, numeric=False)


def _error(one: Outcome) -> Shown:
    if one.error is None:
        return missing()
    return Shown(rough(one.error).text, exact=exactly(one.error, one.error_se))


def figures_table(caption: str, figures: Sequence[FigureChange]) -> Table | None:
    """Return figures before and now; None if there are none."""
    columns = (
        Column("Method", numeric=False),
        Column("Figure", numeric=False),
        Column("Now"),
        Column("Before"),
        Column("Difference"),
        Column("Apart", "in s.e."),
    )
    rows = tuple(
        Row(
            one.problem,
            (
                Shown(label(one.method), numeric=False),
                Shown(one.what, numeric=False),
                _figure(one.after),
                _figure(one.before),
                _difference(one),
                missing() if one.apart is None else _apart(one.apart),
            ),
        )
        for one in figures[:MOST_ROWS]
    )
    return Table(caption, columns, rows, first="Problem", filters=(0, 1)) if rows else None


def _figure(pair: tuple[float, float]) -> Shown:
    """Return a figure with its error; one without, to about three digits."""
    value, error = pair
    return with_error(value, error) if error >= 0 else rough(value)


def _difference(one: FigureChange) -> Shown:
    value = one.after[0] - one.before[0]
    return Shown(f"{'+' if value > 0 else ''}{rough(value).text}", exact=exactly(value))


def _apart(value: float) -> Shown:
    return Shown("exact", numeric=False) if value == float("inf") else Shown(fixed(value, 1))


def changes_table(caption: str, changed: Sequence[Change]) -> Table | None:
    """Return settings or versions before and now; None if all are the same."""
    columns = (Column("Now", numeric=False), Column("Before", numeric=False))
    rows = tuple(
        Row(one.name, (_words(one.after), _words(one.before)))
        for one in sorted(changed, key=lambda c: c.name)
    )
    return Table(caption, columns, rows, first="Name") if rows else None


def _words(text: str) -> Shown:
    return Shown(text, numeric=False) if text else missing()
