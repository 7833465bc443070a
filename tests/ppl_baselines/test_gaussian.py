import pickle

import numpy as np
import pytest
from scipy.stats import lognorm, multivariate_normal

from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.transforms import Identity, Log
from ppl_baselines.unconstrained import Coordinates, Span


@pytest.fixture
def mixed():
    """u = (mu of shape (2, 1), log of a positive variable of shape (2,))."""
    coordinates = Coordinates(
        (Span("mu", "mu", 0, 2, (2, 1), Identity()), Span("scale", "scale", 2, 4, (2,), Log()))
    )
    factor = np.array([[0.5, 0, 0, 0], [0.2, 0.4, 0, 0], [0, 0, 0.3, 0], [0, 0, 0, 0.6]])
    return GaussianApproximation(np.array([-1.0, 1.0, 0.2, -0.3]), factor, coordinates)


def test_log_density_has_the_jacobian(mixed):
    draws = mixed.sample(np.random.default_rng(1), 50)
    real = multivariate_normal(mixed.mean[:2], (mixed.factor @ mixed.factor.T)[:2, :2])
    expected = real.logpdf(draws["mu"][..., 0])
    expected += lognorm(s=0.3, scale=np.exp(0.2)).logpdf(draws["scale"][:, 0])
    expected += lognorm(s=0.6, scale=np.exp(-0.3)).logpdf(draws["scale"][:, 1])
    np.testing.assert_allclose(mixed.log_density(draws), expected, rtol=1e-12)


def test_draws_have_the_moments_of_q(mixed):
    """Each |z| <= 4.5: with 8 comparisons, a false alarm in fewer than one in 10,000 seeds."""
    n = 20_000
    u = mixed.coordinates.unconstrain(mixed.sample(np.random.default_rng(2), n))
    variance = np.diag(mixed.factor @ mixed.factor.T)
    assert np.all(np.abs(u.mean(axis=0) - mixed.mean) <= 4.5 * np.sqrt(variance / n))
    assert np.all(np.abs(u.var(axis=0) - variance) <= 4.5 * variance * np.sqrt(2 / n))


def test_it_survives_pickling(mixed):
    again = pickle.loads(pickle.dumps(mixed))
    draws = mixed.sample(np.random.default_rng(3), 4)
    np.testing.assert_array_equal(again.log_density(draws), mixed.log_density(draws))


def test_there_and_back_again(mixed):
    u = np.random.default_rng(4).normal(size=(6, 4))
    np.testing.assert_allclose(mixed.coordinates.unconstrain(mixed.coordinates.constrain(u)), u, rtol=1e-13)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({}, "variables are"),
        ({"mu": np.zeros((2, 1)), "nu": 1.0}, "variables are"),
        ({"mu": np.zeros((3, 1))}, "shape"),
        ({"mu": np.zeros((1, 2))}, "shape"),
        ({"mu": np.array([[0.0], [np.nan]])}, "not finite"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(model, start, message):
    with pytest.raises(ValueError, match=message):
        coordinates_of(model).flat_starts([start])


def test_no_start_is_refused(model):
    with pytest.raises(ValueError, match="At least one"):
        coordinates_of(model).flat_starts([])
