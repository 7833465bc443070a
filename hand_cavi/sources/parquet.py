"""Columns of Parquet files, a row group at a time: one file, or a folder of them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hand_cavi.inputs import InputError, as_file
from hand_cavi.sources.base import Block, Source, first_line, joined

ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True)
class RowGroup:
    """Some rows that a Parquet file keeps together.

    Attributes
    ----------
    path : Path
    number : int
        In the file, counted from 0.
    n_rows : int
    """

    path: Path
    number: int
    n_rows: int


@dataclass(frozen=True)
class ParquetSource(Source):
    """Columns of Parquet files, a row group at a time.

    Attributes
    ----------
    groups : tuple of RowGroup
        File by file.
    columns : tuple of str
    weight : str or None
        The column of w_i.
    """

    groups: tuple[RowGroup, ...]
    columns: tuple[str, ...]
    weight: str | None

    @property
    def n_points(self) -> int:
        """N."""
        return sum(group.n_rows for group in self.groups)

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.columns)

    def blocks(self) -> Iterator[Block]:
        """Yield the row groups."""
        from pyarrow.parquet import ParquetFile

        for path, groups in groupby(self.groups, lambda group: group.path):
            with _readable(path), ParquetFile(path, page_checksum_verification=True) as file:
                for group in groups:
                    if group.n_rows:
                        yield self._block(file, group)

    def _block(self, file: Any, group: RowGroup) -> Block:
        wanted = [*self.columns, *([self.weight] if self.weight else [])]
        try:
            table = file.read_row_group(group.number, columns=wanted)
            # A missing value becomes nan, which the look at the data refuses by its row.
            arrays = [table[name].to_numpy().astype(np.float64, copy=False) for name in wanted]
        except (OSError, ValueError, TypeError) as error:  # pyarrow's errors are of these kinds
            raise InputError(
                f"{group.path} is damaged in row group {group.number} (counted from 0): {first_line(error)}"
            ) from None
        return Block(np.column_stack(arrays[: self.n_features]), arrays[-1] if self.weight else None)

    def every(self, step: int, begins: int) -> Block:
        """Return some of the rows, see `Source.every`; row groups that hold none of them are not read."""
        wanted, numbers = [], []
        for group in self.groups:
            if -begins % step < group.n_rows:
                wanted.append(group)
                numbers.append(begins)
            begins += group.n_rows
        blocks = replace(self, groups=tuple(wanted)).blocks()
        found = [block.every(step, first) for block, first in zip(blocks, numbers, strict=True)]
        nothing = Block(np.empty((0, self.n_features)), np.empty(0) if self.weight else None)
        return joined(found or [nothing])

    def split(self, n_rows: int) -> list["ParquetSource"]:
        """Return sources of whole row groups that hold about so many rows each, in their order."""
        parts: list[list[RowGroup]] = []
        held = n_rows
        for group in self.groups:
            if held >= n_rows:
                parts.append([])
                held = 0
            parts[-1].append(group)
            held += group.n_rows
        return [replace(self, groups=tuple(part)) for part in parts]


def open_parquet(
    path: str | Path, columns: Sequence[str] | None = None, weight: str | None = None
) -> ParquetSource:
    """Return a source of some columns of a Parquet file, or of all in a folder, as float64.

    Parameters
    ----------
    path : str or Path
        A file; or a folder, of which all Parquet files are read, those in its folders too, by name.
    columns : sequence of str, optional
        One for each feature; all but that of the weights if left out.
    weight : str, optional
        The column of w_i.

    Raises
    ------
    InputError
        If a file cannot be read, or a column is not there or holds no numbers, or files differ in their
        columns.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError("reading Parquet files needs pyarrow; install it, or give an .npy file") from None
    groups: list[RowGroup] = []
    for file in parquet_files(path):
        found, names = _row_groups(file, columns, weight)
        columns = names if columns is None else columns
        groups += found
    return ParquetSource(tuple(groups), tuple(columns or ()), weight)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise InputError, which names the file, for what pyarrow says of one that it cannot read."""
    import pyarrow

    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, TypeError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a Parquet file ({first_line(error)})") from None


def parquet_files(path: str | Path) -> list[Path]:
    """Return the file, or a folder's Parquet files by name; those whose names begin with _ or . are none.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(path)
    if not os.path.isdir(folder):
        return [as_file(path, "file")]
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in ENDINGS
        and not any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)
    )
    if not files:
        raise InputError(f'"{path}" is a folder that holds no Parquet files; give one that does, or a file')
    return [as_file(file, "file") for file in files]


def _row_groups(
    path: Path, columns: Sequence[str] | None, weight: str | None
) -> tuple[list[RowGroup], tuple[str, ...]]:
    """Return a file's row groups, and the columns that are wanted of it."""
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    with _readable(path), ParquetFile(path) as file:
        schema, about = file.schema_arrow, file.metadata
        groups = [RowGroup(path, i, about.row_group(i).num_rows) for i in range(about.num_row_groups)]
    if columns is None:
        columns = [name for name in schema.names if name != weight]
    for name in [*columns, *([weight] if weight else [])]:
        if name not in schema.names:
            raise InputError(f'{path} has no column "{name}"; it has {", ".join(schema.names)}')
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise InputError(f'column "{name}" of {path} holds {kind}, not numbers')
    return groups, tuple(columns)
