"""Where large data come from: blocks of rows that can be read again and again.

A fit reads its data once a sweep and holds a few blocks at most. So a source is anything that can be asked
for its blocks more than once: an array or a memory map (one block, of which nothing is copied), an .npy file
(mapped into memory), a Parquet file (its row groups, one after the other), a Dask array (its chunks, computed
when their turn comes), or an object of one's own with `n_points`, `n_features` and `blocks()`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.inputs import InputError, as_file, as_numbers, as_sample_weight

_ROWS = 1 << 18  # rows looked at together when something is asked of every one


@dataclass(frozen=True)
class Block:
    """Some rows, one after the other.

    Attributes
    ----------
    rows : ndarray, shape (n, D)
        In the data's units, of any kind of real numbers.
    weight : ndarray, shape (n,), or None
        w_i; ones if None.
    """

    rows: np.ndarray
    weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        for values, name in ((self.rows, "a block's rows"), (self.weight, "a block's weights")):
            if np.ma.isMaskedArray(values):
                as_numbers(values, name)

    def pieces(self, n_rows: int = _ROWS) -> Iterator["Block"]:
        """Cut the block into pieces of so many rows."""
        for start in range(0, len(self.rows), n_rows):
            here = slice(start, start + n_rows)
            yield Block(self.rows[here], None if self.weight is None else self.weight[here])


class Source(ABC):
    """Data that can be read again and again."""

    @property
    @abstractmethod
    def n_points(self) -> int:
        """N."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """D."""

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """Yield all rows, in blocks, in the same order and the same cuts every time."""

    def pieces(self) -> Iterator[Block]:
        """Yield all rows in pieces small enough for some temporary arrays of their size."""
        for block in self.blocks():
            yield from block.pieces()

    def spread_out(self, most: int) -> Block:
        """Return at most so many rows, evenly spaced through the data, as float64."""
        step = -(-self.n_points // most)
        copy = None if step == 1 else True  # a view would hold the whole block
        rows, weights, begins = [], [], 0
        for block in self.blocks():
            here = slice(-begins % step, None, step)
            rows.append(np.array(block.rows[here], dtype=np.float64, copy=copy))
            if block.weight is not None:
                weights.append(np.array(block.weight[here], dtype=np.float64, copy=copy))
            begins += len(block.rows)
        return Block(np.concatenate(rows), np.concatenate(weights) if weights else None)


@dataclass(frozen=True)
class ArraySource(Source):
    """An array or a memory map, of (N, D) real numbers, and perhaps weights (N,)."""

    rows: np.ndarray
    weight: np.ndarray | None = None

    @property
    def n_points(self) -> int:
        """N."""
        return len(self.rows)

    @property
    def n_features(self) -> int:
        """D."""
        return self.rows.shape[1]

    def blocks(self) -> Iterator[Block]:
        """Yield the whole: a view, of which nothing is copied."""
        yield Block(self.rows, self.weight)


@dataclass(frozen=True)
class ParquetSource(Source):
    """Columns of a Parquet file, a row group at a time.

    Attributes
    ----------
    path : Path
    columns : tuple of str
    weight : str or None
        The column of w_i.
    n_rows : int
    """

    path: Path
    columns: tuple[str, ...]
    weight: str | None
    n_rows: int

    @property
    def n_points(self) -> int:
        """N."""
        return self.n_rows

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.columns)

    def blocks(self) -> Iterator[Block]:
        """Yield the row groups."""
        from pyarrow.parquet import ParquetFile

        wanted = [*self.columns, *([self.weight] if self.weight else [])]
        with ParquetFile(self.path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                try:
                    table = file.read_row_group(group, columns=wanted)
                    # A missing value becomes nan, which the look at the data refuses by its row.
                    arrays = [table[name].to_numpy().astype(np.float64, copy=False) for name in wanted]
                except (OSError, ValueError, TypeError) as error:  # pyarrow's errors are of these kinds
                    raise InputError(
                        f"{self.path} is damaged in row group {group} (counted from 0): {_first_line(error)}"
                    ) from None
                if table.num_rows:
                    rows = np.column_stack(arrays[: self.n_features])
                    yield Block(rows, arrays[-1] if self.weight else None)


@dataclass(frozen=True)
class DaskSource(Source):
    """A Dask array of shape (N,) or (N, D), a chunk of rows at a time."""

    array: Any

    @property
    def n_points(self) -> int:
        """N."""
        return int(self.array.shape[0])

    @property
    def n_features(self) -> int:
        """D."""
        return 1 if self.array.ndim == 1 else int(self.array.shape[1])

    def blocks(self) -> Iterator[Block]:
        """Yield the chunks, each computed when its turn comes."""
        start = 0
        for size in self.array.chunks[0]:
            rows = as_numbers(self.array[start : start + size], "the data", first_row=start)
            start += size
            if size:
                yield Block(rows.reshape(size, -1))


def as_source(x: object, sample_weight: ArrayLike | None = None) -> Source:
    """Return a source of rows.

    Parameters
    ----------
    x : array_like, Source, Dask array, or path
        Of shape (N,) or (N, D). A path is one of an ``.npy`` file.
    sample_weight : array_like, shape (N,), optional
        For arrays; other sources bring their own.

    Raises
    ------
    InputError
        If there are no rows or no features, the kind of data is unknown, or a value of an array is missing.
    """
    if isinstance(x, str | Path):
        x = open_npy(x)
    elif hasattr(x, "blocks") and hasattr(x, "n_points"):
        return _checked(cast(Source, x), sample_weight)
    elif hasattr(x, "dask") and hasattr(x, "chunks"):
        if any(np.isnan(size) for size in x.chunks[0]):
            raise InputError(
                "the Dask array does not know how long its chunks are; call its compute_chunk_sizes() first"
            )
        return _checked(DaskSource(x), sample_weight)
    rows = as_numbers(x, "the data")
    if rows.ndim == 1:
        rows = rows[:, np.newaxis]
    if rows.ndim != 2:
        raise InputError(f"the data have {rows.ndim} axes; give points as (N,) or (N, D)")
    weight = None if sample_weight is None else as_sample_weight(sample_weight, len(rows))
    return _checked(ArraySource(rows, weight), None)


def open_npy(path: str | Path, *, mapped: bool = True) -> np.ndarray:
    """Return the array of an .npy file, mapped into memory or held. Objects (pickles) are never read.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path = as_file(path, "file")
    try:
        # Mapping compares the size that the header claims with that of the file before it allocates.
        found: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header raises whatever numpy's and Python's parsers do
        raise InputError(f"{path} cannot be read as an .npy file ({_first_line(error)})") from None
    return found if mapped else np.array(found)


def open_parquet(path: str | Path, columns: Sequence[str], weight: str | None = None) -> ParquetSource:
    """Return a source of some columns of a Parquet file, as float64.

    Parameters
    ----------
    path : str or Path
    columns : sequence of str
        One for each feature.
    weight : str, optional
        The column of w_i.

    Raises
    ------
    InputError
        If the file cannot be read, or a column is not there or holds no numbers.
    """
    try:
        import pyarrow
        from pyarrow import types
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise InputError("reading Parquet files needs pyarrow; install it, or give an .npy file") from None
    path = as_file(path, "file")
    try:
        with ParquetFile(path) as file:
            schema, n_points = file.schema_arrow, file.metadata.num_rows
    except (OSError, ValueError, TypeError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a Parquet file ({_first_line(error)})") from None
    for name in [*columns, *([weight] if weight else [])]:
        if name not in schema.names:
            raise InputError(f'{path} has no column "{name}"; it has {", ".join(schema.names)}')
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise InputError(f'column "{name}" of {path} holds {kind}, not numbers')
    return _checked(ParquetSource(path, tuple(columns), weight, n_points), None)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _checked[S: Source](source: S, sample_weight: ArrayLike | None) -> S:
    if sample_weight is not None:
        raise InputError("sample_weight goes with arrays; a source of blocks brings its own weights")
    if source.n_points == 0:
        raise InputError("the data hold no points; give at least one")
    if source.n_features == 0:
        raise InputError("the data have no features; give at least one column")
    return source
