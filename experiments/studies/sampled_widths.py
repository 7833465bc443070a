"""Standard deviations of a fit's parameters by importance sampling, where mean field's are too small."""

import numpy as np

from experiments.posterior.draws import LOCATIONS, permuted
from experiments.records import Draws, Problem
from experiments.references import CHEAP, CHEAP_COMPONENTS
from experiments.references.importance import weighted_draws
from experiments.relabel.by_problem import named
from experiments.studies.choosing import distinct
from hand_cavi import Fit, InputError


def sampled_sds(fit: Fit, x: np.ndarray, sample_weight: np.ndarray | None) -> Draws:
    """Return the posterior's standard deviations by canonical name, arrays (K, ...).

    Where a component is one number, draws are named in its order; else as the fit's responsibilities have it.
    Raises InputError if that would take long, or the draws do not qualify.
    """
    n_components = fit.mixture.n_components
    points, weight = distinct(fit.mixture, x, sample_weight)
    if n_components > CHEAP_COMPONENTS or len(points) * n_components > CHEAP:
        raise InputError(f"{len(points):,} points and {n_components} components take long to sample")
    problem = Problem(fit.mixture, points, weight)
    draws, share = weighted_draws(problem, np.random.default_rng(0))
    (name, own), *others = fit.components.mean_draw().items()
    if name in LOCATIONS and own.size == n_components and not others:
        ranks = np.argsort(np.argsort(own.ravel()))
        draws = permuted(draws, np.argsort(draws[name].reshape(-1, n_components), axis=1)[:, ranks])
    else:
        draws = named(problem, draws, fit.responsibilities(points))
    away = {name: values - np.tensordot(share, values, 1) for name, values in draws.items()}
    return {name: np.sqrt(np.tensordot(share, values**2, 1)) for name, values in away.items()}
