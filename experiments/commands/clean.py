"""`elbowroom clean`: what studies no longer need, told first and then removed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import warn
from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import say
from experiments.engine.study_folder import study_folder

if TYPE_CHECKING:
    from experiments.engine.store.cleaning import Waste


def clean(
    studies: Annotated[
        list[Path] | None,
        typer.Argument(help="Studies. Default: all in the folder studies, and the compile caches."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it, without being asked.")] = False,
    json: Json = False,
) -> None:
    """Say what can be removed, and remove it if so told.

    It says how much that is, and removes it with --yes, or after a yes on a terminal.

    These are draws and data that are no longer in a study, figures and pages that its report does not use,
    what killed runs began, databases of older versions and, if no study is named, compile caches. Nothing
    that a study needs is touched.
    """
    from experiments.engine.store.cleaning import remove, remove_waste

    found = _waste(studies)
    removed = False
    if not json:
        say(*_lines(found))
    if any(found.values()) and (yes or (not json and _asked())):
        for folder, waste in found.items():
            (remove_waste if (folder / "study.sqlite").exists() else remove)(folder, waste)
        removed = True
    if json:
        print_json({"removed": removed, "found": _as_json(found)})
    elif any(found.values()):
        print("Removed." if removed else "Nothing was removed; --yes removes it.")


def _waste(studies: list[Path] | None) -> dict[Path, list["Waste"]]:
    """Return what can go, by the folder in which it is; studies that are being run are left alone."""
    from experiments.engine.store.cleaning import Waste, waste_in
    from experiments.engine.store.locking import is_held
    from experiments.engine.workers.compile_cache import cache_folder
    from experiments.report.drawn_parts import DrawnParts
    from hand_cavi import InputError

    if studies:
        folders = [study_folder(study) for study in studies]
    else:
        folders = [path.parent for path in sorted(Path("studies").glob("*/study.sqlite"))]
    found: dict[Path, list[Waste]] = {}
    running = [folder for folder in folders if is_held(folder)]
    for folder in folders:
        if folder in running:
            warn(f"{folder} is being run, and left alone")
            continue
        try:
            stale = DrawnParts(folder).stale()
            of_report = [Waste("figures and pages that no report uses", tuple(stale))] if stale else []
            found[folder] = [*waste_in(folder), *of_report]
        except InputError as error:
            warn(f"{folder} is left alone: {error}")
    if not studies and not running and cache_folder().is_dir():
        caches = tuple(sorted(cache_folder().glob("worker-*")))
        found[cache_folder()] = (
            [Waste("compile caches, which the next run fills again", caches)] if caches else []
        )
    return found


def _lines(found: dict[Path, list["Waste"]]) -> list[str]:
    rows = [
        (str(folder), one.what, f"{len(one.files)} files", f"{one.megabytes:.1f} MB")
        for folder, waste in found.items()
        for one in waste
    ]
    if not rows:
        return ["There is nothing to remove."]
    width = [max(len(row[i]) for row in rows) for i in range(4)]
    total = sum(one.megabytes for waste in found.values() for one in waste)
    lines = [f"{a:<{width[0]}}  {b:<{width[1]}}  {c:>{width[2]}}  {d:>{width[3]}}" for a, b, c, d in rows]
    return [*lines, f"In all {total:.1f} MB."]


def _as_json(found: dict[Path, list["Waste"]]) -> list[dict[str, object]]:
    return [
        {"folder": str(folder), "what": one.what, "files": len(one.files), "megabytes": one.megabytes}
        for folder, waste in found.items()
        for one in waste
    ]


def _asked() -> bool:
    return sys.stdin.isatty() and typer.confirm("Remove all of this?")
