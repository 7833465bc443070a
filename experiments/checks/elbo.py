"""ELBO: the bound is the bound, and every named term what its name says.

By definition it is E_q[ln p(x, z) - sum_j ln q(z_j)] at any state whatever, also right after a single update,
where a bound shows that is made of what the update left stale. Terms can be compared one by one where the log
joint density offers its own parts by name, ``log_joint.terms(values)``:

    NAME                 of one of those parts: its expectation
    entropy_FACTOR       -E[ln q(FACTOR)]
    minus_kl_FACTOR      E[log_prior_FACTOR or FACTOR, of those parts] - E[ln q(FACTOR)]

A term of any other name counts in the total alone.
"""

from functools import partial

import numpy as np

from experiments.checks.control_variates import control_variates_at
from experiments.checks.results import BOUND, Decision, Result
from experiments.checks.sequential_test import Sample, SamplingPlan, decide, mean_test
from experiments.checks.setup import Setup
from hand_cavi.numerics.space import Arrays

TOLERANCE = 0.1
"""Nats: an error of the bound that is certainly smaller counts as none."""


def run(setup: Setup, rng: np.random.Generator) -> list[Result]:
    """Ask of the total, first, and of every comparable term whether it is what it should be."""
    first = setup.states[0]
    few = setup.guarded.draw(first, np.random.default_rng(0), 2)
    terms = [name for name in setup.guarded.elbo(first) if _draws_of(setup, name, first, few) is not None]
    names = ["total", *terms]
    states = [(state, _expected(setup, state, names, rng)) for state in (*setup.states, *setup.touched)]
    return [_of_term(setup, name, states, rng) for name in names]


def _draws_of(setup: Setup, name: str, state: object, values: Arrays) -> np.ndarray | None:
    """Return numbers, shape (S,), whose expectation a term is; None if its name says nothing."""
    guarded = setup.guarded
    if name == "total":
        return guarded.log_ratio(state, values)
    offers = getattr(guarded.log_joint, "terms", None)
    parts = offers(values) if offers is not None else {}
    if name in parts:
        return np.asarray(parts[name], dtype=float)
    for factor in guarded.factors:
        prior = next((parts[key] for key in (f"log_prior_{factor}", factor) if key in parts), None)
        if name == f"entropy_{factor}":
            return -guarded.log_density(state, factor, values)
        if name == f"minus_kl_{factor}" and prior is not None:
            return np.asarray(prior, dtype=float) - guarded.log_density(state, factor, values)
    return None


def _expected(setup: Setup, state: object, names: list[str], rng: np.random.Generator) -> dict[str, Sample]:
    """Return, for every term whose expectation can be read off without noise, what is seen there."""
    known = control_variates_at(setup.controlling, setup.guarded.factors, state, products=True)
    if known is None:
        return {}
    values = setup.guarded.draw(state, rng, known.draws)

    def terms(values: Arrays) -> tuple[np.ndarray, np.ndarray]:
        each = [_draws_of(setup, name, state, values) for name in names]
        targets = np.stack([np.asarray(draws) for draws in each], axis=1)
        return targets, np.abs(targets).max(axis=1)

    expected, rounding = known.expectations(values, terms, setup.spaces, rng)
    off = {
        name: _stated(setup, state, name) - float(expectation)
        for name, expectation in zip(names, expected, strict=True)
        if np.isfinite(expectation)
    }
    return {
        name: Sample.without_noise(abs(x) > rounding, x, rounding, 2 * known.draws) for name, x in off.items()
    }


def _stated(setup: Setup, state: object, name: str) -> float:
    terms = setup.guarded.elbo(state)
    return sum(terms.values()) if name == "total" else terms[name]


def _of_term(
    setup: Setup, name: str, states: list[tuple[object, dict[str, Sample]]], rng: np.random.Generator
) -> Result:
    what = "The ELBO" if name == "total" else f'The ELBO\'s term "{name}"'

    def seen(state: object, exact: Sample | None, rng: np.random.Generator, n: int) -> Sample:
        if exact is not None:
            return exact
        draws = _draws_of(setup, name, state, setup.guarded.draw(state, rng, n))
        assert draws is not None
        return _sample(draws, _stated(setup, state, name))

    sizes = tuple(4 * size for size in setup.plan.sizes)  # these draws are cheap
    samplers = [partial(seen, state, exact.get(name)) for state, exact in states]
    decision, found = decide(samplers, SamplingPlan(sizes, setup.plan.level), TOLERANCE, rng)
    return found.result("elbo", BOUND, decision, _sentence(what, decision, found))


def _sample(draws: np.ndarray, stated: float) -> Sample:
    difference, scale = stated - draws, max(1.0, abs(stated), float(np.abs(draws).max()))
    if difference.std() >= 1e-9 * scale:
        return mean_test(difference)
    mean, n = float(difference.mean()), len(draws)
    off = abs(mean)
    return Sample(0.0 if off > 1e-7 * scale else 1.0, off / scale, mean, off, n)


def _sentence(what: str, decision: Decision, found: Sample) -> str:
    if decision is Decision.FAILED:
        where = "above" if found.effect > 0 else "below"
        return f"{what} lies {abs(found.effect):.3g} nats {where} its definition at a random state."
    if decision is Decision.PASSED:
        return f"{what} is what it is defined to be, to within {found.bound:.2g} nats."
    what = what[0].lower() + what[1:]
    return f"The draws cannot decide whether {what} is right: it may be off by {found.bound:.2g} nats."
