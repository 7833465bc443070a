"""Files too large to be read whole: NPY is mapped into memory, Parquet read a row group at a time.

What is held of them is a piece of rows. They are read once before all else, for a summary, by which a value
that is no finite number is found too; the complaint about it is the one that small files get.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.datasets._columns import (
    choose,
    load_npy,
    npy_columns,
    refuse_gaps,
    refuse_other_than_numbers,
)
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.sources import Block, Source, as_source, open_parquet

LARGE = 1 << 20
"""Numbers, 8 MB of float64, up to which a file is read whole."""

_ROWS = 1 << 18


@dataclass(frozen=True)
class ColumnSource(Source):
    """Columns of a mapped array, each of shape (N,), side by side and as float64 a piece at a time."""

    columns: tuple[np.ndarray, ...]

    @property
    def n_points(self) -> int:
        """N."""
        return len(self.columns[0])

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.columns)

    def blocks(self) -> Iterator[Block]:
        """Yield pieces of rows."""
        for start in range(0, self.n_points, _ROWS):
            pieces = [np.asarray(c[start : start + _ROWS], dtype=np.float64) for c in self.columns]
            yield Block(np.column_stack(pieces))


def open_large(path: Path, wanted: tuple[str, ...]) -> tuple[Source, tuple[str, ...]] | None:
    """Return the columns of a large file as a source, and their names; None if the file is one read whole.

    Raises
    ------
    InputError
        If the file is unreadable, or a column is not there or holds no numbers.
    """
    openers = {".npy": _npy, ".parquet": _parquet, ".pq": _parquet}
    opener = openers.get(path.suffix.lower())
    return None if opener is None else opener(path, wanted)


def summary_of(source: Source, path: Path, features: tuple[str, ...]) -> Summary:
    """Read a large file once, and refuse what is no finite number, or cannot be read.

    Raises
    ------
    InputError
        Naming the column and the row.
    """
    try:
        summary = Summary.of(source)
        if not summary.is_finite:
            begins = 0
            for piece in source.pieces():
                for name, values in zip(features, np.asarray(piece.rows, dtype=np.float64).T, strict=True):
                    refuse_gaps(path, name, values, begins)
                begins += len(piece.rows)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # as pyarrow says it of a damaged page
        raise InputError(f"{path.name} cannot be read to its end: {str(error).splitlines()[0]}") from None
    return summary


def _npy(path: Path, wanted: tuple[str, ...]) -> tuple[Source, tuple[str, ...]] | None:
    if path.stat().st_size <= 8 * LARGE:
        return None
    array = load_npy(path, mapped=True)
    arrays, columns = npy_columns(path, array, wanted)
    for name, values in zip(columns, arrays, strict=True):
        refuse_other_than_numbers(path, name, values)
    whole = array.dtype.names is None and columns == tuple(str(d) for d in range(len(columns)))
    if whole and array.size == len(array) * len(columns) and array.dtype in (np.float64, np.float32):
        return as_source(array), columns
    return ColumnSource(tuple(arrays)), columns


def _parquet(path: Path, wanted: tuple[str, ...]) -> tuple[Source, tuple[str, ...]] | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, n_points = file.schema_arrow, file.metadata.num_rows
    except pa.ArrowException as error:
        raise InputError(f"{path.name} is no readable Parquet file: {str(error).splitlines()[0]}") from None
    columns = choose(path, list(schema.names), wanted)
    if n_points * len(columns) <= LARGE:
        return None
    for name in columns:
        if pa.types.is_boolean(schema.field(name).type):
            raise InputError(f'{path.name}: column "{name}" holds bool, not numbers')
    return open_parquet(path, columns), columns
