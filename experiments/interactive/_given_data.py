"""Data as users have them in Python, as an entry of a configuration: a path, or a file written here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.complaints import Complaints, stop_at
from experiments.config.entries import read_dataset
from experiments.datasets import Dataset
from experiments.engine.store.files import clear_errors, whole
from experiments.studies.mixtures import load_dataset
from hand_cavi import InputError
from hand_cavi.inputs import as_rows, as_sample_weight

FILE = "x.parquet"
"""What holds arrays and frames, in the folder of their study."""


def data_entry(
    x: Any, folder: Path, *, columns: str | Sequence[str] | None, sample_weight: Any, **settings: Any
) -> dict[str, Any]:
    """Return the keys of a data set's entry; arrays and frames are written into the folder.

    Parameters
    ----------
    x : array_like, DataFrame, Series, or path
        Points, (N,) or (N, D); a frame or series of pandas, polars, or whatever Arrow can read; or a file.
    columns : str or sequence of str, optional
        The columns of a frame or a file that are used, or the names of an array's columns.
    sample_weight : array_like, shape (N,), or str, optional
        How many points each row stands for; a name is that of a column of the frame or the file.
    settings
        Further keys of a data set from a file, such as `unit`; None is left out.

    Raises
    ------
    InputError
        If the data are none of these, or cannot be written.
    """
    chosen = [columns] if isinstance(columns, str) else None if columns is None else list(columns)
    if isinstance(x, str | Path):
        if sample_weight is not None and not isinstance(sample_weight, str):
            raise InputError("sample_weight of a file is the name of one of its columns")
        entry = {"path": str(Path(x).absolute()), "columns": chosen, "weight_column": sample_weight}
    else:
        table = _as_table(x, chosen, drop=settings.get("missing") == "drop")
        weight_column = sample_weight if isinstance(sample_weight, str) else None
        if sample_weight is not None and weight_column is None:
            weight_column = "weight" if "weight" not in table.column_names else "sample_weight"
            weight = np.asarray(as_sample_weight(sample_weight, len(table)))
            table = table.append_column(weight_column, [weight])
        used = [name for name in table.column_names if name != weight_column] if chosen is None else chosen
        _write(table, folder)
        entry = {"path": FILE, "columns": used, "weight_column": weight_column}
    every = {"source": "file", **entry, **settings}
    return {key: value for key, value in every.items() if value is not None}


def loaded(entry: dict[str, Any], folder: Path, said_by: str) -> Dataset:
    """Return the data of an entry, as a study would.

    Raises InputError if they cannot be used, in sentences that begin with `said_by`.
    """
    complaints = Complaints(said_by, "")
    read = read_dataset({"name": "data", **entry}, ("datasets",), complaints, folder)
    stop_at(complaints)
    assert read is not None
    return load_dataset(read, 1, 1)


def _as_table(x: Any, columns: list[str] | None, drop: bool) -> Any:
    """Return an Arrow table: of a frame its columns but not its index, of an array those that are named.

    NaN in an array is let through if rows are to be dropped for it.
    """
    import pyarrow as pa

    if hasattr(x, "to_frame") and not hasattr(x, "columns"):  # a series of pandas or polars
        x = x.to_frame("x") if getattr(x, "name", None) in (None, "") else x.to_frame()
    if hasattr(x, "reset_index"):
        x = x.reset_index(drop=True)  # Arrow would take an index for a column
    if hasattr(x, "__arrow_c_stream__"):
        try:
            return pa.table(x)
        except (pa.ArrowException, ValueError, TypeError) as error:
            said = str(error).partition("\n")[0]
            raise InputError(f"the frame holds what Arrow cannot: {said}; give columns of numbers") from None
    if drop:
        x = np.asarray(x, dtype=np.float64)
        rows = np.where(np.isnan(x), np.nan, as_rows(np.nan_to_num(x, nan=0.0)).reshape(x.shape))
        rows = rows.reshape(len(rows), -1)
    else:
        rows = as_rows(x)
    number = rows.shape[1]
    names = columns or (["x"] if number == 1 else [f"x{d + 1}" for d in range(number)])
    if len(names) != number or len(set(names)) < number:
        raise InputError(
            f"columns names {len(names)} columns, and x has {number}; name each once, or leave it out"
        )
    return pa.table({name: rows[:, d] for d, name in enumerate(names)})


def _write(table: Any, folder: Path) -> None:
    import pyarrow.parquet as pq

    with clear_errors("write to", folder):
        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / FILE) as part:
            pq.write_table(table, part)
