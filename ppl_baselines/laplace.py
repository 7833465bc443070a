"""Laplace's approximation: a Gaussian at a mode of log p(x, u), with the curvature there.

q(u) = N(m, (-H)^-1),    H = d^2 log p(x, u) / du du' at the mode m

log p(x) ~ log p(x, m) + (P/2) log 2 pi - (1/2) log det(-H)

Mode and curvature are those of the density without constraints, u, so that the Jacobian of theta = g(u) is in
them; in other coordinates they are others. Of several modes the one of the highest estimate of log p(x) is
taken: a higher but narrower one has less mass. MacKay (1998) tells why free coordinates are kind to it.

Letters: P unconstrained numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import solve_triangular

from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.optimise import Maximum, climb, settle
from ppl_baselines.unconstrained import Coordinates

STEPS = 1000
"""Of L-BFGS from each start, at most."""

_SAME_HEIGHT = 1e-6
"""Ends whose values differ by less are numberings of each other, or as good: one of them is enough."""


class Density(Protocol):
    """A log density without constraints, such as `ppl_baselines.pymc.log_density.LogDensity`."""

    @property
    def coordinates(self) -> Coordinates:
        """The layout of u."""

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log p(x, u) and its gradient, shape (P,)."""

    def hessian(self, u: np.ndarray) -> np.ndarray:
        """Return its second derivatives, shape (P, P)."""


@dataclass(frozen=True)
class LaplaceResult:
    """What was found.

    Attributes
    ----------
    approximation : GaussianApproximation or None
        None if no end of a start is a maximum with a positive definite curvature.
    log_evidence : float
        The estimate of log p(x) by this one mode, in nats; NaN if there is none.
    settled : bool
        Whether a Newton step on would gain nothing.
    heights : ndarray, shape (starts,)
        log p(x, u) where each start ended; -inf where it failed.
    flat : int
        Distinct ends whose curvature is not positive definite.
    least_curvature : float
        The smallest eigenvalue of -H among those.
    """

    approximation: GaussianApproximation | None
    log_evidence: float
    settled: bool
    heights: np.ndarray
    flat: int
    least_curvature: float


def run(density: Density, starts: Sequence[Mapping[str, np.ndarray]]) -> LaplaceResult:
    """Climb from every start, and approximate at the mode of the most mass.

    Parameters
    ----------
    density : Density
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``.

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model.
    """
    flat_starts = density.coordinates.flat_starts(starts)
    ends = [climb(density.value_and_gradient, start, STEPS) for start in flat_starts]
    heights = np.array([value for _, value in ends])
    maxima = [settle(density.value_and_gradient, density.hessian, u) for u in _distinct(ends)]
    there = [one for one in maxima if one.positive]
    eigenvalues = [_least(one.curvature) for one in maxima if not one.positive]
    best = max(there, key=log_evidence, default=None)
    return LaplaceResult(
        None
        if best is None
        else GaussianApproximation(best.at, _factor(best), density.coordinates, maximises=False),
        np.nan if best is None else log_evidence(best),
        best is not None and best.settled,
        heights,
        len(eigenvalues),
        min(eigenvalues, default=np.nan),
    )


def log_evidence(mode: Maximum) -> float:
    """Return Laplace's estimate of log p(x) by one mode, in nats."""
    log_determinant = np.linalg.slogdet(mode.curvature)[1]
    return float(mode.value + 0.5 * mode.at.size * np.log(2 * np.pi) - 0.5 * log_determinant)


def _distinct(ends: list[tuple[np.ndarray, float]]) -> list[np.ndarray]:
    """Return one end of each height, the highest first; none of those that failed."""
    kept: list[tuple[np.ndarray, float]] = []
    for u, value in sorted(ends, key=lambda end: -end[1]):
        new = not kept or kept[-1][1] - value > _SAME_HEIGHT * max(1.0, abs(value))
        if np.isfinite(value) and new:
            kept.append((u, value))
    return [u for u, _ in kept]


def _factor(mode: Maximum) -> np.ndarray:
    """Return L, lower triangular, of the covariance L L' = curvature^-1."""
    inverse = solve_triangular(np.linalg.cholesky(mode.curvature), np.eye(mode.at.size), lower=True)
    return np.linalg.cholesky(inverse.T @ inverse)


def _least(curvature: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(curvature)[0]) if np.isfinite(curvature).all() else -np.inf
