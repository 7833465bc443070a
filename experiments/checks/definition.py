"""Definition: each update is the optimal one; docs/mathematics.md, section 8."""

from functools import partial

import numpy as np

from experiments.checks import fixed_form
from experiments.checks.control_variates import ControlVariates, control_variates_at, stressed
from experiments.checks.directions import direction
from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.hotelling import hotelling
from experiments.checks.results import Decision, Result
from experiments.checks.sequential_test import Sample, Sampler, SamplingPlan, decide, plausible
from experiments.checks.setup import Setup
from experiments.checks.test_points import TestPoints, draw_points, n_points
from hand_cavi.numerics.space import Arrays

TOLERANCE = 0.15
"""Nats: the root mean square of ln q - ln q* over draws of q below which an update counts as right.

Half its square, 0.01 nats, is about what such an update loses of the bound.
"""

_OWN_FORM = " It is the best of its own form: if that is what you derived, state form (docs/checks.md)."
_ROWS = 1_000_000  # points times draws in one sample, at most
_STRESSED = 200
_IMPOSSIBLE = -500.0  # ln q less its largest: what is less likely may have been rounded to nothing


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ask of every factor whether its update is the optimal one, at every state."""
    return [_of_factor(setup, factor, rng) for factor in setup.guarded.factors]


def _of_factor(setup: Setup, factor: str, rng: np.random.Generator) -> Result:
    guarded, space = setup.guarded, setup.spaces[factor]
    others = tuple(name for name in guarded.factors if name != factor)
    form = guarded.forms.get(factor, "")

    def at(state: object, within_form: bool = bool(form)) -> Sampler:
        if within_form:
            own = fixed_form.parameters_of(setup, factor)
            return partial(fixed_form.sample, setup, guarded.update(state, factor), own)
        updated = guarded.update(state, factor)
        return partial(
            _sample, setup, updated, factor, control_variates_at(setup.controlling, others, updated)
        )

    if not any(v.free or len(v.levels) > 1 for v in space.variables):
        why = f"q({factor}) is a single point; nothing to compare."
        return Result("definition", factor, Decision.SKIPPED, why)
    largest = max(setup.plan.sizes[0], _ROWS // (4 * n_points(space)))
    plan = SamplingPlan(tuple(min(size, largest) for size in setup.plan.sizes), setup.plan.level)
    decision, found = decide([at(state) for state in setup.states], plan, TOLERANCE, rng)
    sentence = _sentence(factor, form, decision, found)
    if decision is Decision.FAILED and not form and setup.parameters:
        within = [at(state, within_form=True) for state in setup.states]
        if decide(within, plan, TOLERANCE, rng.spawn(1)[0])[0] is Decision.PASSED:
            sentence += _OWN_FORM
    return found.result("definition", factor, decision, sentence)


def _sentence(factor: str, form: str, decision: Decision, found: Sample) -> str:
    among = f" among {form} densities" if form else ""
    if decision is Decision.FAILED:
        among = among or " among all densities"
        certain = ", in a direction that has no noise at all" if found.p_value == 0 else ""
        return (
            f"The update of q({factor}) is not the optimal one{among}: ln q is off by about "
            f"{found.effect:.2g} nats{certain}{found.note}."
        )
    if decision is Decision.PASSED:
        return f"The update of q({factor}) is the optimal one{among}, to within {found.bound:.2g} nats."
    return (
        f"The draws cannot decide whether the update of q({factor}) is the optimal one{among}: it may be "
        f"off by up to {found.bound:.2g} nats."
    )


def _sample(
    setup: Setup, state: object, factor: str, known: ControlVariates | None, rng: np.random.Generator, n: int
) -> Sample:
    guarded, space = setup.guarded, setup.spaces[factor]
    chosen = draw_points(guarded, state, factor, space, rng)
    log_q = guarded.log_density(state, factor, chosen.values)
    if known is not None and (exact := _read_off(setup, chosen, log_q, factor, known, rng)):
        return exact
    others = guarded.draw(state, rng, n, without=factor)
    few = {name: array[:_STRESSED] for name, array in others.items()}
    log_p = _log_p(guarded, chosen.values, others)
    keep = (log_q > log_q.max() + _IMPOSSIBLE) & np.isfinite(log_p).all(axis=0)
    if keep.sum() < 2 or not chosen.own[keep].any():
        return Sample(1.0, 0.0, 0.0, np.inf, n)
    chosen, y = chosen.kept(keep), (log_p - log_q)[:, keep]
    unlikely = _log_p(guarded, chosen.values, stressed(few, setup.spaces, rng)) - log_q[keep]
    scale = max(1.0, float(np.abs(log_p[:, keep]).max()), float(np.abs(log_q[keep]).max()))
    statistic, p_value = hotelling(y, unlikely[np.isfinite(unlikely).all(axis=1)], scale)
    y = y - chosen.reference(y)
    off, variance = y.mean(axis=0), y[:, chosen.own].var(axis=0, ddof=1) / len(y)
    effect = _root_mean_square(off[chosen.own])
    bound = plausible(effect, float(np.sqrt(np.mean(variance))))
    return Sample(p_value, statistic, effect, bound, n, direction(space, chosen, off))


def _read_off(
    setup: Setup, chosen: TestPoints, log_q: np.ndarray, factor: str, known: ControlVariates,
    rng: np.random.Generator,
) -> Sample | None:  # fmt: skip
    """Compare without noise, or return None where the control variates do not explain all of it."""
    guarded = setup.guarded
    keep = np.full(len(log_q), True) if chosen.discrete else log_q > log_q.max() + _IMPOSSIBLE
    if keep.sum() < 2 or not chosen.own[keep].any():
        return None
    few = guarded.draw(known.state, rng, known.draws, without=factor)
    chosen, log_q = chosen.kept(keep), log_q[keep]
    log_q = np.maximum(log_q - log_q[0], _IMPOSSIBLE)

    def contrasts(others: Arrays) -> tuple[np.ndarray, np.ndarray]:
        log_p = _log_p(guarded, chosen.values, others)
        return log_p - log_p[:, :1], np.abs(log_p).max(axis=1)

    expected, rounding = known.expectations(few, contrasts, setup.spaces, rng)
    if not np.isfinite(expected).all():
        return None
    off = np.maximum(expected, _IMPOSSIBLE) - log_q
    off = off - chosen.reference(off[np.newaxis])[0]
    wrong = bool(np.abs(off).max() > rounding)
    note = direction(setup.spaces[factor], chosen, off) if wrong else ""
    return Sample.without_noise(wrong, _root_mean_square(off[chosen.own]), rounding, 2 * known.draws, note)


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


def _log_p(guarded: GuardedDerivation, at: Arrays, others: Arrays) -> np.ndarray:
    """Return ln p of every point with every draw of the others, shape (n, points)."""
    n_points = len(next(iter(at.values())))
    if not others:
        return guarded.log_p(at)[np.newaxis].repeat(2, axis=0)
    n, block, rows = len(next(iter(others.values()))), max(1, 200_000 // n_points), []
    for start in range(0, n, block):
        part = {name: array[start : start + block] for name, array in others.items()}
        size = len(next(iter(part.values())))
        values = {name: np.repeat(array, n_points, axis=0) for name, array in part.items()}
        values |= {name: np.tile(array, (size, *[1] * (array.ndim - 1))) for name, array in at.items()}
        rows.append(guarded.log_p(values).reshape(size, n_points))
    return np.concatenate(rows)
