"""Proposals: mixtures of conjugate posteriors given a grouping of the points, averaged over all namings.

The density is in docs/mathematics.md, section 6; the last entry of a sum G_a is the number of points N_a.
Groupings drawn from the posterior make it the Rao-Blackwellised posterior itself; a CAVI optimum's expected
sums make it CAVI's q, symmetrised; sums shrunk by a < 1 make it broader; sums of 0 make it the prior.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from experiments.posterior.symmetrised import log_factorial, log_permanent, over_sets
from experiments.records import Draws, Problem
from experiments.references._scaled import ScaledProblem, draws_given
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.numerics.special import logsumexp

MAX_COMPONENTS = 10
"""K up to which permanents of many matrices are affordable."""

MAX_COMPONENTS_ORDERED = 7
"""K up to which all K! namings are listed, where they are not equally probable."""

DEFENCE = 0.05
"""The prior's share of every proposal."""

_LARGEST = 5_000_000
"""Points times components."""

_BLOCK = 1 << 20  # numbers held at once: 8 MB


def infeasible(problem: Problem) -> str | None:
    """Return None if draws from a proposal can be weighed, else why not."""
    mixture, n_points = problem.mixture, len(problem.x)
    most = MAX_COMPONENTS if mixture.weights.exchangeable else MAX_COMPONENTS_ORDERED
    if mixture.n_components > most:
        return (
            f"averaging a proposal over all namings of {mixture.n_components} components is not feasible; "
            f"the most is {most} for these weights"
        )
    if n_points * mixture.n_components > _LARGEST:
        return (
            f"{n_points:,} rows and {mixture.n_components} components take too long for thousands of "
            f"draws; condense the data, so that points times components are at most {_LARGEST:,}"
        )
    return None


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mixture over groupings, from which one can draw and whose density is exact."""

    target: ScaledProblem
    sums: np.ndarray  # (J, K, P): each grouping's G_a, which need not come from whole points
    share: np.ndarray  # (J,), sums to 1

    @cached_property
    def _posterior(self) -> ConjugateFamily:
        """The q_a of all groupings in a row, J K of them."""
        return self.target.prior.updated(self.sums.reshape(-1, self.sums.shape[-1]))

    @cached_property
    def _namings(self) -> np.ndarray:
        """All namings, shape (K!, K)."""
        return np.array(list(permutations(range(self.sums.shape[1]))))

    @cached_property
    def _log_naming(self) -> np.ndarray:
        """Log m(N_s) of every grouping and naming, shape (J, K!); (J, 1) where all are equal."""
        weights, counts = self.target.mixture.weights, self.sums[..., -1]
        if weights.exchangeable:
            return weights.log_marginal(counts)[:, np.newaxis] + log_factorial(counts.shape[1])
        return weights.log_marginal(counts[:, self._namings])

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n independent draws, arrays (n, K, ...) in the target's coordinates."""
        grouping = rng.choice(len(self.share), size=n, p=self.share)
        sums = np.take_along_axis(self.sums[grouping], self._draw_namings(rng, grouping)[..., np.newaxis], 1)
        posterior = self.target.prior.updated(sums.reshape(-1, sums.shape[-1]))
        return draws_given(rng, posterior, self.target.mixture.weights, sums[..., -1])

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return the log density of draws in the target's coordinates, arrays (S, K, ...), shape (S,)."""
        n_draws = len(next(iter(draws.values())))
        weights, prior = self.target.mixture.weights, self.target.prior
        log_measure = np.sum(prior.log_measure(draws) + np.zeros(self.sums.shape[1]), axis=-1)
        phi, log_pi = prior.phi(draws), weights.log_weights(draws, n_draws)
        with np.errstate(divide="ignore"):
            constant = np.log(self.share) - logsumexp(self._log_naming, axis=1)
        total = np.empty(n_draws)
        size = max(1, _BLOCK // (len(self.share) * self.sums.shape[1] ** 2))
        for start in range(0, n_draws, size):
            block = slice(start, start + size)
            total[block] = logsumexp(self._log_permanents(phi[block], log_pi[block]) + constant, axis=1)
        return total + log_measure + weights.log_density(draws, n_draws)

    def _log_permanents(self, phi: np.ndarray, log_pi: np.ndarray) -> np.ndarray:
        """Return log perm[q_a(theta_k) pi_k^{N_a}] but for theta's measure; (S, K, P), (S, K) to (S, J)."""
        n_groupings, n_components, n_statistics = self.sums.shape
        natural = self._posterior.natural.reshape(n_groupings, n_components, n_statistics)
        log_z = self._posterior.log_z.reshape(n_groupings, n_components)
        counts = self.sums[..., -1]
        matrix = np.empty((n_components, n_components, len(phi), n_groupings))
        for a in range(n_components):
            for k in range(n_components):
                matrix[a, k] = phi[:, k] @ natural[:, a].T
                matrix[a, k] += np.multiply.outer(log_pi[:, k], counts[:, a])
            matrix[a] -= log_z[:, a]
        return log_permanents(matrix.reshape(n_components, n_components, -1)).reshape(-1, n_groupings)

    def _draw_namings(self, rng: np.random.Generator, grouping: np.ndarray) -> np.ndarray:
        """Draw a naming for each of n groupings, given by their indices, shape (n, K)."""
        n_components = self.sums.shape[1]
        if self.target.mixture.weights.exchangeable:
            return rng.permuted(np.tile(np.arange(n_components), (len(grouping), 1)), axis=1)
        namings = np.empty((len(grouping), n_components), dtype=np.intp)
        for j in np.unique(grouping):
            here = np.flatnonzero(grouping == j)
            chance = np.exp(self._log_naming[j] - logsumexp(self._log_naming[j]))
            namings[here] = self._namings[rng.choice(len(chance), size=len(here), p=chance / chance.sum())]
        return namings


def with_prior(target: ScaledProblem, sums: np.ndarray, share: np.ndarray) -> Proposal:
    """Return the proposal with these groupings, (J, K, P), and shares, (J,), and a twentieth of the prior."""
    share = np.append((1 - DEFENCE) * share / share.sum(), DEFENCE)
    return Proposal(target, np.concatenate([sums, np.zeros_like(sums[:1])]), share)


def groupings_afforded(n_components: int) -> int:
    """Return how many groupings a proposal takes: 200, or fewer where permanents are dear."""
    return int(np.clip(20_000 // (n_components << n_components), 20, 200))


def log_permanents(log_matrix: np.ndarray) -> np.ndarray:
    """Return log permanents: `posterior.symmetrised.log_permanent`, several times as fast for many matrices.

    The matrices, shape (K, K, B), are overwritten. Rows and columns are scaled to a largest entry of 1, so
    that the recursion over sets can add and multiply instead of adding logs. The few permanents that are lost
    below the smallest float are done in logs.
    """
    n_components = len(log_matrix)
    scale = np.zeros(log_matrix.shape[2])
    for axis in (1, 0):
        top = log_matrix.max(axis=axis, keepdims=True)
        log_matrix -= top
        scale += top.sum(axis=(0, 1))
    matrix = np.exp(log_matrix)
    permanent = np.empty_like(scale)
    size = max(1, (_BLOCK >> 4) >> n_components)  # the recursion's arrays stay in the processor's cache
    for start in range(0, len(scale), size):
        block = slice(start, start + size)
        permanent[block] = over_sets(matrix[..., block], plus=np.add, times=np.multiply, zero=0.0, one=1.0)
    lost = permanent < 1e-290
    permanent[lost] = 1.0
    log_permanents = np.log(permanent) + scale
    if lost.any():
        in_logs = log_permanent(log_matrix[..., lost].transpose(2, 0, 1))
        log_permanents[lost] = in_logs + scale[lost]
    return log_permanents
