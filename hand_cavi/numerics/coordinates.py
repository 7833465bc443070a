"""Coordinates in which the arithmetic is well conditioned.

Raw second moments cancel when data sit far from 0. So the data are centred and scaled when
they come in, x' = (x - shift) / scale, the prior is restated in the same coordinates, and the result is
stated in the user's coordinates again at the end. Densities of x change by the volume factor
alone: log p(x) = log p'(x') - sum_i w_i log_volume.

What this cannot mend: one shift serves all components, so that a component's width is still the difference
of squares of about its distance from the data's centre. Under a vague prior the relative error of the bound
grows with that, up to about eps (separation / width)^2 where eps = 2e-16. Measured for two components:
1e-11 a thousand widths apart, 3e-7 at 1e5, 2e-5 at a million; a test holds it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from hand_cavi.inputs import InputError

_FARTHEST = 1e140  # squares, and sums of many of them, stay below the largest float64


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

    @classmethod
    def centring(cls, x: np.ndarray, weight: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> Self:
        """Return the map that centres the data at their mean, with a scale that is given.

        Parameters
        ----------
        x : ndarray, shape (N, D)
        weight : ndarray, shape (N,)
        centre : ndarray, shape (D,)
            The prior's mean of x.
        scale : ndarray, shape (D,)
            The prior's own idea of a component's width.

        Raises
        ------
        InputError
            If the data lie so much farther out than the prior expects that float64 cannot hold the square.
        """
        share = weight / weight.sum()
        shift = share @ x
        shift = shift + share @ (x - shift)  # what the first sum rounded off
        farthest = np.abs(np.vstack([x, centre]) / 2 - shift / 2).max(
            axis=0
        )  # halves: the whole may overflow
        bad = farthest > _FARTHEST * scale
        if bad.any():
            d = int(np.argmax(bad))
            raise InputError(
                f"column {d} (counted from 0) reaches {farthest[d]:.3g} from its centre, but the prior "
                f"expects components about {scale[d]:.3g} wide; float64 cannot hold the square of the ratio: "
                "state the data or the prior in other units"
            )
        return cls(shift, scale)

    @classmethod
    def standardising(cls, x: np.ndarray, weight: np.ndarray, centre: np.ndarray, floor: np.ndarray) -> Self:
        """Return the map that centres the data and scales them to about unit spread.

        No scale falls much below `floor`, so that a constant column leaves the prior as it is. The
        scales are powers of two: neither scaling nor undoing it rounds anything. Parameters and errors
        are those of `centring`.
        """
        shift = cls.centring(x, weight, centre, floor).shift
        unit = np.maximum(np.abs(x - shift).max(axis=0), floor)
        spread = unit * np.sqrt(weight / weight.sum() @ ((x - shift) / unit) ** 2)
        return cls(shift, _power_of_two(np.maximum(spread, floor)))

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


def _power_of_two(scale: np.ndarray) -> np.ndarray:
    """Return the power of two next below each scale."""
    return np.ldexp(1.0, np.frexp(scale)[1] - 1)
