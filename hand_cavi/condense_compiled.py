"""The pass over the data that sums moments by cell, compiled by numba: `hand_cavi.condense.sums_plain`.

A table (open addressing, linear probing) finds a point's cell among those occupied so far. Each part of the rows has
a table of its own; which thread works on which part changes no bit of the result.

Importing this module imports numba; `hand_cavi.condense` does so when it pays.
"""

from collections.abc import Sequence
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from hand_cavi.kernels_compiled import _bits, _compile, all_threads

if TYPE_CHECKING:
    from hand_cavi.condense import CellSums, Grid

__all__ = ["all_threads", "parts"]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Knuth's multiplicative hash
_TOO_MANY, _BAD_ROW = -1, -2  # a bad row i is told as _BAD_ROW - i


def _sum(
    x: np.ndarray,
    weight: np.ndarray,
    origin: float,
    inverse_width: float,
    table: np.ndarray,
    shift: int,
    cell: np.ndarray,
    moments: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    n_distinct: np.ndarray,
    value: np.ndarray,
    value_weight: np.ndarray,
) -> int:
    """Return how many cells are occupied; or _TOO_MANY; or _BAD_ROW - i.

    Parameters
    ----------
    x, weight : ndarray, shape (n,)
    origin, inverse_width : float
    table : ndarray of int32, shape (2^(64 - shift),)
        -1 everywhere: no cell.
    shift : int
    cell, low, high, n_distinct : ndarray, shape (most,)
        Filled in the order in which cells turn up. n_distinct counts up to q + 1, "more".
    moments : ndarray, shape (most, 2q)
    value, value_weight : ndarray, shape (most, q)
    """
    most, n_moments = moments.shape
    q = value.shape[1]
    mask = np.uint64(len(table) - 1)
    used = 0
    for i in range(len(x)):
        w = weight[i]
        if w == 0.0:
            if not abs((x[i] - origin) * inverse_width) < np.inf:
                return _BAD_ROW - i
            continue
        x_i = x[i]
        u = (x_i - origin) * inverse_width
        if not (abs(u) < np.inf and 0.0 < w < np.inf):
            return _BAD_ROW - i
        c = np.floor(u) + 0.0
        slot = (_bits(c) * _SPREAD) >> np.uint64(shift)
        j = table[slot]
        while j >= 0 and cell[j] != c:
            slot = (slot + np.uint64(1)) & mask
            j = table[slot]
        if j < 0:
            if used == most:
                return _TOO_MANY
            j = used
            used += 1
            table[slot] = j
            cell[j], low[j], high[j], n_distinct[j] = c, x_i, x_i, 0
            for k in range(n_moments):
                moments[j, k] = 0.0
        if x_i < low[j]:
            low[j] = x_i
        if x_i > high[j]:
            high[j] = x_i
        if n_distinct[j] <= q:
            k = 0
            while k < n_distinct[j] and value[j, k] != x_i:
                k += 1
            if k < n_distinct[j]:
                value_weight[j, k] += w
            else:
                n_distinct[j] += 1
                if k < q:
                    value[j, k], value_weight[j, k] = x_i, w
        t = 2 * (u - c) - 1
        row = moments[j]
        even, odd = w, w * t
        row[0] += even
        row[1] += odd
        for k in range(2, n_moments, 2):
            even = 2 * t * odd - even
            odd = 2 * t * even - odd
            row[k] += even
            row[k + 1] += odd
    return used


_compiled_sum = _compile(_sum)


def parts(
    grid: "Grid",
    rows: np.ndarray,
    weight: np.ndarray | None,
    slices: Sequence[slice],
    most: int,
    threads: int,
) -> "list[CellSums | int | None]":
    """Return what `sums_plain` does for each part of the rows."""
    results: list[CellSums | int | None] = [None] * len(slices)
    turn = count()
    ones = np.ones(min(len(rows), max(part.stop - part.start for part in slices)))

    def work() -> None:
        while (i := next(turn)) < len(slices):
            x = np.require(rows[slices[i]], np.float64, ["C", "W"])
            w = ones[: len(x)] if weight is None else np.require(weight[slices[i]], np.float64, ["C", "W"])
            results[i] = _part(grid, x, w, most)

    helpers = [Thread(target=work) for _ in range(min(threads, len(slices)) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    return results


def _part(grid: "Grid", x: np.ndarray, w: np.ndarray, most: int) -> "CellSums | int | None":
    """Return the sums over some rows, shape (n,); the first row that cannot be used; or None: too many cells."""
    from hand_cavi.condense import CellSums

    room = min(most, len(x))
    bits = max(4, int(2 * room - 1).bit_length())
    q = grid.n_nodes
    table = np.full(1 << bits, -1, dtype=np.int32)
    cell, low, high, n_distinct = np.empty(room), np.empty(room), np.empty(room), np.empty(room, dtype=np.int64)
    moments, value, value_weight = np.empty((room, 2 * q)), np.empty((room, q)), np.empty((room, q))
    used = _compiled_sum(
        x,
        w,
        grid.origin,
        1 / grid.width,
        table,
        64 - bits,
        cell,
        moments,
        low,
        high,
        n_distinct,
        value,
        value_weight,
    )
    if used <= _BAD_ROW:
        return _BAD_ROW - used
    if used == _TOO_MANY:
        return None
    order = np.argsort(cell[:used])
    n_kept = np.where(n_distinct[order] <= q, n_distinct[order], 0)
    keeps = np.arange(q) < n_kept[:, np.newaxis]
    values = np.where(keeps, value[order], np.inf)
    sort = np.argsort(values, axis=1)
    values = np.take_along_axis(values, sort, axis=1)[keeps]
    weights = np.take_along_axis(value_weight[order], sort, axis=1)[keeps]
    return CellSums(
        grid,
        cell[order],
        moments[order],
        low[order],
        high[order],
        n_kept,
        values,
        weights,
        len(x),
    )
