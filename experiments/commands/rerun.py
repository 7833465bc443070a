"""`elbowroom rerun`: one cell of a study once more, and whether it came out the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import say
from experiments.commands.report import NamesCode
from experiments.engine.study_folder import study_folder

if TYPE_CHECKING:
    from experiments.engine.plan import PlannedCell
    from experiments.records import Cell


def rerun(
    study: Annotated[Path, typer.Argument(help="A study's folder, or its name in the folder studies.")],
    cell: Annotated[
        str,
        typer.Argument(help="DATASET/MODEL/METHOD, with /REPEAT from the second on; or a key's beginning."),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the configuration's relative paths start. Default: the current folder."),
    ] = None,
    config: NamesCode = None,
    json: Json = False,
) -> None:
    """Repeat one cell, and say whether it reproduced.

    It is run from the stored configuration, or from the one given.

    The study is not changed. Exits with 0 if it did, bit for bit, else 1.
    """
    from experiments.engine.places import find_cell
    from experiments.engine.repeating import repeat
    from experiments.engine.store.folder import Store
    from hand_cavi import InputError

    if config is not None and folder is not None:
        raise InputError("--folder is for the stored configuration; of a file's, paths start where that lies")
    where = study_folder(study)
    with Store.open(where, writable=False) as store:
        manifest, configs = store.manifest(), store.configs()
    if manifest is None:
        raise InputError(f"there is no study in {where} yet; run one there first")
    chosen = find_cell((one for entry in manifest.problems for one in entry.cells), cell)
    found = repeat(where, chosen, _planned(chosen, configs, folder, config))
    if json:
        print_json({"cell": found.place, **{k: v for k, v in vars(found).items() if k != "place"}})
    else:
        say(*_lines(found))
    raise typer.Exit(int(not found.reproduced))


def _planned(
    cell: "Cell", configs: tuple[str, ...], folder: Path | None, given: Path | None
) -> "PlannedCell":
    """Return how the cell would be run today; it has another key if code, data or versions are others.

    Code of the user's own runs if the configuration `given` names it, not if a stored one does.
    """
    from experiments.config.plugins import no_code_of_the_users
    from experiments.config.reading import load_config, parse_config
    from experiments.engine.places import place_of
    from experiments.studies import plan_of
    from hand_cavi import InputError

    plans = [plan_of(load_config(given))] if given is not None else []
    for text in configs if given is None else ():
        try:
            with no_code_of_the_users("give the configuration that names it, with --config"):
                plans.append(plan_of(parse_config(text, source="the study's configuration", folder=folder)))
        except InputError as error:
            hint = "--folder says where the configuration's relative paths start"
            raise InputError(str(error) if folder else f"{error}\n{hint}") from None
    found = [planned for plan in plans for planned in plan.cells if place_of(planned.cell) == place_of(cell)]
    if not found:
        raise InputError(f"{given or "the study's configuration"} has no cell {place_of(cell)}")
    return next((planned for planned in found if planned.cell.key == cell.key), found[0])


def _lines(found: Any) -> list[str]:
    if found.reproduced:
        how = "every draw and the bound are equal, bit for bit" if found.status == "ok" else found.message
        lines = [f"{found.place}: reproduced: {how}"]
    elif found.differences:
        lines = [f"{found.place}: not reproduced; the largest differences are"]
        lines += [f"  {name}: {gap:.3g}" for name, gap in found.differences.items()]
    else:
        lines = [f"{found.place}: not reproduced: this time it is {found.status}: {found.message}"]
    for name, (then, now) in (found.changes or {}).items():
        lines.append(f"  {name}: {_short(then)} then, {_short(now)} now")
    if found.changes is None:
        lines.append("  how it was made then was not kept")
    elif not found.changes:
        lines.append("  data, settings, seeds, code, versions and machine are the same as then")
    return lines


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
