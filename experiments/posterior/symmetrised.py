"""The symmetrised approximation: q averaged over all relabellings of the components.

    q_sym(theta) = (1/K!) sum over permutations s of q(s theta),       F(q_sym) = F(q) + KL(q, q_sym)

The permanent that it is if q is a product over components, the recursion over sets, and what is stated where
neither is feasible are derived in docs/mathematics.md, section 5. Everything is in log space.
"""

from collections.abc import Callable
from itertools import combinations, permutations, product
from math import factorial, lgamma, prod
from typing import Protocol, runtime_checkable

import numpy as np

from experiments.posterior.draws import permuted
from experiments.posterior.mixture_of_approximations import MixtureOfApproximations, log_mixture
from experiments.records import Approximation, Draws, Symmetrised
from hand_cavi import InputError, Mixture

EXACT, AT_LEAST, ABOUT = "exact", "at least", "about"

_MOST_COUPLED = 8  # K up to which all K! relabellings are evaluated
_MOST_FACTORISED = 12  # K up to which the permanent is evaluated
_MAX_GROUP = 10  # components in one group, at most, where q factorises: a permanent of 2^10 terms
_MAX_RELABELLINGS = 720  # within groups, at most, where factors couple
_NEGLIGIBLE = 1e-9  # overlap below which two components need no common group
_FOR_GROUPING = 500  # draws by which overlaps are judged
_BLOCK = 1 << 22  # numbers held at once by the recursion: 32 MB

Groups = tuple[tuple[int, ...], ...]


@runtime_checkable
class FactorisedApproximation(Protocol):
    """An approximation that is a product over components, and says so."""

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        """Return log q_k(theta_k), (S, K), of the k-th component alone; they add up to ``log_density``."""


def log_factorial(n_components: int) -> float:
    """Return ln K!."""
    return lgamma(n_components + 1)


def why_not_exact(approximation: Approximation, mixture: Mixture) -> str | None:
    """Return why q_sym cannot be evaluated exactly, or None if it can."""
    n_components = mixture.n_components
    factorised = isinstance(approximation, FactorisedApproximation)
    most = _MOST_FACTORISED if factorised else _MOST_COUPLED
    if not mixture.weights.exchangeable or n_components <= most:
        return None
    return (
        f"averaging q over all relabellings of {n_components} components is not feasible (the most is {most} "
        f"here); the symmetrised bound lies between F and F + ln {n_components}! = "
        f"F + {log_factorial(n_components):.2f}"
    )


def symmetrise(approximation: Approximation, draws: Draws, mixture: Mixture) -> Symmetrised:
    """Return log q_sym of draws (S, K, ...) from q: exact, the permanent's upper bound, or an estimate."""
    if type(approximation) is MixtureOfApproximations:
        return _of_parts(approximation, draws, mixture)
    n_components = mixture.n_components
    if why_not_exact(approximation, mixture) is None:
        exact = log_q_symmetrised(approximation, draws, mixture)
        return Symmetrised(exact, EXACT, np.zeros(len(exact)), (tuple(range(n_components)),))
    if isinstance(approximation, FactorisedApproximation):
        matrix = every_factor_at_every_component(approximation, draws, n_components)
        groups = _grouped(_overlaps(matrix), lambda sizes: max(sizes) <= _MAX_GROUP)
        low, high = permanent_bounds(matrix, groups)
        how = AT_LEAST
    else:
        some = {name: values[:_FOR_GROUPING] for name, values in draws.items()}
        groups = _grouped(
            _overlaps_by_swaps(approximation, some, n_components),
            lambda sizes: prod(map(factorial, sizes)) <= _MAX_RELABELLINGS,
        )
        low, high = _sum_with_swaps(approximation, draws, groups, n_components)
        how = ABOUT
    return Symmetrised(high - log_factorial(n_components), how, high - low, groups)


def _of_parts(q: MixtureOfApproximations, draws: Draws, mixture: Mixture) -> Symmetrised:
    """Return the mixture of the symmetrised parts; it is exact if all of them are."""
    found = [symmetrise(part, draws, mixture) for part in q.parts]
    high, low = (
        log_mixture(np.stack(values, axis=1), q.shares)
        for values in ([one.log_q for one in found], [one.log_q - one.slack for one in found])
    )
    worst = max(found, key=lambda one: (EXACT, AT_LEAST, ABOUT).index(one.how))
    return Symmetrised(high, worst.how, high - low, worst.groups)


def log_q_symmetrised(approximation: Approximation, draws: Draws, mixture: Mixture) -> np.ndarray:
    """Return log q_sym of canonical draws (S, K, ...) from q or from elsewhere, shape (S,), in nats.

    Weights that are not exchangeable (sticks) leave nothing to average: q_sym is q.

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
    """Return the log permanents, (S,), of matrices (S, K, K) given by their entries' logs, -inf a zero."""
    n_draws, n_components = log_matrix.shape[:2]
    size = max(1, _BLOCK >> n_components)
    blocks = (log_matrix[start : start + size] for start in range(0, n_draws, size))
    return np.concatenate([np.empty(0), *(over_sets(block.transpose(1, 2, 0)) for block in blocks)])


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
    low, log_inside = np.zeros((2, len(log_matrix)))
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
        if overlaps[j, k] < _NEGLIGIBLE:
            break
        first, second = (next(group for group in groups if i in group) for i in (j, k))
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
