"""What a prior wants to know of the data: number, mean, variance and range, from one reading in pieces."""

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
        zeros = np.zeros(source.n_features)
        n, mean, square, low, high = 0.0, zeros, zeros, zeros + np.inf, zeros - np.inf
        for piece in source.pieces():
            rows, weight = np.asarray(piece.rows, dtype=np.float64), piece.weight
            size = float(len(rows))
            if weight is not None:
                rows, weight = rows[weight > 0], weight[weight > 0]
                with np.errstate(over="ignore"):
                    size = float(np.sum(weight))
            if size == 0:
                continue
            low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
            with np.errstate(over="ignore", invalid="ignore"):
                centre = rows.mean(axis=0) if weight is None else weight @ rows / size
                spread = rows.var(axis=0) if weight is None else weight @ (rows - centre) ** 2 / size
                shift, share = centre - mean, size / (n + size)
                mean = mean + shift * share
                square = square + spread * size + shift**2 * n * share
            n += size
        if n == 0:
            raise InputError("the weights are zero everywhere; at least one point must count")
        variance = np.where(low == high, 0.0, square / n)  # where rounding would leave a trace
        return cls(source.n_points, mean, variance, low, high, n)

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.mean)

    @property
    def is_finite(self) -> bool:
        """Whether every value is a finite number."""
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())
