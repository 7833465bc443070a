"""Bounds on log p(x) from both sides where the truth is an exact draw: see `hand_cavi.gibbs.annealed`.

How many temperatures there are is told before anything is computed. To add some until the bounds are close
would choose among them by what came out, and they would hold no longer.
"""

import numpy as np

from experiments.posterior.pareto import log_mean
from experiments.records import Bracket, Estimate, Problem
from hand_cavi.gibbs.annealed import annealed_weights, temperatures

CHAINS = 16
MAX_ALLOCATIONS = 4e9
"""How often a point may be weighed against a component, all together: about a minute on one core."""


def bracket_of(problem: Problem, n_temperatures: int, seed: int) -> Bracket | None:
    """Return bounds on log p(x), or None: not where the truth is no draw from the model's own prior.

    Nor where nodes stand for the points, or there are too many of them, or no temperatures are asked for.
    """
    mixture, weight = problem.mixture, problem.sample_weight
    condensed = problem.condensation is not None and not problem.condensation.exact
    whole = weight is None or not np.any(weight != np.floor(weight))
    cost = CHAINS * mixture.n_components * len(problem.x) * n_temperatures
    if not (problem.truth_from_prior and n_temperatures and whole) or condensed or cost > MAX_ALLOCATIONS:
        return None
    prior = mixture.components.with_features(problem.x.shape[1])
    names = [*prior.mean_draw(), *mixture.weights.mean_draw()]
    truth = {name: problem.truth[name] for name in names}
    up, down = (
        annealed_weights(
            mixture,
            problem.x,
            rng=np.random.default_rng([seed, number]),
            betas=temperatures(n_temperatures),
            chains=CHAINS,
            sample_weight=weight,
            exact_draw=exact_draw,
        )
        for number, exact_draw in enumerate((None, truth))
    )
    lower, error = log_mean(up)
    upper, error_of_upper = log_mean(-down)
    if not np.isfinite([lower, error, upper, error_of_upper]).all():
        return None
    return Bracket(
        Estimate(lower, error, "annealing from the prior"),
        Estimate(-upper, error_of_upper, "annealing from the truth"),
        CHAINS,
        n_temperatures,
    )
