"""Columns of categories out of a table on disk: text or numbers, mapped to the codes 0, 1, ...

The labels of a column are its different values: in numerical order if all are numbers, else in the order of
the alphabet. Spaces around them do not count.
"""

from pathlib import Path

import numpy as np

from experiments.datasets._columns import choose, header_of, load_npy, load_parquet, npy_columns, rows_of
from hand_cavi import InputError

MOST_CATEGORIES = 1000
"""Of one column; more are hardly categories."""

Labels = tuple[tuple[str, ...], ...]


def encode(path: Path, wanted: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...], Labels]:
    """Return columns as codes, float64 of shape (N, D), their names, and for each what its codes stand for.

    Raises
    ------
    InputError
        If a column is missing or empty, holds nothing somewhere, or too many different values.
    """
    readers = {".parquet": _parquet, ".pq": _parquet, ".npy": _npy}
    words, columns = readers.get(path.suffix.lower(), _csv)(path, wanted)
    if not words[0]:
        raise InputError(f'{path.name}: column "{columns[0]}" is empty; there must be at least one point')
    codes, labels = [], []
    for column, values in zip(columns, words, strict=True):
        known = _sorted(set(values))
        if len(known) > MOST_CATEGORIES:
            raise InputError(
                f'{path.name}: column "{column}" holds {len(known)} different values, where at most '
                f"{MOST_CATEGORIES} categories are expected; is it a number, or a name of each row?"
            )
        code = {label: float(i) for i, label in enumerate(known)}
        codes.append([code[value] for value in values])
        labels.append(tuple(known))
    return np.array(codes).T.copy(), columns, tuple(labels)


def _csv(path: Path, wanted: tuple[str, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    header, delimiter = header_of(path)
    columns = choose(path, header, wanted)
    places = [header.index(name) for name in columns]
    words: list[list[str]] = [[] for _ in columns]
    for line, row in rows_of(path, delimiter):
        for column, place, found in zip(columns, places, words, strict=True):
            word = row[place].strip() if place < len(row) else ""
            if not word:
                raise InputError(
                    f'{path.name}, line {line}: column "{column}" holds nothing, where a '
                    "category is needed; fill it in or remove the line"
                )
            found.append(word)
    return words, columns


def _parquet(path: Path, wanted: tuple[str, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    table, columns = load_parquet(path, wanted)
    return [_words(path, name, table.column(name).to_pylist()) for name in columns], columns


def _npy(path: Path, wanted: tuple[str, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    arrays, columns = npy_columns(path, load_npy(path), wanted)
    return [_words(path, *pair) for pair in zip(columns, (a.tolist() for a in arrays), strict=True)], columns


def _words(path: Path, column: str, values: list[object]) -> list[str]:
    """Return values as text; whole numbers without a point."""
    words = []
    for row, value in enumerate(values):
        missing = value is None or (isinstance(value, float) and not np.isfinite(value))
        word = "" if missing else f"{value:g}" if isinstance(value, float) else str(value).strip()
        if not word:
            raise InputError(
                f'{path.name}, row {row} (counted from 0): column "{column}" holds nothing, where a '
                "category is needed; fill it in or remove the row"
            )
        words.append(word)
    return words


def _sorted(labels: set[str]) -> list[str]:
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)
