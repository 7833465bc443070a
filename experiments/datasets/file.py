"""The user's own file: CSV (or TSV), Parquet or NPY, with its columns named.

Columns hold numbers or, if so told, categories: text or numbers that become the codes 0, 1, ... Whatever
cannot be used is refused with the place where it stands: for CSV the line of the file as an editor shows it,
for Parquet and NPY the row, counted from 0 as pandas and numpy do.
"""

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from experiments.config.options import Options
from experiments.datasets import Dataset, _large
from experiments.datasets._categories import encode
from experiments.datasets._columns import read_csv, read_npy, read_parquet
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.sources import Source

_READERS = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".npy": read_npy,
}


class Settings(Options):
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
    try:
        if settings.categories:
            x, features, labels = encode(path, wanted)
            return Dataset(
                x, features, _about_categories(path.name, features, labels), settings.unit, categories=labels
            )
        values, features = _READERS[path.suffix.lower()](path, wanted)
    except OSError as error:
        raise InputError(f'"{path}" cannot be read: {error.strerror or error}') from None
    with np.errstate(over="ignore"):
        x = values / settings.scale - settings.centre
    if not np.isfinite(x).all():
        raise InputError(f"{path.name}: scaled by {settings.scale:g} the values are beyond float64")
    return Dataset(x, features, _about(path.name, features, settings), settings.unit)


def open_large(settings: Settings, some: int) -> tuple[Source, Summary, Dataset] | None:
    """Return a large file's columns as they stand, what they are like, and some rows, evenly spaced.

    It is None if the file is one that is read whole, and raises InputError as `load` does.
    """
    path, wanted = _checked(settings)
    if settings.categories or settings.scale != 1 or settings.centre != 0:
        return None
    try:
        found = _large.open_large(path, wanted)
        if found is None:
            return None
        source, features = found
        summary = _large.summary_of(source, path, features)
    except OSError as error:
        raise InputError(f'"{path}" cannot be read: {error.strerror or error}') from None
    rows = source.spread_out(some).rows
    return source, summary, Dataset(rows, features, _about(path.name, features, settings))


def _checked(settings: Settings) -> tuple[Path, tuple[str, ...]]:
    """Return the path of a file that is there and can be read, and the columns wanted."""
    path = Path(settings.path)
    wanted = (settings.columns,) if isinstance(settings.columns, str) else settings.columns
    if len(set(wanted)) != len(wanted):
        raise InputError(f"{path.name}: a column is named twice; name each once")
    if path.suffix.lower() not in _READERS:
        raise InputError(f"{path.name}: files ending in {', '.join(_READERS)} can be read, not this one")
    if not path.exists():
        raise InputError(f'there is no data file "{path}"')
    return path, wanted


def _about(name: str, features: tuple[str, ...], settings: Settings) -> str:
    sentence = f"Column{'s' if len(features) > 1 else ''} {', '.join(features)} of {name}"
    if settings.scale != 1:
        sentence += f", divided by {settings.scale:g}"
    if settings.centre != 0:
        sentence += f", less {settings.centre:g}"
    return sentence + "."


def _about_categories(name: str, features: tuple[str, ...], labels: tuple[tuple[str, ...], ...]) -> str:
    """Say what every code stands for, a dozen codes of a column at most."""
    columns = []
    for feature, known in zip(features, labels, strict=True):
        codes = [f"{code} = {label}" for code, label in enumerate(known[:12])]
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        columns.append(f"{feature} ({', '.join(codes)}{more})")
    return f"Categories of {name}, as codes: {'; '.join(columns)}."
