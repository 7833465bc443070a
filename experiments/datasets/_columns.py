"""Named columns out of a table on disk, as finite float64; or a sentence saying where they are not."""

import csv
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from experiments.config.plugins import did_you_mean
from experiments.datasets._words import Reading, as_number, no_number
from hand_cavi import InputError
from hand_cavi.inputs import CONTROL
from hand_cavi.sources import open_npy
from hand_cavi.sources.parquet import parquet_files

if TYPE_CHECKING:
    import _csv

PARQUET = ".parquet"

WORTH_PANDAS = 800_000
"""Bytes from which reading a text by pandas is faster than word by word: importing it takes 0.2 s."""


def ending(path: Path) -> str:
    """Return what says how a file is read, such as ``.csv``; that of a folder, or of .pq, is `PARQUET`."""
    found = path.suffix.lower()
    return PARQUET if found == ".pq" or os.path.isdir(path) else found


@dataclass(frozen=True)
class Columns:
    """Columns as they stand in a file, each of N > 0 entries: words, or an array of numpy or pyarrow.

    `lines` are the lines on which the rows of a text begin, and None for other files.
    """

    path: Path
    names: tuple[str, ...]
    entries: Sequence[Any]
    lines: list[int] | None = None

    def place(self, row: int) -> tuple[str, str]:
        """Return where a row stands, in words, and whether that is a row or a line."""
        if self.lines is None:
            return f"{self.path.name}, row {row} (counted from 0)", "row"
        return f"{self.path.name}, line {self.lines[row]}", "line"


def read_columns(path: Path, wanted: tuple[str, ...], reading: Reading) -> Columns:
    """Read columns as they stand; none wanted are the only one there is, or all of a plain array.

    The first line of a text names its columns; those of a plain array are named 0, 1, ..., D - 1.
    """
    if ending(path) == ".npy":
        arrays, names = npy_columns(path, load_npy(path), wanted, reading)
        found = Columns(path, names, arrays)
    elif ending(path) == PARQUET:
        found = _parquet(path, wanted, reading)
    else:
        found = _text(path, *header_of(path, reading), wanted, reading)
    if len(found.entries[0]) == 0:
        raise InputError(f'{path.name}: column "{found.names[0]}" is empty; there must be at least one point')
    return found


def read_numbers(path: Path, wanted: tuple[str, ...], reading: Reading) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return columns of a text, (N, D), and their names; missing values are NaN if they are to be dropped."""
    if path.stat().st_size >= WORTH_PANDAS and (found := _by_pandas(path, wanted, reading)):
        return found
    columns = read_columns(path, wanted, reading)
    values = [[reading.number(word) for word in words] for words in columns.entries]
    for name, words, numbers in zip(columns.names, columns.entries, values, strict=True):
        if None in numbers:
            place, unit = columns.place(bad := numbers.index(None))
            raise no_number(place, name, words[bad], unit)
    return np.array(values, dtype=np.float64).T.copy(), columns.names


def _by_pandas(
    path: Path, wanted: tuple[str, ...], reading: Reading
) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return columns of a text, read fast; None if anything in it needs another look."""
    import pandas as pd

    header, delimiter = header_of(path, reading)
    columns = choose(path, header, wanted, reading)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            frame = pd.read_csv(
                path,
                sep=delimiter,
                decimal=reading.decimal,
                skipinitialspace=delimiter == " ",
                encoding="utf-8-sig",
                index_col=False,
                float_precision="round_trip",
            )
        frame = frame.iloc[:, places_of(columns, header)]  # of some alone it sees no long rows
        if len(frame) and all(kind.kind in "iuf" for kind in frame.dtypes):
            values = frame.to_numpy(dtype=np.float64)
            return (values, columns) if np.isfinite(values).all() else None
    except (ValueError, OverflowError, Warning):  # text, or rows of unequal length
        pass
    return None


def _parquet(path: Path, wanted: tuple[str, ...], reading: Reading) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = parquet_files(path)
    with readable_parquet(path):
        names = choose(path, list(pq.read_schema(files[0]).names), wanted, reading)
        tables = [pq.read_table(file, columns=list(names), page_checksum_verification=True) for file in files]
        table = pa.concat_tables(tables, promote_options="permissive")
        return Columns(path, names, [table.column(name) for name in names])


@contextmanager
def readable_parquet(path: Path) -> Iterator[None]:
    """Raise InputError, which names the file, for whatever pyarrow says of one that it cannot read."""
    import pyarrow as pa

    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise InputError(f"{path.name} is no readable Parquet file: {said}") from None


def load_npy(path: Path, mapped: bool = False) -> np.ndarray:
    """Return the array of a file, mapped into memory if so asked, or raise InputError."""
    try:
        return open_npy(path, mapped=mapped)
    except InputError:
        raise InputError(f"{path.name} is no readable NPY file of numbers or text") from None


def npy_columns(
    path: Path, array: np.ndarray, wanted: tuple[str, ...], reading: Reading
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return views of an array's columns, each of shape (N,), and their names; or raise InputError."""
    if array.dtype.names:
        columns = choose(path, list(array.dtype.names), wanted, reading)
        if array.ndim != 1 or any(array[name].ndim != 1 for name in columns):
            raise InputError(
                f"{path.name}: a field holds several numbers a row; give points as (N,) or (N, D)"
            )
        return [array[name] for name in columns], columns
    if array.ndim == 2 and array.shape[1] == 0:
        raise InputError(f"{path.name} has no columns; give at least one")
    if array.ndim not in (1, 2):
        raise InputError(f"{path.name} has {array.ndim} axes; give points as (N,) or (N, D)")
    rows = array[:, np.newaxis] if array.ndim == 1 else array
    header = [str(d) for d in range(rows.shape[1])]
    columns = choose(path, header, wanted or tuple(d for d in header if d != reading.weight_column), reading)
    return [rows[:, int(name)] for name in columns], columns


def header_of(path: Path, reading: Reading) -> tuple[list[str], str]:
    """Return the columns' names and the separator of a text table, or raise InputError."""
    usual = "\t,;|" if path.suffix == ".tsv" else ",;\t|"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            found = max((mark for mark in usual if mark != reading.decimal), key=first.count)
            delimiter = reading.separator or found
            file.seek(0)
            header = [name.strip() for name in next(_lines(file, delimiter), [])]
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not text in UTF-8; save it as such") from None
    except csv.Error as error:
        raise InputError(f"{path.name} is no readable table: {error}") from None
    if not any(header):
        raise InputError(f"{path.name}: the first line is empty; it must name the columns")
    return header, delimiter


def choose(path: Path, header: list[str], wanted: tuple[str, ...], reading: Reading) -> tuple[str, ...]:
    """Return the columns to read; raise InputError if one is not there, or there twice."""
    if not wanted:
        if len(others := [name for name in header if name != reading.weight_column]) == 1:
            return choose(path, header, (others[0],), reading)
        raise InputError(
            f"{path.name}: name the columns to use (--column, or columns in a configuration); there are "
            f"{_list(header)}"
        )
    times = Counter(header)
    for name in wanted:
        if not times[name]:
            hint = ""
            if all(as_number(word) is not None for word in header) and path.suffix != ".npy":
                hint = " (the first line holds numbers; it must name the columns)"
            raise InputError(
                f'{path.name} has no column "{name}"{did_you_mean(name, header)}; there are '
                f"{_list(header)}{hint}"
            )
        if times[name] > 1:
            raise InputError(f'{path.name} has several columns "{name}"; rename all but one')
        if CONTROL.search(name):
            raise InputError(
                f"{path.name}: the column {name!r} has a control character in its name; rename it"
            )
    return wanted


def places_of(names: tuple[str, ...], header: list[str]) -> list[int]:
    """Return where columns stand in a header that names each of them once."""
    places = {name: place for place, name in enumerate(header)}
    return [places[name] for name in names]


def rows_of(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header that are not blank, each with the line on which it begins."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = _lines(file, delimiter)
        try:
            next(reader)
            end = reader.line_num
            for row in reader:
                line, end = end + 1, reader.line_num  # a quoted field may run over several lines
                if len(row) > 1 or any(word.strip() for word in row):
                    yield line, row
        except UnicodeDecodeError:
            raise InputError(f"{path.name} is not text in UTF-8; save it as such") from None
        except csv.Error as error:
            raise InputError(f"{path.name}, line {reader.line_num}: {error}") from None


def _lines(file: TextIO, delimiter: str) -> "_csv.Reader":
    return csv.reader(file, delimiter=delimiter, skipinitialspace=delimiter == " ")


def _text(
    path: Path, header: list[str], delimiter: str, wanted: tuple[str, ...], reading: Reading
) -> Columns:
    """Return columns of a text as words, and on which lines they stand."""
    names = choose(path, header, wanted, reading)
    places = places_of(names, header)
    words: list[list[str]] = [[] for _ in names]
    lines = []
    for line, row in rows_of(path, delimiter):
        if any(word.strip() for word in row[len(header) :]):
            raise InputError(
                f"{path.name}, line {line}: {len(row)} values, but the first line names "
                f"{len(header)} columns; a decimal comma, perhaps? Put numbers with commas in quotes, or "
                "semicolons between the columns"
            )
        lines.append(line)
        for place, found in zip(places, words, strict=True):
            found.append(row[place] if place < len(row) else "")
    return Columns(path, names, words, lines)


def refuse_gaps(path: Path, column: str, numbers: np.ndarray, begins: int = 0, drop: bool = False) -> None:
    """Raise InputError if a number is not finite, and name its row; the first here is number `begins`.

    NaN passes if missing values are to be dropped.
    """
    bad = np.isinf(numbers) if drop else ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        found = str(numbers[row])
        raise no_number(f"{path.name}, row {begins + row} (counted from 0)", column, found, "row", found)


def refuse_weights(path: Path, column: str, weight: np.ndarray, begins: int = 0, drop: bool = False) -> None:
    """Raise InputError as `refuse_gaps` does, and if a weight is negative."""
    refuse_gaps(path, column, weight, begins, drop)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise InputError(
            f'{path.name}: column "{column}" holds {weight[row]:g} in row {begins + row} (counted from 0); '
            "weights are 0 or more; mend the value, or name another column"
        )


def _list(names: list[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
