"""`elbowroom report`: a study's report once more, from what is stored; nothing is recomputed."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._output import Json, print_json, writable


def report(
    study: Annotated[Path, typer.Argument(help="A study's folder, or its name in the folder studies.")],
    json: Json = False,
) -> None:
    """Write a study's report again, from what is stored."""
    folder = _folder(study)

    from experiments.studies.own_run import load_custom

    if (own := load_custom(folder)) is not None:
        from experiments.commands._own import show_own

        show_own(own, writable(folder), json)
        return

    from experiments.engine.runner import load_study_record
    from experiments.report import write_report

    record = load_study_record(folder)
    paths = write_report(record, writable(folder))
    if json:
        from experiments.commands._summary import summary

        print_json(summary(record, report=str(paths.html)))
    else:
        from experiments.commands._tables import print_study

        print_study(record, report=str(paths.html))


def _folder(study: Path) -> Path:
    from experiments.config.plugins import did_you_mean
    from hand_cavi import InputError

    for folder in (study, Path("studies") / study):
        if (folder / "study.sqlite").is_file():
            return folder
    known = [path.parent.name for path in sorted(Path("studies").glob("*/study.sqlite"))]
    hint = did_you_mean(study.name, known)
    raise InputError(f'there is no study "{study}", a folder with a study.sqlite in it{hint}')
