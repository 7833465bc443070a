"""Exact: sum over all assignments of points to components.

See docs/mathematics.md, section 6. Groupings are written as restricted growth strings (Knuth, TAOCP 4A,
7.2.1.5): point 1 has label 0, and every further point an old label or the next new one. Of w equal points,
such as a row of weight w, only how many each component has matters: a composition of w speaks for as many
assignments as its multinomial coefficient says.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, logsumexp

from experiments.posterior.draws import as_tree, permuted
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._scaled import ScaledProblem, draws_given
from experiments.references.request import Request
from hand_cavi.numerics.simplex import compositions

GIVES = ("evidence", "draws")
CALLED = "the exact answer (by enumeration)"
EXACT = True

MAX_ASSIGNMENTS = 10**6
"""How many assignments, K^N, are enumerated at most."""

QUALIFIES = 0.1
"""Nats that rounding may have lost: a convention of this project."""

_HEAVIEST = 1_000  # assignments by which rounding is judged

_BLOCK = 1 << 20  # numbers held at once: 8 MB


def applies(problem: Problem) -> str | None:
    """Return None if enumeration is feasible, else why not."""
    n_components, weight = problem.mixture.n_components, _weight(problem)
    if n_components == 1:
        return None
    if (weight != np.floor(weight)).any():
        return "weights that are no whole numbers leave no points to assign to several components"
    n_points = weight.sum()
    few = n_points < MAX_ASSIGNMENTS and len(np.unique(problem.x[:1000], axis=0)) <= np.log2(MAX_ASSIGNMENTS)
    if _is_small(weight, n_components) or (few and _is_small(_weight(_merged(problem)), n_components)):
        return None
    ways = f"{n_points:.0f} points and {n_components} components have {n_components}^{n_points:.0f}"
    return f"{ways} assignments; at most {MAX_ASSIGNMENTS:,}, those of equal points as one, are enumerated"


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with what rounding may have lost of it, and independent draws from the posterior."""
    if reason := applies(problem):
        return Reference("enumeration", False, reason)
    n_components, n_points = problem.mixture.n_components, _weight(problem).sum()
    one_by_one = problem.sample_weight is None and _is_small(_weight(problem), n_components)
    target = ScaledProblem.of(problem if one_by_one or n_components == 1 else _merged(problem))
    terms = _terms(target)
    log_p = _log_marginals(target, terms) + terms.log_ways
    constant = target.prior.log_base(target.x) @ target.weight - n_points * target.coordinates.log_volume
    log_evidence = float(logsumexp(log_p))
    rounding = _rounding(target, terms, log_p)
    if not rounding <= QUALIFIES:
        reason = f"rounding may have lost {rounding:.1g} nats of the sum: the data lie too far from the prior"
        return Reference("enumeration", False, reason)

    reason = f"all {n_components}^{n_points:.0f} assignments of points to components were summed exactly"
    if n_components == 1:
        reason = "the marginal of one component is exact, and each row counts as often as its weight says"
    draws = None
    if request.n_draws:
        reached = np.cumsum(np.exp(log_p - log_evidence))  # the last is 1 up to rounding
        chosen = np.searchsorted(reached, request.rng.random(request.n_draws) * reached[-1], side="right")
        sums = terms.sums(chosen, target.statistics)
        draws = as_tree(_posterior_draws(request.rng, target, sums))
    return Reference(
        method="enumeration",
        qualified=True,
        reason=reason,
        draws=draws,
        log_evidence=Estimate(log_evidence + float(constant), rounding, "enumeration", error_is="rounding"),
        quality={"terms": len(log_p)},
    )


@dataclass(frozen=True)
class _Terms:
    """Ways to give points to components: of row i's points term m gives ``table[labels[m, i]]``, (K,)."""

    labels: np.ndarray  # (M, N)
    table: np.ndarray  # (entries, K)
    log_ways: np.ndarray  # (M,): for how many assignments each speaks

    def sums(self, which: np.ndarray | slice, statistics: np.ndarray) -> np.ndarray:
        """Return the sum of T over the points of every component, shape (m, K, P), of some of the terms."""
        return np.stack([column[self.labels[which]] @ statistics for column in self.table.T], axis=1)


def _terms(target: ScaledProblem) -> _Terms:
    """Return all terms: groupings of points without weights, where their naming changes nothing."""
    weight, n_components = target.weight, target.mixture.n_components
    if n_components == 1:
        return _Terms(np.arange(len(weight))[np.newaxis], weight[:, np.newaxis], np.zeros(1))
    if (weight == 1).all() and target.mixture.weights.exchangeable:
        labels = _groupings(len(weight), n_components)
        n_blocks = labels.max(axis=1).astype(np.float64) + 1  # gammaln of int8 would be float32
        log_ways = gammaln(n_components + 1) - gammaln(n_components - n_blocks + 1)
        return _Terms(labels, np.eye(n_components), log_ways)
    each = [compositions(int(w), n_components) for w in weight]
    sizes = [len(one) for one in each]
    labels = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes, order="F"), axis=1)
    labels += np.cumsum(sizes) - sizes
    table = np.concatenate(each)
    log_ways = np.repeat(gammaln(weight + 1), sizes) - gammaln(table + 1).sum(axis=1)
    return _Terms(labels, table, log_ways[labels].sum(axis=1))


def _weight(problem: Problem) -> np.ndarray:
    return np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight


def _merged(problem: Problem) -> Problem:
    """Return the problem with equal rows as one, whose weight is their sum."""
    x, row = np.unique(problem.x, axis=0, return_inverse=True)
    return replace(problem, x=x, sample_weight=np.bincount(row.ravel(), weights=_weight(problem)))


def _is_small(weight: np.ndarray, n_components: int) -> bool:
    """Whether rows of these weights have few enough compositions: C(w + K - 1, K - 1) each."""
    each = gammaln(weight + n_components) - gammaln(weight + 1) - gammaln(n_components)
    return bool(each.sum() <= np.log(MAX_ASSIGNMENTS) + 1e-9)


def _groupings(n_points: int, n_components: int) -> np.ndarray:
    """Return all groupings into at most K blocks as restricted growth strings, shape (M, N)."""
    labels = np.zeros((1, 1), dtype=np.int8)
    for _ in range(n_points - 1):
        n_children = np.minimum(labels.max(axis=1) + 2, n_components)
        parent = np.repeat(np.arange(len(labels)), n_children)
        label = np.arange(len(parent)) - np.repeat(np.cumsum(n_children) - n_children, n_children)
        labels = np.column_stack([labels[parent], label.astype(np.int8)])
    return labels


def _log_marginals(target: ScaledProblem, terms: _Terms) -> np.ndarray:
    """Return log p(x, c) but for the base measure of x, equal for all c; shape (M,)."""
    n_components, statistics = target.mixture.n_components, target.statistics
    log_p = np.empty(len(terms.labels))
    size = max(1, _BLOCK // (n_components * max(statistics.shape)))
    for start in range(0, len(log_p), size):
        block = slice(start, start + size)
        sums = terms.sums(block, statistics)
        log_p[block] = target.prior.log_marginal(sums, 0.0).sum(axis=1)
        log_p[block] += target.mixture.weights.log_marginal(sums[..., -1])
    return log_p


def _rounding(target: ScaledProblem, terms: _Terms, log_p: np.ndarray) -> float:
    """Return how far off rounding may have brought the sum, in nats: docs/mathematics.md, section 6.

    d log Z = E[phi] d eta carries the errors of the sums on (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, 1.6). The heaviest thousand assignments speak for all.
    """
    prior, statistics = target.prior, target.statistics
    heaviest = np.argsort(-log_p)[:_HEAVIEST]
    share = np.exp(log_p[heaviest] - log_p[heaviest[0]])
    n_components = target.mixture.n_components

    def lost(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        of_sums = (np.abs(prior.natural) + sizes) * np.abs(prior.expected(prior.natural + sums))
        return of_sums.sum(axis=-1) + np.abs(prior.log_partition(prior.natural + sums))

    nothing = np.zeros(statistics.shape[1])
    each = lost(terms.sums(heaviest, statistics), terms.sums(heaviest, np.abs(statistics)))
    of_terms = each.sum(axis=1) + n_components * lost(nothing, nothing) + np.abs(log_p[heaviest])
    of_base = (np.abs(prior.log_base(target.x)) + abs(target.coordinates.log_volume)) @ target.weight
    of_base += gammaln(target.weight + 1).sum()
    return float(np.finfo(np.float64).eps * (share @ of_terms / share.sum() + of_base))


def _posterior_draws(rng: np.random.Generator, target: ScaledProblem, sums: np.ndarray) -> Draws:
    """Draw theta and pi given the sums of every draw's blocks, (S, K, P), and name them at random."""
    n_draws, n_components, n_statistics = sums.shape
    weights, back = target.mixture.weights, target.coordinates.inverse
    posterior = target.prior.updated(sums.reshape(-1, n_statistics)).seen_from(back)
    draws = draws_given(rng, posterior, weights, np.rint(sums[..., -1]))
    if not weights.exchangeable:
        return draws
    return permuted(draws, rng.permuted(np.tile(np.arange(n_components), (n_draws, 1)), axis=1))
