"""Large data in a few hundred weighted nodes: the one place where a study condenses, and what that costs.

See docs/how-it-judges.md, "Large data"; how fine the nodes are, `hand_cavi.ascent.condensed_fit` finds.
"""

from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from experiments.records import Condensation, Draws, Problem
from hand_cavi.ascent.ascend import StoppingRule
from hand_cavi.ascent.condensed_fit import confirmed
from hand_cavi.ascent.restarts import Restarts
from hand_cavi.data.kernels import refresh
from hand_cavi.sources import as_source

LARGE = 20_000
"""Points from which condensing is tried."""

TOLERANCE = 1e-10
"""The largest error of the log likelihood, relative to it."""

DRAWS = 5
_STARTS = 5  # of CAVI, on the nodes
_ROWS = 1 << 19  # looked at together, of all points
_BINS = 1200


def condensed(problem: Problem, *, seed: int) -> Problem:
    """Return the problem with weighted nodes in the place of its points, or itself where that does not pay.

    It is done for counts and categories, and for one feature, where there are at least `LARGE` points and
    four to a node. The ``condensation`` says how well the nodes stand for the points. The truth has
    ``residual``, the sum of squares about the true means and how many, in place of ``assignments``. The seed
    is that of CAVI's starts and of the draws.
    """
    # Pictures of nodes need a histogram, which is of one feature.
    in_columns = problem.x.shape[1] > 1 and not problem.mixture.components.discrete
    if len(problem.x) < LARGE or in_columns:
        return problem
    began = perf_counter()
    rule = StoppingRule(max_sweeps=2000, tolerance=1e-12, patience=3)
    found = confirmed(
        problem.mixture,
        as_source(problem.x, problem.sample_weight),
        np.random.default_rng(seed),
        Restarts(rule, gives_up=True),
        _STARTS,
    )
    if found is None:
        return problem
    data, q = found
    nodes = replace(
        problem, x=frozen(data.x), sample_weight=frozen(data.weight), truth=_without_assignments(problem)
    )
    error, relative_error = measured_error(problem, nodes, q.sample(np.random.default_rng(seed), DRAWS))
    if not relative_error <= TOLERANCE:
        return problem
    edges, counts = np.empty(0), np.empty(0)
    if not problem.mixture.components.discrete:  # for the pictures, in which nodes would look like spikes
        counts, edges = np.histogram(problem.x[:, 0], _BINS, weights=problem.sample_weight)
    about = Condensation(
        n_points=round(problem.n_points),
        exact=data.exact,
        error=error,
        relative_error=relative_error,
        draws=DRAWS,
        seconds=perf_counter() - began,
        edges=edges,
        counts=counts.astype(np.float64),
    )
    return replace(nodes, condensation=about)


def measured_error(problem: Problem, nodes: Problem, draws: Draws) -> tuple[float, float]:
    """Return the largest difference between a problem's log likelihood and that of its nodes.

    It is that of canonical draws, arrays (S, K, ...): in nats, and relative to the log likelihood.
    """
    of_points, of_nodes = log_likelihood(problem, draws), log_likelihood(nodes, draws)
    error = np.abs(of_points - of_nodes)
    return float(error.max()), float((error / np.abs(of_points)).max())


def log_likelihood(problem: Problem, draws: Draws) -> np.ndarray:
    """Return log p(x | theta, pi) of every draw, shape (S,), holding some rows at a time.

    With the responsibilities r_ik of a draw, log sum_k exp rho_ik = sum_k r_ik rho_ik - sum_k r_ik log r_ik,
    and rho is linear in what `hand_cavi.data.kernels.refresh` sums.
    """
    prior = problem.mixture.components.with_features(problem.x.shape[1])
    some = problem.x[:: max(1, len(problem.x) // _ROWS)]
    coordinates = prior.coordinates(some, np.ones(len(some)))
    inner = prior.seen_from(coordinates)
    phi = inner.phi(prior.draws_seen_from(coordinates, draws)[0])
    log_weights = problem.mixture.weights.log_weights(draws, len(phi))
    log_weights = np.broadcast_to(log_weights, phi.shape[:2])
    total = np.zeros(len(phi))
    for start in range(0, len(problem.x), _ROWS):
        rows = coordinates.apply(problem.x[start : start + _ROWS])
        weight = problem.sample_weight
        w = np.ones(len(rows)) if weight is None else weight[start : start + _ROWS]
        statistics = inner.statistics(rows)
        constant = inner.log_base(rows) @ w - w.sum() * coordinates.log_volume
        for s, (one, log_pi) in enumerate(zip(phi, log_weights, strict=True)):
            found = refresh(statistics, w, np.ascontiguousarray(one), np.ascontiguousarray(log_pi))
            total[s] += found.entropy + np.sum(found.sums * one) + found.sums[:, -1] @ log_pi + constant
    return total


def _without_assignments(problem: Problem) -> Draws:
    """Return the truth with the sum of squares about the true means in place of assignments."""
    truth = {name: values for name, values in problem.truth.items() if name != "assignments"}
    if "assignments" in problem.truth and "mu" in truth:
        residual = problem.x - truth["mu"][problem.truth["assignments"]]
        truth["residual"] = np.array([np.sum(residual**2), residual.size])
    return truth


def frozen(values: ArrayLike) -> np.ndarray:
    """Return a copy that cannot be written to."""
    array = np.array(values)
    array.setflags(write=False)
    return array
