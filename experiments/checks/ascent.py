"""Ascent: no single update lowers the bound, from wherever.

Each update is the best that one factor can do given the others, so the bound after it is never below the
bound before it. No draws are needed, and rounding is the only excuse.
"""

import numpy as np

from experiments.checks.results import Decision, Result
from experiments.checks.setup import Setup

STATES, SWEEPS = 8, 3
ROUNDING = 1e-9
"""A fall by less than this times max(1, |bound|) is rounding."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Update in random order from many random states, and keep each factor's worst fall."""
    subject = setup.subject
    fall, slack, tried = dict.fromkeys(subject.factors, 0.0), 0.0, 0
    for _ in range(STATES):
        state = subject.initial(rng)
        bound = subject.bound(state)
        for _ in range(SWEEPS):
            for i in rng.permutation(len(subject.factors)):
                factor = subject.factors[i]
                state = subject.update(state, factor)
                before, bound = bound, subject.bound(state)
                slack = max(slack, ROUNDING * max(1.0, abs(bound), abs(before)))
                fall[factor] = max(fall[factor], before - bound)
                tried += 1
    return [_result(factor, worst, slack, tried) for factor, worst in fall.items()]


def _result(factor: str, fall: float, slack: float, tried: int) -> Result:
    wrong = fall > slack
    sentence = (
        f"Updating q({factor}) lowers the ELBO, by up to {fall:.3g} nats."
        if wrong
        else f"No update of q({factor}) lowered the ELBO ({tried} updates of all factors tried)."
    )
    return Result("ascent", factor, Decision.FAILED if wrong else Decision.PASSED, sentence, fall, slack)
