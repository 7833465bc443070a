"""SMC against the textbook fixture's log evidence, and its bookkeeping. One model, one kernel compiled."""

import numpy as np
import pytest
from scipy import stats

from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc import smc
from ppl_baselines.pymc.build import build

LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11, by enumeration
EXACT_SQUARE = 8.289708558330656  # E[mu_1^2 + mu_2^2 | x], summed over all 2^8 assignments
RUNS, PARTICLES = 6, 300


@pytest.fixture(scope="module")
def prepared(mixture, x):
    return smc.prepare(build(mixture, x), kernel="imh")


@pytest.fixture(scope="module")
def sampled(prepared):
    return smc.run(prepared, prior_draws(0, RUNS, PARTICLES), seed=1)


def prior_draws(seed, runs, particles):
    return {"mu": 5 * np.random.default_rng(seed).standard_normal((runs, particles, 2, 1))}


@pytest.mark.slow
def test_log_evidence_is_right_to_within_the_spread(sampled):
    """Student's t with 5 degrees of freedom beyond 9.9: a false alarm in 1 of 5,500 seeds."""
    value, error = smc.evidence(sampled.log_evidence)
    assert sampled.log_evidence.shape == (RUNS,)
    assert 0 < error < 0.1
    assert 2 * stats.t.sf(abs(value - LOG_EVIDENCE) / error, RUNS - 1) > 1.8e-4


@pytest.mark.slow
def test_draws_are_canonical_and_of_the_posterior(sampled):
    """E[sum_k mu_k^2] within the runs' spread, by Student's t with 5 degrees of freedom: alarm 1 in 240."""
    mu = sampled.draws.posterior["mu"]
    assert mu.dims == ("chain", "draw", "component", "feature")
    assert mu.shape == (RUNS, PARTICLES, 2, 1)
    by_run = (mu.to_numpy() ** 2).sum(axis=2).mean(axis=(1, 2))
    error = by_run.std(ddof=1) / np.sqrt(RUNS)
    assert abs(by_run.mean() - EXACT_SQUARE) < 5 * error


@pytest.mark.slow
def test_runs_are_independent_and_seeds_repeat(prepared, sampled):
    assert len(set(sampled.log_evidence)) == RUNS
    same_start = {"mu": np.repeat(prior_draws(0, 1, 50)["mu"], 2, axis=0)}
    one, two = (smc.run(prepared, same_start, seed=seed).log_evidence for seed in (1, 1))
    assert np.array_equal(one, two)
    assert one[0] != one[1]
    assert one[0] not in smc.run(prepared, same_start, seed=2).log_evidence


@pytest.mark.slow
def test_draws_that_do_not_fit_are_refused(prepared):
    with pytest.raises(ValueError, match="two runs or more"):
        smc.run(prepared, prior_draws(0, 1, 10), seed=1)
    with pytest.raises(ValueError, match="the model's variables are"):
        smc.run(prepared, {"rate": np.ones((2, 10, 2, 1))}, seed=1)
    with pytest.raises(ValueError, match="not finite"):
        smc.run(prepared, {"mu": np.full((2, 10, 2, 1), np.nan)}, seed=1)


@pytest.mark.slow
def test_a_run_that_does_not_arrive_says_so(prepared, monkeypatch):
    monkeypatch.setattr(smc, "MAX_STAGES", 2)
    with pytest.raises(smc.StuckError, match="did not reach the posterior in 2 stages"):
        smc.run(prepared, prior_draws(0, 2, 100), seed=1)


def test_runs_are_averaged_as_probabilities():
    """log((e^0 + e^log 3) / 2) = log 2; by the delta method the error is sd(1, 3) / sqrt(2) / 2 = 1/2."""
    value, error = smc.evidence(np.log([1.0, 3.0]))
    assert value == pytest.approx(np.log(2))
    assert error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"kernel": "gibbs"}, "choose from imh, mh"),
        ({"backend": "jax"}, "numba or c"),
        ({"backend": "no"}, "no"),
    ],
)
def test_what_does_not_exist_is_named(model, choice, message):
    with pytest.raises(UnavailableError, match=message):
        smc.prepare(model, **choice)
