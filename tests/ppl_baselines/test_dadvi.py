"""Deterministic ADVI against closed forms of what it optimises, and of what fixing the draws costs."""

import numpy as np
import pytest

from ppl_baselines import dadvi
from ppl_baselines.dadvi import Objective
from tests.ppl_baselines.densities import COVARIANCE, MEAN, Plain, normal, starts

SDS = np.array([2.0, 0.5, 1e-3])


def test_of_independent_normals_the_optimum_is_that_of_its_draws():
    """By dimension F_M is highest at sigma = s / sd(z) and m = mu, since the draws come as z and -z."""
    density = normal(MEAN, np.diag(SDS**2))
    found = dadvi.run(density, starts([5.0, 5.0, 0.0], [0.0, 0.0, 0.0]), seed=3, tolerance=10.0)
    z = np.random.default_rng(3).standard_normal((15, 3))
    sd = SDS / np.sqrt((z**2).mean(axis=0))
    assert (found.outcome, found.n_draws) == ("converged", 30)
    np.testing.assert_allclose(np.diag(found.approximation.factor), sd, rtol=1e-5)
    np.testing.assert_allclose((found.approximation.mean - MEAN) / SDS, 0, atol=1e-5)
    assert found.error_of_means < 1e-5 < found.loss


def test_linear_response_has_the_covariance_that_mean_field_leaves_out():
    """Exact of a normal, but for the draws: with 4,000, in pairs, to 5 standard errors of a covariance."""
    covariance = np.array([[2.0, 0.8], [0.8, 0.5]])
    found = dadvi.run(normal(MEAN[:2], covariance), starts([0.0, 0.0]), seed=1, n_draws=4000)
    factor = found.linear_response.factor
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=5 * np.sqrt(4 / 4000))
    narrow = 1 / np.diag(np.linalg.inv(covariance))  # the best mean field has the conditional variances
    np.testing.assert_allclose(np.diag(found.approximation.factor) ** 2, narrow, rtol=5 * np.sqrt(4 / 4000))


def test_what_fixing_the_draws_costs_is_what_it_does_cost():
    """The mean of KL(q, p) over 40 seeds is the mean of the stated loss, within 5 standard errors."""
    density = normal(np.zeros(2), np.eye(2))
    lost, said = [], []
    for seed in range(40):
        found = dadvi.run(density, starts([0.3, -0.2]), seed=seed, n_draws=100, tolerance=10.0, keep=1)
        m, variance = found.approximation.mean, np.diag(found.approximation.factor) ** 2
        lost.append(0.5 * (variance + m**2 - 1 - np.log(variance)).sum())
        said.append(found.loss)
    error = np.std(lost, ddof=1) / np.sqrt(40)
    assert abs(np.mean(lost) - np.mean(said)) < 5 * error < 0.02


def test_draws_are_added_until_they_cost_little():
    found = dadvi.run(normal(MEAN, COVARIANCE), starts([0.0, 0.0, 0.0]), seed=1, tolerance=0.02)
    assert found.n_draws > 60 and found.loss <= 0.02 and found.outcome == "converged"
    few = dadvi.run(normal(MEAN, COVARIANCE), starts([0.0, 0.0, 0.0]), seed=1, tolerance=0.001, most_draws=40)
    assert (few.outcome, few.n_draws) == ("undecided", 40) and few.loss > 0.001


def test_derivatives_of_the_objective_are_its_own():
    a = 7.0
    density = Plain(
        2,
        lambda u: a * u.sum() - np.exp(u).sum() - 0.3 * u[0] * u[1],
        lambda u: a - np.exp(u) - 0.3 * u[::-1],
        lambda u: -np.diag(np.exp(u)) - 0.3 * np.eye(2)[::-1],
    )
    objective = Objective.of(density, 5, 1)
    at, h = np.array([0.4, 1.0, -1.0, -0.5]), 1e-5
    gradient, hessian = objective.value_and_gradient(at)[1], objective.hessian(at)
    for i, shift in enumerate(h * np.eye(4)):
        above, below = objective.value_and_gradient(at + shift), objective.value_and_gradient(at - shift)
        assert gradient[i] == pytest.approx((above[0] - below[0]) / (2 * h), rel=1e-6)
        np.testing.assert_allclose(hessian[i], (above[1] - below[1]) / (2 * h), rtol=1e-6, atol=1e-7)


def test_the_best_start_wins_and_those_that_fail_are_passed_over():
    """A normal of unit mass at 4 beside one of e^-3 at -4."""
    log_masses, centres = np.array([-3.0, 0.0]), np.array([-4.0, 4.0])

    def heights(u):
        return log_masses - 0.5 * (u - centres) ** 2

    def shares(u):
        return np.exp(heights(u) - np.logaddexp(*heights(u)))

    def slope(u):
        return shares(u) @ (centres - u)[:, np.newaxis]

    def curve(u):
        return np.array([[shares(u) @ ((centres - u) ** 2 - 1) - slope(u)[0] ** 2]])

    density = Plain(1, lambda u: np.logaddexp(*heights(u)) if u[0] < 20 else np.nan, slope, curve)
    found = dadvi.run(density, starts([50.0], [-4.0], [3.0]), seed=1)
    assert found.approximation.mean[0] == pytest.approx(4, abs=0.5)
    assert found.heights[0] == -np.inf and found.heights.argmax() == 2
    nothing = dadvi.run(density, starts([50.0]), seed=1)
    assert (nothing.outcome, nothing.approximation) == ("not_finite", None)
