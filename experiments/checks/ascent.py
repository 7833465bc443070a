"""Ascent: no single update lowers the bound, from wherever; it takes no draws, and only rounding excuses."""

import numpy as np

from experiments.checks.results import Result
from experiments.checks.setup import Setup

STATES, SWEEPS = 8, 3
ROUNDING = 1e-9
"""A fall by less than this times max(1, |bound|) is rounding."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Update in random order from many random states, and keep each factor's worst fall."""
    guarded = setup.guarded
    fall, slack, tried = dict.fromkeys(guarded.factors, 0.0), 0.0, 0
    for _ in range(STATES):
        state = guarded.initial(rng)
        bound = guarded.bound(state)
        for _ in range(SWEEPS):
            for i in rng.permutation(len(guarded.factors)):
                factor = guarded.factors[i]
                state = guarded.update(state, factor)
                before, bound = bound, guarded.bound(state)
                slack = max(slack, ROUNDING * max(1.0, abs(bound), abs(before)))
                fall[factor] = max(fall[factor], before - bound)
                tried += 1
    return [
        Result.up_to_rounding(
            "ascent",
            factor,
            worst,
            slack,
            wrong=f"Updating q({factor}) lowers the ELBO, by up to {worst:.3g} nats.",
            right=f"No update of q({factor}) lowered the ELBO ({tried} updates of all factors tried).",
        )
        for factor, worst in fall.items()
    ]
