"""What all checks share: the states at which they look, the factors' spaces, and the plan of looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.checks.control_variates import trusted
from experiments.checks.guarded_derivation import GuardedDerivation, space_of
from experiments.checks.parameters import FactorParameters, climbs
from experiments.checks.sequential_test import SamplingPlan
from experiments.checks.space import Space


@dataclass(frozen=True)
class Setup:
    """A derivation laid out for its checks.

    Attributes
    ----------
    subject : GuardedDerivation
    states : tuple
        Random states; every other one has had a sweep of updates in random order, none is an optimum.
    touched : tuple
        The first of them after a single update, of each factor in turn: what an update left stale is seen by
        the bound there.
    spaces : dict of Space
        By factor.
    plan : SamplingPlan
    climbs : tuple of FactorParameters
        Of every factor; none where the derivation does not offer its parameters.
    controlling : tuple of FactorParameters
        Those whose scores average to zero, as those of a density do.
    """

    subject: GuardedDerivation
    states: tuple[Any, ...]
    touched: tuple[Any, ...]
    spaces: dict[str, Space]
    plan: SamplingPlan
    climbs: tuple[FactorParameters, ...] = ()
    controlling: tuple[FactorParameters, ...] = ()


def set_up(
    subject: GuardedDerivation, rng: np.random.Generator, n_states: int, sizes: tuple[int, ...]
) -> Setup:
    """Draw the states, and spread the false-alarm rate over all that will be asked at them."""
    states = tuple(wander(subject, rng, i % 2) for i in range(n_states))
    touched = tuple(subject.update(states[0], factor) for factor in subject.factors)
    spaces = {factor: space_of(subject, factor, states, rng) for factor in subject.factors}
    more = (wander(subject, rng, i % 3) for i in range(8))
    found = climbs(subject, [*states, *more], spaces)
    controlling = tuple(climb for climb in found if trusted(climb, states[:2], rng))
    n_factors, n_terms = len(subject.factors), len(subject.elbo(states[0]))
    definition, density, bound = n_states * n_factors, 2 * n_factors, (n_states + n_factors) * (1 + n_terms)
    plan = SamplingPlan.over(sizes, definition + density + bound)
    return Setup(subject, states, touched, spaces, plan, found, controlling)


def wander(subject: GuardedDerivation, rng: np.random.Generator, sweeps: int) -> Any:
    """Return a random state after so many sweeps of updates in random order."""
    state = subject.initial(rng)
    for _ in range(sweeps):
        for i in rng.permutation(len(subject.factors)):
            state = subject.update(state, subject.factors[i])
    return state


def quoted(names: Sequence[str]) -> str:
    """Return names in quotes, with commas."""
    return ", ".join(f'"{name}"' for name in names)
