"""Covariances of functions of the parameters under q: what linear response asks of families and weights.

For functions g(theta) of a component, the covariance with its statistics is a derivative,

    Cov_q[g, phi] = d E_q[g] / d eta,

because q(theta) is proportional to exp(< eta, phi(theta) >). So one closed form of E_q[g] gives both, and no
Hessian of log Z has to be inverted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from hand_cavi.inputs import InputError


@dataclass(frozen=True)
class Moments:
    """First and second moments under q of functions g, laid end to end: Q numbers.

    "..." is the axis of the K components; for the weights, who have one g for all components, it is absent
    and the statistics are ln pi (P = K).

    Attributes
    ----------
    shapes : dict of str to tuple
        The functions by name, in the order in which they lie in g, and the shape of each.
    mean : ndarray, shape (..., Q)
        E_q[g].
    covariance : ndarray, shape (..., Q, Q)
        Cov_q[g]; infinite on the diagonal where a variance does not exist.
    with_statistics : ndarray, shape (..., Q, P)
        Cov_q[g, phi] = d E_q[g] / d eta.
    """

    shapes: dict[str, tuple[int, ...]]
    mean: np.ndarray
    covariance: np.ndarray
    with_statistics: np.ndarray

    @property
    def positions(self) -> dict[str, np.ndarray]:
        """Where each function lies in g: by name, indices in the function's own shape."""
        found, start = {}, 0
        for name, shape in self.shapes.items():
            found[name] = start + np.arange(prod(shape)).reshape(shape)
            start += prod(shape)
        return found


@dataclass(frozen=True)
class Joint:
    """Means and covariances of all functions of all components and of the weights: Q numbers.

    Attributes
    ----------
    shapes : mapping of str to tuple
        The functions by name, in the order in which they lie end to end, each of shape (K, ...).
    mean : ndarray, shape (Q,)
        E_q[g]: linear response leaves the means as they are.
    covariance : ndarray, shape (Q, Q)
        Cov_LR[g].
    under_q : ndarray, shape (Q, Q)
        Cov_q[g], what coordinate ascent says.
    with_u : ndarray, shape (Q, K P)
        Cov_q[g, u].
    """

    shapes: Mapping[str, tuple[int, ...]]
    mean: np.ndarray
    covariance: np.ndarray
    under_q: np.ndarray
    with_u: np.ndarray

    def span(self, name: str) -> slice:
        """Return where a function lies.

        Raises
        ------
        InputError
            If there is no function of this name.
        """
        if name not in self.shapes:
            raise InputError(f'there is no "{name}" in this mixture; there are {", ".join(self.shapes)}')
        start = 0
        for other, shape in self.shapes.items():
            if other == name:
                break
            start += prod(shape)
        return slice(start, start + prod(self.shapes[name]))


def diagonal(values: np.ndarray) -> np.ndarray:
    """Return diagonal matrices, (..., Q, Q), of values (..., Q)."""
    return values[..., np.newaxis] * np.eye(values.shape[-1])


def where_finite(exists: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return covariances (..., Q, Q) where they exist, (...), else infinite variances and NaN beside them."""
    none = np.where(np.eye(covariance.shape[-1], dtype=bool), np.inf, np.nan)
    return np.where(exists[..., np.newaxis, np.newaxis], covariance, none)


def join(first: Moments, second: Moments) -> Moments:
    """Return the moments of two functions laid end to end that are uncorrelated under q."""
    n, m = first.mean.shape[-1], second.mean.shape[-1]
    covariance = np.zeros((*first.mean.shape[:-1], n + m, n + m))
    covariance[..., :n, :n] = first.covariance
    covariance[..., n:, n:] = second.covariance
    return Moments(
        first.shapes | second.shapes,
        np.concatenate([first.mean, second.mean], axis=-1),
        covariance,
        np.concatenate([first.with_statistics, second.with_statistics], axis=-2),
    )


def block_diagonal(blocks: np.ndarray) -> np.ndarray:
    """Return the matrices (..., n A, n B) whose blocks on the diagonal are the given ones, (..., n, A, B)."""
    *leading, n, rows, columns = blocks.shape
    matrix = np.zeros((*leading, n, rows, n, columns))
    for i in range(n):
        matrix[..., i, :, i, :] = blocks[..., i, :, :]
    return matrix.reshape(*leading, n * rows, n * columns)
