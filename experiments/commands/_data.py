"""A user's file, small or large, as `elbowroom fit` sees it: all rows to fit, some rows to look at."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.datasets import Dataset, file
from experiments.families.lookup import offered
from experiments.families.summary import Summary
from hand_cavi.sources import Source, as_source

SOME = 20_000
"""Rows, evenly spaced, that are held of a large file for a picture, and taken of any data for a warning."""


@dataclass(frozen=True)
class Data:
    """Rows of a file.

    Attributes
    ----------
    source : Source
        All rows; those of a large file are read anew when they are wanted.
    summary : Summary
        Number, mean, variance and range of all rows.
    shown : Dataset
        All rows, or `SOME` of a large file.
    """

    source: Source
    summary: Summary
    shown: Dataset

    @property
    def n_points(self) -> int:
        """N."""
        return self.summary.n_points

    @property
    def is_thinned(self) -> bool:
        """Whether `shown` holds fewer rows than there are."""
        return len(self.shown.x) < self.n_points

    def some(self) -> np.ndarray:
        """Return at most `SOME` rows, evenly spaced."""
        return self.source.spread_out(SOME).rows


def read(path: Path, columns: tuple[str, ...], family: str) -> Dataset:
    """Return columns of a file; for categories, as codes with the labels that they stand for."""
    rng = np.random.default_rng(0)  # nothing is random in a file
    return file.load(_settings(path, columns, family), rng)


def open_data(path: Path, columns: tuple[str, ...], family: str) -> Data:
    """Return columns of a file; a large NPY or Parquet file is not read whole.

    Raises
    ------
    InputError
        If the file, a column or a value cannot be used.
    """
    large = file.open_large(_settings(path, columns, family), SOME)
    if large is not None:
        return Data(*large)
    data = read(path, columns, family)
    return Data(as_source(data.x), Summary.of(data.x), data)


def _settings(path: Path, columns: tuple[str, ...], family: str) -> file.Settings:
    """Say what to read; a family of categories has text or numbers mapped to codes."""
    categories = offered(family, "CATEGORICAL") is True
    return file.Settings(path=str(path), columns=columns, categories=categories)
