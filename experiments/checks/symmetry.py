"""Symmetry and limits: told otherwise, the same bound; where nothing is approximated, an exact one.

A derivation says what it has of these: `hand_cavi.derivation.Symmetry` and `Limit`.
"""

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.results import BOUND, Decision, Result
from experiments.checks.setup import Setup
from hand_cavi.derivation import AscentStatus, Limit, Symmetry, ascend

ROUNDING = 1e-7
"""Times max(1, |bound|), or max(1, |ln p|)."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Try every symmetry and every limit that the derivation states."""
    guarded = setup.guarded
    symmetries = getattr(guarded.derivation, "symmetries", list)
    results = [_symmetry(setup, symmetry) for symmetry in symmetries()]
    make = getattr(guarded.log_joint, "like", None)
    if make is not None:
        for limit in getattr(guarded.derivation, "limits", list)():
            special = GuardedDerivation.of(limit.derivation, make(*limit.arguments))
            results.append(_limit(special, limit, rng))
    why = "The derivation states no symmetries() and no limits(); see docs/checks.md."
    return results or [Result("symmetry", "all factors", Decision.SKIPPED, why)]


def _symmetry(setup: Setup, symmetry: Symmetry) -> Result:
    own, other = setup.guarded, GuardedDerivation.of(symmetry.derivation, setup.guarded.log_joint)
    worst, slack, guilty = 0.0, ROUNDING, BOUND
    for state in setup.states:
        pairs = [(BOUND, state, symmetry.carry(state))]
        pairs += [(f, own.update(state, f), other.update(pairs[0][2], f)) for f in own.factors]
        for factor, here, there in pairs:
            bound = own.bound(here)
            gap = abs(other.bound(there) - bound - symmetry.gain)
            slack = max(slack, ROUNDING * max(1.0, abs(bound)))
            if gap > worst:
                worst, guilty = gap, factor
            if factor == BOUND and gap > slack:
                break
    what = "the ELBO" if guilty == BOUND else f"the update of q({guilty})"
    name = f"{symmetry.name[0].upper()}{symmetry.name[1:]}"
    return Result.up_to_rounding(
        "symmetry",
        guilty if worst > slack else "all factors",
        worst,
        slack,
        wrong=f"{name} matters to {what}, by {worst:.2g} nats; it must not.",
        right=f"{name}: nothing changes.",
    )


def _limit(guarded: GuardedDerivation, limit: Limit, rng: np.random.Generator) -> Result:
    ascent = ascend(guarded.derivation, rng.spawn(1)[0], max_sweeps=200)
    state = ascent.state
    draws, again = (guarded.draw(state, rng, 40) for _ in range(2))
    log_ratio = guarded.log_ratio(state, draws)
    slack = ROUNDING * max(1.0, float(np.abs(guarded.log_p(draws)).max()))

    def told(decision: Decision, factor: str, sentence: str, effect: float) -> Result:
        return Result("symmetry", factor, decision, f"With {limit.name}, {sentence}", effect, slack)

    for factor in guarded.factors:
        changed = draws | guarded.own(factor, again)
        off = float(np.abs(guarded.log_ratio(state, changed) - log_ratio).max())
        if off > slack:
            what = f"q({factor}) is not the exact posterior: ln q is off by {off:.2g}."
            return told(Decision.FAILED, factor, what, off)
    gap = float(np.abs(log_ratio - ascent.elbo).max())
    if gap > slack or ascent.status is AscentStatus.NOT_FINITE:
        what = f"the ELBO is not the log evidence but {gap:.2g} nats from it."
        return told(Decision.FAILED, BOUND, what, gap)
    what = "q is the exact posterior and the ELBO the log evidence."
    return told(Decision.PASSED, "all factors", what, gap)
