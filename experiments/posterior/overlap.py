"""The symmetrised approximation of many components: relabel only those that overlap.

q_sym averages q over K! relabellings (see `posterior.symmetrised`). Of components that lie apart, most of the
K! terms are nothing. So components are put into groups, those that overlap together, and relabelled within
groups alone. With A_jk = q_j(theta_k) and a q that is a product over components,

    L = prod over groups g of perm(A_gg)                          <=  perm(A)  <=  L + E,
    E = prod_j sum_k A_jk  -  prod_j sum_{k in j's group} A_jk,

because E adds up all maps of factors to components, one-to-one or not, that leave some group. Both ends are
valid; the upper one is what log q_sym is stated as, so that F(q_sym) is stated as too small by at most the
mean of log(L + E) - log L, the *slack*, and never as too large.

If q's factors couple, E is replaced by the sum over single swaps between groups: the first terms of what
is left out, an estimate and no bound.
"""

from collections.abc import Callable
from itertools import combinations, permutations, product
from math import factorial, prod

import numpy as np

from experiments.posterior.draws import permuted
from experiments.posterior.symmetrised import (
    FactorisedApproximation,
    every_factor_at_every_component,
    log_factorial,
    log_permanent,
    log_q_symmetrised,
    why_not_exact,
)
from experiments.records.problem import Approximation, Draws, Symmetrised
from hand_cavi import Mixture

EXACT, AT_LEAST, ABOUT = "exact", "at least", "about"

MAX_GROUP = 10
"""Components in one group, at most, where q factorises: a permanent of 2^10 terms."""

MAX_RELABELLINGS = 720
"""Relabellings within groups, at most, where factors couple."""

NEGLIGIBLE = 1e-9
"""Overlap below which two components need no common group."""

_FOR_GROUPING = 500  # draws by which overlaps are judged

Groups = tuple[tuple[int, ...], ...]


def symmetrise(approximation: Approximation, draws: Draws, mixture: Mixture) -> Symmetrised:
    """Return log q_sym of canonical draws, exactly where that is feasible, else as the module says.

    Parameters
    ----------
    approximation : Approximation
    draws : dict of ndarray
        Draws from q, arrays (S, K, ...).
    mixture : Mixture
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
    low = np.full(len(next(iter(draws.values()))), -np.inf)
    for orders in product(*(permutations(group) for group in groups)):
        order = np.arange(n_components)
        for group, taken in zip(groups, orders, strict=True):
            order[list(group)] = taken
        low = np.logaddexp(low, approximation.log_density(permuted(draws, order)))
    high = low
    group_of = {k: group for group in groups for k in group}
    for j, k in combinations(range(n_components), 2):
        if group_of[j] is not group_of[k]:
            swapped = approximation.log_density(permuted(draws, _swap(n_components, j, k)))
            high = np.logaddexp(high, swapped)
    return low, high


def _swap(n_components: int, j: int, k: int) -> np.ndarray:
    order = np.arange(n_components)
    order[[j, k]] = k, j
    return order
