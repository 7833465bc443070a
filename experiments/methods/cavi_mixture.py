"""The distinct optima of CAVI's starts as one mixture q = sum_j w_j q_j, for posteriors of several modes.

Optima that differ by the numbering of exchangeable components are one. The weights are those of the highest
F(q_sym), see `experiments.posterior.mixture_of_approximations`: softmax of F(q_j) where optima are far apart.
"""

from time import perf_counter

import numpy as np

from experiments.methods.cavi import AscentSettings, Stopwatch, ascend
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.several_parts import mixed
from experiments.methods.starts import Starts
from experiments.records.problem import Problem
from experiments.records.result import Fitted, Told
from hand_cavi import Fit

_EMPTIED = 3
"""Starts of which components are emptied."""

_SAME = 0.01
"""Two optima are one if no component's share of the points differs by more: the sum of |r_ij - r_ik| / N."""


class Settings(AscentSettings):
    """Options of CAVI; every distinct optimum is kept."""


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Fit by CAVI from every one of the problem's dispersed starts, and mix what they end in."""
    stopwatch = Stopwatch()
    optima = optima_of(target.problem, settings, starts, seed, stopwatch)
    found = mixed(target, optima, seed)
    seconds = perf_counter() - stopwatch.began
    best = optima[0]
    what = f"{len(optima)} distinct optima" if len(optima) > 1 else "a single optimum"
    return Fitted(
        outcome=best.status.name.lower(),
        message=f"{what} of {settings.starts} starts; the largest share is {found.q.shares.max():.3g}",
        seconds_compile=0.0,
        seconds_run=seconds,
        q=found.q,
        bound=found.bound,
        bound_se=found.bound_se,
        told=Told(
            family="mixture of mean fields",
            bound_of="theta",
            smallest_gain=stopwatch.smallest_gain,
            starts=settings.starts,
        ),
        info={"elbo_of_optima": [one.elbo for one in optima], "shares": found.shares.tolist()},
    )


def optima_of(
    problem: Problem, settings: AscentSettings, starts: Starts, seed: int, stopwatch: Stopwatch
) -> list[Fit]:
    """Return the distinct optima of all starts, and of `emptied` ones, the best first."""
    given = starts.responsibilities(settings.starts)
    begun = [*given, *emptied(given[:_EMPTIED])]
    return distinct(problem, [ascend(problem, settings, one[np.newaxis], seed, stopwatch) for one in begun])


def emptied(responsibilities: np.ndarray) -> list[np.ndarray]:
    """Return starts of 1, ..., K - 1 components that hold points beside empty ones; (R, N, K) to (N, K) each.

    Under a wide prior that an empty component keeps its prior is an optimum of its own, of little mass, which
    dispersed starts never come to, and without which no importance weights see how wide the posterior is.
    """
    found = []
    for occupied in range(1, responsibilities.shape[2]):
        for one in responsibilities if occupied > 1 else responsibilities[:1]:
            fewer = one.copy()
            fewer[:, occupied - 1] += fewer[:, occupied:].sum(axis=1)
            fewer[:, occupied:] = 0
            found.append(fewer)
    return found


def distinct(problem: Problem, ends: list[Fit]) -> list[Fit]:
    """Return those of the fits that are no other's, up to the numbering of components, the best first."""
    weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
    share = (weight / weight.sum())[:, np.newaxis, np.newaxis]
    exchangeable = problem.mixture.weights.exchangeable
    kept: list[tuple[Fit, np.ndarray]] = []
    for one in sorted(ends, key=lambda end: -end.elbo):
        r = one.responsibilities(problem.x)
        costs = (
            (share * np.abs(r[:, :, np.newaxis] - other[:, np.newaxis])).sum(axis=0) for _, other in kept
        )
        if not any(_largest(cost, exchangeable) < _SAME for cost in costs):
            kept.append((one, r))
    return [one for one, _ in kept]


def _largest(cost: np.ndarray, exchangeable: bool) -> float:
    """Return the largest of the costs (K, K) of a numbering: the cheapest one, or that which there is."""
    from scipy.optimize import linear_sum_assignment  # slow to import

    pairs = linear_sum_assignment(cost) if exchangeable else np.diag_indices(len(cost))
    return float(cost[pairs].max())
