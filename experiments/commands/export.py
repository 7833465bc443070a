"""`elbowroom export`: a study's figures as one tidy table, for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._output import writable_file
from experiments.commands.report import NamesCode, load_own_code, study_folder


class Format(StrEnum):
    """What can be written."""

    parquet = "parquet"
    csv = "csv"


def export(
    study: Annotated[Path, typer.Argument(help="A study's folder, or its name in the folder studies.")],
    format: Annotated[Format, typer.Option(help="Of the file.")],
    to: Annotated[Path | None, typer.Option(help="The file. Default: the study's name, here.")] = None,
    config: NamesCode = None,
) -> None:
    """Write a study's figures as a tidy table.

    It has one row for each cell, metric and quantity.
    """
    from experiments.engine.store.folder import Store
    from experiments.report.tidy import COLUMNS, stored_rows, write_csv, write_parquet
    from hand_cavi import InputError

    folder = study_folder(study)
    load_own_code(config)
    with Store.open(folder, writable=False) as store:
        manifest = store.manifest()
        if manifest is None:
            raise InputError(f"there is no study in {folder} yet; run one there first")
        rows = [row for problem in manifest.problems for row in stored_rows(store, problem)]
        path = to or Path(f"{manifest.name}.{format.value}")
    writable_file(path, "--to", ())
    (write_csv if format is Format.csv else write_parquet)(path, rows)
    print(f"Wrote {path}: {len(rows)} rows of {len(COLUMNS)} columns.")
