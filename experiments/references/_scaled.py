"""The posterior that proposals are held against, in coordinates that are kind to arithmetic.

Ratios of densities do not care about coordinates, so importance and bridge sampling work in the family's
own (`hand_cavi.numerics.coordinates`) throughout, and only draws that leave are stated in the data's units.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from experiments.records import Draws, Problem
from hand_cavi import FixedWeights, Mixture
from hand_cavi.ascent.ascend import StoppingRule, ascend
from hand_cavi.ascent.preparing import in_coordinates
from hand_cavi.ascent.starts import propose
from hand_cavi.ascent.sweep import Task, init
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import softmax_rows
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.weights.mixing import MixingWeights

_RULE = StoppingRule(max_sweeps=500, tolerance=0.0, patience=2, tolerance_nats=1e-4)
"""A proposal needs no optimum to the last digit."""

_SAME = 0.02
"""Two optima are one if no component's sums of T(x) differ by more than this share of their size."""

_BLOCK = 1 << 17  # numbers held at once by log_joint: 1 MB stays in the processor's cache


@dataclass(frozen=True)
class ScaledProblem:
    """A problem in inner coordinates, to which `coordinates` lead from the data's units."""

    mixture: Mixture
    x: np.ndarray  # (N, D)
    weight: np.ndarray  # (N,): how many points each row stands for
    coordinates: Coordinates

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Return a problem in the coordinates that its family picks."""
        weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
        prior, x, coordinates = in_coordinates(problem.mixture, problem.x, weight)
        inner = Mixture(prior, problem.mixture.weights, problem.mixture.n_components)
        return cls(inner, x, weight, coordinates)

    @property
    def prior(self) -> ConjugateFamily:
        """The prior of a component."""
        return self.mixture.components

    @cached_property
    def statistics(self) -> np.ndarray:
        """T(x_i), shape (N, P)."""
        return self.prior.statistics(self.x)

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta, pi), shape (S,): a density of x in the data's units, of theta in these.

        `hand_cavi.log_joint`, several times as fast: components are the first axis, so that sums over them
        are sums of long arrays.
        """
        n_draws, n_components = len(next(iter(draws.values()))), self.mixture.n_components
        weights, phi = self.mixture.weights, self.prior.phi(draws)
        log_pi = weights.log_weights(draws, n_draws)
        log_prior = np.sum(self.prior.log_density(draws), axis=1) + weights.log_density(draws, n_draws)
        log_likelihood = np.empty(n_draws)
        size = max(1, _BLOCK // (len(self.x) * n_components))
        for start in range(0, n_draws, size):
            block = slice(start, start + size)
            rho = np.stack([phi[block, k] @ self.statistics.T for k in range(n_components)])
            rho += log_pi[block].T[:, :, np.newaxis]  # (K, draws, N)
            top = rho.max(axis=0)
            rho -= top
            log_likelihood[block] = (np.log(np.exp(rho, out=rho).sum(axis=0)) + top) @ self.weight
        volume = float(self.weight.sum()) * self.coordinates.log_volume
        return log_prior + log_likelihood + (self.prior.log_base(self.x) @ self.weight - volume)

    def inner(self, draws: Draws) -> Draws:
        """Return draws, arrays (S, K, ...), in these coordinates."""
        outer_prior = self.prior.seen_from(self.coordinates.inverse)
        return outer_prior.draws_seen_from(self.coordinates, draws)[0]

    def outer(self, draws: Draws) -> Draws:
        """Return draws, arrays (S, K, ...), in the data's units."""
        return self.prior.draws_seen_from(self.coordinates.inverse, draws)[0]

    def allocate(self, rng: np.random.Generator, draws: Draws) -> np.ndarray:
        """Draw assignments given each draw of theta and pi, and return the share of each row, (S, N, K).

        A row of weight 1 goes to one component; one of weight w gives its points to components by a
        multinomial, and what is left of a weight that is no whole number to one of them.
        """
        n_draws = len(next(iter(draws.values())))
        phi, log_weights = self.prior.phi(draws), self.mixture.weights.log_weights(draws, n_draws)
        whole = np.floor(self.weight)
        rest = (self.weight - whole)[:, np.newaxis]
        weight = np.where(self.weight > 0, self.weight, 1.0)[:, np.newaxis]
        share = np.empty((n_draws, len(self.x), self.mixture.n_components))
        for s in range(n_draws):
            chance = softmax_rows(self.statistics @ phi[s].T + log_weights[s])[0]
            given = rng.multinomial(whole.astype(np.int64), chance).astype(np.float64)
            if rest.any():
                given += rest * rng.multinomial(1, chance)
            share[s] = np.where(self.weight[:, np.newaxis] > 0, given / weight, chance)
        return share

    def groupings(self, rng: np.random.Generator, draws: Draws) -> np.ndarray:
        """Draw assignments given each draw of theta, pi, and return their sums of w_i T(x_i), (S, K, P)."""
        weighted = self.weight[:, np.newaxis] * self.statistics
        n_draws = len(next(iter(draws.values())))
        each = ({name: values[s : s + 1] for name, values in draws.items()} for s in range(n_draws))
        return np.stack([self.allocate(rng, draw)[0].T @ weighted for draw in each])

    def optima(self, rng: np.random.Generator, n_starts: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct optima that CAVI finds, the best bound first, then those of fewer components.

        They are sums of w_i r_ik T(x_i), (M, K, P), 0 where a component is empty, and bounds, (M,), but for a
        constant; minus infinity with fewer components. Optima that differ by numbering are one.
        """
        found = self._ascents(self.mixture.weights, self.mixture.n_components, rng, n_starts)
        kept = self._distinct([*found, *((sums, -np.inf) for sums in self.emptied(rng, n_starts))])
        return np.array([sums for sums, _ in kept]), np.array([elbo for _, elbo in kept])

    def emptied(self, rng: np.random.Generator, n_starts: int) -> np.ndarray:
        """Return the optima of 1, ..., K - 1 components of equal weights beside empty ones, (M, K, P)."""
        n_components = self.mixture.n_components
        found = []
        for occupied in range(n_components - 1, 0, -1):
            few = 1 if occupied == 1 else max(2, n_starts // n_components)
            found += self._ascents(FixedWeights().for_components(occupied), occupied, rng, few)
        kept = np.array([sums for sums, _ in self._distinct(found)])
        return kept.reshape(-1, n_components, self.statistics.shape[1])

    def _distinct(self, found: list[tuple[np.ndarray, float]]) -> list[tuple[np.ndarray, float]]:
        kept: list[tuple[np.ndarray, float]] = []
        for one in found:
            if not any(self._same(one[0], other) for other, _ in kept):
                kept.append(one)
        return kept

    def _ascents(
        self, weights: MixingWeights, n_components: int, rng: np.random.Generator, n_starts: int
    ) -> list[tuple[np.ndarray, float]]:
        """Return where CAVI ends, the best bound first: sums (K, P), 0 beyond these components, and it."""
        task = Task(self.prior, weights, self.statistics, self.weight, 0.0)
        starts = propose(self.prior.landmarks(self.x), n_components, rng, n_starts, self.weight)
        ascents = [ascend(task, init(task, start.responsibilities), _RULE) for start in starts]
        ascents.sort(key=lambda ascent: -ascent.elbo)
        empty = ((0, self.mixture.n_components - n_components), (0, 0))
        return [
            (np.pad(ascent.state.assignments.sums, empty), ascent.elbo)
            for ascent in ascents
            if np.isfinite(ascent.elbo)
        ]

    def _same(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether two optima, (K, P) each, are the same but for the numbering of their components."""
        from scipy.optimize import linear_sum_assignment  # slow to import

        size = np.sqrt(self.weight @ self.statistics**2 * self.weight.sum()) + 1e-300
        distance = (np.abs(one[:, np.newaxis] - other) / size).max(axis=-1)
        return bool(distance[linear_sum_assignment(distance)].max() < _SAME)


def draws_given(
    rng: np.random.Generator, posterior: ConjugateFamily, weights: MixingWeights, counts: np.ndarray
) -> Draws:
    """Draw theta from posteriors of components, S K of them in a row, and pi given their counts, (S, K)."""
    theta = posterior.sample(rng, 1)
    draws = {name: values.reshape(*counts.shape, *values.shape[2:]) for name, values in theta.items()}
    different, which = np.unique(counts, axis=0, return_inverse=True)
    for i, count in enumerate(different):
        same = np.flatnonzero(which == i)
        for name, values in weights.updated(count).sample(rng, len(same)).items():
            draws.setdefault(name, np.empty((len(counts), *values.shape[1:])))[same] = values
    return draws
