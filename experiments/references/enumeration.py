"""Exact: sum over all assignments of points to components.

See docs/mathematics.md, section 6, and `hand_cavi.numerics.partitions`. Equal points count as one row of
their weight.
"""

from dataclasses import replace

import numpy as np
from scipy.special import gammaln, logsumexp

from experiments.posterior.draws import as_tree, permuted
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._scaled import ScaledProblem, draws_given
from experiments.references.request import Request
from hand_cavi.numerics.partitions import Terms, log_n_terms, terms_of

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
    if _is_small(problem) or (few and _is_small(_merged(problem))):
        return None
    ways = f"{n_points:.0f} points and {n_components} components have {n_components}^{n_points:.0f}"
    return f"{ways} assignments; at most {MAX_ASSIGNMENTS:,}, those of equal points as one, are enumerated"


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with what rounding may have lost of it, and independent draws from the posterior."""
    if reason := applies(problem):
        return Reference("enumeration", False, reason)
    n_components, n_points = problem.mixture.n_components, _weight(problem).sum()
    one_by_one = problem.sample_weight is None and _is_small(problem)
    target = ScaledProblem.of(problem if one_by_one or n_components == 1 else _merged(problem))
    terms = terms_of(target.weight, n_components, target.mixture.weights.exchangeable)
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


def _weight(problem: Problem) -> np.ndarray:
    return np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight


def _merged(problem: Problem) -> Problem:
    """Return the problem with equal rows as one, whose weight is their sum."""
    x, row = np.unique(problem.x, axis=0, return_inverse=True)
    return replace(problem, x=x, sample_weight=np.bincount(row.ravel(), weights=_weight(problem)))


def _is_small(problem: Problem) -> bool:
    return log_n_terms(_weight(problem), problem.mixture.n_components) <= np.log(MAX_ASSIGNMENTS) + 1e-9


def _log_marginals(target: ScaledProblem, terms: Terms) -> np.ndarray:
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


def _rounding(target: ScaledProblem, terms: Terms, log_p: np.ndarray) -> float:
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
