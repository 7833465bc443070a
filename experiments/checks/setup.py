"""What all checks share: the states at which they look, the factors' spaces, and the plan of samples."""

from dataclasses import dataclass

import numpy as np

from experiments.checks.control_variates import trusted
from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.parameters import FactorParameters, factor_parameters
from experiments.checks.sequential_test import SamplingPlan
from hand_cavi.numerics.space import Space


@dataclass(frozen=True)
class Setup:
    """A derivation, prepared for its checks at random states.

    Every other state has had a sweep of updates in random order, none is an optimum; `touched` is the first
    after a single update, of each factor in turn. Spaces go by factor. Parameters are none where the
    derivation does not offer them; of those in `controlling` the scores average to zero.
    """

    guarded: GuardedDerivation
    states: tuple[object, ...]
    touched: tuple[object, ...]
    spaces: dict[str, Space]
    plan: SamplingPlan
    parameters: tuple[FactorParameters, ...]
    controlling: tuple[FactorParameters, ...]


def set_up(
    guarded: GuardedDerivation, rng: np.random.Generator, n_states: int, sizes: tuple[int, ...]
) -> Setup:
    """Draw the states, and spread the false-alarm rate over all that will be asked at them."""
    states = tuple(_wander(guarded, rng, i % 2) for i in range(n_states))
    touched = tuple(guarded.update(states[0], factor) for factor in guarded.factors)
    spaces = {factor: _space(guarded, factor, states, rng) for factor in guarded.factors}
    more = [_wander(guarded, rng, i % 3) for i in range(8)]
    found = factor_parameters(guarded, [*states, *more])
    controlling = tuple(one for one in found if trusted(one, states[:2], rng))
    n_factors, n_terms = len(guarded.factors), len(guarded.elbo(states[0]))
    definition, density, bound = n_states * n_factors, 2 * n_factors, (n_states + n_factors) * (1 + n_terms)
    plan = SamplingPlan.over(sizes, definition + density + bound)
    return Setup(guarded, states, touched, spaces, plan, found, controlling)


def _wander(guarded: GuardedDerivation, rng: np.random.Generator, sweeps: int) -> object:
    """Return a random state after so many sweeps of updates in random order."""
    state = guarded.initial(rng)
    for _ in range(sweeps):
        for i in rng.permutation(len(guarded.factors)):
            state = guarded.update(state, guarded.factors[i])
    return state


def _space(
    guarded: GuardedDerivation, factor: str, states: tuple[object, ...], rng: np.random.Generator
) -> Space:
    """Return the space of a factor's variables, judged by draws at several states."""
    draws = [guarded.sample(state, factor, rng, 1000) for state in states]
    return Space.of({name: np.concatenate([each[name] for each in draws]) for name in draws[0]})
