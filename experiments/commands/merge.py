"""`elbowroom merge`: several studies made one."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._messages import warn
from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import say
from experiments.engine.study_folder import study_folder


def merge(
    studies: Annotated[list[Path], typer.Argument(help="Folders of studies, or their names in studies.")],
    output: Annotated[Path, typer.Option(help="The folder of the merged study, a new one.")],
    json: Json = False,
) -> None:
    """Make several studies of one kind into one.

    It has the union of their cells, none computed again.

    What differs between them is told, and nothing is written then. Of one study alone, which may be damaged,
    it saves what can be read.
    """
    from experiments.engine.store.merging import merge as merged

    found = merged([study_folder(study) for study in studies], output)
    for what in found.left_out:
        warn(f"left out: {what}")
    if json:
        print_json({"store": str(output), **vars(found)})
        return
    say(f"Wrote {output}: {found.done} of {found.cells} cells have a result.")
    say("Its problems that lack a judgement, and the study, are judged when it is run again.")
