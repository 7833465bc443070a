"""CAVI + linear response as a method: its distribution, its score, and its refusals."""

import pickle

import numpy as np
import pytest
from scipy.stats import norm

from experiments.engine.workers.worker import answer_to
from experiments.methods import cavi, cavi_lr, label
from experiments.methods.mixture_target import MixtureTarget
from experiments.posterior.draws import as_arrays
from experiments.records import Problem
from experiments.studies.fitting import Assignment
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, NormalWishart, fit
from hand_cavi.linear_response import linear_response
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.fitted import result_of

PAIRS = [(family, weights) for family in FAMILIES for weights in WEIGHTS]


def two_clumps() -> Problem:
    """The overlapping clumps of the project's notes on linear response."""
    rng = np.random.default_rng(7)
    x = np.where(rng.integers(0, 2, 200) == 0, -1.5, 1.5) + rng.standard_normal(200)
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), x[:, np.newaxis])


def one_clump() -> Problem:
    """More components than the data tell apart: the quantiles of one normal."""
    x = norm.ppf((np.arange(200) + 0.5) / 200)[:, np.newaxis]
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), x)


def run(method, problem: Problem, **options: int):
    settings = method.Settings(**{"starts": 4, "draws": 20_000} | options)
    return result_of(method.__name__.rpartition(".")[2], problem, settings, starts=5, seed=6)


def of_draws(result, name: str) -> np.ndarray:
    return result.draws["sample_stats"][name].to_numpy().ravel()


def test_options_are_those_of_cavi() -> None:
    theirs, ours = cavi.Settings.model_fields, cavi_lr.Settings.model_fields
    assert set(theirs) - set(ours) == {"folds"}  # of CAVI's own prediction
    assert all(ours[name].default == theirs[name].default for name in ours)
    assert label("cavi_lr") == "CAVI + linear response"


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_the_distribution_is_a_density_with_the_moments_of_linear_response(family: str, weights: str) -> None:
    """E_q[q_cavi / q] = 1, where q_cavi is hand_cavi's own density, and q of another package's pieces.

    The mean within 5 standard errors; 15 pairs, a false alarm has a chance below 1e-5.
    """
    mixture, x = Mixture(PRIORS[family], WEIGHTS[weights], 2), data_of(family)
    best = fit(mixture, x, rng=1, starts=4)
    response = linear_response(best, x)
    q = pickle.loads(pickle.dumps(cavi_lr.normal_approximation(mixture, response)))
    draws = q.sample(np.random.default_rng(9), 20_000)
    assert {name: values.shape for name, values in draws.items()} == {
        name: values.shape for name, values in best.sample(0, 20_000).items()
    }
    ratio = np.exp(best.log_density(draws) - q.log_density(draws))
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(len(ratio)) + 1e-12
    covariance = q.factor @ q.factor.T
    np.testing.assert_allclose(covariance, response.free_parameters.covariance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(q.mean, response.free_parameters.mean)


def test_nearer_to_the_posterior_than_cavi() -> None:
    """Same fit, same means; wider and correlated, which the collapsed bound rewards."""
    plain, corrected = run(cavi, two_clumps()), run(cavi_lr, two_clumps())
    assert corrected.outcome == "converged"
    assert corrected.bound is None
    assert corrected.info["elbo_of_cavi"] == pytest.approx(plain.bound, rel=1e-12)
    for name in ("log_q", "log_q_symmetrised"):
        ratios = [of_draws(result, "log_joint") - of_draws(result, name) for result in (plain, corrected)]
        error = np.hypot(*(ratio.std() / np.sqrt(len(ratio)) for ratio in ratios))
        assert ratios[1].mean() - ratios[0].mean() > 5 * error
    mu = as_arrays(corrected.draws)["mu"][:, :, 0]
    assert np.sort(mu.std(axis=0)) == pytest.approx([0.11976, 0.11981], rel=0.02)  # four standard errors
    assert np.corrcoef(mu.T)[0, 1] == pytest.approx(0.242, abs=0.03)
    np.testing.assert_allclose(
        np.sort(mu.mean(axis=0)), np.sort(as_arrays(plain.draws)["mu"].mean(axis=(0, 2))), atol=5e-3
    )


def test_a_refusal_is_a_failed_cell_with_the_reason() -> None:
    problem = one_clump()
    with pytest.raises(InputError, match="overlap too heavily"):
        run(cavi_lr, problem)
    assignment = Assignment(MixtureTarget(problem), "methods", "cavi_lr", cavi_lr.Settings(starts=4), 5, 6)
    status, _, message, *_ = pickle.loads(
        answer_to(pickle.dumps(("experiments.studies.fitting:fit_cell", pickle.dumps(assignment))))
    )
    assert status == "failed"
    assert "components overlap too heavily for linear response" in message
    with pytest.raises(InputError, match="needs a converged fit"):
        run(cavi_lr, two_clumps(), max_sweeps=2)


def test_refused_where_a_mean_has_no_variance() -> None:
    x = np.random.default_rng(24).normal(size=(30, 2)) * 0.1
    mixture = Mixture(NormalWishart([0.0, 0.0], 1.0, 2.5, np.eye(2)), WEIGHTS["dirichlet"], 2)
    best = fit(mixture, x, rng=0, starts=np.tile([1.0, 0.0], (30, 1)))
    with pytest.raises(InputError, match="variance of a component's mean is infinite"):
        cavi_lr.normal_approximation(mixture, linear_response(best, x))
