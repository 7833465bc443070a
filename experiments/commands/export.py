"""`elbowroom export`: a study's figures as one tidy table, or its reference draws, for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import complain
from experiments.commands._output import writable, writable_file
from experiments.commands.report import NamesCode, load_own_code, study_folder

if TYPE_CHECKING:
    from experiments.engine.store.folder import Store


class Format(StrEnum):
    """What can be written."""

    parquet = "parquet"
    csv = "csv"


def export(
    study: Annotated[Path, typer.Argument(help="A study's folder, or its name in the folder studies.")],
    format: Annotated[Format | None, typer.Option(help="Of the file of figures.")] = None,
    reference: Annotated[
        bool,
        typer.Option("--reference", help="Write the draws of qualified references, as posteriordb has them."),
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(help="The file, or with --reference the new folder. Default: the study's name, here."),
    ] = None,
    config: NamesCode = None,
) -> None:
    """Write a study's figures as a tidy table, or its reference draws as files of posteriordb.

    The table has one row for each cell, metric and quantity.

    With --reference, exits with 1 if the reference of a problem does not qualify, which is named; if none
    does, with 2, and nothing is written.
    """
    from experiments.engine.store.folder import Store
    from hand_cavi import InputError

    if reference == (format is not None):
        raise InputError("say what to write: --format parquet or csv for figures, or --reference for draws")
    folder = study_folder(study)
    load_own_code(config)
    with Store.open(folder, writable=False) as store:
        if reference:
            _write_references(store, to)
        elif format is not None:
            _write_figures(store, format, to)


def _write_figures(store: "Store", format: Format, to: Path | None) -> None:
    from experiments.report.tidy import COLUMNS, stored_rows, write_csv, write_parquet
    from hand_cavi import InputError

    manifest = store.manifest()
    if manifest is None:
        raise InputError(f"there is no study in {store.folder} yet; run one there first")
    rows = [row for problem in manifest.problems for row in stored_rows(store, problem)]
    path = to or Path(f"{manifest.name}.{format.value}")
    writable_file(path, "--to", ())
    (write_csv if format is Format.csv else write_parquet)(path, rows)
    print(f"Wrote {path}: {len(rows)} rows of {len(COLUMNS)} columns.")


def _write_references(store: "Store", to: Path | None) -> None:
    """Write what qualified, say what did not, and exit with 1 if there is any of that."""
    from experiments.engine.store.whole import study_record
    from experiments.report.posteriordb.reference_files import files_of_study, why_not, write_files
    from hand_cavi import InputError

    record = study_record(store)
    refused = [reason for problem in record.problems if (reason := why_not(problem))]
    number = len(record.problems) - len(refused)
    if not number:
        raise InputError("\n".join(refused))
    path = to or Path(f"{record.name}-reference")
    writable(path.parent)
    write_files(files_of_study(record), path)
    print(f"Wrote {path}: reference draws of {number} problem{'s' if number > 1 else ''}.")
    for reason in refused:
        complain(f"not written: {reason}")
    if refused:
        raise typer.Exit(1)
