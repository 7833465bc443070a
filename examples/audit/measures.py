"""What is measured of a library, given its adapter: bound, updates, ascent and widths.

Nothing here knows a library or a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from scipy.special import logsumexp

from examples.audit.subject import Audited, Step, Subject
from experiments.checks import BOUND, Decision, check
from experiments.checks.suite import SIZES
from hand_cavi.derivation import ascend_from

ROUNDING = 1e-9
"""Relative to the bound: what differs by less does not differ."""


def true_bound(derivation: Audited, state: Any) -> float:
    """Return E_q[ln p - ln q], every constant kept."""
    return float(sum(derivation.elbo(state).values()))


@dataclass(frozen=True)
class Ascent:
    """The library's bound beside that of its q, over several data sets.

    Attributes
    ----------
    gap : dict of float
        On the first data set, by the number of iterations: the library's bound less the true one.
    drift : float
        How far the gap moves within a data set at worst, in nats: 0 if only constants were dropped.
    fall : float
        By how much the true bound falls at worst from a value it had before, in nats: 0 if it never does.
    falling : int
        In how many data sets it falls beyond rounding.
    of : int
        How many data sets there are.
    rounding : float
        What may be rounding, in nats.
    """

    gap: dict[int, float]
    drift: float
    fall: float
    falling: int
    of: int
    rounding: float


def ascent_of(runs: Sequence[tuple[Audited, Sequence[Step]]]) -> Ascent:
    """Compare bounds at every step of every data set."""
    true = [np.array([true_bound(derivation, step.state) for step in steps]) for derivation, steps in runs]
    gaps = [[step.bound for step in steps] - t for (_, steps), t in zip(runs, true, strict=True)]
    falls = np.array([np.max(np.maximum.accumulate(t) - t) for t in true])
    rounding = ROUNDING * max(1.0, *(np.abs(t).max() for t in true))
    gap = {step.iteration: float(g) for step, g in zip(runs[0][1], gaps[0], strict=True)}
    drift = max(float(np.ptp(g)) for g in gaps)
    return Ascent(gap, drift, float(falls.max()), int(np.sum(falls > rounding)), len(runs), rounding)


@dataclass(frozen=True)
class Updates:
    """What the checker says of each update.

    Attributes
    ----------
    said : dict of str
        By factor: the sentence of the fault, or an empty one where the update is optimal.
    effect : dict of float
        By factor: how far ln q is from the optimal one, in nats, root mean square.
    ours : str
        The fault of our own bound, sampler or density, if there is one: then nothing else is to be believed.
    undecided : bool
    false_alarm_rate : float
        Of such a check as a whole.
    """

    said: dict[str, str]
    effect: dict[str, float]
    ours: str
    undecided: bool
    false_alarm_rate: float


def updates_of(derivation: Audited, seed: int = 1, sizes: Sequence[int] = SIZES) -> Updates:
    """Check every update in random states; where draws leave it open, the slope of the bound settles it."""
    report = check(derivation, None, derivation.log_joint, rng=seed, sizes=sizes)
    said = dict.fromkeys(derivation.factors, "")
    ours = [fault.message for fault in report.faults if fault.check in ("density", "elbo")]
    for fault in report.faults:
        if fault.factor != BOUND and fault.check != "density":
            said[fault.factor] = said[fault.factor] or fault.message
    effect = {
        factor: max(
            (r.effect or 0.0 for r in report.results if r.check == "definition" and r.factor == factor),
            default=0.0,
        )
        for factor in derivation.factors
    }
    settled = {r.factor for r in report.results if (r.check, r.decision) == ("stationarity", Decision.PASSED)}
    undecided = any(r.decision is Decision.UNDECIDED and r.factor not in settled for r in report.results)
    return Updates(said, effect, ours[0] if ours else "", undecided, report.false_alarm_rate)


@dataclass(frozen=True)
class Exact:
    """The posterior, all assignments summed out.

    Attributes
    ----------
    log_evidence : float
    deviations : dict of ndarray
        Standard deviations of all variables but the assignments, components named as in q.
    """

    log_evidence: float
    deviations: dict[str, np.ndarray]


def exact(derivation: Audited, state: Any, n: int = 20_000, seed: int = 1) -> Exact:
    """Enumerate all K^N assignments, and name components as q does.

    Given the assignments everything else is conjugate. Each draw takes that order of components in which most
    of its assignments agree with those of `state`; what depends on the order a priori is not compared.
    """
    q = derivation.assignments_of(state)
    every = np.array(list(product(range(q.shape[1]), repeat=len(q))))
    log_p = np.array([true_bound(derivation, derivation.given(c)) for c in every])
    log_evidence = float(logsumexp(log_p))
    share = np.exp(log_p - log_evidence)
    orders = np.array(list(permutations(range(q.shape[1]))))
    agreement = [q[np.arange(len(q)), order[every]].sum(axis=1) for order in orders]
    named = np.take_along_axis(orders[np.argmax(agreement, axis=0)], every, axis=1)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n, share / share.sum())
    parts = [draws_of(derivation, derivation.given(named[i]), rng, times[i]) for i in np.flatnonzero(times)]
    return Exact(
        log_evidence, {name: np.concatenate([part[name] for part in parts]).std(axis=0) for name in parts[0]}
    )


def draws_of(derivation: Audited, state: Any, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Return n draws of what is compared, by name."""
    found: dict[str, np.ndarray] = {}
    for factor in derivation.compared:
        found |= derivation.sample(state, factor, rng, n)
    return found


@dataclass(frozen=True)
class Widths:
    """How wide q is beside the exact posterior.

    Attributes
    ----------
    theirs, ours : dict of float
        By variable: the standard deviation under the library's last q, or under ours of the same model from
        there on, over that under the posterior; geometric mean of all entries.
    short : float
        By how much the library's last bound lies below ours, in nats.
    evidence : float
        ln p(x), all assignments summed; nan where they cannot be.
    true : float
        The bound of the library's last q.
    """

    theirs: dict[str, float]
    ours: dict[str, float]
    short: float
    evidence: float
    true: float


def widths_of(derivation: Audited, state: Any, n: int = 20_000, seed: int = 2) -> Widths:
    """Compare standard deviations of q with the exact ones."""
    own = derivation.own()
    sampled = getattr(derivation, "posterior", None)  # where the assignments cannot be summed out
    truth = sampled(state, n) if sampled else exact(derivation, state, n)
    best = ascend_from(own, state).state

    def ratio(of: Audited, at: Any) -> dict[str, float]:
        draws = draws_of(of, at, np.random.default_rng(seed), n)
        return {
            name: float(np.exp(np.mean(np.log(draws[name].std(axis=0) / deviation))))
            for name, deviation in truth.deviations.items()
        }

    true = true_bound(derivation, state)
    short = true_bound(own, best) - true
    return Widths(ratio(derivation, state), ratio(own, best), short, truth.log_evidence, true)


@dataclass(frozen=True)
class Finding:
    """All that is measured of one subject."""

    subject: Subject
    ascent: Ascent
    updates: Updates
    widths: Widths


def audit(subject: Subject, iterations: int = 200) -> Finding:
    """Measure one subject: ascent on the large data, updates and widths on the small."""
    runs = [(one := subject.derive(x), list(subject.steps(one, iterations))) for x in subject.large]
    small = subject.derive(subject.small)
    *_, last = subject.steps(small, iterations)
    return Finding(subject, ascent_of(runs), updates_of(small), widths_of(small, last.state))
