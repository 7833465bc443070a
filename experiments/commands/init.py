"""`elbowroom init`: an annotated configuration to begin from, or the JSON schema of all there is to set."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    path: Annotated[Path, typer.Argument(help="The file to write; never one that exists.")] = Path(
        "elbowroom.toml"
    ),
    derivation: Annotated[
        bool, typer.Option("--derivation", help="Write a hand-derived model to begin from, a Python file.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead.")] = False,
) -> None:
    """Write an annotated configuration: the built-in study, to be changed."""
    from hand_cavi import InputError

    if schema:
        if derivation or path != Path("elbowroom.toml"):
            raise InputError("--schema prints and writes no file; leave the file and --derivation out")
        from experiments.commands._output import print_json
        from experiments.config.schema import json_schema

        print_json(json_schema())
        return

    from experiments.commands._output import writable_file

    if derivation:
        from experiments.checks.loading import skeleton as content

        path = Path("my_model.py") if path == Path("elbowroom.toml") else path
        then = f'"elbowroom check {path}:Derivation" checks it.'
    else:
        from experiments.config.reading import default_config_text as content

        then = f'"elbowroom run {path}" runs it.'
    writable_file(path, "init", ())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content())
    except FileExistsError:
        raise InputError(f'"{path}" exists already; name another file, or remove it first') from None
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}') from None
    print(f"Wrote {path}; {then}")
