"""The pass over the data that sums moments by cell of the plane, compiled: `plane.PlaneGrid.sums`.

A block of rows is worked on while it lies in the processor's cache, a row at a time: the cell is found by a
table, as in `cells_compiled`, and w T_i(t_1) T_j(t_2) is added to its moments, for four or eight j at a
time, which are vector instructions. So 48 moments are summed, of which 12, of degree 8 to 10, are left out.

Importing this module imports numba; `hand_cavi.data.condense` does so when it pays.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numba import njit

from hand_cavi.data.condense.cells_compiled import BAD_ROW, SPREAD, TOO_MANY, flush, in_turn
from hand_cavi.data.condense.cubature import LEFT, RIGHT, SIDE
from hand_cavi.data.condense.plane import KEPT, PlaneGrid, PlaneSums
from hand_cavi.data.vectors import FUSED, all_threads, bits_of, compile_loop

__all__ = ["all_threads", "parts"]

_BLOCK = 256  # rows
_HALF = SIDE // 2
_SUMMED = _HALF * SIDE + _HALF * _HALF  # for i < 4 all j, for the others j < 4
_COLUMN = np.where(LEFT < _HALF, LEFT * SIDE, _HALF * SIDE + (LEFT - _HALF) * _HALF) + RIGHT
_SHORT_SUM = 1 << 14  # rows after which the moments' sums begin anew, or more where cells are many


_rounding = njit(error_model="numpy")  # each product is rounded, as numpy does: else a row changes its cell


@_rounding
def _find(
    x: np.ndarray,
    weight: np.ndarray,
    origin: np.ndarray,
    per_edge: np.ndarray,
    table: np.ndarray,
    shift: int,
    cell: np.ndarray,
    n_rows: np.ndarray,
    row: np.ndarray,
    row_weight: np.ndarray,
    used: int,
    t: np.ndarray,
    index: np.ndarray,
) -> int:
    """Set t and the index of the cell of each row, and keep all of a cell but its moments; see `_sum`."""
    capacity, kept = len(cell), row.shape[1]
    mask = np.uint64(len(table) - 1)
    for i in range(len(x)):
        w = weight[i]
        x_0, x_1 = x[i, 0] - origin[0], x[i, 1] - origin[1]
        u, v = x_0 * per_edge[0, 0] + x_1 * per_edge[0, 1], x_0 * per_edge[1, 0] + x_1 * per_edge[1, 1]
        a, b = np.floor(u) + 0.0, np.floor(v) + 0.0  # no -0, whose bits differ
        t[0, i], t[1, i] = 2 * (u - a) - 1, 2 * (v - b) - 1
        if not (abs(u) < np.inf and abs(v) < np.inf and 0 < w < np.inf):
            if abs(u) < np.inf and abs(v) < np.inf and w == 0:
                index[i] = capacity  # a row that nobody reads
                continue
            return BAD_ROW - i
        slot = ((bits_of(a) * SPREAD ^ (bits_of(b) >> np.uint64(7))) * SPREAD) >> np.uint64(shift)
        j = table[slot]
        while j >= 0 and not (cell[j, 0] == a and cell[j, 1] == b):
            slot = (slot + np.uint64(1)) & mask
            j = table[slot]
        if j < 0:
            if used == capacity:
                return TOO_MANY
            j = used
            used += 1
            table[slot] = j
            cell[j, 0], cell[j, 1], n_rows[j] = a, b, 0
        index[i] = j
        n = n_rows[j]
        if n < kept:
            row[j, n, 0], row[j, n, 1], row_weight[j, n] = x[i, 0], x[i, 1], w
        n_rows[j] = n + 1
    return used


@njit(**FUSED)
def _polynomials(t: np.ndarray, first: np.ndarray, values: np.ndarray) -> None:
    """Set values[i, k] to T_k(t_i) times the first."""
    for i in range(len(t)):
        values[i, 0], values[i, 1] = first[i], first[i] * t[i]
        for k in range(2, SIDE):
            values[i, k] = 2 * t[i] * values[i, k - 1] - values[i, k - 2]


@njit(**FUSED)
def _add(left: np.ndarray, right: np.ndarray, index: np.ndarray, n: int, moments: np.ndarray) -> None:
    """Add the products of the first n rows to the moments of their cells, which lie one after the other."""
    for i in range(n):
        begins = np.uint64(index[i]) * np.uint64(_SUMMED)
        # By names: the compiler would read an array again after every store.
        t_0, t_1, t_2, t_3 = right[i, 0], right[i, 1], right[i, 2], right[i, 3]
        t_4, t_5, t_6, t_7 = right[i, 4], right[i, 5], right[i, 6], right[i, 7]
        for j in range(_HALF):
            factor, at = left[i, j], begins + np.uint64(j * SIDE)
            moments[at] += factor * t_0
            moments[at + np.uint64(1)] += factor * t_1
            moments[at + np.uint64(2)] += factor * t_2
            moments[at + np.uint64(3)] += factor * t_3
            moments[at + np.uint64(4)] += factor * t_4
            moments[at + np.uint64(5)] += factor * t_5
            moments[at + np.uint64(6)] += factor * t_6
            moments[at + np.uint64(7)] += factor * t_7
        for j in range(_HALF):
            factor, at = left[i, _HALF + j], begins + np.uint64(_HALF * SIDE + j * _HALF)
            moments[at] += factor * t_0
            moments[at + np.uint64(1)] += factor * t_1
            moments[at + np.uint64(2)] += factor * t_2
            moments[at + np.uint64(3)] += factor * t_3


def _sum(
    x: np.ndarray,
    weight: np.ndarray,
    origin: np.ndarray,
    per_edge: np.ndarray,
    table: np.ndarray,
    shift: int,
    cell: np.ndarray,
    sums: np.ndarray,
    moments: np.ndarray,
    n_rows: np.ndarray,
    row: np.ndarray,
    row_weight: np.ndarray,
) -> int:
    """Return how many cells are occupied, or `TOO_MANY`, or `BAD_ROW` - i for the row i.

    Parameters
    ----------
    x, weight : ndarray, shapes (n, 2) and (n,)
    origin, per_edge : ndarray, shapes (2,) and (2, 2)
    table : ndarray of int32, shape (2^(64 - shift),)
        -1 everywhere: no cell yet.
    shift : int
    cell, n_rows : ndarray, shapes (capacity, 2) and (capacity,)
        Filled in the order in which cells turn up.
    sums, moments : ndarray, shape ((capacity + 1) 48,)
        0 everywhere. Moments gather in the first, and go to the second from time to time.
    row, row_weight : ndarray, shapes (capacity, `KEPT`, 2) and (capacity, `KEPT`)
    """
    t, index = np.zeros((2, _BLOCK)), np.zeros(_BLOCK, dtype=np.int64)
    left, right, ones = np.zeros((_BLOCK, SIDE)), np.zeros((_BLOCK, SIDE)), np.ones(_BLOCK)
    used, summed = 0, 0
    for start in range(0, len(x), _BLOCK):
        block, w = x[start : start + _BLOCK], weight[start : start + _BLOCK]
        n = len(block)
        used_now = _find(
            block, w, origin, per_edge, table, shift, cell, n_rows, row, row_weight, used, t, index
        )
        if used_now < 0:
            return used_now if used_now == TOO_MANY else used_now - start
        used = used_now
        _polynomials(t[0, :n], w, left)
        _polynomials(t[1, :n], ones, right)
        _add(left, right, index, n, sums)
        summed += n
        if summed >= max(_SHORT_SUM, _SUMMED * used):
            flush(sums, moments, used * _SUMMED)
            summed = 0
    flush(sums, moments, used * _SUMMED)
    return used


_compiled_sum = compile_loop(_sum)


def parts(
    grid: PlaneGrid,
    rows: np.ndarray,
    weight: np.ndarray | None,
    slices: Sequence[slice],
    most: int,
    threads: int,
) -> list[PlaneSums | int | None]:
    """Return what `PlaneGrid.sums` does for each part of the rows."""
    return in_turn(partial(_part, grid, most), rows, weight, slices, threads)


def _part(grid: PlaneGrid, most: int, x: np.ndarray, w: np.ndarray) -> PlaneSums | int | None:
    """Return sums over some rows, shape (n, 2); or the first that cannot be used; or None: too many cells."""
    capacity = min(most, len(x))
    bits = int(2 * capacity).bit_length()
    table = np.full(1 << bits, -1, dtype=np.int32)
    cell, n_rows = np.empty((capacity, 2)), np.empty(capacity, np.int64)
    sums, moments = np.zeros((capacity + 1) * _SUMMED), np.zeros((capacity + 1) * _SUMMED)
    row, row_weight = np.empty((capacity, KEPT, 2)), np.empty((capacity, KEPT))
    origin, per_edge = np.array(grid.origin), grid.per_edge
    used = _compiled_sum(
        x, w, origin, per_edge, table, 64 - bits, cell, sums, moments, n_rows, row, row_weight
    )
    if used <= BAD_ROW:
        return int(BAD_ROW - used)
    if used == TOO_MANY:
        return None
    order = np.lexsort((cell[:used, 1], cell[:used, 0]))
    keeps = np.arange(KEPT) < n_rows[order, np.newaxis]
    return PlaneSums(
        grid,
        cell[order],
        moments.reshape(capacity + 1, _SUMMED)[order][:, _COLUMN],
        n_rows[order],
        row[order][keeps],
        row_weight[order][keeps],
        len(x),
    )
