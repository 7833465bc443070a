"""`elbowroom report`: a study's report once more, or two studies side by side; nothing is recomputed."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._messages import complain
from experiments.commands._output import Json, writable
from experiments.commands._study import show
from experiments.engine.study_folder import study_folder

_MOST_TOLD = 5  # pages whose paths are printed

NamesCode = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The study's configuration, if it names code of your own: a study's folder alone runs none.",
    ),
]


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
    config: NamesCode = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Of two studies: the folder for comparison.html, in place of one in the second's."),
    ] = None,
) -> None:
    """Write a study's report again, or compare two studies.

    It is made from what is stored; what would come out as it is is not drawn again.

    Of two studies, or two runs of one, it says what changed: settings, versions and code, verdicts, and
    figures that differ beyond their errors.

    Exits with 1 if files of draws are damaged, which are named.
    """
    load_own_code(config)
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
        complain(
            f"damaged, and therefore not shown: {', '.join(spoilt)}; run the study again, which computes "
            "these anew and keeps the rest"
        )
        raise typer.Exit(1)


def load_own_code(config: Path | None) -> None:
    """Load the families and priors of weights of the user's own that this configuration names.

    Raises InputError if it cannot be read.
    """
    if config is not None:
        from experiments.config.reading import load_config

        load_config(config)
