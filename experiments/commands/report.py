"""`elbowroom report`: a study's report once more, or two studies side by side; nothing is recomputed."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._messages import warn
from experiments.commands._output import Json, writable
from experiments.commands._study import show

_MOST_TOLD = 5  # pages whose paths are printed


def report(
    studies: Annotated[
        list[Path],
        typer.Argument(
            metavar="STUDY [OTHER]",
            help="A study's folder, or its name in the folder studies; with another: what changed from the "
            "first to the second.",
        ),
    ],
    json: Json = False,
    problem: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Give this problem a page of its own, in the folder problems: a data set, a model, or the "
            "page's name; may be repeated; all: every problem.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Of two studies: the folder for comparison.html, in place of one in the second's."),
    ] = None,
) -> None:
    """Write a study's report again, from what is stored; what would come out as it is is not drawn again.

    Of two studies, or two runs of one, it says what changed: settings, versions and code, verdicts, and
    figures that differ beyond their errors.

    Exits with 1 if files of draws are damaged, which are named.
    """
    if len(studies) > 1 or output is not None:
        from experiments.commands._comparing import compare_studies
        from hand_cavi import InputError

        if problem:
            raise InputError("--problem is for the report of one study; leave it out, or name one study")
        compare_studies([study_folder(study) for study in studies], output, json)
        return
    folder = study_folder(studies[0])

    from experiments.commands._asked import pages_called
    from experiments.engine.runner import load
    from experiments.engine.standing import damaged_files

    record = load(folder)
    pages = pages_called(record, problem or ())
    show(record, writable(folder), json, pages)
    for page in pages if not json and len(pages) <= _MOST_TOLD else ():
        print(f"Page: {folder / 'problems' / page}.html")
    if not json and len(pages) > _MOST_TOLD:
        print(f"Pages: {len(pages)} in {folder / 'problems'}")
    if spoilt := damaged_files(folder):  # asked last: drawing has looked at every byte
        warn(
            f"damaged, and therefore not shown: {', '.join(spoilt)}; run the study again, which computes "
            "these anew and keeps the rest"
        )
        raise typer.Exit(1)


def study_folder(study: Path) -> Path:
    """Return the folder of a study from that, or from its name in the folder ``studies``.

    Raises InputError if there is none.
    """
    from experiments.config.plugins import did_you_mean
    from hand_cavi import InputError

    places = (study, Path("studies") / study)
    for folder in places:
        if (folder / "study.sqlite").is_file():
            return folder
    for folder in places:
        if (folder / "batches").is_dir():
            raise InputError(f"the calibration in {folder} was written by an older version; run it again")
    known = [path.parent.name for path in sorted(Path("studies").glob("*/study.sqlite"))]
    hint = did_you_mean(study.name, known)
    raise InputError(f'there is no study "{study}", a folder with a study.sqlite in it{hint}')
