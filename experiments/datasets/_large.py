"""Files too large to be read whole: NPY is mapped into memory, Parquet read a row group at a time.

What is held of them is a piece of rows. They are read once before all else, to find a value that is no finite
number; the complaint about it is the one that small files get.
"""

from pathlib import Path

import numpy as np

from experiments.datasets._columns import choose, load_npy, npy_columns, refuse_gaps, refuse_weights
from experiments.datasets._words import Reading, refuse_other_than_numbers
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.data.derived_sources import ColumnSource, CompleteRows
from hand_cavi.sources import Source, as_source, open_parquet

LARGE = 1 << 20
"""Numbers, 8 MB of float64, up to which a file is read whole."""


def open_large(
    path: Path, wanted: tuple[str, ...], reading: Reading
) -> tuple[Source, tuple[str, ...]] | None:
    """Return the columns of a large file as a source, and their names; None if the file is one read whole.

    Raises
    ------
    InputError
        If the file is unreadable, or a column is not there or holds no numbers.
    """
    openers = {".npy": _npy, ".parquet": _parquet, ".pq": _parquet}
    opener = openers.get(path.suffix.lower())
    return None if opener is None else opener(path, wanted, reading)


def checked(
    source: Source, path: Path, features: tuple[str, ...], reading: Reading
) -> tuple[Source, Summary, np.ndarray]:
    """Return a large file's rows but those to be dropped, what they are like, and the numbers of the others.

    Raises
    ------
    InputError
        If the file cannot be read, or naming the column and the row that holds no finite number.
    """
    complete, dropped = source, np.empty(0, dtype=np.intp)
    try:
        summary = Summary.of(source)
        if reading.weight_column or not summary.is_finite:
            begins = 0
            for piece in source.pieces():
                for name, values in zip(features, np.asarray(piece.rows, dtype=np.float64).T, strict=True):
                    refuse_gaps(path, name, values, begins, reading.drops)
                if piece.weight is not None:
                    refuse_weights(path, reading.weight_column, piece.weight, begins, reading.drops)
                begins += len(piece.rows)
            if reading.drops:
                found = CompleteRows.of(source)
                complete, dropped = found, found.dropped
                summary = Summary.of(complete)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # as pyarrow says it of a damaged page
        raise InputError(f"{path.name} cannot be read to its end: {str(error).splitlines()[0]}") from None
    return complete, summary, dropped


def _npy(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[Source, tuple[str, ...]] | None:
    if path.stat().st_size <= 8 * LARGE:
        return None
    array = load_npy(path, mapped=True)
    arrays, columns = npy_columns(path, array, wanted, reading)
    weight = (
        npy_columns(path, array, (reading.weight_column,), reading)[0][0] if reading.weight_column else None
    )
    for name, values in zip(columns, arrays, strict=True):
        refuse_other_than_numbers(path.name, name, values.dtype)
    if weight is not None:
        refuse_other_than_numbers(path.name, reading.weight_column, weight.dtype)
        return ColumnSource(tuple(arrays), weight), columns
    whole = array.dtype.names is None and columns == tuple(str(d) for d in range(len(columns)))
    if whole and array.size == len(array) * len(columns) and array.dtype in (np.float64, np.float32):
        return as_source(array), columns
    return ColumnSource(tuple(arrays)), columns


def _parquet(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[Source, tuple[str, ...]] | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, n_points = file.schema_arrow, file.metadata.num_rows
    except pa.ArrowException as error:
        raise InputError(f"{path.name} is no readable Parquet file: {str(error).splitlines()[0]}") from None
    columns = choose(path, list(schema.names), wanted, reading)
    weights = (
        choose(path, list(schema.names), (reading.weight_column,), reading) if reading.weight_column else ()
    )
    if n_points * len(columns) <= LARGE:
        return None
    for name in [*columns, *weights]:
        try:
            dtype = np.dtype(schema.field(name).type.to_pandas_dtype())
        except NotImplementedError:  # a kind of which numpy knows nothing
            dtype = np.dtype(object)
        refuse_other_than_numbers(path.name, name, dtype)
    return open_parquet(path, columns, reading.weight_column or None), columns
