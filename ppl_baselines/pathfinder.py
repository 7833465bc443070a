"""Pathfinder: along a quasi-Newton path to a mode, the Gaussian of the highest F.

At every point x_l of an L-BFGS path:  q_l(u) = N(x_l + H_l grad log p(x_l), H_l),
H_l = diag(a) + B G B',    B = [diag(a) Z, S],    S, Z: the last steps, and what they changed of -grad log p

Zhang, Carpenter, Gelman & Vehtari (2022), Algorithms 1 to 4, for as many paths as there are starts. Of each
path the q_l is kept whose F, by a few draws, is the highest: far from the mode of a density that has no
Gaussian shape, but in its mass. H_l is formed as a matrix, since P is some tens here.

Letters: P unconstrained numbers, J steps of the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.laplace import Density
from ppl_baselines.optimise import climb

HISTORY = 6
"""J, as in the paper."""

STEPS = 1000

OFF = 0.1
"""Of max(1, |u|), by which a start is moved at random that is a mode itself, from which no path leads."""

_LEAST_CURVATURE = 1e-12
"""Of s'z over z'z, below which a step is not taken into the history."""


@dataclass(frozen=True)
class Path:
    """The best Gaussian of a path.

    Attributes
    ----------
    approximation : GaussianApproximation or None
        None if the path failed.
    elbo, elbo_se : float
        F by the draws that chose it, -inf if the path failed; and its standard error.
    chosen, length : int
        Which point of the path it is of, counted from 0, and how many there are.
    """

    approximation: GaussianApproximation | None
    elbo: float
    elbo_se: float
    chosen: int
    length: int


def run(
    density: Density, starts: Sequence[Mapping[str, np.ndarray]], *, seed: int, draws: int = 20
) -> list[Path]:
    """Follow a path from every start.

    Parameters
    ----------
    density : Density
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``.
    seed : int
    draws : int
        From every Gaussian of a path, by which its F is estimated; the same random numbers along a path.

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model.
    """
    flat_starts = density.coordinates.flat_starts(starts)
    rngs = np.random.default_rng(seed).spawn(len(flat_starts))
    return [_follow(density, u, rng, draws) for u, rng in zip(flat_starts, rngs, strict=True)]


def _follow(density: Density, start: np.ndarray, rng: np.random.Generator, n_draws: int) -> Path:
    points = _points(density, start)
    if len(points) == 1:
        moved = start + OFF * np.maximum(1.0, np.abs(start)) * rng.standard_normal(start.size)
        points = _points(density, moved)
    z = rng.standard_normal((n_draws, start.size))
    best = Path(None, -np.inf, np.nan, 0, len(points))
    history = History(np.ones(start.size))
    before: tuple[np.ndarray, np.ndarray] | None = None
    for number, u in enumerate(points):
        slope = density.value_and_gradient(u)[1]
        if before is not None:
            history = history.after(u - before[0], before[1] - slope)
        before = u, slope
        inverse = history.inverse_hessian()
        try:
            factor = np.linalg.cholesky(inverse)
        except np.linalg.LinAlgError:
            continue
        q = GaussianApproximation(u + inverse @ slope, factor, density.coordinates)
        log_ratio = _log_ratio(density, q, z)
        if np.isfinite(log_ratio).all() and log_ratio.mean() > best.elbo:
            error = float(log_ratio.std(ddof=1) / np.sqrt(n_draws))
            best = Path(q, float(log_ratio.mean()), error, number, len(points))
    return best


def _points(density: Density, start: np.ndarray) -> list[np.ndarray]:
    points = [start]
    climb(density.value_and_gradient, start, STEPS, points.append)
    return points


def _log_ratio(density: Density, q: GaussianApproximation, z: np.ndarray) -> np.ndarray:
    """Return log p(x, u) - log q(u) at u = m + L z, shape (S,)."""
    u = q.mean + z @ q.factor.T
    log_p = np.array([density.value_and_gradient(one)[0] for one in u])
    return log_p - q.log_density_unconstrained(u)


@dataclass(frozen=True)
class History:
    """What a path knows of the curvature: the diagonal a, shape (P,), and steps s and z, each (P,)."""

    diagonal: np.ndarray
    steps: tuple[np.ndarray, ...] = ()
    changes: tuple[np.ndarray, ...] = ()

    def after(self, s: np.ndarray, z: np.ndarray) -> "History":
        """Return it after a step s that changed -grad log p by z (Gilbert & Lemarechal 1989)."""
        b = float(s @ z)
        if not b > _LEAST_CURVATURE * float(z @ z):
            return self
        a, c = float(z @ (self.diagonal * z)), float(s @ (s / self.diagonal))
        diagonal = 1 / (a / (b * self.diagonal) + z**2 / b - a * s**2 / (b * c * self.diagonal**2))
        return History(diagonal, (*self.steps, s)[-HISTORY:], (*self.changes, z)[-HISTORY:])

    def inverse_hessian(self) -> np.ndarray:
        """Return H, shape (P, P), of these steps by BFGS from the diagonal."""
        if not self.steps:
            return np.diag(self.diagonal)
        s, z = np.stack(self.steps, axis=1), np.stack(self.changes, axis=1)  # (P, J)
        products = s.T @ z
        scaled = self.diagonal[:, np.newaxis] * z
        inner = np.diag(np.diag(products)) + z.T @ scaled
        s_over_r = solve_triangular(np.triu(products), s.T).T  # S R^-T, R the upper triangle of S'Z
        crossed = s_over_r @ scaled.T
        found = np.diag(self.diagonal) - crossed - crossed.T + s_over_r @ inner @ s_over_r.T
        return (found + found.T) / 2
