"""ELBO: the bound is the bound, and every named term what its name says.

By definition it is E_q[ln p(x, z) - sum_j ln q(z_j)], at any state whatever, optimal or not; and the mean of
as many draws has a known standard error. Some of the states come right after a single update, where a bound
shows that is made of what the update left stale. Terms can be compared one by one where the log joint density
offers its own parts by name, ``log_joint.terms(values)``:

    NAME                 of one of those parts: its expectation
    entropy_FACTOR       -E[ln q(FACTOR)]
    minus_kl_FACTOR      E[log_prior_FACTOR or FACTOR, of those parts] - E[ln q(FACTOR)]

A term of any other name counts in the total alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.checks import control_variates
from experiments.checks.results import BOUND, Decision, Result
from experiments.checks.sequential_test import Sample, SamplingPlan, decide, mean_test, plausible
from experiments.checks.setup import Setup
from experiments.checks.space import Arrays

TOLERANCE = 0.1
"""Nats: an error of the bound that is certainly smaller counts as none."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ask of the total and of every comparable term whether it is what it should be."""
    names = ["total", *_comparable(setup)]
    states = [(state, _expected(setup, state, names, rng)) for state in (*setup.states, *setup.touched)]
    return [_of_term(setup, name, states, rng) for name in names]


def _comparable(setup: Setup) -> list[str]:
    state = setup.states[0]
    values = setup.subject.draw(state, np.random.default_rng(0), 2)
    return [name for name in setup.subject.elbo(state) if _draws_of(setup, name, state, values) is not None]


def _draws_of(setup: Setup, name: str, state: Any, values: Arrays) -> np.ndarray | None:
    """Return numbers, shape (S,), whose expectation a term is; None if its name says nothing."""
    offers = getattr(setup.subject.log_joint, "terms", None)

    def log_q(factor: str) -> np.ndarray:
        own = {v.name: values[v.name] for v in setup.spaces[factor].variables}
        return setup.subject.log_density(state, factor, own)

    if name == "total":
        return setup.subject.log_p(values) - np.sum([log_q(f) for f in setup.subject.factors], axis=0)
    parts = offers(values) if offers is not None else {}
    if name in parts:
        return np.asarray(parts[name], dtype=float)
    kind, _, factor = name.rpartition("entropy_")
    if factor in setup.subject.factors and kind == "" and name.startswith("entropy_"):
        return -log_q(factor)
    factor = name.removeprefix("minus_kl_")
    if name.startswith("minus_kl_") and factor in setup.subject.factors:
        prior = next((parts[key] for key in (f"log_prior_{factor}", factor) if key in parts), None)
        return None if prior is None else np.asarray(prior, dtype=float) - log_q(factor)
    return None


def _expected(setup: Setup, state: Any, names: list[str], rng: np.random.Generator) -> dict[str, Sample]:
    """Return, for every term whose expectation can be read off without noise, what one sees there."""
    known = control_variates.control_variates_at(
        setup.controlling, setup.subject.factors, state, products=True
    )
    if known is None:
        return {}
    values = setup.subject.draw(state, rng, known.draws)

    def terms(values: Arrays) -> tuple[np.ndarray, np.ndarray]:
        each = [_draws_of(setup, name, state, values) for name in names]
        targets = np.stack([np.asarray(draws) for draws in each], axis=1)
        return targets, np.abs(targets).max(axis=1)

    expected, rounding = known.expectations(values, terms, setup.spaces, rng)
    looks = {}
    for name, expectation in zip(names, expected, strict=True):
        if np.isfinite(expectation):
            off = _stated(setup, state, name) - float(expectation)
            wrong = abs(off) > rounding
            looks[name] = Sample(
                0.0 if wrong else 1.0, np.inf if wrong else 0.0, off, max(abs(off), rounding), 2 * known.draws
            )
    return looks


def _stated(setup: Setup, state: Any, name: str) -> float:
    terms = setup.subject.elbo(state)
    return sum(terms.values()) if name == "total" else terms[name]


def _of_term(
    setup: Setup, name: str, states: list[tuple[Any, dict[str, Sample]]], rng: np.random.Generator
) -> Result:
    what = "The ELBO" if name == "total" else f'The ELBO\'s term "{name}"'

    def at(state: Any, exact: Sample | None) -> Callable[[np.random.Generator, int], Sample]:
        def look(rng: np.random.Generator, n: int) -> Sample:
            if exact is not None:
                return exact
            draws = _draws_of(setup, name, state, setup.subject.draw(state, rng, n))
            assert draws is not None
            return _look(draws, _stated(setup, state, name))

        return look

    plan = SamplingPlan(
        tuple(4 * size for size in setup.plan.sizes), setup.plan.level
    )  # these draws are cheap
    looks = [at(state, exact.get(name)) for state, exact in states]
    decision, found = decide(looks, plan, TOLERANCE, rng)
    return Result(
        "elbo", BOUND, decision, _sentence(what, decision, found), found.effect, found.bound, "nats",
        found.statistic, found.p_value, found.draws,
    )  # fmt: skip


def _look(draws: np.ndarray, stated: float) -> Sample:
    difference, scale = stated - draws, max(1.0, abs(stated), float(np.abs(draws).max()))
    if difference.std() < 1e-9 * scale:
        off = abs(float(difference.mean()))
        return Sample(
            0.0 if off > 1e-7 * scale else 1.0, off / scale, float(difference.mean()), off, len(draws)
        )
    mean, error, statistic, p_value = mean_test(difference)
    return Sample(p_value, statistic, mean, plausible(abs(mean), error), len(draws))


def _sentence(what: str, decision: Decision, look: Sample) -> str:
    if decision is Decision.FAILED:
        where = "above" if look.effect > 0 else "below"
        return f"{what} lies {abs(look.effect):.3g} nats {where} its definition at a random state."
    if decision is Decision.PASSED:
        return f"{what} is what it is defined to be, to within {look.bound:.2g} nats."
    what = what[0].lower() + what[1:]
    return f"The draws cannot decide whether {what} is right: it may be off by {look.bound:.2g} nats."
