"""Columns of NPY and Parquet files as sources: what is large is mapped or read a row group at a time."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.datasets._columns import (
    choose,
    ending,
    load_npy,
    npy_columns,
    readable_parquet,
    refuse_gaps,
    refuse_weights,
)
from experiments.datasets._words import Reading, refuse_other_than_numbers
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.data.derived_sources import ColumnSource, CompleteRows
from hand_cavi.sources import Source, open_parquet
from hand_cavi.sources.array import NpyRows
from hand_cavi.sources.parquet import parquet_files

LARGE = 1 << 20
"""Numbers, 8 MB of float64, up to which a file is read whole."""


def open_columns(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[Source, tuple[str, ...]]:
    """Return columns as a source, and their names; or raise InputError."""
    return (_npy if ending(path) == ".npy" else _parquet)(path, wanted, reading)


def checked(
    source: Source, path: Path, features: tuple[str, ...], reading: Reading
) -> tuple[Source, Summary, np.ndarray]:
    """Read all once: return the rows but those to be dropped, what they are like, and the others' numbers.

    InputError names the column and the row that holds no finite number.
    """
    complete, dropped = source, np.empty(0, dtype=np.intp)
    try:
        summary = Summary.of(source)
        if reading.weight_column or not summary.is_finite:
            source.reduced(partial(_look_for_gaps, path=path, features=features, reading=reading), _nothing)
            if reading.drops:
                found = CompleteRows.of(source)
                if found.n_points == 0:
                    raise InputError(f"{path.name}: every row has a missing value; one must have none")
                complete, dropped = found, found.dropped
                summary = Summary.of(complete)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # as pyarrow says it of a damaged page
        raise InputError(f"{path.name} cannot be read to its end: {str(error).splitlines()[0]}") from None
    return complete, summary, dropped


def _look_for_gaps(
    part: Source, begins: int, *, path: Path, features: tuple[str, ...], reading: Reading
) -> None:
    for piece in part.pieces():
        for name, values in zip(features, np.asarray(piece.rows, dtype=np.float64).T, strict=True):
            refuse_gaps(path, name, values, begins, reading.drops)
        if piece.weight is not None:
            refuse_weights(path, reading.weight_column, piece.weight, begins, reading.drops)
        begins += len(piece.rows)


def _nothing(parts: Sequence[None]) -> None:
    return None


def _npy(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[Source, tuple[str, ...]]:
    array = load_npy(path, mapped=path.stat().st_size > 8 * LARGE)
    arrays, columns = npy_columns(path, array, wanted, reading)
    weights = npy_columns(path, array, reading.weights, reading)[0] if reading.weights else []
    for name, values in zip((*columns, *reading.weights), (*arrays, *weights), strict=True):
        _check(path, name, len(values))
        refuse_other_than_numbers(path.name, name, values.dtype)
    whole = array.dtype.names is None and columns == tuple(str(d) for d in range(len(columns)))
    if whole and array.size == len(array) * len(columns) and array.dtype in (np.float64, np.float32):
        return NpyRows(path, 0, len(array), len(columns)), columns
    return ColumnSource(tuple(arrays), *weights), columns


def _parquet(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[Source, tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = parquet_files(path)[0]
    with readable_parquet(first):
        schema = pq.read_schema(first)
    columns = choose(path, list(schema.names), wanted, reading)
    for name in (*columns, *(reading.weights and choose(path, schema.names, reading.weights, reading))):
        try:
            dtype = np.dtype(schema.field(name).type.to_pandas_dtype())
        except (NotImplementedError, TypeError):  # of which numpy knows nothing, such as dates with a zone
            dtype = np.dtype("M8" if pa.types.is_temporal(schema.field(name).type) else object)
        refuse_other_than_numbers(path.name, name, dtype)
    source = open_parquet(path, columns, *reading.weights)
    _check(path, columns[0], source.n_points)
    return source, columns


def _check(path: Path, column: str, n_points: int) -> None:
    if n_points == 0:
        raise InputError(f'{path.name}: column "{column}" is empty; there must be at least one point')
