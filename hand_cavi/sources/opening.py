"""What a caller hands in as data, as a source."""

import os
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from hand_cavi.inputs import InputError, as_numbers, as_sample_weight
from hand_cavi.sources.array import ArraySource, NpyRows, open_npy
from hand_cavi.sources.base import Source
from hand_cavi.sources.distributed import from_dask, has_client, is_dask, on_workers
from hand_cavi.sources.parquet import ENDINGS, open_parquet


def as_source(x: object, sample_weight: ArrayLike | Any | None = None) -> Source:
    """Return a source of rows.

    Parameters
    ----------
    x : array_like, Source, Dask array, frame or series, or path
        Of shape (N,) or (N, D). A path is one of an ``.npy`` file, of a Parquet file, or of a folder of
        these, whose columns are all features; where a Dask client is current, its workers read them.
    sample_weight : array_like, shape (N,), optional
        For arrays; for data of Dask's another of its arrays or series. Other sources bring their own.

    Raises
    ------
    InputError
        If there are no rows or no features, the kind of data is unknown, or a value of an array is missing.
    """
    if isinstance(x, Source):
        return _checked(x, sample_weight)
    if is_dask(x):
        return _checked(from_dask(x, sample_weight))
    if isinstance(x, str | Path):
        path = Path(x)
        if os.path.isdir(path) or path.suffix.lower() in ENDINGS:
            found = open_parquet(path)
            return _checked(on_workers(found) if has_client() else found, sample_weight)
        x = open_npy(path)
        if has_client() and sample_weight is None and x.ndim in (1, 2) and x.size:
            return _checked(on_workers(NpyRows(path, 0, len(x), x[0].size)))
    rows = as_numbers(x, "the data")
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2:
        raise InputError(f"the data have {rows.ndim} axes; give points as (N,) or (N, D)")
    weight = None if sample_weight is None else as_sample_weight(sample_weight, len(rows))
    return _checked(ArraySource(rows, weight))


def _checked[S: Source](source: S, sample_weight: object = None) -> S:
    if sample_weight is not None:
        raise InputError("sample_weight goes with arrays; a source of blocks brings its own weights")
    if source.n_points == 0:
        raise InputError("the data hold no points; give at least one")
    if source.n_features == 0:
        raise InputError("the data have no features; give at least one column")
    return source
