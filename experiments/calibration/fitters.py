"""One fit to one simulated data set: the posterior of each method, with no more than ranking needs.

A study's methods score themselves (bounds, held-out prediction), which would take longer here than the
fits. So the hand-derived ones are called at their core, with the same settings and the same starts; those of
PyMC are compiled once and given one data set after another (`compiled`); any other method, a user's own among
them, is run as a study runs it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from experiments.config.plugins import find
from experiments.methods import NotFiniteError
from experiments.methods.starts import Starts
from experiments.posterior.draws import are_independent, as_chains
from experiments.records import Draws, Problem
from hand_cavi import Fit, Status, fit

CLAIM_EXACTNESS = ("gibbs", "nuts")
"""Kinds of method whose draws come from the exact posterior, but for noise."""


@dataclass(frozen=True)
class Posterior:
    """What a method says of theta.

    Attributes
    ----------
    draws : dict of ndarray
        Canonical draws, arrays (C, M, K, ...).
    independent : bool
        Whether they are independent; else C chains.
    mean_field : Fit or None
        The fit, where its factors' distribution functions say more than draws from them.
    """

    draws: Draws
    independent: bool
    mean_field: Fit | None = None


def posterior(
    kind: str, problem: Problem, settings: BaseModel, *, starts_seed: int, seed: int, n_draws: int
) -> Posterior:
    """Fit a problem by a kind of method.

    Parameters
    ----------
    kind : str
        The method's plugin.
    problem : Problem
    settings : BaseModel
        The plugin's `Settings`.
    starts_seed, seed : int
        Of the starts, which all methods share, and of the rest.
    n_draws : int
        How many independent draws an approximation is to give; chains are as long as `settings` says.

    Raises
    ------
    InputError, NotFiniteError
        If there is no posterior for these data, and why.
    """
    fitter = _FITTERS.get(kind, _any)
    return fitter(kind, problem, settings, Starts(problem, starts_seed), seed, n_draws)


def independent(draws: Draws, mean_field: Fit | None = None) -> Posterior:
    """Return a posterior of independent draws, arrays (S, K, ...)."""
    return Posterior({name: values[np.newaxis] for name, values in draws.items()}, True, mean_field)


def _cavi(kind: str, problem: Problem, settings: Any, starts: Starts, seed: int, n_draws: int) -> Posterior:
    best = _coordinate_ascent(problem, settings, starts, seed)
    return independent(best.sample(_rng_of_draws(seed), n_draws), best)


def _cavi_lr(
    kind: str, problem: Problem, settings: Any, starts: Starts, seed: int, n_draws: int
) -> Posterior:
    from experiments.methods.cavi_lr import normal_approximation
    from hand_cavi.linear_response import linear_response

    best = _coordinate_ascent(problem, settings, starts, seed)
    q = normal_approximation(problem.mixture, linear_response(best, problem.x))
    return independent(q.sample(_rng_of_draws(seed), n_draws))


def _coordinate_ascent(problem: Problem, settings: Any, starts: Starts, seed: int) -> Fit:
    best = fit(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=starts.responsibilities(settings.starts),
        max_sweeps=settings.max_sweeps,
        tolerance=settings.tolerance,
        patience=settings.patience,
    )
    if best.status is Status.NOT_FINITE:
        raise NotFiniteError(best.status.value)
    return best


def _gibbs(kind: str, problem: Problem, settings: Any, starts: Starts, seed: int, n_draws: int) -> Posterior:
    from hand_cavi.gibbs.sampler import gibbs

    run = gibbs(
        problem.mixture,
        problem.x,
        rng=seed,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tune,
        starts=starts.responsibilities(settings.chains),
        thin=settings.thin,
        permute=settings.permute,
        keep_assignments=False,
    )
    return Posterior(run.draws, independent=False)


def _advi(kind: str, problem: Problem, settings: Any, starts: Starts, seed: int, n_draws: int) -> Posterior:
    from experiments.calibration.compiled import run_advi

    q = run_advi(problem, settings, "full_rank" if kind == "fullrank_advi" else "mean_field", starts, seed)
    return independent(q.sample(_rng_of_draws(seed), n_draws))


def _any(kind: str, problem: Problem, settings: Any, starts: Starts, seed: int, n_draws: int) -> Posterior:
    """Run a method as a study does, and keep its draws; of independent ones as many as asked for."""
    plugin = find("methods", kind, offers=("Settings", "run"))
    tree = plugin.run(problem, settings, starts=starts, seed=seed).draws
    chains = as_chains(tree)
    if not are_independent(tree):
        return Posterior(chains, independent=False)
    return Posterior({name: values[:, :n_draws] for name, values in chains.items()}, independent=True)


def _rng_of_draws(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1])


_FITTERS: dict[str, Callable[..., Posterior]] = {
    "cavi": _cavi,
    "cavi_lr": _cavi_lr,
    "gibbs": _gibbs,
    "advi": _advi,
    "fullrank_advi": _advi,
}
