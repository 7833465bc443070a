"""The pass over the data that sums moments by cell, compiled by numba: `data.condense.cells.Grid.sums`.

A block of rows is worked on while it lies in the processor's cache:

    cell = floor((x - origin) / width)      _find, by a table: open addressing, linear probing
    w T_0(t), ..., w T_(2q-1)(t)            _polynomials, along the rows, in vector instructions
    m[cell] <- m[cell] + w T(t)             _add

Each part of the rows has sums of its own; so which thread works on which part, and how many there are,
changes no bit of the result.

Importing this module imports numba; `hand_cavi.data.condense` does so when it pays.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from threading import Thread
from typing import cast

import numpy as np
from numba import njit

from hand_cavi.data.condense.cells import CellSums, Grid
from hand_cavi.data.vectors import FUSED, all_threads, bits_of, compile_loop

__all__ = ["all_threads", "parts"]

_BLOCK = 256  # rows; 16 moments of them are 32 kB
_SHORT_SUM = 1024  # rows after which the moments' sums begin anew, or more where cells are many
_ROWS_PER_CELL = 32  # so that adding the sums to the totals costs little
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Knuth's multiplicative hash
TOO_MANY, BAD_ROW = -1, -2  # a bad row i is told as BAD_ROW - i


@njit(**FUSED)
def _find(
    x: np.ndarray,
    weight: np.ndarray,
    origin: float,
    per_width: float,
    table: np.ndarray,
    shift: int,
    cell: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    n_distinct: np.ndarray,
    value: np.ndarray,
    value_weight: np.ndarray,
    used: int,
    t: np.ndarray,
    index: np.ndarray,
) -> int:
    """Set t and the index of the cell of each row, and keep all of a cell but its moments; see `_sum`."""
    capacity, q = len(cell), value.shape[1]
    mask = np.uint64(len(table) - 1)
    for i in range(len(x)):
        x_i, w = x[i], weight[i]
        u = (x_i - origin) * per_width
        c = np.floor(u) + 0.0  # no -0, whose bits differ
        t[i] = 2 * (u - c) - 1
        if not (abs(u) < np.inf and 0 < w < np.inf):
            if abs(u) < np.inf and w == 0:
                index[i] = capacity  # a row that nobody reads
                continue
            return BAD_ROW - i
        slot = (bits_of(c) * SPREAD) >> np.uint64(shift)
        j = table[slot]
        while j >= 0 and cell[j] != c:
            slot = (slot + np.uint64(1)) & mask
            j = table[slot]
        if j < 0:
            if used == capacity:
                return TOO_MANY
            j = used
            used += 1
            table[slot] = j
            cell[j], low[j], high[j], n_distinct[j] = c, x_i, x_i, 0
        index[i] = j
        if x_i < low[j]:
            low[j] = x_i
        if x_i > high[j]:
            high[j] = x_i
        n = n_distinct[j]
        if n <= q:
            k = 0
            while k < n and value[j, k] != x_i:
                k += 1
            if k < n:
                value_weight[j, k] += w
            else:
                n_distinct[j] = n + 1
                if n < q:
                    value[j, n], value_weight[j, n] = x_i, w
    return used


@njit(**FUSED)
def _polynomials(t: np.ndarray, values: np.ndarray) -> None:
    """Set values[k] to T_k values[0], where values[1] is t values[0] already."""
    for k in range(2, len(values)):
        before, last, now = values[k - 2], values[k - 1], values[k]
        for i in range(_BLOCK):
            now[i] = 2 * t[i] * last[i] - before[i]


@njit(**FUSED)
def _add(values: np.ndarray, index: np.ndarray, moments: np.ndarray) -> None:
    """Add each column of values to the cell's moments, which lie one cell after the other."""
    n_moments = np.uint64(len(values))
    for i in range(_BLOCK):
        first = np.uint64(index[i]) * n_moments
        for k in range(len(values)):
            moments[first + np.uint64(k)] += values[k, i]


@njit(**FUSED)
def flush(sums: np.ndarray, totals: np.ndarray, n: int) -> None:
    """Add the first n sums to the totals, and set them to 0."""
    for i in range(n):
        totals[i] += sums[i]
        sums[i] = 0.0


def _sum(
    x: np.ndarray,
    weight: np.ndarray,
    origin: float,
    per_width: float,
    table: np.ndarray,
    shift: int,
    cell: np.ndarray,
    sums: np.ndarray,
    moments: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    n_distinct: np.ndarray,
    value: np.ndarray,
    value_weight: np.ndarray,
) -> int:
    """Return how many cells are occupied, or `TOO_MANY`, or `BAD_ROW` - i for the row i.

    Parameters
    ----------
    x, weight : ndarray, shape (n,)
    origin, per_width : float
        per_width = 1 / width.
    table : ndarray of int32, shape (2^(64 - shift),)
        -1 everywhere: no cell yet.
    shift : int
    cell, low, high, n_distinct : ndarray, shape (capacity,)
        Filled in the order in which cells turn up. n_distinct counts up to q + 1: more than are kept.
    sums, moments : ndarray, shape ((capacity + 1) 2q,)
        0 everywhere. Moments gather in the first and go to the second from time to time: in one long sum the
        errors of equal terms, such as those of a value that is met a million times, add up.
    value, value_weight : ndarray, shape (capacity, q)
    """
    values = np.empty((2 * value.shape[1], _BLOCK))
    t, index = np.zeros(_BLOCK), np.empty(_BLOCK, dtype=np.int64)
    used, summed = 0, 0
    for start in range(0, len(x), _BLOCK):
        block, w = x[start : start + _BLOCK], weight[start : start + _BLOCK]
        found = _find(
            block,
            w,
            origin,
            per_width,
            table,
            shift,
            cell,
            low,
            high,
            n_distinct,
            value,
            value_weight,
            used,
            t,
            index,
        )
        if found < 0:
            return found if found == TOO_MANY else found - start
        used = found
        n = len(block)
        values[0, :n], values[0, n:] = w, 0.0
        index[n:] = len(cell)
        values[1] = t * values[0]
        _polynomials(t, values)
        _add(values, index, sums)
        summed += _BLOCK
        if summed >= max(_SHORT_SUM, _ROWS_PER_CELL * used):
            flush(sums, moments, used * len(values))
            summed = 0
    flush(sums, moments, used * len(values))
    return used


_compiled_sum = compile_loop(_sum)


def parts(
    grid: Grid, rows: np.ndarray, weight: np.ndarray | None, slices: Sequence[slice], most: int, threads: int
) -> list[CellSums | int | None]:
    """Return what `Grid.sums` does for each part of the rows, shape (n, 1)."""
    return in_turn(partial(_part, grid, most), rows[:, 0], weight, slices, threads)


def in_turn[S](
    part: Callable[[np.ndarray, np.ndarray], S],
    rows: np.ndarray,
    weight: np.ndarray | None,
    slices: Sequence[slice],
    threads: int,
) -> list[S]:
    """Return what a function gives for each part of the rows and its weights, as float64, by some threads."""
    results: list[S] = [cast(S, None)] * len(slices)
    turn = count()
    ones = np.ones(max(s.stop - s.start for s in slices))

    def work() -> None:
        while (i := next(turn)) < len(slices):
            x = np.require(rows[slices[i]], np.float64, ["C", "W"])
            w = ones[: len(x)] if weight is None else np.require(weight[slices[i]], np.float64, ["C", "W"])
            results[i] = part(x, w)

    helpers = [Thread(target=work) for _ in range(min(threads, len(slices)) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    return results


def _part(grid: Grid, most: int, x: np.ndarray, w: np.ndarray) -> CellSums | int | None:
    """Return the sums over some rows, shape (n,); or the first row that cannot be used; or None: too many."""
    capacity, q = min(most, len(x)), grid.n_nodes
    bits = int(2 * capacity).bit_length()
    table = np.full(1 << bits, -1, dtype=np.int32)
    cell, low, high, n_distinct = (
        np.empty(capacity),
        np.empty(capacity),
        np.empty(capacity),
        np.empty(capacity, np.int64),
    )
    sums, moments = np.zeros((capacity + 1) * 2 * q), np.zeros((capacity + 1) * 2 * q)
    value, value_weight = np.empty((capacity, q)), np.empty((capacity, q))
    used = _compiled_sum(
        x,
        w,
        grid.origin,
        1 / grid.width,
        table,
        64 - bits,
        cell,
        sums,
        moments,
        low,
        high,
        n_distinct,
        value,
        value_weight,
    )
    if used <= BAD_ROW:
        return int(BAD_ROW - used)
    if used == TOO_MANY:
        return None
    order = np.argsort(cell[:used])
    n_kept = np.where(n_distinct[order] <= q, n_distinct[order], 0)
    keeps = np.arange(q) < n_kept[:, np.newaxis]
    values = np.where(keeps, value[order], np.inf)  # what is not kept goes to the end
    sort = np.argsort(values, axis=1)
    return CellSums(
        grid,
        cell[order],
        moments.reshape(capacity + 1, 2 * q)[order],
        low[order],
        high[order],
        n_kept,
        np.take_along_axis(values, sort, axis=1)[keeps],
        np.take_along_axis(value_weight[order], sort, axis=1)[keeps],
        len(x),
    )
