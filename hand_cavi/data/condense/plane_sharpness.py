r"""How the plane is cut for a mixture: the shape of the cells, and how small they must be.

The cells' edges are those of a square in coordinates u in which the mean precision of the components is 1:
where all components are long and thin in the same direction, so are the cells. In these coordinates two
components cancel, as `sharpness` says, near the points x + i d e of any line; these are found on lines
through the means of both, along the difference of the means and along the two directions in which the
precisions differ most and least.

A square of edge h reaches h (|e_1| + |e_2|) in the direction e, and polynomials of a total degree below p do
on it what they do on an interval of this length. In the plane the share of a component's points that lie
within d of x, in its own standard deviations, is at most exp(-max(0, |x - m| - d)^2 / 2).

The error asked for is that of one cell. Those of many cells have either sign, and what is measured on the
data is some thousand times less.
"""

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.condense.cubature import SIDE
from hand_cavi.data.condense.sharpness import roots

TOLERANCE = 3e-7

_OUTWEIGHED = 3.0  # nats
_THINNEST = 1e-9  # the smaller curvature, as a share of the larger
_AT_ONCE = 1 << 18  # numbers held
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [1.0, 1.0]])


class Peaks:
    """Ln pi_k p_k, one paraboloid for each component: height - (x - mean)' precision (x - mean) / 2.

    Attributes
    ----------
    mean : ndarray, shape (K, 2)
    precision : ndarray, shape (K, 2, 2)
    height : ndarray, shape (K,)
    share : ndarray, shape (K,)
        Of the points.
    """

    def __init__(
        self, mean: np.ndarray, precision: np.ndarray, height: np.ndarray, share: np.ndarray
    ) -> None:
        self.mean, self.precision, self.height, self.share = mean, precision, height, share

    @classmethod
    def of(cls, components: ConjugateFamily, expected_log_weights: np.ndarray) -> "Peaks":
        """Read them off at six points, whatever the family's parameters are called.

        Parameters
        ----------
        components : ConjugateFamily
            K posteriors of a normal family with two features, in coordinates in which the data are about
            centred and of about unit spread.
        expected_log_weights : ndarray, shape (K,)
            E ln pi_k.
        """
        middle, right, left, up, down, corner = components.expected_log_likelihood(_CORNERS)
        first, second = 2 * middle - left - right, 2 * middle - up - down
        slope = np.stack([right - left, up - down], axis=1) / 2
        mixed = middle + slope.sum(axis=1) - (first + second) / 2 - corner
        precision = np.stack([first, mixed, mixed, second], axis=1).reshape(-1, 2, 2)
        with np.errstate(all="ignore"):
            inverse = np.stack([second, -mixed, -mixed, first], axis=1).reshape(-1, 2, 2)
            mean = np.einsum("kij,kj->ki", inverse, slope) / (first * second - mixed**2)[:, np.newaxis]
        height = middle + np.sum(mean * slope, axis=1) / 2 + expected_log_weights
        share = np.exp(expected_log_weights - expected_log_weights.max())
        return cls(mean, precision, height, share / share.sum())

    @property
    def usable(self) -> bool:
        """Whether every component is a paraboloid that opens downwards, not too thin to tell."""
        if not (np.isfinite(self.precision).all() and np.isfinite(self.mean).all()):
            return False
        least, most = np.linalg.eigvalsh(self.precision).T
        return bool((least > _THINNEST * most).all())

    def seen(self, edges: np.ndarray) -> "Peaks":
        """Return them in the coordinates u of x = edges u."""
        mean = np.linalg.solve(edges, self.mean[..., np.newaxis])[..., 0]
        return Peaks(mean, edges.T @ self.precision @ edges, self.height, self.share)

    def frame(self) -> np.ndarray:
        """Return the edges, shape (2, 2), in columns, of a square where the mean precision is 1."""
        mean = np.einsum("k,kij->ij", self.share, self.precision)
        return np.linalg.inv(np.linalg.cholesky(mean)).T

    def width(self, tolerance: float = TOLERANCE) -> float:
        """Return the edge of the squares that the mixture asks for, no more than the widest component's sd.

        Infinite if rounding has left no paraboloids.

        Parameters
        ----------
        tolerance : float
            Error of a mean over all points.
        """
        if not self.usable:
            return np.inf
        base, direction, k, l = self._lines()
        on_line = [self._on(base, direction, each) for each in (k, l)]
        widths = [float(np.linalg.eigvalsh(self.precision)[:, 0].min() ** -0.5)]
        for found in roots(*(np.array(each) for each in zip(*on_line, strict=True))):
            there = np.flatnonzero(np.isfinite(found))
            for start in range(0, len(there), rows := max(1, _AT_ONCE // len(self.mean))):
                n = there[start : start + rows]
                x = base[n] + found[n].real[:, np.newaxis] * direction[n]
                widths.append(self._asked(x, direction[n], np.abs(found[n].imag), k[n], tolerance))
        return min(widths)

    def _asked(self, x: np.ndarray, e: np.ndarray, d: np.ndarray, k: np.ndarray, tolerance: float) -> float:
        """Return the width that places x + i d e ask for, where the component k cancels another one."""
        away = x[:, np.newaxis] - self.mean
        square = np.einsum("nki,kij,nkj->nk", away, self.precision, away)
        along = np.einsum("ni,kij,nj->nk", e, self.precision, e) * d[:, np.newaxis] ** 2
        rho = self.height - (square - along) / 2
        near = rho.max(axis=1) - rho[np.arange(len(k)), k] <= _OUTWEIGHED
        share = np.exp(-(np.maximum(np.sqrt(square) - np.sqrt(along), 0) ** 2) / 2) @ self.share
        with np.errstate(divide="ignore"):
            needed = np.log(share / tolerance)
        matters = near & (needed > 0)
        reach = np.abs(e[matters]).sum(axis=1)
        return float(np.min(2 * d[matters] / np.sinh(needed[matters] / SIDE) / reach, initial=np.inf))

    def _lines(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return points and directions, shape (n, 2), of lines, and for which two components they are."""
        k, l = np.triu_indices(len(self.mean), 1)
        between = self.mean[l] - self.mean[k]
        differ = np.linalg.eigh(self.precision[l] - self.precision[k])[1]
        directions = [between, differ[:, :, 0], differ[:, :, 1]]
        length = np.linalg.norm(between, axis=1, keepdims=True)
        directions[0] = np.where(length > 0, between / np.where(length > 0, length, 1.0), differ[:, :, 0])
        base = np.concatenate([self.mean[k]] * 3 + [self.mean[l]] * 2)
        return base, np.concatenate(directions + directions[1:]), np.tile(k, 5), np.tile(l, 5)

    def _on(
        self, base: np.ndarray, direction: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean, sd and log weight of a component on each line, where it is a parabola."""
        precision, away = self.precision[which], base - self.mean[which]
        along = np.einsum("ni,nij,nj->n", direction, precision, direction)
        slope = -np.einsum("ni,nij,nj->n", direction, precision, away)
        mean, sd = slope / along, along**-0.5
        height = self.height[which] - np.einsum("ni,nij,nj->n", away, precision, away) / 2 + mean * slope / 2
        return mean, sd, height + np.log(sd)
