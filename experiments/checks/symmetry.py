"""Symmetry and limits: told otherwise, the same bound; where nothing is approximated, an exact one.

A derivation says what it has of these (`hand_cavi.derivation.Symmetry` and `Limit`), and each holds up to
rounding. In a limit, such as a single component or no data, the posterior itself factorises as q does. At
the fixed point then ln p(x, z) - ln q(z) is the same number for every draw of z, the log evidence, and the
bound is that number.
"""

from typing import Any

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.results import BOUND, Decision, Result
from experiments.checks.setup import Setup
from hand_cavi.derivation import AscentStatus, Limit, Symmetry, ascend

ROUNDING = 1e-7
"""Times max(1, |bound|), or max(1, |ln p|)."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Try every symmetry and every limit that the derivation states."""
    derivation, results = setup.subject.derivation, []
    for symmetry in derivation.symmetries() if hasattr(derivation, "symmetries") else ():
        results.append(_symmetry(setup, symmetry))
    make: Any = getattr(setup.subject.log_joint, "like", None)
    for limit in derivation.limits() if hasattr(derivation, "limits") and make is not None else ():
        results.append(_limit(GuardedDerivation.of(limit.derivation, make(*limit.arguments)), limit, rng))
    if not results:
        why = "The derivation states no symmetries() and no limits()."
        results.append(Result("symmetry", "all factors", Decision.SKIPPED, why))
    return results


def _symmetry(setup: Setup, symmetry: Symmetry) -> Result:
    own, other = setup.subject, GuardedDerivation.of(symmetry.derivation, setup.subject.log_joint)
    worst, slack, guilty = 0.0, ROUNDING, BOUND
    for state in setup.states:
        pairs = [(BOUND, state, symmetry.carry(state))]
        pairs += [(f, own.update(state, f), other.update(pairs[0][2], f)) for f in own.factors]
        for factor, here, there in pairs:
            bound = own.bound(here)
            gap = abs(other.bound(there) - bound - symmetry.gain)
            slack = max(slack, ROUNDING * max(1.0, abs(bound)))
            if gap > worst:
                worst = gap
                guilty = factor
            if factor == BOUND and gap > slack:
                break
    wrong = worst > slack
    what = "the ELBO" if guilty == BOUND else f"the update of q({guilty})"
    sentence = (
        f"{symmetry.name[0].upper()}{symmetry.name[1:]} matters to {what}, by {worst:.2g} nats; it must not."
        if wrong
        else f"{symmetry.name[0].upper()}{symmetry.name[1:]}: nothing changes."
    )
    decision = Decision.FAILED if wrong else Decision.PASSED
    return Result("symmetry", guilty if wrong else "all factors", decision, sentence, worst, slack)


def _limit(subject: GuardedDerivation, limit: Limit, rng: np.random.Generator) -> Result:
    ascent = ascend(subject.derivation, rng.spawn(1)[0], max_sweeps=200)
    state = ascent.state
    draws, again = (subject.draw(state, rng, 40) for _ in range(2))
    log_ratio = _log_ratio(subject, state, draws)
    scale = max(1.0, float(np.abs(subject.log_p(draws)).max()))
    slack = ROUNDING * scale

    def told(decision: Decision, factor: str, sentence: str, effect: float) -> Result:
        return Result("symmetry", factor, decision, f"With {limit.name}, {sentence}", effect, slack)

    for factor in subject.factors:
        own = subject.sample(state, factor, np.random.default_rng(0), 1)
        changed = {name: again[name] if name in own else array for name, array in draws.items()}
        off = float(np.abs(_log_ratio(subject, state, changed) - log_ratio).max())
        if off > slack:
            return told(
                Decision.FAILED,
                factor,
                f"q({factor}) is not the exact posterior: ln q is off by {off:.2g}.",
                off,
            )
    gap = float(np.abs(log_ratio - ascent.elbo).max())
    if gap > slack or ascent.status is AscentStatus.NOT_FINITE:
        return told(
            Decision.FAILED, BOUND, f"the ELBO is not the log evidence but {gap:.2g} nats from it.", gap
        )
    return told(
        Decision.PASSED, "all factors", "q is the exact posterior and the ELBO the log evidence.", gap
    )


def _log_ratio(subject: GuardedDerivation, state: Any, values: dict[str, np.ndarray]) -> np.ndarray:
    log_q = np.zeros(len(next(iter(values.values()))))
    for factor in subject.factors:
        names = subject.sample(state, factor, np.random.default_rng(0), 1)
        log_q = log_q + subject.log_density(state, factor, {name: values[name] for name in names})
    return subject.log_p(values) - log_q
