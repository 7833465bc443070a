"""Stationarity: after a factor is updated, the bound's derivative in that factor's parameters is zero.

Derivatives are central differences in free coordinates. A slope g where the curvature is c promises a gain of
g^2 / (2 |c|) nats; a promise above rounding is a fault, of the update or of the bound.
"""

from functools import partial

import numpy as np

from experiments.checks.parameters import NOT_OFFERED, bound_or_nan
from experiments.checks.results import Decision, Result
from experiments.checks.setup import Setup

TOLERANCE = 1e-6
"""Nats of promised gain, times max(1, |bound|)."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Differentiate at every state after each update."""
    if not setup.climbs:
        return [
            Result("stationarity", factor, Decision.SKIPPED, NOT_OFFERED) for factor in setup.subject.factors
        ]
    results = []
    for climb in setup.climbs:
        worst, gained, slack, where = 0.0, 0.0, TOLERANCE, ""
        for state in setup.states:
            here = setup.subject.update(state, climb.factor)
            scale = max(1.0, abs(setup.subject.bound(here)))
            climb = climb.fitting(here)
            first, second = climb.slopes(here, partial(bound_or_nan, setup.subject))
            first = np.nan_to_num(first, nan=0.0)  # no bound beside this point, so no slope to speak of
            second = np.nan_to_num(second, nan=0.0)
            gain = np.where(
                np.abs(first) > 1e-7 * scale, first**2 / (2 * np.maximum(np.abs(second), 1e-3)), 0.0
            )
            if gain.size and gain.max() / scale > worst:
                i = int(np.argmax(gain))
                worst, gained = float(gain[i] / scale), float(gain[i])
                where = f"{climb.space.coordinate(i)} should be {'larger' if first[i] > 0 else 'smaller'}"
        wrong = worst > slack
        sentence = (
            f"After its update q({climb.factor}) is not where the ELBO is highest: {where}, "
            f"for a gain of {gained:.2g} nats."
            if wrong
            else f"After its update, the ELBO's slope in all parameters of q({climb.factor}) is zero."
        )
        decision = Decision.FAILED if wrong else Decision.PASSED
        results.append(Result("stationarity", climb.factor, decision, sentence, worst, slack))
    return results
