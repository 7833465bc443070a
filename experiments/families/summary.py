"""What a prior wants to know of the data: number, mean, variance and range, from one reading in pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from hand_cavi import InputError
from hand_cavi.sources import Source, as_source


@dataclass(frozen=True)
class Summary:
    """Figures of all rows, (D,), exact but for rounding; the variance, over N, is infinite beyond float64.

    A row counts with its weight, as if it stood there so often; `n_points` is the number of rows,
    `total_weight` the sum of their weights.
    """

    n_points: int
    mean: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray
    total_weight: float

    @classmethod
    def of(cls, data: np.ndarray | Source) -> Self:
        """Read all rows once, in pieces; those merge as in Chan, Golub & LeVeque (1983)."""
        source = as_source(data)
        found = source.reduced(_of_part, _merged)
        if found.n == 0:
            raise InputError("the weights are zero everywhere; at least one point must count")
        variance = np.where(found.low == found.high, 0.0, found.square / found.n)  # no trace of rounding
        return cls(source.n_points, found.mean, variance, found.low, found.high, found.n)

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.mean)

    @property
    def is_finite(self) -> bool:
        """Whether every value is a finite number."""
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())


@dataclass(frozen=True)
class _Moments:
    """Summed weight, mean, sum of squares about it, and range, of some rows."""

    n: float
    mean: np.ndarray
    square: np.ndarray
    low: np.ndarray
    high: np.ndarray


def _of_part(part: Source, begins: int) -> _Moments:
    zeros = np.zeros(part.n_features)
    found = _Moments(0.0, zeros, zeros, zeros + np.inf, zeros - np.inf)
    for piece in part.pieces():
        rows, weight = np.asarray(piece.rows, dtype=np.float64), piece.weight
        size = float(len(rows))
        if weight is not None:
            rows, weight = rows[weight > 0], weight[weight > 0]
            with np.errstate(over="ignore"):
                size = float(np.sum(weight))
        if size == 0:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            centre = rows.mean(axis=0) if weight is None else weight @ rows / size
            spread = rows.var(axis=0) if weight is None else weight @ (rows - centre) ** 2 / size
            more = _Moments(size, centre, spread * size, rows.min(axis=0), rows.max(axis=0))
        found = _merged([found, more])
    return found


def _merged(parts: Sequence[_Moments]) -> _Moments:
    found = parts[0]
    for more in parts[1:]:
        if more.n == 0:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            n, shift = found.n + more.n, more.mean - found.mean
            share = more.n / n
            found = _Moments(
                n,
                found.mean + shift * share,
                found.square + more.square + shift**2 * found.n * share,
                np.minimum(found.low, more.low),
                np.maximum(found.high, more.high),
            )
    return found
