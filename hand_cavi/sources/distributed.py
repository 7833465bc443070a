"""Data in parts that lie on the workers of Dask, or are read by them: rows stay, sums travel.

A pass sends a function to every part. What it returns, such as sum_i w_i r_ik T(x_i), of shape (K, P), is
added up on the workers too, eight parts at a time, so that one such array comes back however many parts there
are. The order of adding is that of the parts: neither the number of workers nor which of them is the quickest
changes a bit.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hand_cavi.inputs import InputError, as_numbers
from hand_cavi.sources.array import ArraySource, NpyRows
from hand_cavi.sources.base import Block, Source
from hand_cavi.sources.parquet import ParquetSource

ROWS_OF_A_PART = 1 << 24
"""Rows that a worker reads in one go where it is for us to say: some seconds of work, read block by block."""

_TOGETHER = 8  # parts that are added up in one go


@dataclass(frozen=True, eq=False)
class DistributedSource(Source):
    """Parts of the data, each a source, or a value of Dask's that is yet to be computed.

    Attributes
    ----------
    parts : tuple
        Sources, which the workers must be able to read; or `dask.delayed` values that are arrays or frames
        of rows, (n,) or (n, D), or pairs of these and their weights, (n,).
    lengths : tuple of int
        How many rows each has; none is 0.
    n_features : int
    """

    parts: tuple[Any, ...]
    lengths: tuple[int, ...]
    n_features: int = 1

    @property
    def n_points(self) -> int:
        """N."""
        return sum(self.lengths)

    @property
    def threads(self) -> int:
        """One: Dask gives each of a worker's threads a part."""
        return 1

    def blocks(self) -> Iterator[Block]:
        """Yield the parts, each fetched when its turn comes."""
        from dask import delayed

        begins = 0
        for part, length in zip(self.parts, self.lengths, strict=True):
            if isinstance(part, Source):
                yield from part.blocks()
            else:
                found = delayed(_as_part)(part, begins, self.n_features).compute()
                if isinstance(found, InputError):
                    raise found
                yield from found.blocks()
            begins += length

    def reduced[R](self, of_part: Callable[[Source, int], R], combine: Callable[[Sequence[R]], R]) -> R:
        """Return what `of_part` gives for the parts, combined; both run on the workers."""
        from dask import delayed

        begins = np.concatenate([[0], np.cumsum(self.lengths)])[:-1].tolist()
        # One node of the graph, which each worker fetches once, not a copy in every task.
        what = delayed(_Pass(of_part, combine), pure=False, traverse=False)
        results = [
            delayed(_done)(what, part, first, self.n_features)
            for part, first in zip(self.parts, begins, strict=True)
        ]
        while len(results) > 1:
            results = [
                delayed(_combined)(what, results[i : i + _TOGETHER])
                for i in range(0, len(results), _TOGETHER)
            ]
        result = results[0].compute()
        if isinstance(result, InputError):
            raise result
        return result


@dataclass(frozen=True, eq=False)
class _Pass[R]:
    of_part: Callable[[Source, int], R]
    combine: Callable[[Sequence[R]], R]


def _done[R](what: _Pass[R], part: Any, begins: int, n_features: int) -> R | InputError:
    """Return what a pass gives for a part, or the complaint about its rows."""
    source = _as_part(part, begins, n_features)
    if isinstance(source, InputError):
        return source
    try:
        return what.of_part(source, begins)
    except InputError as error:  # a value, so that the first part's comes out, and Dask logs nothing
        return error


def _combined[R](what: _Pass[R], results: Sequence[R | InputError]) -> R | InputError:
    wrong = next((each for each in results if isinstance(each, InputError)), None)
    return wrong if wrong is not None else what.combine(results)  # type: ignore[arg-type]


def _as_part(part: Any, begins: int, n_features: int) -> Source | InputError:
    """Return a computed part as a source, or what is wrong with it."""
    if isinstance(part, Source):
        return part
    rows, weight = part if isinstance(part, tuple | list) else (part, None)
    try:
        rows = as_numbers(rows, "the data", first_row=begins)
        rows = rows.reshape(len(rows), n_features)
        if weight is not None:
            weight = as_numbers(weight, "sample_weight", first_row=begins).reshape(len(rows))
    except InputError as error:
        return error
    except ValueError:
        return InputError(f"the part that begins at row {begins} has another shape than the others")
    return ArraySource(rows, weight)


def is_dask(x: object) -> bool:
    """Return whether it is an array, a frame or a series of Dask's."""
    return hasattr(x, "__dask_graph__") and hasattr(x, "to_delayed") and hasattr(x, "ndim")


def from_dask(x: Any, sample_weight: Any = None) -> DistributedSource:
    """Return the parts of a Dask array, frame or series, of shape (N,) or (N, D), and of weights beside it.

    Lengths that Dask does not know yet are computed: a pass over the data.

    Raises
    ------
    InputError
        If its shape is none of a table, or the weights are cut in other places.
    """
    import dask

    if x.ndim > 2:
        raise InputError(f"the data have {x.ndim} axes; give points as (N,) or (N, D)")
    if x.ndim == 2 and hasattr(x, "chunks") and len(x.chunks[1]) > 1:
        x = x.rechunk({1: -1})
    parts = _parts(x)
    lengths = _lengths(x, parts)
    n_features = 1 if x.ndim == 1 else int(x.shape[1])
    if sample_weight is not None:
        if not is_dask(sample_weight) or sample_weight.ndim != 1:
            raise InputError(
                "sample_weight is not of Dask, as the data are; give an array or series of shape (N,)"
            )
        weights = _parts(sample_weight)
        if _lengths(sample_weight, weights) != lengths:
            raise InputError(
                "sample_weight is cut in other places than the data, or is not as long; rechunk it like them"
            )
        parts = [dask.delayed((part, weight)) for part, weight in zip(parts, weights, strict=True)]
    kept = [i for i, length in enumerate(lengths) if length]
    return DistributedSource(tuple(parts[i] for i in kept), tuple(lengths[i] for i in kept), n_features)


def _parts(x: Any) -> list[Any]:
    found = x.to_delayed()
    return list(np.ravel(found)) if hasattr(found, "ravel") else list(found)


def _lengths(x: Any, parts: list[Any]) -> list[int]:
    import dask

    known = x.chunks[0] if hasattr(x, "chunks") else [np.nan]
    if not np.isnan(np.asarray(known, dtype=float)).any():
        return [int(length) for length in known]
    return list(dask.compute(*(dask.delayed(len)(part) for part in parts)))


def on_workers(source: Source, rows_of_a_part: int = ROWS_OF_A_PART) -> DistributedSource:
    """Return Parquet files or an .npy file cut into parts that the workers of Dask read themselves.

    Parameters
    ----------
    source : Source
        Of `open_parquet`, or of the path of an .npy file. Workers need the files under the same paths.
    rows_of_a_part : int
        About so many; row groups of Parquet files stay whole.

    Raises
    ------
    InputError
        If it is of another kind.
    """
    parts: list[Any]
    if isinstance(source, ParquetSource):
        parts = list(source.split(rows_of_a_part))
    elif isinstance(source, NpyRows):
        starts = range(source.first, source.after, rows_of_a_part)
        parts = [
            NpyRows(source.path, start, min(start + rows_of_a_part, source.after), source.n_features)
            for start in starts
        ]
    else:
        raise InputError(
            "workers can read Parquet files, a folder of them, and .npy files of plain numbers; these data "
            "are of another kind: write them as Parquet"
        )
    lengths = [part.n_points for part in parts]
    kept = [i for i, length in enumerate(lengths) if length]
    return DistributedSource(
        tuple(parts[i] for i in kept), tuple(lengths[i] for i in kept), source.n_features
    )


def has_client() -> bool:
    """Return whether a `distributed.Client` is current here, to which Dask hands what is computed."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_client()
    except ValueError:
        return False
    return True
