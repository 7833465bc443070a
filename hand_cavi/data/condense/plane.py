"""Sums of Chebyshev polynomials over the cells of a grid in the plane: `cells`, for two features.

Cells are parallelograms, all alike. In coordinates t = -1 ... 1 along both edges, a cell's moments are

    m_ij = sum w T_i(t_1) T_j(t_2),    i + j <= 7,

and beside them it keeps its first `KEPT` rows. A cell of no more rows is kept as it is; for another,
`cubature` finds positive weights that have the same moments. The loop here is plain numpy, and the definition
of the compiled one, `hand_cavi.data.condense.plane_compiled`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hand_cavi.data.condense.cells import MOST_CELLS
from hand_cavi.data.condense.condensed import PAYS, Condensed
from hand_cavi.data.condense.cubature import N_MOMENTS, N_NODES, cubature, products
from hand_cavi.data.condense.merging import merged
from hand_cavi.inputs import InputError, as_finite, as_positive

KEPT = N_NODES
"""Rows that a cell keeps. From fewer than about twice as many as moments, weights can seldom be positive."""

_BLOCK = 1 << 13  # rows of which the polynomials are held


@dataclass(frozen=True)
class PlaneGrid:
    """Parallelograms: x = origin + width frame u lies in the cell floor(u).

    Attributes
    ----------
    origin : tuple of float, length 2
        In units of x, amidst the data.
    frame : tuple of float, length 4
        A matrix, row by row, whose columns are the cells' edges at width 1, in units of x.
    width : float
    """

    origin: tuple[float, ...]
    frame: tuple[float, ...]
    width: float

    n_features: ClassVar[int] = 2
    rows_of_a_part: ClassVar[int] = 1 << 20  # long, for the rows that each part keeps are merged

    def __post_init__(self) -> None:
        if as_finite(self.origin, "origin").shape != (2,) or as_finite(self.frame, "frame").shape != (4,):
            raise InputError("a grid in the plane needs an origin of two numbers and a frame of four")
        if as_positive(self.width, "width").ndim or not np.isfinite(self.per_edge).all():
            raise InputError(f"width is {self.width!r}, or the frame has no inverse; give one number above 0")

    @classmethod
    def most_cells(cls, n_points: int) -> int:
        """Return the number of occupied cells at which to give up: beyond, it would not pay."""
        return max(1, min(MOST_CELLS, n_points // (PAYS * N_NODES)))

    @property
    def edges(self) -> np.ndarray:
        """The cells' edges, the columns of a matrix of shape (2, 2), in units of x."""
        return self.width * np.array(self.frame).reshape(2, 2)

    @property
    def per_edge(self) -> np.ndarray:
        """The inverse of `edges`; not finite if there is none."""
        (a, b), (c, d) = self.edges
        with np.errstate(all="ignore"):
            return np.array([[d, -b], [-c, a]]) / np.float64(a * d - b * c)

    @property
    def side(self) -> float:
        """The root of a cell's area, in units of x."""
        return float(abs(np.linalg.det(self.edges)) ** 0.5)

    @property
    def refined(self) -> "PlaneGrid":
        """Cells half as wide; sums over them need the data again."""
        return self.of_width(self.width / 2)

    def of_width(self, width: float) -> "PlaneGrid":
        """Return the same grid with another width."""
        return replace(self, width=width)

    def position(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the cell of each x, whole float64, and t, from -1 to 1 across it; all of shape (n, 2)."""
        per_edge, away = self.per_edge, x - self.origin
        u = away[..., :1] * per_edge[:, 0] + away[..., 1:] * per_edge[:, 1]
        cell = np.floor(u) + 0.0  # no -0
        return cell, 2 * (u - cell) - 1

    def place(self, cell: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return x, shape (..., 2), of t in a cell."""
        return self.origin + (cell + (t + 1) / 2) @ self.edges.T

    def sums(self, rows: np.ndarray, weight: np.ndarray | None, most: int) -> "PlaneSums | int | None":
        """Return sums over rows, shape (n, 2); or the first that cannot be used; or None: too many cells."""
        parts = []
        for start in range(0, len(rows), _BLOCK):
            x = rows[start : start + _BLOCK].astype(np.float64)
            w = np.ones(len(x)) if weight is None else weight[start : start + _BLOCK].astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                cell, t = self.position(x)
            bad = ~(np.isfinite(cell).all(axis=1) & np.isfinite(w) & (w >= 0))
            if bad.any():
                return start + int(np.argmax(bad))
            parts.append(self._block(x[w > 0], w[w > 0], cell[w > 0], t[w > 0], len(x)))
            if len(parts[0].cell) > most:
                return None
            if len(parts) > 1:
                parts = [merged(parts)]
        return parts[0] if len(parts[0].cell) <= most else None

    def _block(
        self, x: np.ndarray, w: np.ndarray, cell: np.ndarray, t: np.ndarray, n_points: int
    ) -> "PlaneSums":
        cells, here = np.unique(_as_keys(cell), return_inverse=True)
        moments = np.zeros((len(cells), N_MOMENTS))
        np.add.at(moments, here, w[:, np.newaxis] * products(t))
        order = np.argsort(here, kind="stable")
        n_rows = np.bincount(here, minlength=len(cells))
        order = order[_ranks(n_rows) < KEPT]
        return PlaneSums(self, _as_cells(cells), moments, n_rows, x[order], w[order], n_points)


@dataclass(frozen=True, eq=False)
class PlaneSums:
    """What the cells of a grid hold; C occupied cells, V kept rows.

    Attributes
    ----------
    grid : PlaneGrid
    cell : ndarray, shape (C, 2)
        Which cells, in order: whole numbers as float64.
    moments : ndarray, shape (C, 36)
        sum w T_i(t_1) T_j(t_2) over the cell's points, i + j <= 7.
    n_rows : ndarray of int, shape (C,)
        Rows in the cell of weight above 0.
    row, row_weight : ndarray, shapes (V, 2) and (V,)
        The first `KEPT` rows of every cell, cell by cell in order, with their weights.
    n_points : int
        Rows read, those of weight 0 too.
    """

    grid: PlaneGrid
    cell: np.ndarray
    moments: np.ndarray
    n_rows: np.ndarray
    row: np.ndarray
    row_weight: np.ndarray
    n_points: int

    def __add__(self, other: "PlaneSums") -> "PlaneSums":
        """Return the sums over both data sets."""
        return merged([self, other])

    @property
    def total_weight(self) -> float:
        """The points' summed weight."""
        return float(self.moments[:, 0].sum())

    def joined(self, parts: Sequence["PlaneSums"]) -> "PlaneSums":
        """Return the sums over all parts, which are on this grid, added in their order."""
        keys = [_as_keys(part.cell) for part in parts]
        cells = np.unique(np.concatenate(keys))
        places = [np.searchsorted(cells, key) for key in keys]
        moments, n_rows = np.zeros((len(cells), N_MOMENTS)), np.zeros(len(cells), dtype=np.int64)
        for here, part in zip(places, parts, strict=True):
            moments[here] += part.moments
            n_rows[here] += part.n_rows
        # The k-th row that a part keeps of a cell comes after all rows of this cell in the parts before.
        first = np.concatenate([[0], np.cumsum(np.minimum(n_rows, KEPT))])
        row, row_weight, before = np.empty((first[-1], 2)), np.empty(first[-1]), np.zeros_like(n_rows)
        for here, part in zip(places, parts, strict=True):
            kept = np.minimum(part.n_rows, KEPT)
            rank = np.repeat(before[here], kept) + _ranks(kept)
            stays = rank < KEPT
            target = (np.repeat(first[here], kept) + rank)[stays]
            row[target], row_weight[target] = part.row[stays], part.row_weight[stays]
            before[here] += part.n_rows
        n_points = sum(part.n_points for part in parts)
        return PlaneSums(self.grid, _as_cells(cells), moments, n_rows, row, row_weight, n_points)

    def condensed(self) -> Condensed:
        """Return the weighted points that stand for the data."""
        grid, full = self.grid, self.n_rows > KEPT
        of_full = np.repeat(full, np.minimum(self.n_rows, KEPT))
        rows = self.row[of_full].reshape(-1, KEPT, 2)
        cell = self.cell[full]
        which, t, weight, residual = cubature(
            self.moments[full], 2 * ((rows - grid.origin) @ grid.per_edge.T - cell[:, np.newaxis]) - 1
        )
        return Condensed(
            x=np.concatenate([grid.place(cell[which], t), self.row[~of_full]]),
            weight=np.concatenate([weight, self.row_weight[~of_full]]),
            n_points=self.n_points,
            total_weight=self.total_weight,
            width=grid.side,
            exact=not full.any(),
            residual=float(residual.max(initial=0.0)),
        )


def _as_keys(cell: np.ndarray) -> np.ndarray:
    """Return each cell, shape (n, 2), as one number, which numpy orders by its first part and its second."""
    return np.ascontiguousarray(cell).view(np.complex128)[:, 0]


def _as_cells(keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(keys).view(np.float64).reshape(-1, 2)


def _ranks(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, ..., n - 1 for every n in counts, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
