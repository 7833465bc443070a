"""How often to look, and when to stop: small samples first, and no alarm without confirmation.

A look draws afresh and gives a p-value and a bound on the effect. If p falls below `level`, a second sample,
four times as large and independent of the first, must fall below it too: only then is there an alarm. A
correct derivation passes both with probability level^2 at most. There are T looks in a whole check at most,
so the probability of any false alarm is at most T level^2, which is set to the stated rate:

    level = sqrt(rate / T)

That is Bonferroni over checks, factors, states and looks. The two stages have a purpose: with T of some
hundreds, a single stage would need the tails of a t statistic at 10^-5, where the central limit theorem is a
poor guide for skewed draws; each of the two needs them near 10^-2 only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.checks.results import Decision

FALSE_ALARM_RATE = 0.005
"""Over all statistical checks together. The exact checks, up to rounding, raise none."""


@dataclass(frozen=True)
class Sample:
    """What one sample says.

    Attributes
    ----------
    p_value : float
        Of the hypothesis that nothing is wrong; 0 where even rounding cannot explain the discrepancy.
    statistic : float
    effect, bound : float
        An estimate of how wrong it is, and the largest effect that is plausible.
    draws : int
    note : str
        What a fault's message should say of the direction.
    """

    p_value: float
    statistic: float
    effect: float
    bound: float
    draws: int
    note: str = ""


@dataclass(frozen=True)
class SamplingPlan:
    """Sample sizes and the level of each look.

    Attributes
    ----------
    sizes : tuple of int
        Draws of the first, second, ... look.
    level : float
    """

    sizes: tuple[int, ...]
    level: float

    @classmethod
    def over(cls, sizes: tuple[int, ...], series: int, rate: float = FALSE_ALARM_RATE) -> "SamplingPlan":
        """Return the plan that spends `rate` on so many series of looks."""
        return cls(sizes, float(np.sqrt(rate / max(1, series * len(sizes)))))


def decide(
    looks: Sequence[Callable[[np.random.Generator, int], Sample]],
    plan: SamplingPlan,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[Decision, Sample]:
    """Sample at every state until the question is decided or the plan is spent.

    It is failed as soon as one state has an alarm, and passed when half of the states, the others having
    been looked at twice, leave no room for an effect: a formula that is right at several random states is
    right, and some states are too wild for the draws to tell.

    Parameters
    ----------
    looks : sequence of callables
        One for each state; takes a generator and a number of draws.
    plan : SamplingPlan
    tolerance : float
        An effect that is certainly smaller than this is none.
    rng : numpy.random.Generator

    Returns
    -------
    Decision, Sample
        The look with the alarm; or of those that count, the one that leaves most room.
    """
    pending, passed = dict(enumerate(looks)), list[Sample]()
    last: dict[int, Sample] = {}
    for i, size in enumerate(plan.sizes):
        for state, look in list(pending.items()):
            found = look(rng, size)
            if found.p_value < plan.level:
                found = look(rng, 4 * size)
                if found.p_value < plan.level:
                    return Decision.FAILED, found
            elif found.bound <= tolerance:
                passed.append(found)
                del pending[state]
            last[state] = found
        if not pending or (i > 0 and 2 * len(passed) >= len(looks)):
            return Decision.PASSED, max(passed, key=lambda found: found.bound)
    return Decision.UNDECIDED, min((last[state] for state in pending), key=lambda found: found.bound)


def mean_test(values: np.ndarray) -> tuple[float, float, float, float]:
    """Test whether numbers, shape (S,), have mean 0: return mean, standard error, t and p.

    Numbers that do not vary at all have p = 1 if they vanish up to rounding and p = 0 if not; the caller says
    what rounding is by leaving it out beforehand.
    """
    from scipy.stats import t as student

    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if error == 0:
        return mean, 0.0, 0.0 if mean == 0 else np.inf, 1.0 if mean == 0 else 0.0
    statistic = mean / error
    return mean, error, statistic, float(2 * student.sf(abs(statistic), len(values) - 1))


def plausible(effect: float, error: float) -> float:
    """Return the largest effect that an estimate with this standard error leaves plausible (about 97 %).

    The noise in the estimate itself, which makes it larger on the average, is taken off first.
    """
    return float(np.sqrt(max(0.0, effect**2 - error**2)) + 2 * error)
