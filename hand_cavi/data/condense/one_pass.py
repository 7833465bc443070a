"""One pass over the data: the sums of each cell, and the points that have the same sums."""

from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.data.condense.cells import MOMENTS, MOST_CELLS, CellSums, Grid
from hand_cavi.data.condense.condensed import PAYS, Blocks, Condensed, as_blocks, check_values, is_array
from hand_cavi.data.condense.merging import AnyGrid, Sums, merged
from hand_cavi.data.kernels import WORTH_COMPILING, kernel_for
from hand_cavi.inputs import InputError, as_count

ROWS_WORTH_COMPILING = 1_000_000
"""Rows from which the compiled loop is taken.

For one pass alone loading numba, about a second, pays from some three million rows on; but who condenses
so many will soon run the compiled sweep over them, to measure the error, and needs numba anyway.
"""

_FOLD = 4  # parts held before they are merged; beyond, threads have nothing to do


def sum_cells[S: Sums](
    grid: AnyGrid[S],
    x: ArrayLike | Blocks,
    sample_weight: ArrayLike | None = None,
    *,
    most_cells: int = MOST_CELLS,
    threads: int | None = None,
    part_from: int | None = None,
) -> S | None:
    """Sum the moments of data of one or two features, cell by cell, in one pass.

    Parameters
    ----------
    grid : Grid or PlaneGrid
    x : array_like, shape (N,) or (N, D); or iterable of (rows, weight)
        An array of any numeric type is read a part at a time, a memory map too. An iterable yields blocks
        of rows, such arrays, each with its weights, shape (n,), or None. Threads share a block out among
        them if it is of some hundred thousand rows.
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for; not negative. Not beside an iterable.
    most_cells : int
        Occupied cells at which to give up.
    threads : int, optional
        Of the compiled loop; all that the process may use if None. Their number changes no bit.
    part_from : int, optional
        The number of the first row in all the data, if these are a part of them; a part may have no weight.

    Returns
    -------
    CellSums, PlaneSums or None
        None if more than `most_cells` cells are occupied.

    Raises
    ------
    InputError
        If data or weights cannot be used.
    """
    most = as_count(most_cells, "most_cells")
    n_threads = None if threads is None else as_count(threads, "threads")
    waiting: list[S] = []
    n_rows, begins = 0, part_from or 0
    for rows, weight in as_blocks(x, sample_weight):
        if rows.shape[1] != grid.n_features:
            raise InputError(
                f"the data have {rows.shape[1]} features; this grid condenses {grid.n_features}: (N, D)"
            )
        step = _FOLD * grid.rows_of_a_part
        for start in range(0, len(rows), step):
            here = slice(start, start + step)
            w = None if weight is None else weight[here]
            done = _sum_parts(
                grid, rows[here], w, most, n_threads, begins + n_rows + start, n_rows + len(rows)
            )
            if done is None:
                return None
            waiting += done
            if len(waiting) > _FOLD:
                waiting = [merged(waiting)]
                if len(waiting[0].cell) > most:
                    return None
        n_rows += len(rows)
    if not waiting:
        raise InputError("the data hold no points; give at least one")
    whole = merged(waiting)
    if len(whole.cell) == 0 and part_from is None:
        raise InputError("sample_weight is zero everywhere; at least one point must count")
    return whole if len(whole.cell) <= most else None


def _sum_parts[S: Sums](
    grid: AnyGrid[S],
    x: np.ndarray,
    weight: np.ndarray | None,
    most: int,
    threads: int | None,
    first_row: int,
    n_rows: int,
) -> list[S] | None:
    """Return the sums of each part of some rows, shape (n, D), or None if one has too many cells.

    `first_row` is the number of the first of them in the data, `n_rows` how many rows are known of so far.
    """
    size = grid.rows_of_a_part
    slices = [slice(start, min(start + size, len(x))) for start in range(0, len(x), size)]
    compiled = _compiled(grid.n_features) if _kernel(n_rows) == "numba" else None
    if compiled is not None:
        results = compiled.parts(grid, x, weight, slices, most, threads or compiled.all_threads())
    else:
        results = [grid.sums(x[s], None if weight is None else weight[s], most) for s in slices]
    for s, result in zip(slices, results, strict=True):
        if isinstance(result, int):
            row = s.start + result
            check_values(x[row : row + 1], None if weight is None else weight[row : row + 1], first_row + row)
            raise InputError(
                f"the data hold {_told(x[row])} in row {first_row + row} (counted from 0), so far from "
                f"the origin {_told(grid.origin)} that cells of width {grid.width:g} cannot be counted; use "
                "wider ones"
            )
    return None if any(result is None for result in results) else results


def condense(
    x: ArrayLike | Blocks,
    sample_weight: ArrayLike | None = None,
    *,
    width: float,
    origin: float | None = None,
    n_moments: int = MOMENTS,
    most_cells: int | None = None,
    threads: int | None = None,
) -> Condensed | None:
    """Return scalar data as few weighted points, or None where that does not pay.

    Parameters
    ----------
    x, sample_weight, threads
        See `sum_cells`.
    width, origin, n_moments
        See `Grid`. The origin is a value amidst the data if None.
    most_cells : int, optional
        Occupied cells at which to give up; if None, `MOST_CELLS`, and no more than a quarter of the points.

    Returns
    -------
    Condensed or None

    Raises
    ------
    InputError
        If data, weights or a setting cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal(100_000)
    >>> data = condense(x, width=0.4)
    >>> len(data.x) < 200, bool(np.isclose(data.weight @ np.cos(data.x[:, 0]), np.cos(x).sum(), rtol=1e-13))
    (True, True)
    """
    blocks = as_blocks(x, sample_weight)
    first = next(blocks, None)
    if first is None:
        raise InputError("the data hold no points; give at least one")
    if most_cells is None:
        most_cells = MOST_CELLS
        if is_array(x):
            most_cells = max(1, min(most_cells, len(first[0]) // PAYS))
    if origin is None:
        origin = _amidst(first[0])

    def again() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        yield first
        yield from blocks

    grid = Grid(origin, width, n_moments)
    sums: CellSums | None = sum_cells(grid, again(), most_cells=most_cells, threads=threads)
    if sums is None:
        return None
    data = sums.condensed()
    return data if data.pays else None


def _amidst(rows: np.ndarray) -> float:
    """Return the median of some rows, shape (n, 1), spread over all of them: a value amidst the data."""
    some = rows[:: max(1, len(rows) // 1000), 0].astype(np.float64)
    some = some[np.isfinite(some)]
    return float(np.median(some)) if len(some) else 0.0


def _kernel(n_rows: int) -> str:
    """Return which loop is to sum so many rows, "numpy" or "numba"."""
    return kernel_for(n_rows * WORTH_COMPILING // ROWS_WORTH_COMPILING, 1)


@cache
def _compiled(n_features: int) -> ModuleType | None:
    """Return the compiled loop's module, or None where numba cannot be imported."""
    try:
        from hand_cavi.data.condense import cells_compiled, plane_compiled
    except ImportError:
        return None
    return cells_compiled if n_features == 1 else plane_compiled


def _told(x: ArrayLike) -> str:
    return ", ".join(f"{each:g}" for each in np.atleast_1d(x))
