"""Exact: sum over all assignments of points to components.

See docs/mathematics.md, section 6. Groupings are written as restricted growth strings (Knuth, TAOCP 4A,
7.2.1.5): point 1 has label 0, and every further point an old label or the next new one.
"""

import numpy as np
from scipy.special import gammaln, logsumexp

from experiments.posterior.draws import as_tree, permuted
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._scaled import ScaledProblem, draws_given
from experiments.references.request import Request

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
    n_points, n_components = len(problem.x), problem.mixture.n_components
    if problem.sample_weight is not None:
        return "assignments are enumerated for points without weights only"
    if n_components > 1 and n_points * np.log(n_components) > np.log(MAX_ASSIGNMENTS) + 1e-9:
        return (
            f"{n_points} points and {n_components} components have {n_components}^{n_points} assignments; "
            f"at most {MAX_ASSIGNMENTS:,} are enumerated"
        )
    return None


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with what rounding may have lost of it, and independent draws from the posterior."""
    if reason := applies(problem):
        return Reference("enumeration", False, reason)
    target = ScaledProblem.of(problem)
    weights, n_components, n_points = target.mixture.weights, target.mixture.n_components, len(target.x)
    labels = (_groupings if weights.exchangeable else _all)(n_points, n_components)
    log_p = _log_marginals(target, labels)
    if weights.exchangeable:
        n_blocks = labels.max(axis=1).astype(np.float64) + 1  # gammaln of int8 would be float32
        log_p += gammaln(n_components + 1) - gammaln(n_components - n_blocks + 1)
    constant = target.prior.log_base(target.x).sum() - n_points * target.coordinates.log_volume
    log_evidence = float(logsumexp(log_p))
    rounding = _rounding(target, labels, log_p)
    if not rounding <= QUALIFIES:
        reason = f"rounding may have lost {rounding:.1g} nats of the sum: the data lie too far from the prior"
        return Reference("enumeration", False, reason)

    draws = None
    if request.n_draws:
        reached = np.cumsum(np.exp(log_p - log_evidence))  # the last is 1 up to rounding
        chosen = np.searchsorted(reached, request.rng.random(request.n_draws) * reached[-1], side="right")
        sums = _sums(labels[chosen], target.statistics, n_components)
        draws = as_tree(_posterior_draws(request.rng, target, sums))
    return Reference(
        method="enumeration",
        qualified=True,
        reason=f"all {n_components}^{n_points} assignments of points to components were summed exactly",
        draws=draws,
        log_evidence=Estimate(log_evidence + float(constant), rounding, "enumeration", error_is="rounding"),
        quality={"terms": len(labels)},
    )


def _groupings(n_points: int, n_components: int) -> np.ndarray:
    """Return all groupings into at most K blocks as restricted growth strings, shape (M, N)."""
    labels = np.zeros((1, 1), dtype=np.int8)
    for _ in range(n_points - 1):
        n_children = np.minimum(labels.max(axis=1) + 2, n_components)
        parent = np.repeat(np.arange(len(labels)), n_children)
        label = np.arange(len(parent)) - np.repeat(np.cumsum(n_children) - n_children, n_children)
        labels = np.column_stack([labels[parent], label.astype(np.int8)])
    return labels


def _all(n_points: int, n_components: int) -> np.ndarray:
    """Return all K^N assignments, shape (K^N, N)."""
    codes = np.arange(n_components**n_points)
    digits = codes[:, np.newaxis] // n_components ** np.arange(n_points) % n_components
    return digits.astype(np.int8)


def _sums(labels: np.ndarray, statistics: np.ndarray, n_components: int) -> np.ndarray:
    """Return the sum of T(x_i) over every block, shape (M, K, P)."""
    return np.stack([(labels == k).astype(np.float64) @ statistics for k in range(n_components)], axis=1)


def _log_marginals(target: ScaledProblem, labels: np.ndarray) -> np.ndarray:
    """Return log p(x, c) but for the base measure of x, equal for all c; shape (M,)."""
    n_components, statistics = target.mixture.n_components, target.statistics
    log_p = np.empty(len(labels))
    size = max(1, _BLOCK // (n_components * max(statistics.shape)))
    for start in range(0, len(labels), size):
        block = slice(start, start + size)
        sums = _sums(labels[block], statistics, n_components)
        log_p[block] = target.prior.log_marginal(sums, 0.0).sum(axis=1)
        log_p[block] += target.mixture.weights.log_marginal(sums[..., -1])
    return log_p


def _rounding(target: ScaledProblem, labels: np.ndarray, log_p: np.ndarray) -> float:
    """Return how far off rounding may have brought the sum, in nats: docs/mathematics.md, section 6.

    d log Z = E[phi] d eta carries the errors of the sums on (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, 1.6). The heaviest thousand assignments speak for all.
    """
    prior, statistics = target.prior, target.statistics
    heaviest = np.argsort(-log_p)[:_HEAVIEST]
    share = np.exp(log_p[heaviest] - log_p[heaviest[0]])
    labels, n_components = labels[heaviest], target.mixture.n_components

    def lost(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        of_sums = (np.abs(prior.natural) + sizes) * np.abs(prior.expected(prior.natural + sums))
        return of_sums.sum(axis=-1) + np.abs(prior.log_partition(prior.natural + sums))

    nothing = np.zeros(statistics.shape[1])
    each = lost(_sums(labels, statistics, n_components), _sums(labels, np.abs(statistics), n_components))
    of_terms = each.sum(axis=1) + n_components * lost(nothing, nothing) + np.abs(log_p[heaviest])
    of_base = np.abs(prior.log_base(target.x)).sum() + len(target.x) * abs(target.coordinates.log_volume)
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
