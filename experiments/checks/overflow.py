"""Overflow: far from where random states lie, an update still gives numbers, and does not lower the bound."""

import numpy as np

from experiments.checks.parameters import NOT_OFFERED, FactorParameters, bound_or_nan
from experiments.checks.results import BOUND, Decision, Result
from experiments.checks.setup import Setup
from hand_cavi import InputError
from hand_cavi.numerics.space import Arrays

FARTHER, SURER = 1e3, 30.0
"""By what parameters are multiplied, and the log odds of shares."""

ROUNDING = 1e-9
"""A fall of the bound by less than this times the sum of its terms' sizes is rounding."""

_HINT = "subtract the largest logarithm before taking exponentials (log-sum-exp), and take 0 ln 0 for 0"


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Update every factor where one parameter of another is far off."""
    if not setup.parameters:
        return [Result("overflow", f, Decision.SKIPPED, NOT_OFFERED) for f in setup.guarded.factors]
    return [_of_factor(setup, own) for own in setup.parameters]


def _of_factor(setup: Setup, own: FactorParameters) -> Result:
    tried, others = 0, [other for other in setup.parameters if other is not own]
    for state, other in ((state, other) for state in setup.states for other in others):
        for name in other.at(state):
            values, how = _far(other, state, name)
            far = other.with_row(state, values, 0)
            if not np.isfinite(bound_or_nan(own.guarded, far)):
                continue  # as that of exp(1000): no state that an ascent could come from
            tried, (guilty, fault) = tried + 1, _fault(own, far)
            if fault:
                said = f"At a state with {name} of q({other.factor}) {how}, {fault}; {_HINT}."
                return Result("overflow", guilty, Decision.FAILED, said)
    if not tried:
        return Result("overflow", own.factor, Decision.SKIPPED, "No state far off has a finite bound.")
    right = f"The update of q({own.factor}) holds where other factors are far off."
    return Result("overflow", own.factor, Decision.PASSED, right)


def _fault(own: FactorParameters, far: object) -> tuple[str, str]:
    """Return what is wrong with the update of a factor at a state, and whose fault it is; or nothing."""
    guarded, guilty, before = own.guarded, own.factor, own.guarded.elbo(far)
    try:
        there, guilty = guarded.update(far, own.factor), BOUND
        after = guarded.elbo(there)
    except InputError as error:
        return guilty, str(error)
    shares, found = (v.name for v in own.space.variables if v.kind == "simplex"), own.at(there)
    if lost := [name for name in shares if not np.allclose(found[name].sum(axis=-1), 1)]:
        return own.factor, f"the update of q({own.factor}) gives {lost[0]} that do not sum to 1"
    fall, size = (sum(before.values()) - sum(after.values()), [*before.values(), *after.values()])
    fell = fall > ROUNDING * sum(map(abs, size))
    return own.factor, f"updating q({own.factor}) lowers the ELBO by {fall:.3g} nats" if fell else ""


def _far(own: FactorParameters, state: object, name: str) -> tuple[Arrays, str]:
    """Return a factor's parameters with one of them far off, as one row, and in words how far."""
    values = {key: array[np.newaxis] for key, array in own.at(state).items()}
    v = next(v for v in own.fitting(state).space.variables if v.name == name)
    if v.kind not in ("simplex", "unit"):
        return values | {name: FARTHER * values[name]}, f"{FARTHER:,.0f} times as large"
    u = np.nan_to_num(SURER * v.unconstrain(values[name]), posinf=300, neginf=-300)
    return values | {name: v.constrain(np.clip(u, -300, 300))[0]}, "nearly certain"
