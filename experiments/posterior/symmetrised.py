"""The symmetrised approximation: q averaged over all relabellings of the components.

An exchangeable posterior has K! copies of every mode; an approximation usually sits in one. What it
would be worth if it covered them all alike is told by

    q_sym(theta) = (1/K!) sum over permutations s of q(s theta),

and F(q_sym) = F(q) + KL(q, q_sym), where 0 <= KL <= ln K! (docs/mathematics.md, 5). Since p is
symmetric, draws from q serve: F(q_sym) = E_q[log p(x, theta) - log q_sym(theta)].

If q is a product over components, the sum is a permanent of the K x K matrix A_jk = q_j(theta_k):

    sum over s of prod_j q_j(theta_s(j)) = perm,
    perm(A) = sum over k in A of perm(A without k) q_|A|(theta_k),      perm(nothing) = 1,

a recursion over the 2^K sets A of components that the first |A| factors take, in place of K! terms
(the dynamic programme of Bellman 1962 and Held & Karp 1962). Everything is in log space.

Of many components that lie apart, most of the K! terms are nothing. So components are put into groups, those
that overlap together, and relabelled within groups alone. For a q that is a product over components,

    L = prod over groups g of perm(A_gg)                          <=  perm(A)  <=  L + E,
    E = prod_j sum_k A_jk  -  prod_j sum_{k in j's group} A_jk,

because E adds up all maps of factors to components, one-to-one or not, that leave some group. Both ends are
valid; the upper one is what log q_sym is stated as, so that F(q_sym) is stated as too small by at most the
mean of log(L + E) - log L, the *slack*, and never as too large. If q's factors couple, E is replaced by the
sum over single swaps between groups: the first terms of what is left out, an estimate and no bound.
"""

from collections.abc import Callable
from itertools import combinations, permutations, product
from math import factorial, lgamma, prod
from typing import Protocol, runtime_checkable

import numpy as np

from experiments.posterior.draws import permuted
from experiments.records import Approximation, Draws, Symmetrised
from hand_cavi import InputError, Mixture

EXACT, AT_LEAST, ABOUT = "exact", "at least", "about"

MAX_COMPONENTS_COUPLED = 8
"""K up to which all K! relabellings are evaluated."""

MAX_COMPONENTS_FACTORISED = 12
"""K up to which the permanent is evaluated."""

MAX_GROUP = 10
"""Components in one group, at most, where q factorises: a permanent of 2^10 terms."""

MAX_RELABELLINGS = 720
"""Relabellings within groups, at most, where factors couple."""

NEGLIGIBLE = 1e-9
"""Overlap below which two components need no common group."""

_FOR_GROUPING = 500  # draws by which overlaps are judged
_BLOCK = 1 << 22  # numbers held at once by the recursion: 32 MB

Groups = tuple[tuple[int, ...], ...]


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


def symmetrise(approximation: Approximation, draws: Draws, mixture: Mixture) -> Symmetrised:
    """Return log q_sym of canonical draws, exactly where that is feasible, else as the module says.

    Parameters
    ----------
    draws : dict of ndarray
        Draws from q, arrays (S, K, ...).
    """
    n_components = mixture.n_components
    if why_not_exact(approximation, mixture) is None:
        exact = log_q_symmetrised(approximation, draws, mixture)
        return Symmetrised(exact, EXACT, np.zeros(len(exact)), (tuple(range(n_components)),))
    if isinstance(approximation, FactorisedApproximation):
        matrix = every_factor_at_every_component(approximation, draws, n_components)
        groups = _grouped(_overlaps(matrix), lambda sizes: max(sizes) <= MAX_GROUP)
        low, high = permanent_bounds(matrix, groups)
        how = AT_LEAST
    else:
        some = {name: values[:_FOR_GROUPING] for name, values in draws.items()}
        groups = _grouped(
            _overlaps_by_swaps(approximation, some, n_components),
            lambda sizes: prod(map(factorial, sizes)) <= MAX_RELABELLINGS,
        )
        low, high = _sum_with_swaps(approximation, draws, groups, n_components)
        how = ABOUT
    return Symmetrised(high - log_factorial(n_components), how, high - low, groups)


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
        total = _sum_within(approximation, draws, (tuple(range(n_components)),))
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
        over_sets(log_matrix[start : start + size].transpose(1, 2, 0)) for start in range(0, n_draws, size)
    ]
    return np.concatenate(blocks) if blocks else np.empty(0)


def over_sets(
    matrix: np.ndarray,
    *,
    plus: Callable[[np.ndarray, np.ndarray], np.ndarray] = np.logaddexp,
    times: Callable[[np.ndarray, np.ndarray], np.ndarray] = np.add,
    zero: float = -np.inf,
    one: float = 0.0,
) -> np.ndarray:
    """Do the recursion over sets, a set being the bits of an integer, in logs or not; (K, K, S) to (S,)."""
    n_components, _, n_matrices = matrix.shape
    partial = np.full((1 << n_components, n_matrices), zero)
    partial[0] = one
    for taken in range(1, 1 << n_components):
        row = matrix[taken.bit_count() - 1]
        for k in range(n_components):
            if taken >> k & 1:
                partial[taken] = plus(partial[taken], times(partial[taken ^ (1 << k)], row[k]))
    return partial[-1]


def every_factor_at_every_component(
    approximation: FactorisedApproximation, draws: Draws, n_components: int
) -> np.ndarray:
    """Return log q_j(theta_k), shape (S, j, k), by handing the components round in a ring."""
    factor = np.arange(n_components)
    matrix = np.empty((len(next(iter(draws.values()))), n_components, n_components))
    for shift in range(n_components):
        component = (factor + shift) % n_components
        matrix[:, factor, component] = approximation.log_density_by_component(permuted(draws, component))
    return matrix


def permanent_bounds(log_matrix: np.ndarray, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Return log L and log (L + E), bounds on the log permanent; (S, K, K) to (S,) each."""
    low = np.zeros(len(log_matrix))
    log_inside = np.zeros(len(log_matrix))
    for group in groups:
        block = log_matrix[:, group, :][:, :, group]
        low += log_permanent(block)
        log_inside += np.logaddexp.reduce(block, axis=2).sum(axis=1)
    log_all = np.logaddexp.reduce(log_matrix, axis=2).sum(axis=1)
    more = np.maximum(log_all - log_inside, 0)  # below 0 by rounding only
    with np.errstate(divide="ignore"):
        log_outside = log_inside + np.log(-np.expm1(-more)) + more
    return low, np.logaddexp(low, log_outside)


def _overlaps(log_matrix: np.ndarray) -> np.ndarray:
    """Return the mean over draws of min(1, q(swapped) / q), for each pair of components, (K, K)."""
    some = log_matrix[:_FOR_GROUPING]
    own = np.diagonal(some, axis1=1, axis2=2)
    change = some + some.transpose(0, 2, 1) - own[:, :, np.newaxis] - own[:, np.newaxis, :]
    return np.exp(np.minimum(change, 0)).mean(axis=0)


def _overlaps_by_swaps(approximation: Approximation, draws: Draws, n_components: int) -> np.ndarray:
    """Return the same where factors couple."""
    log_q = approximation.log_density(draws)
    overlaps = np.zeros((n_components, n_components))
    for j, k in combinations(range(n_components), 2):
        change = approximation.log_density(permuted(draws, _swap(n_components, j, k))) - log_q
        overlaps[j, k] = np.exp(np.minimum(change, 0)).mean()
    return overlaps


def _grouped(overlaps: np.ndarray, feasible: Callable[[list[int]], bool]) -> Groups:
    """Join the pairs that overlap most first, as long as the sizes of the groups stay feasible."""
    groups = [{k} for k in range(len(overlaps))]
    pairs = sorted(combinations(range(len(overlaps)), 2), key=lambda pair: -overlaps[pair])
    for j, k in pairs:
        if overlaps[j, k] < NEGLIGIBLE:
            break
        first = next(group for group in groups if j in group)
        second = next(group for group in groups if k in group)
        if first is second:
            continue
        joined = [group for group in groups if group is not first and group is not second] + [first | second]
        if feasible([len(group) for group in joined]):
            groups = joined
    return tuple(sorted(tuple(sorted(group)) for group in groups))


def _sum_with_swaps(
    approximation: Approximation, draws: Draws, groups: Groups, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log sum over relabellings within groups, and that with single swaps between groups."""
    low = _sum_within(approximation, draws, groups)
    high = low
    group_of = {k: group for group in groups for k in group}
    for j, k in combinations(range(n_components), 2):
        if group_of[j] is not group_of[k]:
            swapped = approximation.log_density(permuted(draws, _swap(n_components, j, k)))
            high = np.logaddexp(high, swapped)
    return low, high


def _sum_within(approximation: Approximation, draws: Draws, groups: Groups) -> np.ndarray:
    """Return the log sum of q over all relabellings within groups, (S,)."""
    total = np.full(len(next(iter(draws.values()))), -np.inf)
    for orders in product(*(permutations(group) for group in groups)):
        order = np.empty(sum(map(len, groups)), dtype=np.intp)
        for group, taken in zip(groups, orders, strict=True):
            order[list(group)] = taken
        total = np.logaddexp(total, approximation.log_density(permuted(draws, order)))
    return total


def _swap(n_components: int, j: int, k: int) -> np.ndarray:
    order = np.arange(n_components)
    order[[j, k]] = k, j
    return order
