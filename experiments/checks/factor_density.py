"""Density: each factor's sampler draws from its density, and that density integrates to one.

See docs/mathematics.md, section 8. Coordinates and their squares are the f; a discrete variable is compared
with its conditional probabilities. The h is normal in free coordinates, times independent probabilities.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.results import Decision, Result
from experiments.checks.sequential_test import Sample, Sampler, decide, mean_test
from experiments.checks.setup import Setup
from hand_cavi.numerics.space import Arrays, Space

TOLERANCE = 0.1
"""Standard deviations, probability, or nats of ln integral: what is certainly smaller counts as none."""

_PILOT = 2000
_MOVES = 30  # coordinates that are moved in one sample, at most
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
        u = self.centre + rng.standard_normal((n, len(self.centre))) @ self.root.T
        values, _ = self.space.constrain(u)
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
            index = np.minimum(np.searchsorted(v.levels, values[v.name]), len(v.levels) - 1)
            chance = np.take_along_axis(self.chances[v.name], index, axis=0)
            log_h = log_h + np.log(chance).reshape(len(u), -1).sum(axis=1)
        return log_h


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ask both questions of every factor, at two states."""
    return [_of_factor(setup, factor, rng) for factor in setup.guarded.factors]


def _of_factor(setup: Setup, factor: str, rng: np.random.Generator) -> Result:
    guarded, space = setup.guarded, setup.spaces[factor]
    samplers: list[Sampler] = []
    for state in setup.states[:2]:
        pilot = guarded.sample(state, factor, rng, _PILOT)
        u = space.unconstrain(pilot)
        still = u.std(axis=0) < 1e-9 * np.maximum(1, np.abs(u).max(axis=0, initial=0))
        why = f"q({factor}) has no variables here." if not any(z.size for z in pilot.values()) else ""
        if space.free and still.any():
            why = f"q({factor}) does not vary in some of its coordinates."
        if why:
            return Result("density", factor, Decision.SKIPPED, why)
        samplers.append(_Questions(guarded, state, factor, space, _Companion.of(space, pilot)).sample)
    decision, found = decide(samplers, setup.plan, TOLERANCE, rng)
    both = f"sampler and the log density of q({factor})"
    sentence = {
        Decision.FAILED: f"The {both} disagree: {found.note}.",
        Decision.PASSED: f"The {both} agree, and it integrates to one.",
    }.get(decision, f"The draws cannot decide whether the {both} agree.")
    return found.result("density", factor, decision, sentence, "standard deviations or nats")


@dataclass(frozen=True)
class _Questions:
    """One factor at one state, beside the density h."""

    guarded: GuardedDerivation
    state: object
    factor: str
    space: Space
    h: _Companion

    def sample(self, rng: np.random.Generator, n: int) -> Sample:
        """Return the test with the least p-value, corrected for their number."""
        draws = self.guarded.sample(self.state, self.factor, rng, n)
        keep = np.isfinite(self.space.unconstrain(draws)).all(axis=1)
        for v in self.space.discrete:
            keep &= np.isin(draws[v.name], v.levels).reshape(n, -1).all(axis=1)
        draws = {name: array[keep] for name, array in draws.items()}
        log_q = self.log_q(draws)
        tests = [
            self.size(draws, log_q, rng), *self.moved(draws, log_q, rng), *self.flipped(draws, rng)
        ]  # fmt: skip
        least, widest = min(tests, key=lambda test: test.p_value), max(test.bound for test in tests)
        return replace(least, p_value=min(1.0, least.p_value * len(tests)), bound=widest, draws=n)

    def log_q(self, values: Arrays) -> np.ndarray:
        return self.guarded.log_density(self.state, self.factor, values)

    def size(self, draws: Arrays, log_q: np.ndarray, rng: np.random.Generator) -> Sample:
        others = self.h.sample(rng, len(log_q))
        at_h = _share(self.log_q(others) - self.h.log_density(others))
        at_q = _share(self.h.log_density(draws) - log_q)
        sensitivity = max(1e-3, float(np.mean(at_h * (1 - at_h)) + np.mean(at_q * (1 - at_q))))
        found = mean_test(at_h - at_q, sensitivity)  # ln of the integral, to first order
        much = "more" if found.effect > 0 else "less"
        note = f"the density integrates to {much} than one, ln of it being about {found.effect:+.2g}"
        return replace(found, note=note)

    def moved(self, draws: Arrays, log_q: np.ndarray, rng: np.random.Generator) -> Iterator[Sample]:
        space, centre, spread = self.space, self.h.centre, np.sqrt(np.sum(self.h.root**2, axis=1))
        u = space.unconstrain(draws)
        base = log_q + space.constrain(u)[1]
        for i in rng.permutation(space.free)[:_MOVES]:
            sign = rng.choice([-1.0, 1.0], size=len(u))
            there = u.copy()
            there[:, i] += sign * spread[i]
            values, log_jacobian = space.constrain(there)
            log_there = self.log_q({**draws, **values}) + log_jacobian
            accepted = np.exp(np.minimum(0.0, log_there - base))
            w = (u[:, i] - centre[i]) / spread[i]
            name = space.coordinate(int(i))
            found = mean_test(accepted * sign)
            side = "low" if found.effect > 0 else "high"
            yield replace(found, note=f"draws of {name} lie too {side} for the density")
            found = mean_test(accepted * ((2 * w * sign + 1) / 2))
            how = "narrow" if found.effect > 0 else "wide"
            yield replace(found, note=f"draws of {name} are too {how} for the density")

    def flipped(self, draws: Arrays, rng: np.random.Generator) -> Iterator[Sample]:
        few = [v for v in self.space.discrete if 1 < len(v.levels) <= _LEVELS]
        places = [(v, index) for v in few for index in np.ndindex(v.shape)]
        for j in rng.permutation(len(places))[:_MOVES]:
            v, index = places[j]
            seen = draws[v.name][(slice(None), *index)]
            log_each = np.empty((len(seen), len(v.levels)))
            for k, level in enumerate(v.levels):
                values = draws[v.name].copy()
                values[(slice(None), *index)] = level
                log_each[:, k] = self.log_q({**draws, v.name: values})
            chances = np.exp(log_each - np.logaddexp.reduce(log_each, axis=1)[:, np.newaxis])
            for k, level in enumerate(v.levels[1:], start=1):
                excess = (seen == level) - chances[:, k]
                rare = (seen == level).sum() + chances[:, k].sum() < 50  # for a t statistic
                if rare or np.abs(excess).max() < 1e-3:  # decided for certain: no information
                    continue
                found = mean_test(excess)
                much = "often" if found.effect > 0 else "seldom"
                where = f"{v.name}{list(index) or ''} = {level}"
                yield replace(found, note=f"{where} is drawn too {much} for the density")


def _share(log_ratio: np.ndarray) -> np.ndarray:
    """Return r / (1 + r)."""
    return 1 / (1 + np.exp(-np.clip(log_ratio, -700, 700)))
