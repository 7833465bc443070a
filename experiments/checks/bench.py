"""What all checks share: the states at which they look, the factors' spaces, and the plan of looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.checks.sequential import Plan
from experiments.checks.space import Space
from experiments.checks.subject import Subject, space_of


@dataclass(frozen=True)
class Bench:
    """A derivation laid out for its checks.

    Attributes
    ----------
    subject : Subject
    states : tuple
        Random states; every other one has had a sweep of updates in random order, none is an optimum.
    spaces : dict of Space
        By factor.
    plan : Plan
    """

    subject: Subject
    states: tuple[Any, ...]
    spaces: dict[str, Space]
    plan: Plan


def lay_out(subject: Subject, rng: np.random.Generator, n_states: int, sizes: tuple[int, ...]) -> Bench:
    """Draw the states, and spread the false-alarm rate over all that will be asked at them."""
    states = tuple(wander(subject, rng, i % 2) for i in range(n_states))
    spaces = {factor: space_of(subject, factor, states, rng) for factor in subject.factors}
    n_factors, n_terms = len(subject.factors), len(subject.elbo(states[0]))
    definition, density, bound = n_states * n_factors, 2 * n_factors, n_states * (1 + n_terms)
    return Bench(subject, states, spaces, Plan.over(sizes, definition + density + bound))


def wander(subject: Subject, rng: np.random.Generator, sweeps: int) -> Any:
    """Return a random state after so many sweeps of updates in random order."""
    state = subject.initial(rng)
    for _ in range(sweeps):
        for i in rng.permutation(len(subject.factors)):
            state = subject.update(state, subject.factors[i])
    return state


def quoted(names: Sequence[str]) -> str:
    """Return names in quotes, with commas."""
    return ", ".join(f'"{name}"' for name in names)
