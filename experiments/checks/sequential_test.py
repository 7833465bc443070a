"""How many draws to take, and when to stop: small samples first, and no alarm without confirmation.

See docs/mathematics.md, section 8, and docs/checks.md, which says why there are two stages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.checks.results import Decision, Result

FALSE_ALARM_RATE = 0.005
"""Over all statistical checks together. The exact checks, up to rounding, raise none."""


@dataclass(frozen=True)
class Sample:
    """What one sample says: how wrong something seems, and the largest effect that is plausible."""

    p_value: float  # 0 where even rounding cannot explain the discrepancy
    statistic: float
    effect: float
    bound: float
    draws: int
    note: str = ""  # what a fault's message should say of the direction

    @classmethod
    def without_noise(
        cls, wrong: bool, effect: float, rounding: float, draws: int, note: str = ""
    ) -> "Sample":
        """Return what is certain, up to rounding."""
        p_value, statistic = (0.0, np.inf) if wrong else (1.0, 0.0)
        return cls(p_value, statistic, effect, max(abs(effect), rounding), draws, note)

    def result(
        self, check: str, factor: str, decision: Decision, sentence: str, unit: str = "nats"
    ) -> Result:
        """Return the answer that rests on this sample."""
        return Result(
            check, factor, decision, sentence, self.effect, self.bound, unit,
            self.statistic, self.p_value, self.draws,
        )  # fmt: skip


Sampler = Callable[[np.random.Generator, int], Sample]
"""Takes a sample of so many draws."""


@dataclass(frozen=True)
class SamplingPlan:
    """Draws of the first, second, ... sample, and the level of each."""

    sizes: tuple[int, ...]
    level: float

    @classmethod
    def over(cls, sizes: tuple[int, ...], series: int, rate: float = FALSE_ALARM_RATE) -> "SamplingPlan":
        """Return the plan that spends `rate` on so many series of samples."""
        return cls(sizes, float(np.sqrt(rate / max(1, series * len(sizes)))))


def decide(
    samplers: Sequence[Sampler], plan: SamplingPlan, tolerance: float, rng: np.random.Generator
) -> tuple[Decision, Sample]:
    """Take samples at every state until the question is decided or the plan is spent.

    It is failed as soon as one state has an alarm, and passed when at half of the states, the others having
    been sampled twice, no effect is plausible: a formula that is right at several random states is right,
    and some states are too wild for the draws to tell.

    There is one sampler for each state, and an effect that is certainly smaller than the tolerance is none.
    The sample returned is the one with the alarm; or of those that count, the one with the largest bound, or
    the least if none decides.
    """
    pending, passed = dict(enumerate(samplers)), list[Sample]()
    last: dict[int, Sample] = {}
    for i, size in enumerate(plan.sizes):
        for state, sampler in list(pending.items()):
            found = sampler(rng, size)
            if found.p_value < plan.level:
                found = sampler(rng, 4 * size)
                if found.p_value < plan.level:
                    return Decision.FAILED, found
            elif found.bound <= tolerance:
                passed.append(found)
                del pending[state]
            last[state] = found
        if not pending or (i > 0 and 2 * len(passed) >= len(samplers)):
            return Decision.PASSED, max(passed, key=lambda found: found.bound)
    return Decision.UNDECIDED, min((last[state] for state in pending), key=lambda found: found.bound)


def mean_test(values: np.ndarray, unit: float = 1.0) -> Sample:
    """Test by Student's t whether numbers, shape (S,), have mean 0; the effect is the mean over `unit`.

    Numbers that do not vary at all have p = 1 if they vanish up to rounding and p = 0 if not; the caller says
    what rounding is by leaving it out beforehand.
    """
    from scipy.stats import t as student

    n, mean = len(values), float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(n))
    p_value, statistic = (1.0, 0.0) if mean == 0 else (0.0, np.inf)
    if error:
        statistic = mean / error
        p_value = float(2 * student.sf(abs(statistic), n - 1))
    effect = mean / unit
    return Sample(p_value, statistic, effect, plausible(abs(effect), error / unit), n)


def plausible(effect: float, error: float) -> float:
    """Return the largest effect that an estimate with this standard error leaves plausible (about 97 %).

    The noise in the estimate itself, which makes it larger on the average, is taken off first.
    """
    return float(np.sqrt(max(0.0, effect**2 - error**2)) + 2 * error)
