"""What is ranked: functions of theta (and of the data) that do not depend on how components are numbered.

location        the components' means (rates, probabilities), sorted within the draw, entry by entry
weights         the weights, sorted, where they are unknown
log_likelihood  log p(x given theta), assignments summed out: sees errors that no parameter shows on its
                own, since it depends on the data (Modrak et al. 2023)
log_joint       log p(x, theta)
together        p(c_1 = c_2 given x, theta) = sum_k p_1k p_2k: whether the first two points belong together
                (points are exchangeable, so that any two will do)

Letters: S draws, K components, L entries of a location, Q quantities.
"""

import numpy as np

from experiments.config.options import RANKED
from experiments.posterior.draws import location, location_entries, location_name, location_word
from experiments.posterior.predictive import log_terms
from experiments.records import Draws, Problem
from hand_cavi import log_joint
from hand_cavi.numerics.special import softmax


def kinds_of(problem: Problem, asked: tuple[str, ...] = RANKED) -> tuple[str, ...]:
    """Return those of the kinds asked for that mean something for this model."""
    several = problem.mixture.n_components > 1
    meant = {
        "weights": several and bool(problem.mixture.weights.sample(np.random.default_rng(0), 1)),
        "together": several and len(problem.x) > 1,
    }
    return tuple(kind for kind in RANKED if kind in asked and meant.get(kind, True))


def names_of(problem: Problem, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a reader calls each of the Q quantities."""
    known = {
        "location": _names_of_locations(problem),
        "weights": [f"sorted weight {k + 1}" for k in range(problem.mixture.n_components)],
        "together": ["two points together"],
    }
    return tuple(name for kind in kinds for name in known.get(kind, [kind.replace("_", " ")]))


def values_of(problem: Problem, draws: Draws, kinds: tuple[str, ...]) -> np.ndarray:
    """Return the quantities of canonical draws, arrays (S, K, ...); shape (S, Q)."""
    columns: dict[str, np.ndarray] = {}
    if "location" in kinds:
        where = np.sort(locations(draws), axis=1)
        columns["location"] = where.reshape(len(where), -1)
    if "weights" in kinds:
        columns["weights"] = np.sort(draws["weights"], axis=1)
    if "log_likelihood" in kinds or "log_joint" in kinds:
        joint = log_joint(problem.mixture, problem.x, draws)
        columns["log_joint"] = joint[:, np.newaxis]
        columns["log_likelihood"] = (joint - _log_prior(problem, draws))[:, np.newaxis]
    if "together" in kinds:
        columns["together"] = _together(problem, draws)[:, np.newaxis]
    return np.concatenate([columns[kind] for kind in kinds], axis=1)


def truth_of(problem: Problem) -> Draws:
    """Return the parameters from which the data came, as one draw: arrays (1, K, ...)."""
    return {name: values[np.newaxis] for name, values in problem.truth.items() if name != "assignments"}


def locations(draws: Draws) -> np.ndarray:
    """Return where components are, shape (S, K, L), without entries that follow from the others.

    Of C probabilities that sum to 1, the last is left out.
    """
    return location(draws)[..., _free_entries(draws)]


def _free_entries(draws: Draws) -> list[int]:
    name = location_name(draws)
    n_entries = location(draws).shape[-1]
    n_categories = draws[name].shape[-1] if name == "probability" else np.inf
    return [entry for entry in range(n_entries) if (entry + 1) % n_categories]


def _names_of_locations(problem: Problem) -> list[str]:
    one = {name: values for name, values in problem.truth.items() if name not in ("assignments", "weights")}
    entries, word = location_entries(one), location_word(one)
    free = [entries[entry] for entry in _free_entries(one)]
    return [
        f"sorted {word} {k + 1}" + (f", {entry}" if entry else "")
        for k in range(problem.mixture.n_components)
        for entry in free
    ]


def _log_prior(problem: Problem, draws: Draws) -> np.ndarray:
    """Return log p(theta, pi), shape (S,)."""
    mixture = problem.mixture
    components = mixture.components.log_density(draws).sum(axis=1)
    return components + mixture.weights.log_density(draws, len(components))


def _together(problem: Problem, draws: Draws) -> np.ndarray:
    """Return sum_k p(c_1 = k) p(c_2 = k) given x and each draw, shape (S,)."""
    terms = np.concatenate(list(log_terms(problem, problem.x[:2], draws)))  # (S, 2, K)
    share = softmax(terms)
    return (share[:, 0] * share[:, 1]).sum(axis=1)
