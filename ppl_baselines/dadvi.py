"""Deterministic ADVI: mean-field q on M draws that are fixed, so that an optimiser of functions does it.

F_M(m, rho) = (1/M) sum_s log p(x, m + e^rho z_s) + sum rho + (P/2)(1 + log 2 pi),    z_s ~ N(0, I) fixed

Giordano, Ingram & Broderick (2024); but draws come in pairs, z and -z, with which means of symmetric
posteriors are exact, at the price of variances that have the error of half as many draws.

A maximum of F_M is found to the last digit and has second derivatives, which give two things that stochastic
gradients do not. First, what fixing the draws costs: with H = -F_M'' and S the covariance of the gradient of
one of J = M/2 pairs, the optimum has sampling covariance H^-1 S H^-1 / J, and falls short of the best F by
about tr(H^-1 S) / (2J) nats. M grows until that is small. Second, linear response: the covariance of u is the
block of m in H^-1, which has what mean field leaves out (Giordano, Broderick & Jordan 2018).

Letters: P unconstrained numbers, M fixed draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.laplace import Density
from ppl_baselines.optimise import Maximum, climb, settle

SCREENING = 50
"""Steps of L-BFGS from every start before they are ranked."""

STEPS = 1000

FIRST_SD = 0.1
"""Of every coordinate, at the starts."""

_HEADROOM = 1.2
"""More draws than the loss at hand asks for, since it is itself an estimate."""


@dataclass(frozen=True)
class Objective:
    """F_M of one density, at (m, rho) end to end, shape (2P,); z has shape (M, P)."""

    density: Density
    z: np.ndarray

    @classmethod
    def of(cls, density: Density, n_draws: int, seed: int) -> Self:
        """Fix M draws, one more if that is odd; the first of them are those of a smaller M."""
        half = np.random.default_rng(seed).standard_normal(((n_draws + 1) // 2, density.coordinates.size))
        return cls(density, np.stack([half, -half], axis=1).reshape(-1, half.shape[1]))

    def value_and_gradient(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Return F_M and its gradient, shape (2P,); not finite where a draw's density is not."""
        values, gradients = self.by_draw(at)
        return float(values.mean()), gradients.mean(axis=0)

    def by_draw(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the terms of each draw, shape (M,), and their gradients, shape (M, 2P)."""
        size = self.z.shape[1]
        rho = at[size:]
        away = self.away(at)
        found = [self.density.value_and_gradient(u) for u in at[:size] + away]
        slope = np.array([gradient for _, gradient in found])
        entropy = rho.sum() + 0.5 * size * (1 + np.log(2 * np.pi))
        return np.array([value for value, _ in found]) + entropy, np.hstack([slope, slope * away + 1])

    def away(self, at: np.ndarray) -> np.ndarray:
        """Return e^rho z, shape (M, P)."""
        with np.errstate(over="ignore"):
            return np.exp(at[self.z.shape[1] :]) * self.z

    def hessian(self, at: np.ndarray) -> np.ndarray:
        """Return the second derivatives, shape (2P, 2P), from those of log p at every draw."""
        size = self.z.shape[1]
        away = self.away(at)
        total = np.zeros((2 * size, 2 * size))
        for u, w in zip(at[:size] + away, away, strict=True):
            h = self.density.hessian(u)
            total += np.block([[h, h * w], [(h * w).T, h * np.outer(w, w)]])
            total[size:, size:] += np.diag(self.density.value_and_gradient(u)[1] * w)
        return total / len(self.z)


@dataclass(frozen=True)
class DadviResult:
    """What was found.

    Attributes
    ----------
    approximation : GaussianApproximation or None
        Mean field; None if every start failed.
    linear_response : GaussianApproximation or None
        The same mean with the covariance by linear response.
    outcome : {"converged", "max_steps", "undecided", "not_finite"}
        ``undecided``: M draws, the most that were allowed, leave more than the tolerance.
    n_draws : int
        M.
    loss : float
        Nats of F that fixing the draws costs, about.
    error_of_means : float
        The largest sampling error of a mean, in q's sds.
    heights : ndarray, shape (starts,)
        F_M after the screening; -inf where a start failed.
    """

    approximation: GaussianApproximation | None
    linear_response: GaussianApproximation | None
    outcome: Literal["converged", "max_steps", "undecided", "not_finite"]
    n_draws: int
    loss: float
    error_of_means: float
    heights: np.ndarray


def run(
    density: Density,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    seed: int,
    n_draws: int = 30,
    most_draws: int = 1000,
    tolerance: float = 0.05,
    keep: int = 2,
) -> DadviResult:
    """Fit from every start, go on from the best, and add draws until they cost little.

    Parameters
    ----------
    density : Density
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``.
    seed : int
        Of the fixed draws.
    n_draws, most_draws : int
        M at first, and at most.
    tolerance : float
        Nats of F that fixing the draws may cost.
    keep : int
        Starts that go on after the screening.

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model.
    """
    size = density.coordinates.size
    objective = Objective.of(density, n_draws, seed)
    begun = [
        np.concatenate([u, np.full(size, np.log(FIRST_SD))]) for u in density.coordinates.flat_starts(starts)
    ]
    screened = [climb(objective.value_and_gradient, at, SCREENING) for at in begun]
    heights = np.array([value for _, value in screened])
    kept = [screened[i][0] for i in np.argsort(-heights)[:keep] if np.isfinite(heights[i])]
    ends = [climb(objective.value_and_gradient, at, STEPS) for at in kept]
    if not ends:
        return DadviResult(None, None, "not_finite", n_draws, np.nan, np.nan, heights)
    at = max(ends, key=lambda end: end[1])[0]
    while True:
        found = settle(objective.value_and_gradient, objective.hessian, at)
        loss, error = _cost_of_fixing(objective, found)
        n_draws = len(objective.z)
        if not found.positive or loss <= tolerance or n_draws >= most_draws:
            break
        wanted = int(np.clip(_HEADROOM * n_draws * loss / tolerance, 2 * n_draws, most_draws))
        objective = Objective.of(density, wanted, seed)
        at = climb(objective.value_and_gradient, found.at, STEPS)[0]
    m, sd = found.at[:size], np.exp(found.at[size:])
    q = GaussianApproximation(m, np.diag(sd), density.coordinates)
    if not found.settled:
        return DadviResult(q, None, "max_steps", n_draws, loss, error, heights)
    covariance = np.linalg.inv(found.curvature)[:size, :size]
    response = GaussianApproximation(m, np.linalg.cholesky(covariance), density.coordinates, maximises=False)
    outcome: Literal["converged", "undecided"] = "converged" if loss <= tolerance else "undecided"
    return DadviResult(q, response, outcome, n_draws, loss, error, heights)


def _cost_of_fixing(objective: Objective, found: Maximum) -> tuple[float, float]:
    """Return nats of F, and the largest sampling error of a mean in sds; infinite where it is no maximum."""
    if not found.positive:
        return np.inf, np.inf
    size = objective.z.shape[1]
    of_pairs = objective.by_draw(found.at)[1].reshape(-1, 2, 2 * size).mean(axis=1)
    spread = of_pairs - of_pairs.mean(axis=0)
    moved = np.linalg.solve(found.curvature, spread.T)  # (2P, J)
    loss = float((moved * spread.T).sum()) / (2 * len(spread) ** 2)
    errors = np.sqrt((moved[:size] ** 2).sum(axis=1)) / len(spread)
    return loss, float((errors / np.exp(found.at[size:])).max())
