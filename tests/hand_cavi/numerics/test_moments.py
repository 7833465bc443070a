"""Covariances under q, in closed form: against differences of means, against draws, against scipy."""

import numpy as np
import pytest
from scipy import stats

from hand_cavi import DirichletWeights, InputError, NormalGamma, NormalWishart, StickBreaking
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments
from hand_cavi.numerics.wishart import _Chi
from ppl_baselines.transforms import Identity, Log, LogCholesky, Simplex, Sticks
from tests.hand_cavi.cases import FAMILIES, WEIGHTS
from tests.hand_cavi.test_conjugate import posterior

N_DRAWS = 20_000
COUNTS = np.array([2.5, 0.0, 4.0, 1.5])

every_family = pytest.mark.parametrize("name", FAMILIES)
every_weights = pytest.mark.parametrize("name", WEIGHTS)


def free(name, values):
    """The canonical draws (S, K, ...) on the whole real line, by the other package's maps."""
    if name == "mu":
        return Identity().unconstrain(values)
    if name == "probability":
        return Simplex().unconstrain(values)
    return LogCholesky().unconstrain(values) if values.ndim == 4 else Log().unconstrain(values)


def assert_covariance(first, second, expected, width=6.0):
    """Each of the products' means, (S, A) with (S, B), within `width` standard errors.

    With at most 2,000 entries in this file, a false alarm has a chance below 1e-5 for normal errors; the
    products' tails are heavier, so that seeds are fixed.
    """
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    product = first[:, :, np.newaxis] * second[:, np.newaxis, :]
    error = product.std(axis=0) / np.sqrt(len(product))
    assert np.all(np.abs(product.mean(axis=0) - expected) <= width * error + 1e-12)


def assert_moments(moments: Moments, g, statistics):
    """Draws of one component, (S, Q) and (S, P), have these moments."""
    error = g.std(axis=0) / np.sqrt(len(g))
    assert np.all(np.abs(g.mean(axis=0) - moments.mean) <= 6 * error + 1e-12)
    assert_covariance(g, g, moments.covariance)
    assert_covariance(g, statistics, moments.with_statistics)


# ---- components ------------------------------------------------------------------------------


@every_family
def test_covariance_is_the_derivative_of_the_expected_statistics(name):
    _, q, _ = posterior(name)
    for p in range(q.natural.shape[1]):
        ahead, behind = q.natural.copy(), q.natural.copy()
        width = 1e-6 * np.maximum(1, np.abs(q.natural[:, p]))
        ahead[:, p] += width
        behind[:, p] -= width
        slope = (q.expected(ahead) - q.expected(behind)) / (2 * width[:, np.newaxis])
        np.testing.assert_allclose(q.covariance_phi[:, :, p], slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(q.covariance(q.natural[1]), q.covariance_phi[1], rtol=1e-12)


@every_family
def test_covariance_is_that_of_draws(name):
    _, q, _ = posterior(name)
    phi = q.phi(q.sample(np.random.default_rng(80), N_DRAWS))
    for k in range(3):
        assert_covariance(phi[:, k], phi[:, k], q.covariance_phi[k])


@every_family
def test_moments_of_parameters_are_those_of_draws(name):
    """In other coordinates than the data's: the means and covariances are still in the data's units."""
    prior, q, x = posterior(name)
    coordinates = prior.coordinates(x, np.ones(len(x)))
    inner = q.seen_from(coordinates)
    draws = q.sample(np.random.default_rng(81), N_DRAWS)
    statistics = inner.phi(q.draws_seen_from(coordinates, draws)[0])
    for moments, mapped in (
        (inner.moments(coordinates), draws),
        (inner.free_moments(coordinates), {key: free(key, values) for key, values in draws.items()}),
    ):
        assert {key: values.shape[2:] for key, values in mapped.items()} == moments.shapes
        g = np.concatenate([mapped[key].reshape(N_DRAWS, 3, -1) for key in moments.shapes], axis=-1)
        for k in range(3):
            one = Moments(moments.shapes, moments.mean[k], moments.covariance[k], moments.with_statistics[k])
            assert_moments(one, g[:, k], statistics[:, k])


@every_family
def test_moments_of_parameters_are_the_slopes_of_their_means(name):
    """Cov_q[g, phi] = d E[g] / d eta, by differences of the canonical means."""
    _, q, _ = posterior(name)
    moments = q.moments(Coordinates.identity(q.n_features))
    positions = moments.positions
    for p in range(q.natural.shape[1]):
        width = 1e-6 * np.maximum(1, np.abs(q.natural[:, p : p + 1]))
        push = width * np.eye(q.natural.shape[1])[p]
        ahead, behind = (q.from_natural(q.natural + sign * push).mean_draw() for sign in (1, -1))
        for key, at in positions.items():
            slope = (ahead[key] - behind[key]).reshape(3, -1) / (2 * width)
            np.testing.assert_allclose(
                moments.with_statistics[:, at.ravel(), p], slope, rtol=1e-6, atol=1e-7 * np.abs(slope).max()
            )


def test_where_a_mean_has_no_variance():
    vague = NormalGamma([0.0, 1.0], 0.5, 1.0, [1.0, 2.0]).updated(np.zeros((1, 6)))
    covariance = vague.moments(Coordinates.identity(2)).covariance[0]
    assert np.isinf(np.diagonal(covariance)[:2]).all()
    np.testing.assert_allclose(np.diagonal(covariance)[2:], [1.0, 0.25])
    vague = NormalWishart([0.0, 1.0], 0.5, 3.0, np.eye(2)).updated(np.zeros((1, 7)))
    assert np.isinf(np.diagonal(vague.moments(Coordinates.identity(2)).covariance[0])[:2]).all()


@pytest.mark.parametrize("n", [1.5, 20.0, 99.9, 100.1, 3000.0, 1e6])
def test_chi_moments(n):
    """Against scipy.stats; for large n against the series of the variance, 1/2 - 1/(8n) - 1/(16 n^2)."""
    chi = _Chi(np.array(n))
    assert chi.mean == pytest.approx(stats.chi(n).mean(), rel=1e-9)
    variance = stats.chi(n).var() if n < 50 else 1 / 2 - 1 / (8 * n) - 1 / (16 * n * n) + 5 / (128 * n**3)
    assert chi.variance == pytest.approx(variance, rel=1e-8)


def test_a_family_without_moments_says_so():
    class Plain(NormalGamma):
        moments = ConjugateFamily.moments
        free_moments = ConjugateFamily.free_moments

    for offer in ("moments", "free_moments"):
        with pytest.raises(InputError, match="Plain states no moments"):
            getattr(Plain(0.0, 1.0, 2.0, 1.0), offer)(Coordinates.identity(1))


# ---- weights ---------------------------------------------------------------------------------


@every_weights
def test_covariance_of_log_weights_is_the_derivative_of_their_means(name):
    prior = WEIGHTS[name](4).for_components(4)
    covariance = prior.updated(COUNTS).covariance_of_logs()
    for k, push in enumerate(1e-5 * np.eye(4)):
        ahead, behind = (prior.updated(COUNTS + sign * push).expected_log() for sign in (1, -1))
        np.testing.assert_allclose(covariance[:, k], (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in WEIGHTS if name != "fixed"])
def test_moments_of_weights_are_those_of_draws(name):
    q = WEIGHTS[name](4).for_components(4).updated(COUNTS)
    draws = q.sample(np.random.default_rng(82), N_DRAWS)["weights"]
    assert_covariance(np.log(draws), np.log(draws), q.covariance_of_logs())
    assert_moments(q.moments(), draws, np.log(draws))
    mapped = (Sticks() if name == "stick_breaking" else Simplex()).unconstrain(draws)
    assert_moments(q.free_moments(), mapped, np.log(draws))


def test_known_weights_have_no_moments():
    q = WEIGHTS["fixed"](4).for_components(4)
    assert not q.covariance_of_logs().any()
    assert q.moments().mean.size == q.free_moments().mean.size == 0


@pytest.mark.parametrize("prior", [DirichletWeights(1.0), StickBreaking(1.0)])
def test_a_single_weight_is_one(prior):
    q = prior.for_components(1).updated(np.array([5.0]))
    np.testing.assert_allclose(q.moments().covariance, 0, atol=1e-15)
    np.testing.assert_allclose(q.covariance_of_logs(), 0, atol=1e-15)
    assert q.free_moments().mean.shape == (0,)
