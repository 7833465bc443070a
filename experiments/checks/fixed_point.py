"""Fixed point: where coordinate ascent ends, no numerical optimiser can climb further.

From several starts the updates are run until the bound stops rising; then all parameters of all factors
together are handed to L-BFGS, with slopes by differences. It must not gain anything worth the name.
"""

from functools import partial
from typing import Any

import numpy as np

from experiments.checks.parameters import NOT_OFFERED, FactorParameters, bound_or_nan
from experiments.checks.results import Decision, Result
from experiments.checks.setup import Setup
from hand_cavi.derivation import AscentStatus, ascend_from

STARTS = 3
TOLERANCE = 1e-5
"""Nats of gain, times max(1, |bound|)."""

_MOST = 200  # parameters; beyond, differences take too long


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ascend, then try to climb on."""
    subject, found = setup.subject, setup.climbs
    if not found:
        return [Result("fixed_point", "all factors", Decision.SKIPPED, NOT_OFFERED)]
    if sum(climb.space.free for climb in found) > _MOST:
        why = f"There are more than {_MOST} parameters; climbing by differences would take too long."
        return [Result("fixed_point", "all factors", Decision.SKIPPED, why)]
    gains: list[tuple[float, str, float]] = []
    for _ in range(STARTS):
        if gains and max(gains)[0] > TOLERANCE:
            break  # one is enough
        ascent = ascend_from(
            subject.derivation, subject.initial(rng), max_sweeps=2000, tolerance=1e-13, patience=3
        )
        if ascent.status is AscentStatus.CONVERGED:
            gains.append(_gain(found, ascent.state))
        elif ascent.status is AscentStatus.FELL:
            gains.append((np.inf, "all factors", np.inf))
    if not gains:
        why = "Coordinate ascent did not converge from any start within 2,000 sweeps."
        return [Result("fixed_point", "all factors", Decision.SKIPPED, why)]
    worst, factor, gained = max(gains)
    if worst > TOLERANCE:
        size = f"at least {gained:.2g} nats higher" if np.isfinite(worst) else "higher on the way"
        sentence = f"Coordinate ascent does not end at an optimum of the ELBO: it is {size}, mostly along "
        sentence += f"q({factor})."
        return [Result("fixed_point", factor, Decision.FAILED, sentence, worst, TOLERANCE)]
    sentence = f"From {len(gains)} starts, no optimiser climbs on from where coordinate ascent ends."
    return [Result("fixed_point", "all factors", Decision.PASSED, sentence, worst, TOLERANCE)]


def _gain(found: tuple[FactorParameters, ...], state: Any) -> tuple[float, str, float]:
    """Return what L-BFGS gains: relative to max(1, |bound|), mostly along which factor, and in nats."""
    from scipy.optimize import minimize

    subject, found = found[0].subject, tuple(climb.fitting(state) for climb in found)
    parts = [climb.free(state) for climb in found]
    ends = np.cumsum([0, *(len(part) for part in parts)])

    def moved(u: np.ndarray) -> Any:
        there = state
        for climb, start, end in zip(found, ends[:-1], ends[1:], strict=True):
            there = climb.moved(there, u[start:end])
        return there

    def slopes(u: np.ndarray) -> np.ndarray:
        there, bound = moved(u), partial(bound_or_nan, subject)
        each = [
            climb.slopes(there, bound, u[start:end])[0]
            for climb, start, end in zip(found, ends[:-1], ends[1:], strict=True)
        ]
        return np.nan_to_num(np.concatenate(each), nan=0.0)

    here = np.concatenate(parts)
    at = subject.bound(moved(here))
    scale = max(1.0, abs(at))
    lowest = at - 1e6 * scale  # where there is no bound; finite, for the optimiser's line search

    def stop(intermediate_result: Any) -> None:
        if -intermediate_result.fun - at > 10 * TOLERANCE * scale:
            raise StopIteration  # enough to tell

    steep = np.abs(slopes(here))
    if steep.max(initial=0.0) < 1e-5 * scale:
        return 0.0, found[0].factor, 0.0
    result = minimize(
        lambda u: -np.nan_to_num(bound_or_nan(subject, moved(u)), nan=lowest),
        here,
        jac=lambda u: -slopes(u),
        method="L-BFGS-B",
        callback=stop,
        options={"maxiter": 20},
    )
    j = int(np.searchsorted(ends, int(np.argmax(steep)), side="right")) - 1
    gained = max(0.0, float(-result.fun - at))
    return gained / scale, found[j].factor, gained
