"""Stationarity: after a factor is updated, the bound's derivative in that factor's parameters is zero.

A slope g where the curvature is c promises a gain of g^2 / (2 |c|) nats; more than rounding is a fault.
"""

import numpy as np

from experiments.checks.parameters import NOT_OFFERED, FactorParameters
from experiments.checks.results import Decision, Result
from experiments.checks.setup import Setup

TOLERANCE = 1e-6
"""Nats of promised gain, times max(1, |bound|)."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Differentiate at every state after each update."""
    if not setup.parameters:
        return [Result("stationarity", f, Decision.SKIPPED, NOT_OFFERED) for f in setup.guarded.factors]
    return [_of_factor(setup, own) for own in setup.parameters]


def _of_factor(setup: Setup, own: FactorParameters) -> Result:
    worst, gained, where = 0.0, 0.0, ""
    for state in setup.states:
        here = setup.guarded.update(state, own.factor)
        scale = max(1.0, abs(setup.guarded.bound(here)))
        own = own.fitting(here)
        first, second = own.bound_slopes(here)
        gain = np.where(np.abs(first) > 1e-7 * scale, first**2 / (2 * np.maximum(np.abs(second), 1e-3)), 0.0)
        if gain.size and gain.max() / scale > worst:
            i = int(np.argmax(gain))
            worst, gained = float(gain[i] / scale), float(gain[i])
            where = f"{own.space.coordinate(i)} should be {'larger' if first[i] > 0 else 'smaller'}"
    return Result.up_to_rounding(
        "stationarity",
        own.factor,
        worst,
        TOLERANCE,
        wrong=f"After its update q({own.factor}) is not where the ELBO is highest: {where}, "
        f"for a gain of {gained:.2g} nats.",
        right=f"After its update, the ELBO's slope in all parameters of q({own.factor}) is zero.",
    )
