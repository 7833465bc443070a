"""Named columns out of a table on disk, as finite float64; or a sentence saying where they are not.

Each reader takes a path and the columns wanted (none: the only one there is), and returns the values, shape
(N, D), and the D columns' names.
"""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.config.plugins import did_you_mean
from hand_cavi import InputError

if TYPE_CHECKING:
    import pyarrow as pa

Table = tuple[np.ndarray, tuple[str, ...]]


def read_csv(path: Path, wanted: tuple[str, ...]) -> Table:
    """Read a text table whose first line names the columns, separated by comma, semicolon, tab or bar."""
    import pandas as pd

    header, delimiter = header_of(path)
    columns = choose(path, header, wanted)
    places = [header.index(name) for name in columns]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows longer than the header
            frame = pd.read_csv(
                path,
                sep=delimiter,
                usecols=places,
                encoding="utf-8-sig",
                index_col=False,
                float_precision="round_trip",
            )
        frame = frame.iloc[:, [sorted(places).index(place) for place in places]]
        if len(frame) and all(kind.kind in "iuf" for kind in frame.dtypes):
            values = frame.to_numpy(dtype=np.float64)
            if np.isfinite(values).all():
                return values, columns
    except (ValueError, OverflowError, Warning):  # text, or rows of unequal length
        pass
    return _read_csv_line_by_line(path, delimiter, header, columns), columns


def read_parquet(path: Path, wanted: tuple[str, ...]) -> Table:
    """Read columns of a Parquet file."""
    table, columns = load_parquet(path, wanted)
    arrays = [table.column(name).to_numpy() for name in columns]
    return np.column_stack([_numeric(path, *pair) for pair in zip(columns, arrays, strict=True)]), columns


def read_npy(path: Path, wanted: tuple[str, ...]) -> Table:
    """Read an array: (N,), (N, D), or structured; columns of a plain array are named 0, 1, ..., D - 1."""
    arrays, columns = npy_columns(path, load_npy(path), wanted)
    return np.column_stack([_numeric(path, *pair) for pair in zip(columns, arrays, strict=True)]), columns


def load_parquet(path: Path, wanted: tuple[str, ...]) -> "tuple[pa.Table, tuple[str, ...]]":
    """Return columns of a Parquet file and their names, or raise InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = choose(path, list(pq.read_schema(path).names), wanted)
        return pq.read_table(path, columns=list(columns)), columns
    except pa.ArrowException as error:
        raise InputError(f"{path.name} is no readable Parquet file: {str(error).splitlines()[0]}") from None


def load_npy(path: Path, mapped: bool = False) -> np.ndarray:
    """Return the array of a file, mapped into memory if so asked, or raise InputError."""
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (ValueError, EOFError):
        raise InputError(f"{path.name} is no readable NPY file of numbers or text") from None


def npy_columns(
    path: Path, array: np.ndarray, wanted: tuple[str, ...]
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return views of an array's columns, each of shape (N,), and their names; or raise InputError."""
    if array.dtype.names:
        columns = choose(path, list(array.dtype.names), wanted)
        return [array[name] for name in columns], columns
    if array.ndim == 2 and array.shape[1] == 0:
        raise InputError(f"{path.name} has no columns; give at least one")
    if array.ndim not in (1, 2):
        raise InputError(f"{path.name} has {array.ndim} axes; give points as (N,) or (N, D)")
    rows = array[:, np.newaxis] if array.ndim == 1 else array
    header = [str(d) for d in range(rows.shape[1])]
    columns = choose(path, header, wanted or tuple(header))
    return [rows[:, int(name)] for name in columns], columns


def header_of(path: Path) -> tuple[list[str], str]:
    """Return the columns' names and the separator of a text table, or raise InputError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max("\t,;|" if path.suffix == ".tsv" else ",;\t|", key=first.count)
            file.seek(0)
            header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not text in UTF-8; save it as such") from None
    except csv.Error as error:
        raise InputError(f"{path.name} is no readable table: {error}") from None
    if not any(header):
        raise InputError(f"{path.name}: the first line is empty; it must name the columns")
    return header, delimiter


def choose(path: Path, header: list[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to read; raise InputError if one is not there, or there twice."""
    if not wanted:
        if len(header) == 1:
            return (header[0],)
        raise InputError(f"{path.name}: name the columns to use; there are {_list(header)}")
    for name in wanted:
        if name not in header:
            hint = ""
            if all(_as_number(word) is not None for word in header) and path.suffix != ".npy":
                hint = " (the first line holds numbers; it must name the columns)"
            raise InputError(
                f'{path.name} has no column "{name}"{did_you_mean(name, header)}; there are '
                f"{_list(header)}{hint}"
            )
        if header.count(name) > 1:
            raise InputError(f'{path.name} has several columns "{name}"; rename all but one')
    return wanted


def rows_of(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header that are not blank, each with the line on which it begins."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
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


def _read_csv_line_by_line(
    path: Path, delimiter: str, header: list[str], columns: tuple[str, ...]
) -> np.ndarray:
    """Read as `read_csv` does, slowly, and say on which line the first unusable value stands."""
    places = [header.index(name) for name in columns]
    rows: list[list[float]] = []
    for line, row in rows_of(path, delimiter):
        if any(word.strip() for word in row[len(header) :]):
            raise InputError(
                f"{path.name}, line {line}: {len(row)} values, but the first line names "
                f"{len(header)} columns; a decimal comma, perhaps?"
            )
        words = [row[place] if place < len(row) else "" for place in places]
        rows.append([_value(path, line, *pair) for pair in zip(columns, words, strict=True)])
    if not rows:
        raise InputError(f'{path.name}: column "{columns[0]}" is empty; there must be at least one point')
    return np.array(rows)


def _value(path: Path, line: int, column: str, word: str) -> float:
    value = _as_number(word)
    if value is None or not np.isfinite(value):
        found = f'"{word.strip()}"' if word.strip() else "nothing"
        raise _no_number(f"{path.name}, line {line}", column, found, "line")
    return value


def _numeric(path: Path, column: str, values: np.ndarray) -> np.ndarray:
    if len(values) == 0:
        raise InputError(f'{path.name}: column "{column}" is empty; there must be at least one point')
    if values.dtype.kind != "O":
        refuse_other_than_numbers(path, column, values)
    else:
        for row, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                found = "nothing" if value is None else f'"{value}"'
                raise _no_number(f"{path.name}, row {row} (counted from 0)", column, found, "row")
    numbers = values.astype(np.float64)
    refuse_gaps(path, column, numbers)
    return numbers


def refuse_other_than_numbers(path: Path, column: str, values: np.ndarray) -> None:
    """Raise InputError if a column's kind is not that of real numbers."""
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise InputError(f'{path.name}: column "{column}" holds {values.dtype}, not numbers')


def refuse_gaps(path: Path, column: str, numbers: np.ndarray, begins: int = 0) -> None:
    """Raise InputError if a number is not finite, and name its row; the first here is number `begins`."""
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        where = f"{path.name}, row {begins + row} (counted from 0)"
        raise _no_number(where, column, f"{numbers[row]} (or nothing)", "row")


def _no_number(where: str, column: str, found: str, unit: str) -> InputError:
    return InputError(
        f'{where}: column "{column}" holds {found}, where a finite number is needed; mend the value or '
        f"remove the {unit}"
    )


def _as_number(word: str) -> float | None:
    try:
        return float(word) if "_" not in word else None
    except ValueError:
        return None


def _list(names: list[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
