"""Distinct rows with their counts: condensing that changes no sum at all.

Counts, categories and rounded measurements repeat. Whatever a fit sums over such data it may as well sum over
the distinct rows, each as often as it occurs, however many features there are.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.data.condense.condensed import PAYS, Blocks, Condensed, as_blocks, check_values, is_array
from hand_cavi.inputs import InputError, as_count

MOST_ROWS = 1 << 16
"""Distinct rows at which the search gives up by default."""

_CODES = 1 << 20  # combinations of small whole numbers that are counted in a table
_FIRST_ROWS, _ROWS = 1 << 13, 1 << 17  # read at once: few at first, where giving up is likely


def unique_rows(
    x: ArrayLike | Blocks,
    sample_weight: ArrayLike | None = None,
    *,
    most: int | None = None,
    part_from: int | None = None,
) -> Condensed | None:
    """Return the distinct rows of data with their summed weights, or None where that does not pay.

    Parameters
    ----------
    x : array_like, shape (N,) or (N, D); or iterable of (rows, weight)
        As in `hand_cavi.data.condense.sum_cells`, but of any number of features.
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for; rows of weight 0 are left out.
    most : int, optional
        Distinct rows at which to give up; if None, `MOST_ROWS`, and no more than a quarter of the rows.
    part_from : int, optional
        The number of the first row in all the data, if these are a part of them; a part may have no weight,
        and need not pay by itself.

    Returns
    -------
    Condensed or None
        Rows in order, first column first; exact.

    Raises
    ------
    InputError
        If data or weights cannot be used.
    """
    limit = MOST_ROWS if most is None else as_count(most, "most")
    if most is None and is_array(x):
        limit = min(limit, len(np.asarray(x)) // PAYS)
    rows, weight = np.empty((0, 0)), np.empty(0)
    n_points = 0
    for block, w in _pieces(x, sample_weight):
        here, w_here = _distinct(block, w, n_points + (part_from or 0))
        if n_points and here.shape[1] != rows.shape[1]:
            raise InputError(
                f"a block has {here.shape[1]} features and the first {rows.shape[1]}; give all the same"
            )
        rows, weight = _merged(rows, weight, here, w_here) if n_points else (here, w_here)
        n_points += len(block)
        if len(rows) > limit:
            return None
    if n_points == 0:
        raise InputError("the data hold no points; give at least one")
    if len(rows) == 0 and part_from is None:
        raise InputError("sample_weight is zero everywhere; at least one point must count")
    if most is None and part_from is None and PAYS * len(rows) > n_points:
        return None
    return _exact(rows, weight, n_points)


def united(parts: Sequence[Condensed | None]) -> Condensed | None:
    """Return the distinct rows of several parts of the data, or None if one is None, or they are too many."""
    rows, weight, n_points = np.empty((0, 0)), np.empty(0), 0
    for part in parts:
        if part is None:
            return None
        rows, weight = _merged(rows, weight, part.x, part.weight) if n_points else (part.x, part.weight)
        n_points += part.n_points
        if len(rows) > MOST_ROWS:
            return None
    return _exact(rows, weight, n_points)


def _exact(rows: np.ndarray, weight: np.ndarray, n_points: int) -> Condensed:
    return Condensed(
        x=rows, weight=weight, n_points=n_points, total_weight=float(weight.sum()), width=None, exact=True
    )


def _distinct(rows: np.ndarray, weight: np.ndarray | None, first_row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distinct rows, shape (M, D), in order, and their weights, shape (M,)."""
    x = rows.astype(np.float64) + 0.0  # no -0
    check_values(x, weight, first_row)
    if weight is not None:
        x, weight = x[weight > 0], weight[weight > 0].astype(np.float64)
    codes = _as_codes(x)
    if codes is None:
        return _sorted_distinct(x, weight)
    code, sizes = codes
    counts = np.bincount(code, weight)
    present = np.flatnonzero(np.bincount(code))
    return np.stack(np.unravel_index(present, sizes), axis=1).astype(np.float64), counts[present].astype(
        np.float64
    )


def _as_codes(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """Return each row as one whole number, and how many values each column has, if these are few enough."""
    if len(x) == 0:
        return None
    low, high = x.min(axis=0), x.max(axis=0)
    sizes = high + 1
    if (low < 0).any() or np.prod(sizes) > min(_CODES, 64 * len(x)):
        return None
    whole = x.astype(np.int64)
    if (whole != x).any():
        return None
    shape = tuple(int(size) for size in sizes)
    return np.ravel_multi_index(tuple(whole.T), shape), shape


def _sorted_distinct(x: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort(x.T[::-1])
    x = x[order]
    new = np.concatenate([[True], np.any(x[1:] != x[:-1], axis=1)])[: len(x)]
    return x[new], np.bincount(np.cumsum(new) - 1, None if weight is None else weight[order]).astype(
        np.float64
    )


def _merged(
    rows: np.ndarray, weight: np.ndarray, more: np.ndarray, more_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of two such sets."""
    if rows.shape == more.shape and np.array_equal(rows, more):
        return rows, weight + more_weight
    return _sorted_distinct(np.concatenate([rows, more]), np.concatenate([weight, more_weight]))


def _pieces(
    x: ArrayLike | Blocks, sample_weight: ArrayLike | None
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield the data in pieces, each twice as long as the last up to a limit."""
    size = _FIRST_ROWS
    for rows, weight in as_blocks(x, sample_weight):
        start = 0
        while start < len(rows):
            here = slice(start, start + size)
            yield rows[here], None if weight is None else weight[here]
            start += size
            size = min(2 * size, _ROWS)
