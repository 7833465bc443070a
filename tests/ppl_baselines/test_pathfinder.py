"""Pathfinder against closed forms: Gaussians, BFGS written out, and a density that is no Gaussian."""

import numpy as np
import pytest

from ppl_baselines import laplace, pathfinder
from ppl_baselines.pathfinder import History
from tests.ppl_baselines.densities import COVARIANCE, MEAN, Plain, normal, starts


def test_of_a_gaussian_it_is_the_gaussian_from_every_start():
    """A quasi-Newton path knows the curvature after P steps: F is the log mass at every draw."""
    found = pathfinder.run(normal(MEAN, COVARIANCE, 7.25), starts([5.0, -5.0, 0.0], [0.0, 0.0, 0.6]), seed=1)
    for path in found:
        assert path.elbo == pytest.approx(7.25, abs=1e-2)
        covariance = path.approximation.factor @ path.approximation.factor.T
        sds = np.sqrt(np.diag(COVARIANCE))
        np.testing.assert_allclose(
            covariance / np.outer(sds, sds), COVARIANCE / np.outer(sds, sds), atol=0.03
        )
        np.testing.assert_allclose((path.approximation.mean - MEAN) / sds, 0, atol=0.01)
        assert 0 < path.chosen < path.length


def test_the_inverse_hessian_is_that_of_bfgs_written_out():
    """The compact form (Byrd, Nocedal & Schnabel 1994) against updates one by one from the same diagonal."""
    rng = np.random.default_rng(1)
    curvature = np.diag([1.0, 4.0, 0.2]) + 0.1
    history, pairs = History(np.ones(3)), []
    for _ in range(4):
        s = rng.standard_normal(3)
        pairs.append((s, curvature @ s))
        history = history.after(*pairs[-1])
    inverse = np.diag(history.diagonal)
    for s, z in pairs:
        away = np.eye(3) - np.outer(s, z) / (s @ z)
        inverse = away @ inverse @ away.T + np.outer(s, s) / (s @ z)
    np.testing.assert_allclose(history.inverse_hessian(), inverse, rtol=1e-8)
    np.testing.assert_allclose(history.inverse_hessian() @ pairs[-1][1], pairs[-1][0])  # the secant equation


def test_the_mean_is_a_newton_step_from_the_point_on_the_path():
    """Up the density, not down: from any point of a Gaussian with its H the step leads to the mode.

    BlackJAX 1.7 steps the other way, which shows wherever the path has not ended.
    """
    density = normal(MEAN[:2], np.diag([2.0, 0.5]))
    (path,) = pathfinder.run(density, starts([3.0, 3.0]), seed=2)
    points = [np.array([3.0, 3.0])]
    pathfinder.climb(density.value_and_gradient, points[0], 1000, points.append)
    u = points[path.chosen]
    inverse = path.approximation.factor @ path.approximation.factor.T
    np.testing.assert_allclose(path.approximation.mean, u + inverse @ density.slope(u), rtol=1e-9)


def test_a_step_of_no_curvature_is_not_taken_in():
    history = History(np.ones(2)).after(np.array([1.0, 0.0]), np.array([2.0, 0.1]))
    assert history.after(np.array([1.0, 1.0]), np.array([-1.0, -0.1])) is history
    long = history
    for i in range(10):
        long = long.after(np.array([1.0, i]), np.array([2.0, 3.0 * i]))
    assert len(long.steps) == pathfinder.HISTORY


def test_of_a_skewed_density_its_f_is_at_least_laplaces():
    """u = ln theta, theta ~ Gamma(0.6, 1): the mode's curvature is not the best for F."""
    a = 0.6
    density = Plain(
        1, lambda u: a * u[0] - np.exp(u[0]), lambda u: a - np.exp(u), lambda u: -np.diag(np.exp(u))
    )
    (path,) = pathfinder.run(density, starts([3.0]), seed=1, draws=4000)
    at_mode = laplace.run(density, starts([3.0])).approximation
    z = np.random.default_rng(5).standard_normal((4000, 1))
    others = pathfinder._log_ratio(density, at_mode, z)
    assert path.elbo > others.mean() - 4 * others.std() / np.sqrt(4000)
    assert path.elbo < 0.3983 + 4 * path.elbo_se  # ln Gamma(0.6)


def test_a_start_at_the_mode_is_moved_off_it():
    (path,) = pathfinder.run(normal(MEAN, COVARIANCE, 7.25), starts(MEAN), seed=1)
    assert path.length > 3 and path.elbo == pytest.approx(7.25, abs=1e-2)


def test_a_path_that_fails_is_said_to():
    edge = normal(np.zeros(1), np.eye(1))
    nowhere = Plain(1, lambda u: np.nan, edge.slope, edge.curve)
    (path,) = pathfinder.run(nowhere, starts([1.0]), seed=1)
    assert path.approximation is None and path.elbo == -np.inf
