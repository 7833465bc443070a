"""What condensing returns, and how data come to it: arrays or blocks of rows, read a piece at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.inputs import InputError, as_numbers

PAYS = 4
"""Points to a node, below which condensing does not pay."""

Blocks = Iterable[tuple[np.ndarray, np.ndarray | None]]
"""Rows, shape (n,) or (n, D), each block with its weights, shape (n,), or None: one for each row."""


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
        Of the grid's cells, in units of x, in the plane the root of their area; None where there was no grid.
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
    exact: bool
    residual: float = 0.0

    @property
    def pays(self) -> bool:
        """Whether there are at least four points to a node."""
        return PAYS * len(self.x) <= self.n_points


def is_array(x: object) -> bool:
    """Return whether x is one array, or a list of numbers, and not an iterable of blocks."""
    if isinstance(x, list | tuple) and len(x) and isinstance(x[0], tuple):
        return not (len(x[0]) == 2 and hasattr(x[0][0], "__array__"))
    return hasattr(x, "__array__") or isinstance(x, list | tuple)


def as_blocks(
    x: ArrayLike | Blocks, sample_weight: ArrayLike | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield rows, shape (n, D), with their weights, shape (n,), or None; nothing is copied.

    Raises
    ------
    InputError
        If they are not real numbers, or their shapes do not fit.
    """
    if is_array(x):
        rows = _as_rows(x)
        yield rows, _as_weight(sample_weight, len(rows))
        return
    if sample_weight is not None:
        raise InputError("sample_weight stands beside an array; an iterable yields (rows, weight) by itself")
    for block, weight in cast(Blocks, x):
        if len(block):
            rows = _as_rows(block)
            yield rows, _as_weight(weight, len(rows))


def check_values(rows: np.ndarray, weight: np.ndarray | None, first_row: int) -> None:
    """Raise InputError if a value is not finite, or a weight is negative or not finite.

    Parameters
    ----------
    rows : ndarray, shape (n, D)
    weight : ndarray, shape (n,), or None
    first_row : int
        The number of the first of these rows in all the data.
    """
    if weight is not None:
        bad = ~(np.isfinite(weight) & (weight >= 0))
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"sample_weight is {weight[row]} in row {first_row + row}; "
                "weights are finite and not negative"
            )
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"the data hold {rows[row, column]} in row {first_row + row}, column {column} (counted from 0); "
            "remove the point or fill in the value"
        )


def _as_rows(x: ArrayLike | Blocks) -> np.ndarray:
    rows = as_numbers(x, "the data")
    if rows.ndim == 1:
        rows = rows[:, np.newaxis]
    if rows.ndim != 2:
        raise InputError(f"the data have {rows.ndim} axes; give points as (N,) or (N, D)")
    if rows.size == 0:
        raise InputError(f"the data have shape {rows.shape}; give at least one point and one feature")
    return rows


def _as_weight(sample_weight: ArrayLike | None, n_points: int) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weight = as_numbers(sample_weight, "sample_weight")
    if weight.shape != (n_points,):
        raise InputError(f"sample_weight has shape {weight.shape}; {n_points} points need ({n_points},)")
    return weight
