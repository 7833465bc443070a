"""Two studies side by side: what `report A B` says on stdout, as text or as one JSON document."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.commands._output import print_json, writable
from experiments.report.changes import Change, Changes, FigureChange

_MOST_LINES = 12  # of each kind


def compare_studies(folders: Sequence[Path], output: Path | None, json: bool) -> None:
    """Write the comparison of two studies, and say on stdout what differs.

    Raises InputError if these are not two folders of studies, or the folder cannot be written to.
    """
    from experiments.engine.runner import load
    from experiments.report.changes import changes_between
    from experiments.report.pages.compared import write_comparison
    from hand_cavi import InputError

    if len(folders) != 2:
        number = "1 study was" if len(folders) == 1 else f"{len(folders)} studies were"
        raise InputError(f"{number} named; --output and a comparison take two")
    if folders[0].resolve() == folders[1].resolve():
        raise InputError(
            f'"{folders[0]}" is named twice; name two studies, or two runs in folders of their own'
        )
    before, after = (load(folder) for folder in folders)
    place = writable(output or folders[1] / f"compared-with-{before.name}")
    found = changes_between(before, after)
    paths = write_comparison(found, place)
    if json:
        print_json(_document(found) | {"report": str(paths.html)})
    else:
        _print(found, paths.html)


def _document(found: Changes) -> dict[str, Any]:
    return {
        "before": found.names[0],
        "after": found.names[1],
        "headline": found.sentence,
        "verdicts": [
            {
                "problem": _title(after),
                "method": after.method,
                "before": before.words,
                "after": after.words,
                "changed": before.words != after.words,
            }
            for before, after in found.pairs
        ],
        "figures_compared": found.compared,
        "figures": [_figure(one) for one in found.figures],
        "figures_without_errors": [_figure(one) for one in found.without_errors],
        "settings": [vars(one) for one in found.settings],
        "versions": [vars(one) for one in found.versions],
        "other_data": found.other_data,
        "only_before": found.only_before,
        "only_after": found.only_after,
    }


def _figure(one: FigureChange) -> dict[str, Any]:
    return {
        "problem": one.problem,
        "method": one.method,
        "figure": one.what,
        "before": one.before[0],
        "before_se": one.before[1],
        "after": one.after[0],
        "after_se": one.after[1],
        "standard_errors_apart": one.apart,
    }


def _title(one: Any) -> str:
    from experiments.report.outcomes import title_of

    return title_of(one.problem)


def _print(found: Changes, page: Path) -> None:
    from rich.text import Text

    from experiments.commands._terminal import stdout
    from experiments.report.style.numbers import typeset

    console = stdout()
    colour = {"pass": "green", "fail": "red", "undecided": "yellow"}.get(found.mark, "")
    console.print(Text(typeset(found.sentence), style=f"bold {colour}".strip()))
    said = {
        "Verdicts": [f"{_title(a)}, {a.label}: {b.words}, now {a.words}" for b, a in found.changed],
        "Figures beyond their errors": [
            f"{one.problem}, {one.method}, {one.what}: {one.before[0]:.6g}, now {one.after[0]:.6g}"
            for one in found.figures
        ],
        "Settings": [_change(one) for one in found.settings],
        "Versions, machine and code": [_change(one) for one in found.versions],
        "Of other data": found.other_data,
        "Only before": found.only_before,
        "Only now": found.only_after,
    }
    for head, lines in said.items():
        if lines:
            console.print(f"\n{head}", style="bold")
        for line in lines[:_MOST_LINES]:
            console.print(Text(typeset(f"  {line}")))
        if len(lines) > _MOST_LINES:
            console.print(f"  and {len(lines) - _MOST_LINES} more")
    console.print(f"\nReport: {page}", highlight=False, markup=False, soft_wrap=True)


def _change(one: Change) -> str:
    return f"{one.name}: {one.before or '–'}, now {one.after or '–'}"
