"""Sums of Chebyshev polynomials over the cells of a grid: what one pass over scalar data leaves.

What they are for is told in `data.condense`. The loop here is plain numpy, and the definition of the
compiled one, `hand_cavi.data.condense.cells_compiled`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hand_cavi.data.condense.condensed import Condensed
from hand_cavi.data.condense.gauss import chebyshev, gauss
from hand_cavi.data.condense.merging import merged
from hand_cavi.inputs import InputError, as_count, as_finite, as_positive

MOMENTS = 16
"""2q by default: 8 nodes to a cell.

With 24 a pass over the data takes half as long again, cells may be 1.8 times as wide, and nodes are a
sixth fewer.
"""

MOST_CELLS = 1 << 14
"""Occupied cells at which a pass gives up by default."""

_BLOCK = 1 << 13  # rows of which the polynomials are held
_FOLD = 8  # blocks' sums held before they are merged


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

    n_features: ClassVar[int] = 1
    rows_of_a_part: ClassVar[int] = 1 << 18  # summed by themselves, so that rounding stays that of short sums

    def __post_init__(self) -> None:
        width = as_positive(self.width, "width")
        if width.ndim or not np.isfinite(1 / width):
            raise InputError(
                f"width is {self.width!r}; it must be one number above zero, and not below 1e-308"
            )
        if as_finite(self.origin, "origin").ndim:
            raise InputError(f"origin is {self.origin!r}; it must be one number")
        if as_count(self.n_moments, "n_moments", at_least=2) % 2:
            raise InputError(f"n_moments is {self.n_moments}; Gauss quadrature needs an even number")
        object.__setattr__(self, "origin", float(self.origin))
        object.__setattr__(self, "width", float(width))

    @classmethod
    def most_cells(cls, n_points: int) -> int:
        """Return the number of occupied cells at which to give up."""
        return MOST_CELLS

    @property
    def n_nodes(self) -> int:
        """q, the nodes to a cell."""
        return self.n_moments // 2

    @property
    def refined(self) -> "Grid":
        """Cells half as wide; sums over them need the data again."""
        return self.of_width(self.width / 2)

    def of_width(self, width: float) -> "Grid":
        """Return the same grid with another width."""
        return replace(self, width=width)

    def position(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each x's cell, a whole float64 that no outlier overflows, and t, from -1 to 1 across it."""
        u = (x - self.origin) * (1 / self.width)
        cell = np.floor(u) + 0.0  # no -0
        return cell, 2 * (u - cell) - 1

    def place(self, cell: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return x of t in a cell."""
        return self.origin + self.width * (cell + (t + 1) / 2)

    def sums(self, rows: np.ndarray, weight: np.ndarray | None, most: int) -> "CellSums | int | None":
        """Return sums over rows, shape (n, 1); or the first that cannot be used; or None: too many cells."""
        blocks = []
        for start in range(0, len(rows), _BLOCK):
            x = rows[start : start + _BLOCK, 0].astype(np.float64)
            w = np.ones(len(x)) if weight is None else weight[start : start + _BLOCK].astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                cell, t = self.position(x)
            bad = ~(np.isfinite(cell) & np.isfinite(w) & (w >= 0))
            if bad.any():
                return start + int(np.argmax(bad))
            blocks.append(_block(self, x[w > 0], w[w > 0], cell[w > 0], t[w > 0], len(x)))
            if len(blocks) > _FOLD:
                blocks = [merged(blocks)]
                if len(blocks[0].cell) > most:
                    return None
        whole = merged(blocks)
        return whole if len(whole.cell) <= most else None


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

    def __add__(self, other: "CellSums") -> "CellSums":
        """Return the sums over both data sets."""
        return merged([self, other])

    @property
    def total_weight(self) -> float:
        """The points' summed weight."""
        return float(self.moments[:, 0].sum())

    def share(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the share of the weight in the cells from low to high, both shape (n,), ends included."""
        below = np.concatenate([[0.0], np.cumsum(self.moments[:, 0])])
        first = np.searchsorted(self.cell, self.grid.position(low)[0], "left")
        after = np.searchsorted(self.cell, self.grid.position(high)[0], "right")
        return (below[after] - below[first]) / below[-1]

    def joined(self, parts: Sequence["CellSums"]) -> "CellSums":
        """Return the sums over all parts, which are on this grid, added in their order."""
        grid = self.grid
        cells = np.unique(np.concatenate([part.cell for part in parts]))
        moments = np.zeros((len(cells), grid.n_moments))
        low, high = np.full(len(cells), np.inf), np.full(len(cells), -np.inf)
        all_kept = np.ones(len(cells), dtype=bool)  # a cell keeps its values only if all its parts do
        for part in parts:
            here = np.searchsorted(cells, part.cell)
            moments[here] += part.moments
            low[here] = np.minimum(low[here], part.low)
            high[here] = np.maximum(high[here], part.high)
            all_kept[here] &= part.n_kept > 0
        value_cell = np.concatenate([np.repeat(part.cell, part.n_kept) for part in parts])
        value = np.concatenate([part.value for part in parts])
        value_weight = np.concatenate([part.value_weight for part in parts])
        stay = np.flatnonzero(all_kept[np.searchsorted(cells, value_cell)])
        stay = stay[np.lexsort((value[stay], value_cell[stay]))]
        kept = _kept(grid, cells, *_distinct(value_cell[stay], value[stay], value_weight[stay]))
        return CellSums(grid, cells, moments, low, high, *kept, sum(part.n_points for part in parts))

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
            exact=not full.any(),
            residual=float(residual.max(initial=0.0)),
        )


def _block(
    grid: Grid, x: np.ndarray, w: np.ndarray, cell: np.ndarray, t: np.ndarray, n_points: int
) -> CellSums:
    """Return the sums over some rows, all arrays of shape (n,)."""
    order = np.argsort(x, kind="stable")
    x, w, cell, t = x[order], w[order], cell[order], t[order]
    first = _firsts(cell)
    moments = np.add.reduceat(w[:, np.newaxis] * chebyshev(t, grid.n_moments), first, axis=0)
    last = np.append(first[1:], len(x))[: len(first)] - 1
    value_cell, value, value_weight = _distinct(cell, x, w)
    n_kept, value, value_weight = _kept(grid, cell[first], value_cell, value, value_weight)
    return CellSums(grid, cell[first], moments, x[first], x[last], n_kept, value, value_weight, n_points)


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
