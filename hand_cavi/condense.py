r"""Condensed data: a few hundred weighted points that stand for ten million.

All that a sweep, a bound or a gradient asks of scalar data are sums over i of smooth functions of x_i, such as
r_k(x) T(x) and ln sum_k exp rho_k(x). On an interval that is short beside the scale on which such a function
bends, the function is a polynomial, but for an error that falls geometrically with the degree. And the sum of a
polynomial over the points of an interval depends on these points through few moments alone.

So the line is cut into cells of equal width, and one pass over the data sums, cell by cell,

    m_l = sum_i w_i T_l(t_i),    l = 0, ..., 2q - 1,    t = -1 ... 1 across the cell,

with T_l the Chebyshev polynomials. Gauss quadrature (`hand_cavi.gauss`) then finds q points and positive weights that
have the same moments. They replace the cell's points: sums over them of polynomials of degree below 2q are the
same, to rounding. With a singularity of the function, such as a pole of the responsibilities, at the distance d
from the axis, other sums differ by at most about

    rho^(-2q) of themselves,   rho = delta + sqrt(1 + delta^2),   delta = d / (width / 2)

(Trefethen, Approximation Theory and Approximation Practice, 2013, theorem 8.2 and chapter 19);
`hand_cavi.sharpness` tells the width that a mixture needs.

Beside the moments a cell keeps its distinct values with their weights while they are no more than q. Such a
cell is kept exactly: an outlier, however far out, costs one point, and rounded measurements and small data
come out as their distinct values.

Moments add up. Those of parts, summed by several threads, processes or machines on the same grid, make those of the
whole: `CellSums.__add__`.

    grid = Grid(origin=0.0, width=0.4)
    sums = grid.sums(monday) + grid.sums(tuesday)
    data = sums.condensed()
    fit(mixture, data.x, sample_weight=data.weight, rng=1)

Where points hardly share cells, nothing is saved, and `None` is returned as soon as that is seen.
The nearest published relative is Huggins, Adams & Broderick (2017), "PASS-GLM".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.gauss import chebyshev, gauss
from hand_cavi.inputs import InputError, as_count, as_positive
from hand_cavi.kernels import kernel_for

MOMENTS = 16
"""2q by default: 8 nodes to a cell. A pass over the data takes as long as it has moments; with 24 of them cells
may be twice as wide, and nodes are a quarter fewer."""

MOST_CELLS = 1 << 14
"""Cells at which a pass gives up by default."""

PAYS = 4
"""Points to a node, below which condensing does not pay."""

_PART = 1 << 18  # rows summed by themselves, so that rounding stays that of short sums
_FOLD = 8  # parts held before they are merged
_BLOCK = 1 << 13  # rows of which the plain loop holds the polynomials

Blocks = Iterable[tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True)
class Grid:
    """Cells of equal width, the c-th from origin + c width to origin + (c + 1) width.

    Attributes
    ----------
    origin : float
        In units of x, amidst the data: values are read relative to it, with the precision that this leaves.
    width : float
        In units of x.
    n_moments : int
        2q, even: moments to a cell, twice its nodes.

    Raises
    ------
    InputError
        If a number is not finite, the width not above zero, or n_moments odd.
    """

    origin: float
    width: float
    n_moments: int = MOMENTS

    def __post_init__(self) -> None:
        width = as_positive(self.width, "width")
        if width.ndim or not np.isfinite(1 / width):
            raise InputError(f"width is {self.width!r}; it must be one number above zero, and not below 1e-308")
        if not np.isfinite(self.origin):
            raise InputError(f"origin is {self.origin!r}; it must be finite")
        if as_count(self.n_moments, "n_moments", at_least=2) % 2:
            raise InputError(f"n_moments is {self.n_moments}; Gauss quadrature needs an even number")
        object.__setattr__(self, "origin", float(self.origin))
        object.__setattr__(self, "width", float(width))

    @property
    def n_nodes(self) -> int:
        """q, the nodes to a cell."""
        return self.n_moments // 2

    @property
    def refined(self) -> "Grid":
        """Cells half as wide; sums over them need the data again."""
        return Grid(self.origin, self.width / 2, self.n_moments)

    def position(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each x's cell, a whole float64 that no outlier overflows, and t, from -1 to 1 across it."""
        u = (x - self.origin) * (1 / self.width)
        cell = np.floor(u) + 0.0  # no -0
        return cell, 2 * (u - cell) - 1

    def place(self, cell: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return x of t in a cell."""
        return self.origin + self.width * (cell + (t + 1) / 2)

    def sums(
        self,
        x: ArrayLike | Blocks,
        sample_weight: ArrayLike | None = None,
        *,
        most_cells: int = MOST_CELLS,
        threads: int | None = None,
    ) -> "CellSums | None":
        """Sum the moments of data, in one pass.

        Parameters
        ----------
        x : array_like, shape (N,) or (N, 1); or iterable of (rows, weight)
            An array of any numeric type is read a part at a time, a memory map too. An iterable yields blocks
            of rows, such arrays, each with its weights, shape (n,), or None.
        sample_weight : array_like, shape (N,), optional
            How many points each row stands for; not negative. Not beside an iterable.
        most_cells : int
            Occupied cells at which to give up.
        threads : int, optional
            Of the compiled loop; all that the process may use if None. Their number changes no bit.

        Returns
        -------
        CellSums or None
            None if there are more occupied cells than `most_cells`.

        Raises
        ------
        InputError
            If data or weights cannot be used.
        """
        most = as_count(most_cells, "most_cells")
        waiting: list[CellSums] = []
        first_row = 0
        for rows, weight in as_blocks(x, sample_weight):
            parts = [slice(start, start + _PART) for start in range(0, len(rows), _PART)]
            for some in (parts[i : i + _FOLD] for i in range(0, len(parts), _FOLD)):
                done = self._parts(rows, weight, some, most, threads, first_row)
                if done is None:
                    return None
                waiting += done
                if len(waiting) > _FOLD:
                    waiting = [merged(waiting)]
                    if len(waiting[0].cell) > most:
                        return None
            first_row += len(rows)
        if not waiting:
            raise InputError("the data hold no points; give at least one")
        whole = merged(waiting)
        return whole if len(whole.cell) <= most else None

    def _parts(
        self,
        rows: np.ndarray,
        weight: np.ndarray | None,
        parts: Sequence[slice],
        most: int,
        threads: int | None,
        first_row: int,
    ) -> "list[CellSums] | None":
        """Return the sums of each part of some rows, or None if one has too many cells."""
        if kernel_for(len(rows), self.n_moments) == "numba":
            compiled = _compiled()
            assert compiled is not None
            results = compiled.parts(self, rows, weight, parts, most, threads or compiled.all_threads())
        else:
            results = (sums_plain(self, rows[part], weight if weight is None else weight[part], most) for part in parts)
        done = []
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, int):  # a row that cannot be used
                row = part.start + result
                raise InputError(_what_is_wrong(rows, weight, row, first_row))
            if result is None:
                return None
            done.append(result)
        return done


@dataclass(frozen=True, eq=False)
class CellSums:
    """What the cells of a grid hold; C occupied cells, V kept values.

    Attributes
    ----------
    grid : Grid
    cell : ndarray, shape (C,)
        Which cells, in order: whole numbers as float64.
    moments : ndarray, shape (C, 2q)
        sum w T_l(t) over the cell's points.
    low, high : ndarray, shape (C,)
        The least and the greatest x in the cell.
    n_kept : ndarray of int, shape (C,)
        The number of distinct values in the cell, or 0 if they are more than q and not kept.
    value, value_weight : ndarray, shape (V,)
        The distinct values of the cells that keep them, cell by cell in order, with their summed weights.
    n_points : int
        Rows read, those of weight 0 too.
    """

    grid: Grid
    cell: np.ndarray
    moments: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_kept: np.ndarray
    value: np.ndarray
    value_weight: np.ndarray
    n_points: int

    def __add__(self, other: Self) -> Self:
        """Return the sums over both data sets."""
        return merged([self, other])

    @property
    def total_weight(self) -> float:
        """The points' summed weight."""
        return float(self.moments[:, 0].sum())

    def condensed(self) -> "Condensed":
        """Return the weighted points that stand for the data."""
        grid, full = self.grid, self.n_kept == 0
        cell, low, high = self.cell[full], self.low[full], self.high[full]
        ends = [grid.position(end)[1] for end in (low, high)]
        t, weight, residual = gauss(self.moments[full], *ends)
        x = np.clip(grid.place(cell[:, np.newaxis], t), low[:, np.newaxis], high[:, np.newaxis])
        used = weight > 0
        x, weight = np.concatenate([x[used], self.value]), np.concatenate([weight[used], self.value_weight])
        order = np.argsort(x, kind="stable")
        return Condensed(
            x=x[order, np.newaxis],
            weight=weight[order],
            n_points=self.n_points,
            total_weight=self.total_weight,
            width=grid.width,
            degree=grid.n_moments - 1,
            exact=not full.any(),
            residual=float(residual.max(initial=0.0)),
        )


@dataclass(frozen=True, eq=False)
class Condensed:
    """A weighted data set that stands for a larger one; M points of D features.

    Attributes
    ----------
    x : ndarray, shape (M, D)
    weight : ndarray, shape (M,)
        How many points each stands for; above zero.
    n_points : int
        Rows of the data that it stands for.
    total_weight : float
        Their summed weight.
    width : float or None
        Of the grid's cells, in units of x; None where there was no grid.
    degree : int or None
        Up to which, cell by cell, sums of polynomials are the data's.
    exact : bool
        Whether these are the data's distinct points themselves, so that every sum is the data's.
    residual : float
        The largest error of a cell's moments, as a share of the cell's weight.
    """

    x: np.ndarray
    weight: np.ndarray
    n_points: int
    total_weight: float
    width: float | None
    degree: int | None
    exact: bool
    residual: float = 0.0

    @property
    def pays(self) -> bool:
        """Whether there are at least four points to a node."""
        return PAYS * len(self.x) <= self.n_points


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
        See `Grid.sums`.
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
        if _is_array(x):
            most_cells = max(1, min(most_cells, len(first[0]) // PAYS))
    if origin is None:
        origin = _amidst(first[0])

    def again() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        yield first
        yield from blocks

    sums = Grid(origin, width, n_moments).sums(again(), most_cells=most_cells, threads=threads)
    if sums is None:
        return None
    data = sums.condensed()
    return data if data.pays else None


# ---- sums, in plain numpy -----------------------------------------------------------------------


def sums_plain(grid: Grid, rows: np.ndarray, weight: np.ndarray | None, most: int) -> CellSums | int | None:
    """Return the sums over some rows, shape (n,); the first row that cannot be used; or None: too many cells."""
    blocks = []
    for start in range(0, len(rows), _BLOCK):
        x = rows[start : start + _BLOCK].astype(np.float64)
        w = np.ones(len(x)) if weight is None else weight[start : start + _BLOCK].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            cell, t = grid.position(x)
        bad = ~(np.isfinite(cell) & np.isfinite(w) & (w >= 0))
        if bad.any():
            return start + int(np.argmax(bad))
        blocks.append(_block(grid, x[w > 0], w[w > 0], cell[w > 0], t[w > 0], len(x)))
        if len(blocks) > _FOLD:
            blocks = [merged(blocks)]
            if len(blocks[0].cell) > most:
                return None
    whole = merged(blocks)
    return whole if len(whole.cell) <= most else None


def _block(
    grid: Grid, x: np.ndarray, w: np.ndarray, cell: np.ndarray, t: np.ndarray, n_points: int
) -> CellSums:
    """Return the sums over some rows, all arrays of shape (n,)."""
    order = np.argsort(x, kind="stable")
    x, w, cell, t = x[order], w[order], cell[order], t[order]
    first = _firsts(cell)
    moments = np.add.reduceat(w[:, np.newaxis] * chebyshev(t, grid.n_moments), first, axis=0)
    last = np.append(first[1:], len(x)) - 1
    value_cell, value, value_weight = _distinct(cell, x, w)
    n_kept, value, value_weight = _kept(grid, cell[first], value_cell, value, value_weight)
    return CellSums(
        grid, cell[first], moments, x[first], x[last], n_kept, value, value_weight, n_points
    )


def merged(parts: Sequence[CellSums]) -> CellSums:
    """Return the sums over several data sets on the same grid, added in their order.

    Raises
    ------
    InputError
        If the grids differ.
    """
    grid = parts[0].grid
    if any(part.grid != grid for part in parts):
        raise InputError("sums on different grids cannot be added; give all of them one origin, width and n_moments")
    if len(parts) == 1:
        return parts[0]
    cell = np.concatenate([part.cell for part in parts])
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    first = _firsts(cell)

    def gathered(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    # A cell keeps its values if all its parts do, and if the union is small enough.
    all_kept = np.minimum.reduceat(gathered("n_kept"), first) > 0
    cells = cell[first]
    value_cell = np.concatenate([np.repeat(part.cell, part.n_kept) for part in parts])
    value, value_weight = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "value_weight"))
    stay = all_kept[np.searchsorted(cells, value_cell)]
    value_cell, value, value_weight = value_cell[stay], value[stay], value_weight[stay]
    order_of_values = np.lexsort((value, value_cell))
    distinct = _distinct(value_cell[order_of_values], value[order_of_values], value_weight[order_of_values])
    n_kept, value, value_weight = _kept(grid, cells, *distinct)
    return CellSums(
        grid,
        cells,
        np.add.reduceat(gathered("moments"), first, axis=0),
        np.minimum.reduceat(gathered("low"), first),
        np.maximum.reduceat(gathered("high"), first),
        n_kept,
        value,
        value_weight,
        sum(part.n_points for part in parts),
    )


def _firsts(sorted_keys: np.ndarray) -> np.ndarray:
    """Return where each key of a sorted array, shape (n,), first stands."""
    return np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])[: len(sorted_keys)])


def _distinct(cell: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sorted values without repeats: their cells, the values, their summed weights."""
    first = _firsts(x)
    return cell[first], x[first], np.add.reduceat(w, first) if len(first) else w


def _kept(
    grid: Grid, cells: np.ndarray, value_cell: np.ndarray, value: np.ndarray, value_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number of values to keep in each cell, and those values, at most q to a cell."""
    number = np.searchsorted(value_cell, cells, "right") - np.searchsorted(value_cell, cells, "left")
    number = np.where(number <= grid.n_nodes, number, 0)
    stay = number[np.searchsorted(cells, value_cell)] > 0
    return number, value[stay], value_weight[stay]


# ---- data at the door -------------------------------------------------------------------------


def _is_array(x: object) -> bool:
    return hasattr(x, "__array__") or isinstance(x, list | tuple)


def as_blocks(
    x: ArrayLike | Blocks, sample_weight: ArrayLike | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield rows of one feature, shape (n,), with their weights, shape (n,), or None; nothing is copied.

    Raises
    ------
    InputError
        If they are not real numbers, or their shapes do not fit.
    """
    if _is_array(x):
        yield _one_feature(x), _weights_of(sample_weight, len(_one_feature(x)))
        return
    if sample_weight is not None:
        raise InputError("sample_weight stands beside an array; an iterable yields (rows, weight) by itself")
    for rows, weight in x:  # type: ignore[union-attr]
        if len(rows):
            yield _one_feature(rows), _weights_of(weight, len(rows))


def _one_feature(x: ArrayLike) -> np.ndarray:
    rows = np.asarray(x)
    if rows.dtype.kind not in "biuf":
        raise InputError("the data cannot be read as real numbers; give a numeric array")
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim != 1:
        raise InputError(f"the data have shape {rows.shape}; a grid condenses one feature: (N,) or (N, 1)")
    if len(rows) == 0:
        raise InputError("the data hold no points; give at least one")
    return rows


def _weights_of(weight: ArrayLike | None, n_points: int) -> np.ndarray | None:
    if weight is None:
        return None
    array = np.asarray(weight)
    if array.dtype.kind not in "biuf" or array.shape != (n_points,):
        raise InputError(
            f"sample_weight has shape {array.shape} and type {array.dtype}; {n_points} points need "
            f"({n_points},) real numbers"
        )
    return array


def _amidst(rows: np.ndarray) -> float:
    """Return the median of some rows, spread over all of them: a value amidst the data."""
    some = rows[:: max(1, len(rows) // 1000)].astype(np.float64)
    some = some[np.isfinite(some)]
    return float(np.median(some)) if len(some) else 0.0


def _what_is_wrong(rows: np.ndarray, weight: np.ndarray | None, row: int, first_row: int) -> str:
    if weight is not None and not (np.isfinite(weight[row]) and weight[row] >= 0):
        return f"sample_weight is {weight[row]} in row {first_row + row}; weights are finite and not negative"
    if np.isfinite(rows[row]):
        return f"the data hold {rows[row]:g} in row {first_row + row}, which is more cells away than a float64 counts"
    return (
        f"the data hold {rows[row]} in row {first_row + row} (counted from 0); "
        "remove the point or fill in the value"
    )


@cache
def _compiled() -> ModuleType | None:
    """Return the compiled loop's module, or None where numba cannot be imported."""
    try:
        from hand_cavi import condense_compiled
    except ImportError:
        return None
    return condense_compiled
