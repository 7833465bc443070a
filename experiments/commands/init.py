"""`elbowroom init`: an annotated configuration to begin from, or the JSON schema of all there is to set."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    path: Annotated[Path, typer.Argument(help="The file to write; never one that exists.")] = Path(
        "elbowroom.toml"
    ),
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead.")] = False,
) -> None:
    """Write an annotated configuration: the built-in study, to be changed."""
    if schema:
        from experiments.commands._output import print_json
        from experiments.config.schema import json_schema

        print_json(json_schema())
        return

    from experiments.config.reading import default_config_text
    from hand_cavi import InputError

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(default_config_text())
    except FileExistsError:
        raise InputError(f'"{path}" exists already; name another file, or remove it first') from None
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}') from None
    print(f'Wrote {path}; "elbowroom run {path}" runs it.')
