"""The user's own file: CSV (or TSV), Parquet (a folder of it too) or NPY, with its columns named.

Columns hold numbers or, if so told, categories: text or numbers that become the codes 0, 1, ... Whatever
cannot be used is refused with the place where it stands: for CSV the line of the file as an editor shows it,
for Parquet and NPY the row, counted from 0 as pandas and numpy do. Rows with a missing value (nothing, NaN or
null; in text also NA, N/A, "." and "?") are left out if so told, and counted.
"""

import os
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from experiments.datasets import Dataset, _large
from experiments.datasets._categories import Labels, encode
from experiments.datasets._columns import PARQUET, ending, read_numbers
from experiments.datasets._words import Reading
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.inputs import as_file
from hand_cavi.sources import ArraySource, Source, on_workers
from hand_cavi.sources.parquet import parquet_files

_TEXT = (".csv", ".tsv", ".txt")
_KNOWN = (*_TEXT, PARQUET, ".npy")


class Settings(Reading):
    """x = column / scale - centre."""

    path: str = Field(description="the file; a relative path starts at the configuration's folder")
    columns: str | tuple[str, ...] = Field(
        default=(), description="the column or columns; may be left out if there is one"
    )
    unit: str = Field(default="", description="what one unit of x is, for the report")
    scale: float = Field(default=1.0, gt=0, description="one unit of x, in the file's units")
    centre: float = Field(default=0.0, description="subtracted after scaling, in units of x")
    categories: bool = Field(
        default=False, description="whether the columns hold categories, text or numbers, to become codes"
    )

    @model_validator(mode="after")
    def _categories_have_no_scale(self) -> Self:
        if self.categories and (self.scale != 1 or self.centre != 0):
            raise ValueError("categories have neither scale nor centre; leave these out")
        return self

    @field_validator("path")
    @classmethod
    def _from_the_configurations_folder(cls, path: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        return str(Path(folder) / path) if folder is not None else path


def load(settings: Settings, rng: np.random.Generator) -> Dataset:
    """Read the named columns; nothing is random here.

    Raises
    ------
    InputError
        If the file or a column is missing, or holds no points, or something that is no finite number (for
        categories: nothing).
    """
    path, wanted = _checked(settings)
    labels: Labels = ()
    try:
        if settings.categories:
            values, features, labels = encode(path, wanted, settings)
            source = _with_weights(path, values, settings)
        elif ending(path) in _TEXT:
            values, features = read_numbers(path, wanted, settings)
            source = _with_weights(path, values, settings)
        else:
            source, features = _large.open_columns(path, wanted, settings)
        source, _, dropped = _large.checked(source, path, features, settings)
        block = source.spread_out(source.n_points)
    except OSError as error:
        raise InputError(f'"{path}" cannot be read: {error.strerror or error}') from None
    with np.errstate(over="ignore"):
        x = block.rows / settings.scale - settings.centre
    if not np.isfinite(x).all():
        raise InputError(f"{path.name}: scaled by {settings.scale:g} the values are beyond float64")
    about = _about(path.resolve().name, features, settings, labels, len(dropped), len(x))
    return Dataset(x, features, about, settings.unit, block.weight, categories=labels, dropped=dropped)


def _with_weights(path: Path, values: np.ndarray, settings: Settings) -> Source:
    """Return rows that were read whole as a source, with their weights."""
    if not settings.weights:
        return ArraySource(values)
    if ending(path) in _TEXT:
        return ArraySource(values, read_numbers(path, settings.weights, settings)[0][:, 0])
    weights = _large.open_columns(path, settings.weights, settings)[0]
    return ArraySource(values, weights.spread_out(weights.n_points).rows[:, 0])


def open_large(
    settings: Settings, some: int, by_workers: bool = False
) -> tuple[Source, Summary, Dataset] | None:
    """Return a large file's columns as they stand, what they are like, and some rows, evenly spaced.

    It is None if the file is one that is read whole, and raises InputError as `load` does. Of what
    `by_workers` is set for, the workers of Dask read the rows, and only sums come here.
    """
    path, wanted = _checked(settings)
    scaled = settings.scale != 1 or settings.centre != 0
    if settings.categories or scaled or ending(path) in _TEXT:
        if by_workers:
            raise InputError(
                f"{path.name}: workers read numbers of Parquet and .npy files alone; write these data so, "
                "or leave --on out"
            )
        return None
    try:
        source, features = _large.open_columns(path, wanted, settings)
        if source.n_points * source.n_features <= _large.LARGE:
            return None
        if by_workers:
            source = on_workers(source)
        source, summary, dropped = _large.checked(source, path, features, settings)
    except OSError as error:
        raise InputError(f'"{path}" cannot be read: {error.strerror or error}') from None
    about = _about(path.resolve().name, features, settings, (), len(dropped), source.n_points)
    block = source.spread_out(some)
    shown = Dataset(block.rows, features, about, settings.unit, block.weight, dropped=dropped)
    return source, summary, shown


def _checked(settings: Settings) -> tuple[Path, tuple[str, ...]]:
    """Return the path of a file that is there and can be read, and the columns wanted."""
    path = Path(settings.path)
    if os.path.isdir(path):
        parquet_files(path)
    else:
        path = as_file(path, "data file")
    wanted = (settings.columns,) if isinstance(settings.columns, str) else settings.columns
    if len(set(wanted)) != len(wanted):
        raise InputError(f"{path.name}: a column is named twice; name each once")
    if settings.weight_column in wanted:
        raise InputError(f'{path.name}: column "{settings.weight_column}" is named as data and as weights')
    if ending(path) not in _KNOWN:
        raise InputError(f"{path.name}: files ending in {', '.join(_KNOWN)} can be read, not this one")
    if (settings.separator or settings.decimal != ".") and ending(path) not in _TEXT:
        raise InputError(f"{path.name}: separator and decimal are for text files; leave them out")
    return path, wanted


def _about(
    name: str, features: tuple[str, ...], settings: Settings, labels: Labels, n_dropped: int, n_kept: int
) -> str:
    """Say which columns these are, and what was done to them."""
    sentence = f"Column{'s' if len(features) > 1 else ''} {', '.join(features)} of {name}"
    if labels:
        sentence = _categories_of(name, features, labels)
    if settings.scale != 1:
        sentence += f", divided by {settings.scale:g}"
    if settings.centre != 0:
        sentence += f", less {settings.centre:g}"
    if settings.weight_column:
        sentence += f", weighted by {settings.weight_column}"
    if settings.drops:
        sentence += f"; {n_dropped} of {n_kept + n_dropped} rows dropped for a missing value"
    return sentence + "."


def _categories_of(name: str, features: tuple[str, ...], labels: Labels) -> str:
    """Say what every code stands for, a dozen codes of a column at most."""
    columns = []
    for feature, known in zip(features, labels, strict=True):
        codes = [f"{code} = {label}" for code, label in enumerate(known[:12])]
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        columns.append(f"{feature} ({', '.join(codes)}{more})")
    return f"Categories of {name}, as codes: {'; '.join(columns)}"
