"""The symmetrised approximation: q averaged over all relabellings of the components.

An exchangeable posterior has K! copies of every mode; an approximation usually sits in one. What it
would be worth if it covered them all alike is told by

    q_sym(theta) = (1/K!) sum over permutations s of q(s theta),

and F(q_sym) = F(q) + KL(q, q_sym), where 0 <= KL <= ln K! (docs/mathematics.md, 5). Since p is
symmetric, draws from q serve: F(q_sym) = E_q[log p(x, theta) - log q_sym(theta)].

If q is a product over components, the sum is a permanent of the K x K matrix q_j(theta_k):

    sum over s of prod_j q_j(theta_s(j)) = perm,
    perm(A) = sum over k in A of perm(A without k) q_|A|(theta_k),      perm(nothing) = 1,

a recursion over the 2^K sets A of components that the first |A| factors take, in place of K! terms
(the dynamic programme of Bellman 1962 and Held & Karp 1962). Everything is in log space.
"""

from itertools import permutations
from math import lgamma
from typing import Protocol, runtime_checkable

import numpy as np

from experiments.posterior.draws import permuted
from experiments.records import Approximation, Draws
from hand_cavi import InputError, Mixture

MAX_COMPONENTS_COUPLED = 8
"""K up to which all K! relabellings are evaluated."""

MAX_COMPONENTS_FACTORISED = 12
"""K up to which the permanent is evaluated."""

_BLOCK = 1 << 22  # numbers held at once by the recursion: 32 MB


@runtime_checkable
class FactorisedApproximation(Protocol):
    """An approximation that is a product over components, and says so."""

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        """Return log q_k(theta_k), shape (S, K); they add up to ``log_density``.

        Term k depends on the k-th component of the draws alone.
        """


def log_factorial(n_components: int) -> float:
    """Return ln K!."""
    return lgamma(n_components + 1)


def why_not_exact(approximation: Approximation, mixture: Mixture) -> str | None:
    """Return why q_sym cannot be evaluated exactly, or None if it can."""
    n_components = mixture.n_components
    factorised = isinstance(approximation, FactorisedApproximation)
    most = MAX_COMPONENTS_FACTORISED if factorised else MAX_COMPONENTS_COUPLED
    if not mixture.weights.exchangeable or n_components <= most:
        return None
    return (
        f"averaging q over all relabellings of {n_components} components is not feasible (the most is {most} "
        f"here); the symmetrised bound lies between F and F + ln {n_components}! = "
        f"F + {log_factorial(n_components):.2f}"
    )


def log_q_symmetrised(approximation: Approximation, draws: Draws, mixture: Mixture) -> np.ndarray:
    """Return log q_sym of canonical draws.

    Parameters
    ----------
    approximation : Approximation
        q. If it also offers ``log_density_by_component``, the permanent is used.
    draws : dict of ndarray
        Canonical draws, arrays (S, K, ...), from q or from elsewhere.
    mixture : Mixture
        Weights that are not exchangeable (sticks) leave nothing to average: q_sym is q.

    Returns
    -------
    ndarray, shape (S,)
        In nats.

    Raises
    ------
    InputError
        If K is too large; see `why_not_exact`.
    """
    reason = why_not_exact(approximation, mixture)
    if reason is not None:
        raise InputError(reason)
    n_components = mixture.n_components
    if not mixture.weights.exchangeable or n_components == 1:
        return approximation.log_density(draws)
    if isinstance(approximation, FactorisedApproximation):
        total = log_permanent(every_factor_at_every_component(approximation, draws, n_components))
    else:
        total = _sum_over_relabellings(approximation, draws, n_components)
    return total - log_factorial(n_components)


def log_permanent(log_matrix: np.ndarray) -> np.ndarray:
    """Return the log permanents of matrices with positive entries.

    Parameters
    ----------
    log_matrix : ndarray, shape (S, K, K)
        The logs of the entries; -inf is a zero.

    Returns
    -------
    ndarray, shape (S,)
    """
    n_draws, n_components = log_matrix.shape[:2]
    size = max(1, _BLOCK >> n_components)
    blocks = [
        _log_permanent_block(log_matrix[start : start + size].transpose(1, 2, 0))
        for start in range(0, n_draws, size)
    ]
    return np.concatenate(blocks) if blocks else np.empty(0)


def _log_permanent_block(log_matrix: np.ndarray) -> np.ndarray:
    """Do the recursion over sets, a set being the bits of an integer; (K, K, S) to (S,)."""
    n_components, _, n_draws = log_matrix.shape
    log_perm = np.full((1 << n_components, n_draws), -np.inf)
    log_perm[0] = 0
    for taken in range(1, 1 << n_components):
        row = log_matrix[taken.bit_count() - 1]
        for k in range(n_components):
            if taken >> k & 1:
                term = log_perm[taken ^ (1 << k)] + row[k]
                log_perm[taken] = np.logaddexp(log_perm[taken], term)
    return log_perm[-1]


def every_factor_at_every_component(
    approximation: FactorisedApproximation, draws: Draws, n_components: int
) -> np.ndarray:
    """Return log q_j(theta_k), shape (S, j, k), by handing the components round in a ring."""
    factor = np.arange(n_components)
    matrix: np.ndarray | None = None
    for shift in range(n_components):
        component = (factor + shift) % n_components
        terms = approximation.log_density_by_component(permuted(draws, component))
        if matrix is None:
            matrix = np.empty((*terms.shape, n_components))
        matrix[:, factor, component] = terms
    assert matrix is not None
    return matrix


def _sum_over_relabellings(approximation: Approximation, draws: Draws, n_components: int) -> np.ndarray:
    total: np.ndarray | None = None
    for order in permutations(range(n_components)):
        term = approximation.log_density(permuted(draws, np.array(order)))
        total = term if total is None else np.logaddexp(total, term)
    assert total is not None
    return total
