"""Columns of categories out of a table on disk: text or numbers, mapped to the codes 0, 1, ...

The labels of a column are its different values: in numerical order if all are numbers, else in the order of
the alphabet. Spaces around them do not count.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets._columns import Columns, read_columns
from experiments.datasets._words import DROP, Reading, is_missing
from hand_cavi import InputError
from hand_cavi.inputs import CONTROL

_EXACT = 1e15
"""Below it whole numbers are written as such; floats hold them all."""

MOST_CATEGORIES = 1000
"""Of one column; more are hardly categories."""

Labels = tuple[tuple[str, ...], ...]


def encode(
    path: Path, wanted: tuple[str, ...], reading: Reading
) -> tuple[np.ndarray, tuple[str, ...], Labels]:
    """Return columns as codes, float64 of shape (N, D), their names, and for each what its codes stand for.

    Missing values are NaN if they are to be dropped.

    Raises
    ------
    InputError
        If a column is missing or empty, holds nothing somewhere, or too many different values.
    """
    columns = read_columns(path, wanted, reading)
    codes, labels = [], []
    for d, column in enumerate(columns.names):
        values = _words(columns, d, reading)
        known = _sorted({value for value in values if value is not None})
        if len(known) > MOST_CATEGORIES:
            raise InputError(
                f'{path.name}: column "{column}" holds {len(known)} different values, where at most '
                f"{MOST_CATEGORIES} categories are expected; is it a number, or a name of each row?"
            )
        code: dict[str | None, float] = {label: float(i) for i, label in enumerate(known)} | {None: np.nan}
        codes.append([code[value] for value in values])
        labels.append(tuple(known))
    return np.array(codes).T.copy(), columns.names, tuple(labels)


def _words(columns: Columns, d: int, reading: Reading) -> list[str | None]:
    """Return one column's labels, whole numbers without a point; None is one missing that may be dropped.

    NA and the like are labels where none may be.
    """
    entries, words = columns.entries[d], []
    if columns.lines is None and not isinstance(entries, np.ndarray):
        entries = _of_parquet(entries)
    for row, entry in enumerate(entries):
        word = _label(entry)
        if not word and not reading.drops:
            place, unit = columns.place(row)
            raise InputError(
                f'{place}: column "{columns.names[d]}" holds nothing, where a category is needed; fill it '
                f"in, or leave such {unit}s out by {DROP}"
            )
        if CONTROL.search(word):
            place, _ = columns.place(row)
            raise InputError(
                f'{place}: column "{columns.names[d]}" holds {word!r}, with a control character; take it out'
            )
        words.append(None if reading.drops and is_missing(word) else word)
    return words


def _of_parquet(entries: Any) -> Sequence[Any]:
    """Return a column's entries: numbers of numpy, which know how many digits they have, or Python's own."""
    import pyarrow as pa

    if pa.types.is_floating(entries.type):
        return list(entries.to_numpy())
    try:
        return list(entries.to_pylist())
    except (ValueError, OverflowError, pa.ArrowException) as error:  # a date that Python cannot hold, damage
        raise InputError(
            f"a column cannot be read as categories: {str(error).partition(chr(10))[0]}"
        ) from None


def _label(entry: Any) -> str:
    """Return what stands for a category, nothing if it is missing: equal values alone share a label."""
    if not isinstance(entry, float | np.floating):
        return "" if entry is None else str(entry).strip()
    value = float(entry)
    if not np.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(entry)


def _sorted(labels: set[str]) -> list[str]:
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)
