"""A user's file, small or large, as `elbowroom fit` sees it: all rows to fit, some rows to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from experiments.datasets import Dataset, file
from experiments.families.lookup import offered
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.sources import Block, Source, as_source

SOME = 20_000
"""Rows, evenly spaced, that are held of a large file for a picture, and taken of any data for a warning."""


@dataclass(frozen=True)
class Data:
    """Rows of a file: the `source` reads those of a large one anew, `shown` holds `SOME` of it, else all."""

    source: Source
    summary: Summary
    shown: Dataset

    @property
    def n_points(self) -> int:
        """The number of rows."""
        return self.summary.n_points

    @property
    def is_thinned(self) -> bool:
        """Whether `shown` holds fewer rows than there are."""
        return len(self.shown.x) < self.n_points

    def some(self) -> Block:
        """Return at most `SOME` rows, evenly spaced, and their weights."""
        return self.source.spread_out(SOME)

    def numbered(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows that were kept, in pieces, after their numbers in the file, counted from 0."""
        dropped, begins = self.shown.dropped, 0
        kept_before = dropped - np.arange(len(dropped))
        for piece in self.source.pieces():
            kept = np.arange(begins, begins + len(piece.rows))
            yield kept + np.searchsorted(kept_before, kept, side="right"), piece.rows
            begins += len(kept)


def read(path: Path, columns: tuple[str, ...], family: str, **reading: Any) -> Dataset:
    """Return columns of a file, categories as codes with labels; `reading` are fields of `file.Settings`."""
    rng = np.random.default_rng(0)  # nothing is random in a file
    return file.load(_settings(path, columns, family, reading), rng)


def open_data(
    path: Path, columns: tuple[str, ...], family: str, *, by_workers: bool = False, **reading: Any
) -> Data:
    """Return columns of a file; a large NPY or Parquet file, or folder, is not read whole.

    Workers of Dask read it, if so asked. Raises InputError if the file, a column or a value cannot be used.
    """
    large = file.open_large(_settings(path, columns, family, reading), SOME, by_workers)
    if large is not None:
        return Data(*large)
    data = read(path, columns, family, **reading)
    source = as_source(data.x, data.sample_weight)
    return Data(source, Summary.of(source), data)


def _settings(path: Path, columns: tuple[str, ...], family: str, reading: dict[str, Any]) -> file.Settings:
    """Say what to read; a family of categories has text or numbers mapped to codes."""
    categories = offered(family, "CATEGORICAL") is True
    try:
        return file.Settings(path=str(path), columns=columns, categories=categories, **reading)
    except ValidationError as error:
        fault = error.errors()[0]
        option, message = (
            str(fault["loc"][0]).replace("_", "-"),
            fault["msg"].lower().removeprefix("value error, "),
        )
        raise InputError(f'--{option} is "{fault["input"]}"; {message}') from None
