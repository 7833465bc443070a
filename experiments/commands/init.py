"""`elbowroom init`: a configuration, a derivation or an example to begin from; or the JSON schema."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._wrapping import say

_DEFAULT = Path("elbowroom.toml")


def init(
    path: Annotated[
        Path, typer.Argument(help="The file to write, of an example the folder; no file is written over.")
    ] = _DEFAULT,
    example: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Write this example, a configuration with its data or a derivation."
        ),
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the examples instead.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a configuration for this file: --components of them, a prior scaled to the data.",
        ),
    ] = None,
    components: Annotated[int | None, typer.Option(help="The number of components, K.", min=1)] = None,
    column: Annotated[list[str] | None, typer.Option(help="A column to use; may be repeated.")] = None,
    derivation: Annotated[
        bool, typer.Option("--derivation", help="Write a hand-derived model to begin from, a Python file.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead.")] = False,
) -> None:
    """Write a configuration, a derivation or an example."""
    from hand_cavi import InputError

    kinds = (("--example", example), ("--derivation", derivation), ("--data", data))
    writes = [name for name, given in kinds if given]
    prints = [name for name, given in (("--list", list_), ("--schema", schema)) if given]
    if prints and (writes or path != _DEFAULT or len(prints) > 1):
        raise InputError(f"{prints[0]} prints and writes no file; leave the file and all other options out")
    if len(writes) > 1:
        raise InputError(f"{' and '.join(writes)} write different files; ask for one")
    if data is None and (components is not None or column):
        raise InputError("--components and --column are of a file of your own; name it with --data")
    if schema:
        from experiments.commands._output import print_json
        from experiments.config.schema import json_schema

        print_json(json_schema())
    elif list_:
        _list()
    elif example:
        from experiments.config.shipped import example as find

        found = find(example)
        folder = Path() if path == _DEFAULT else path
        _write({folder / file.name: file.read_bytes() for file in found.files})
        print(f'Then: "{found.command}"{"" if path == _DEFAULT else f", in {folder}"}.')
    elif data is not None:
        from experiments.commands._init_data import configuration_for

        if components is None:
            raise InputError("--data wants to know how many components; give --components")
        path = Path(f"{data.stem}.toml") if path == _DEFAULT else path
        text, about = configuration_for(data, components, tuple(column or ()), path.absolute().parent)
        _write({path: text.encode()})
        say(*about.splitlines())
        print(f'Then: "elbowroom run {path}".')
    elif derivation:
        from experiments.checks.loading import skeleton

        path = Path("my_model.py") if path == _DEFAULT else path
        _write({path: skeleton().encode()})
        print(f'Then: "elbowroom check {path}:Derivation".')
    else:
        from experiments.config.reading import default_config_text

        _write({path: default_config_text().encode()})
        print(f'Then: "elbowroom run {path}".')


def _list() -> None:
    from experiments.config.shipped import examples

    found = examples()
    width = max(map(len, found)) + 2
    for name, one in found.items():
        say(f"{name:<{width}}{one.about}", indent=width)


def _write(contents: dict[Path, bytes]) -> None:
    """Write new files, none of them if one is there already."""
    from experiments.commands._output import writable_file
    from hand_cavi import InputError

    for path in contents:
        writable_file(path, "init", ())
        if path.exists() or path.is_symlink():
            raise InputError(f'"{path}" exists already; name another place, or remove it first')
    for path, content in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise InputError(f'"{path}" cannot be written: {error.strerror}') from None
        print(f"Wrote {path}")
