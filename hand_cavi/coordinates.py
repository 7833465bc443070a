"""Coordinates in which the arithmetic is well conditioned.

Raw second moments cancel when data sit far from 0. So the data are centred and scaled at the
door, x' = (x - shift) / scale, the prior is restated in the same coordinates, and the result is
stated in the user's coordinates again at the exit. Densities of x change by the volume factor
alone: log p(x) = log p'(x') - sum_i w_i log_volume.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Coordinates:
    """The map x' = (x - shift) / scale.

    Attributes
    ----------
    shift : ndarray, shape (D,)
    scale : ndarray, shape (D,)
        Positive.
    """

    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def identity(cls, n_features: int) -> Self:
        """Return the map that changes nothing."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x in these coordinates; shape (..., D) stays."""
        return (x - self.shift) / self.scale

    @property
    def inverse(self) -> "Coordinates":
        """The map from these coordinates back to the user's."""
        return Coordinates(-self.shift / self.scale, 1 / self.scale)

    @property
    def log_volume(self) -> float:
        """Log |dx / dx'|, the sum of the log scales."""
        return float(np.log(self.scale).sum())
