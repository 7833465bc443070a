"""Fixed point: where coordinate ascent ends, no numerical optimiser finds a higher bound.

All parameters of all factors together are handed to L-BFGS, with slopes by differences.
"""

from typing import TYPE_CHECKING

import numpy as np

from experiments.checks.parameters import NOT_OFFERED, FactorParameters, bound_or_nan
from experiments.checks.results import Decision, Result
from experiments.checks.setup import Setup
from hand_cavi.derivation import AscentStatus, ascend_from

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

STARTS = 3
TOLERANCE = 1e-5
"""Nats of gain, times max(1, |bound|)."""

_MOST = 200  # parameters; beyond, differences take too long


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ascend, then try to gain more."""

    def skipped(why: str) -> list[Result]:
        return [Result("fixed_point", "all factors", Decision.SKIPPED, why)]

    if not setup.parameters:
        return skipped(NOT_OFFERED)
    if sum(one.space.free for one in setup.parameters) > _MOST:
        return skipped(
            f"There are more than {_MOST} parameters; climbing by differences would take too long."
        )
    gains: list[tuple[float, str, float]] = []
    for _ in range(STARTS):
        if gains and max(gains)[0] > TOLERANCE:
            break  # one is enough
        start = setup.guarded.initial(rng)
        ascent = ascend_from(setup.guarded.derivation, start, max_sweeps=2000, tolerance=1e-13, patience=3)
        if ascent.status is AscentStatus.CONVERGED:
            gains.append(_gain(setup.parameters, ascent.state))
        elif ascent.status is AscentStatus.FELL:
            gains.append((np.inf, "all factors", np.inf))
    if not gains:
        return skipped("Coordinate ascent did not converge from any start within 2,000 sweeps.")
    worst, factor, gained = max(gains)
    size = f"at least {gained:.2g} nats higher" if np.isfinite(worst) else "higher on the way"
    return [
        Result.up_to_rounding(
            "fixed_point",
            factor if worst > TOLERANCE else "all factors",
            worst,
            TOLERANCE,
            wrong=f"Coordinate ascent does not end at an optimum of the ELBO: it is {size}, mostly along "
            f"q({factor}).",
            right=f"From {len(gains)} starts, no optimiser climbs on from where coordinate ascent ends.",
        )
    ]


def _gain(parameters: tuple[FactorParameters, ...], state: object) -> tuple[float, str, float]:
    """Return what L-BFGS gains: relative to max(1, |bound|), mostly along which factor, and in nats."""
    from scipy.optimize import minimize

    guarded, parameters = parameters[0].guarded, tuple(one.fitting(state) for one in parameters)
    parts = [one.free(state) for one in parameters]
    ends = np.cumsum([len(part) for part in parts])

    def moved(u: np.ndarray) -> object:
        there = state
        for one, part in zip(parameters, np.split(u, ends[:-1]), strict=True):
            there = one.moved(there, part)
        return there

    def slopes(u: np.ndarray) -> np.ndarray:
        there, each = moved(u), zip(parameters, np.split(u, ends[:-1]), strict=True)
        return np.concatenate([one.bound_slopes(there, part)[0] for one, part in each])

    here = np.concatenate(parts)
    at = guarded.bound(moved(here))
    scale = max(1.0, abs(at))
    lowest = at - 1e6 * scale  # where there is no bound; finite, for the optimiser's line search

    def stop(intermediate_result: "OptimizeResult") -> None:
        if -intermediate_result.fun - at > 10 * TOLERANCE * scale:
            raise StopIteration  # enough to tell

    steep = np.abs(slopes(here))
    if steep.max(initial=0.0) < 1e-5 * scale:
        return 0.0, parameters[0].factor, 0.0
    result = minimize(
        lambda u: -np.nan_to_num(bound_or_nan(guarded, moved(u)), nan=lowest),
        here,
        jac=lambda u: -slopes(u),
        method="L-BFGS-B",
        callback=stop,
        options={"maxiter": 20},
    )
    j = int(np.searchsorted(ends, int(np.argmax(steep)), side="right"))
    gained = max(0.0, float(-result.fun - at))
    return gained / scale, parameters[j].factor, gained
