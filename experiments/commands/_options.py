"""Options of every command that reads a user's file: how to read it. A study's file has them as keys."""

from typing import Annotated

import typer

WeightColumn = Annotated[str, typer.Option(help="A column that says how many points each row stands for.")]
Separator = Annotated[str, typer.Option(help="Between columns of a text. Default: as its first line has it.")]
Decimal = Annotated[str, typer.Option(help="What stands before the decimals, in a text: . or ,")]
Missing = Annotated[
    str, typer.Option(help="refuse: a missing value is an error. drop: such rows are dropped, and counted.")
]
