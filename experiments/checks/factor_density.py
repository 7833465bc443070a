r"""Density: each factor's sampler draws from its density, and that density integrates to one.

*Shape.* A Metropolis step for q leaves q as it is, so that if z is drawn from q and z' is proposed by a
symmetric move and accepted with probability a, then E[a (f(z') - f(z))] = 0 for every f. With z from the
sampler, a from the density and f a coordinate and its square, a shift or another width shows. A discrete
variable is compared with its conditional probabilities: E[1[z_i = k] - q(z_i = k | the rest)] = 0.

*Size.* With h any normalised density that can be sampled, bounded whatever the two densities are,

    E_h[q / (q + h)] = E_q[h / (q + h)]

exactly if q is normalised (Bennett 1976). Here h is normal in free coordinates, fitted to other draws of q,
times independent probabilities of the discrete variables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.results import Decision, Result
from experiments.checks.sequential_test import Sample, decide, mean_test, plausible
from experiments.checks.setup import Setup
from experiments.checks.space import Arrays, Space

TOLERANCE = 0.1
"""Standard deviations, probability, or nats of ln integral: what is certainly smaller counts as none."""

_PILOT = 2000
_MOVES = 30  # coordinates that are moved in one look, at most
_LEVELS = 10


@dataclass(frozen=True)
class _Companion:
    """The density h: where it is centred, its Cholesky factor, and the levels' probabilities."""

    space: Space
    centre: np.ndarray
    root: np.ndarray
    chances: dict[str, np.ndarray]  # (levels, ...)

    @classmethod
    def of(cls, space: Space, draws: Arrays) -> "_Companion":
        u = space.unconstrain(draws)
        u = u[np.isfinite(u).all(axis=1)]
        covariance = np.atleast_2d(np.cov(u, rowvar=False)) if space.free else np.empty((0, 0))
        chances = {}
        for v in space.discrete:
            counts = np.stack([(draws[v.name] == level).sum(axis=0) for level in v.levels]) + 0.5
            chances[v.name] = counts / counts.sum(axis=0)
        return cls(space, u.mean(axis=0), np.linalg.cholesky(covariance), chances)

    def sample(self, rng: np.random.Generator, n: int) -> Arrays:
        values, _ = self.space.constrain(
            self.centre + rng.standard_normal((n, len(self.centre))) @ self.root.T
        )
        for v in self.space.discrete:
            cumulative = np.cumsum(self.chances[v.name], axis=0)[:-1]
            values[v.name] = v.levels[(rng.random((n, 1, *v.shape)) > cumulative).sum(axis=1)]
        return values

    def log_density(self, values: Arrays) -> np.ndarray:
        u = self.space.unconstrain(values)
        w = np.linalg.solve(self.root, (u - self.centre).T).T if self.space.free else u
        log_h = -0.5 * np.sum(w**2 + np.log(2 * np.pi), axis=1) - np.log(np.diagonal(self.root)).sum()
        log_h = log_h - self.space.constrain(u)[1]
        for v in self.space.discrete:
            index = np.searchsorted(v.levels, values[v.name])
            index = np.minimum(index, len(v.levels) - 1)
            log_h = log_h + np.log(np.take_along_axis(self.chances[v.name], index, axis=0)).reshape(
                len(u), -1
            ).sum(axis=1)
        return log_h


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ask both questions of every factor, at two states."""
    return [_of_factor(setup, factor, rng) for factor in setup.subject.factors]


def _of_factor(setup: Setup, factor: str, rng: np.random.Generator) -> Result:
    subject, space = setup.subject, setup.spaces[factor]
    looks: list[Callable[[np.random.Generator, int], Sample]] = []
    for state in setup.states[:2]:
        pilot = subject.sample(state, factor, rng, _PILOT)
        u = space.unconstrain(pilot)
        still = u.std(axis=0) < 1e-9 * np.maximum(1, np.abs(u).max(axis=0, initial=0))
        if space.free and still.any():
            why = f"q({factor}) does not vary in some of its coordinates."
            return Result("density", factor, Decision.SKIPPED, why)
        if not any(np.asarray(values).size for values in pilot.values()):
            return Result("density", factor, Decision.SKIPPED, f"q({factor}) has no variables here.")
        companion = _Companion.of(space, pilot)

        def look(rng: np.random.Generator, n: int, at: Any = state, h: _Companion = companion) -> Sample:
            return _look(subject, at, factor, space, h, rng, n)

        looks.append(look)
    decision, found = decide(looks, setup.plan, TOLERANCE, rng)
    return _result(factor, decision, found)


def _result(factor: str, decision: Decision, look: Sample) -> Result:
    if decision is Decision.FAILED:
        sentence = f"The sampler and the log density of q({factor}) disagree: {look.note}."
    elif decision is Decision.PASSED:
        sentence = f"The sampler and the log density of q({factor}) agree, and it integrates to one."
    else:
        sentence = f"The draws cannot decide whether the sampler and the log density of q({factor}) agree."
    return Result(
        "density", factor, decision, sentence, look.effect, look.bound, "standard deviations or nats",
        look.statistic, look.p_value, look.draws,
    )  # fmt: skip


def _look(
    subject: GuardedDerivation,
    state: Any,
    factor: str,
    space: Space,
    h: _Companion,
    rng: np.random.Generator,
    n: int,
) -> Sample:
    draws = subject.sample(state, factor, rng, n)
    u = space.unconstrain(draws)
    keep = np.isfinite(u).all(axis=1)
    for v in space.discrete:
        keep &= np.isin(draws[v.name], v.levels).reshape(n, -1).all(axis=1)
    draws, u = {name: array[keep] for name, array in draws.items()}, u[keep]
    log_q = subject.log_density(state, factor, draws)
    tests = [_size(subject, state, factor, h, draws, log_q, rng)]
    tests += _moved(subject, state, factor, space, h, draws, u, log_q, rng)
    tests += _flipped(subject, state, factor, space, draws, log_q, rng)
    p, statistic, effect, bound, note = min(tests, key=lambda test: test[0])
    widest = max(test[3] for test in tests)
    return Sample(min(1.0, p * len(tests)), statistic, effect, widest, n, note)


_Test = tuple[float, float, float, float, str]


def _size(
    subject: GuardedDerivation,
    state: Any,
    factor: str,
    h: _Companion,
    draws: Arrays,
    log_q: np.ndarray,
    rng: np.random.Generator,
) -> _Test:
    others = h.sample(rng, len(log_q))
    at_h = _share(subject.log_density(state, factor, others) - h.log_density(others))
    at_q = _share(h.log_density(draws) - log_q)
    mean, error, statistic, p_value = mean_test(at_h - at_q)
    sensitivity = max(1e-3, float(np.mean(at_h * (1 - at_h)) + np.mean(at_q * (1 - at_q))))
    effect = mean / sensitivity  # ln of the integral, to first order
    much = "more" if effect > 0 else "less"
    note = f"the density integrates to {much} than one, ln of it being about {effect:+.2g}"
    return p_value, statistic, effect, plausible(abs(effect), error / sensitivity), note


def _moved(
    subject: GuardedDerivation, state: Any, factor: str, space: Space, h: _Companion, draws: Arrays, u: np.ndarray,
    log_q: np.ndarray, rng: np.random.Generator,
) -> list[_Test]:  # fmt: skip
    spread = np.sqrt(np.sum(h.root**2, axis=1))
    base = log_q + space.constrain(u)[1]
    tests = []
    for i in rng.permutation(space.free)[:_MOVES]:
        sign = rng.choice([-1.0, 1.0], size=len(u))
        there = u.copy()
        there[:, i] += sign * spread[i]
        values, log_jacobian = space.constrain(there)
        log_there = subject.log_density(state, factor, {**draws, **values}) + log_jacobian
        accepted = np.exp(np.minimum(0.0, log_there - base))
        w = (u[:, i] - h.centre[i]) / spread[i]
        name = space.coordinate(int(i))
        for change, of in ((sign, "location"), ((2 * w * sign + 1) / 2, "width")):
            mean, error, statistic, p_value = mean_test(accepted * change)
            if of == "location":
                note = f"draws of {name} lie too {'low' if mean > 0 else 'high'} for the density"
            else:
                note = f"draws of {name} are too {'narrow' if mean > 0 else 'wide'} for the density"
            tests.append((p_value, statistic, mean, plausible(abs(mean), error), note))
    return tests


def _flipped(
    subject: GuardedDerivation,
    state: Any,
    factor: str,
    space: Space,
    draws: Arrays,
    log_q: np.ndarray,
    rng: np.random.Generator,
) -> list[_Test]:
    places = [
        (v, index) for v in space.discrete for index in np.ndindex(v.shape) if 1 < len(v.levels) <= _LEVELS
    ]
    tests = []
    for j in rng.permutation(len(places))[:_MOVES]:
        v, index = places[j]
        seen = draws[v.name][(slice(None), *index)]
        log_each = np.empty((len(seen), len(v.levels)))
        for k, level in enumerate(v.levels):
            values = draws[v.name].copy()
            values[(slice(None), *index)] = level
            log_each[:, k] = subject.log_density(state, factor, {**draws, v.name: values})
        log_each -= np.logaddexp.reduce(log_each, axis=1)[:, np.newaxis]
        for k, level in enumerate(v.levels[1:], start=1):
            excess = (seen == level) - np.exp(log_each[:, k])
            if np.abs(excess).max() < 1e-3:  # decided for certain: no information
                continue
            if (seen == level).sum() + np.exp(log_each[:, k]).sum() < 50:  # too rare for a t statistic
                continue
            mean, error, statistic, p_value = mean_test(excess)
            much = "often" if mean > 0 else "seldom"
            note = f"{v.name}{list(index) or ''} = {level} is drawn too {much} for the density"
            tests.append((p_value, statistic, mean, plausible(abs(mean), error), note))
    return tests


def _share(log_ratio: np.ndarray) -> np.ndarray:
    """Return r / (1 + r)."""
    return 1 / (1 + np.exp(-np.clip(log_ratio, -700, 700)))
