"""Laplace's approximation against closed forms, and where there is none."""

import numpy as np
import pytest
from scipy.special import gammaln

from ppl_baselines import laplace
from tests.ppl_baselines.densities import COVARIANCE, MEAN, Plain, normal, starts


def test_of_a_gaussian_it_is_the_gaussian_with_its_mass():
    found = laplace.run(normal(MEAN, COVARIANCE, 7.25), starts([10.0, 10.0, 3.0], [0.0, 0.0, 0.0]))
    assert found.settled and found.flat == 0
    np.testing.assert_allclose(found.approximation.mean, MEAN, atol=1e-8)
    covariance = found.approximation.factor @ found.approximation.factor.T
    np.testing.assert_allclose(covariance, COVARIANCE, rtol=1e-8, atol=1e-12)
    assert found.log_evidence == pytest.approx(7.25, abs=1e-9)


def test_of_a_gamma_in_its_logarithm_it_is_stirlings_formula():
    """u = ln theta, theta ~ Gamma(a, 1) without its constant: a u - e^u has mode ln a, curvature a."""
    a = 30.0
    density = Plain(
        1, lambda u: a * u[0] - np.exp(u[0]), lambda u: a - np.exp(u), lambda u: -np.diag(np.exp(u))
    )
    found = laplace.run(density, starts([0.0]))
    assert found.approximation.mean[0] == pytest.approx(np.log(a))
    assert found.approximation.factor[0, 0] == pytest.approx(a**-0.5)
    assert found.log_evidence == pytest.approx(a * np.log(a) - a + 0.5 * np.log(2 * np.pi / a))
    assert found.log_evidence - gammaln(a) == pytest.approx(-1 / (12 * a), rel=1e-2)


def test_of_two_modes_the_one_of_more_mass_wins_and_not_the_higher():
    """0.1 N(-5, 0.05^2) + 0.9 N(5, 2^2): the narrow mode is 4.4 times as high."""
    centres, sds, shares = np.array([-5.0, 5.0]), np.array([0.05, 2.0]), np.array([0.1, 0.9])

    def parts(u):
        return shares / sds * np.exp(-0.5 * ((u - centres) / sds) ** 2) / np.sqrt(2 * np.pi)

    def slope(u):
        return parts(u) @ ((centres - u) / sds**2) / parts(u).sum(keepdims=True)

    def curve(u):
        second = parts(u) @ (((centres - u) / sds**2) ** 2 - 1 / sds**2) / parts(u).sum()
        return np.array([[second - slope(u)[0] ** 2]])

    density = Plain(1, lambda u: np.log(parts(u).sum()), slope, curve)
    found = laplace.run(density, starts([-5.1], [4.0]))
    assert found.heights.argmax() == 0
    assert found.approximation.mean[0] == pytest.approx(5.0, abs=1e-3)
    assert found.log_evidence == pytest.approx(np.log(0.9), abs=1e-3)


def test_a_saddle_and_a_ridge_are_no_modes():
    saddle = Plain(
        2,
        lambda u: u[0] ** 2 - u[1] ** 2 - u[0] ** 4,
        lambda u: np.array([2 * u[0] - 4 * u[0] ** 3, -2 * u[1]]),
        lambda u: np.diag([2 - 12 * u[0] ** 2, -2.0]),
    )
    found = laplace.run(saddle, starts([0.0, 1.0]))
    assert found.approximation is None and found.flat == 1
    assert found.least_curvature == pytest.approx(-2.0)
    assert laplace.run(saddle, starts([0.0, 1.0], [0.1, 1.0])).approximation.mean[0] == pytest.approx(
        0.5**0.5
    )
    ridge = Plain(
        2,
        lambda u: -((u[0] + u[1]) ** 2),
        lambda u: -2 * (u.sum()) * np.ones(2),
        lambda u: -2 * np.ones((2, 2)),
    )
    assert laplace.run(ridge, starts([1.0, 1.0])).approximation is None


def test_starts_that_are_no_numbers_are_passed_over():
    edge = normal(np.zeros(1), np.eye(1))
    beyond = Plain(1, lambda u: edge.value(u) if u[0] < 2 else np.nan, edge.slope, edge.curve)
    found = laplace.run(beyond, starts([5.0], [1.5]))
    assert found.heights[0] == -np.inf and found.approximation.mean[0] == pytest.approx(0, abs=1e-7)
    assert laplace.run(beyond, starts([5.0])).approximation is None
