"""Invariances that rounding could break, and data that are hard on the arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import special as scipys
from scipy.special import gammaln, logsumexp, softmax

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    GammaPoisson,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    Status,
    fit,
    log_joint,
)
from hand_cavi.numerics import special
from tests.hand_cavi.cases import FAMILIES, NAMES

W_INVERSE = np.array([[4.0, 1.0, 0.5], [1.0, 6.0, -2.0], [0.5, -2.0, 3.0]])
WISHART = NormalWishart([0.5, -1.0, 0.0], 0.3, 7.5, W_INVERSE)


def moved(prior, by):
    """The same prior for data to which a number was added."""
    if isinstance(prior, NormalKnownVariance):
        return NormalKnownVariance(prior.mean + by, prior.variance, prior.noise_variance)
    if isinstance(prior, NormalGamma):
        return NormalGamma(prior.mean + by, prior.precision_scale, prior.shape, prior.rate)
    return NormalWishart(
        prior.mean + by, prior.precision_scale, prior.degrees_of_freedom, prior.scale_inverse
    )


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith("normal")])
def test_far_from_zero_everything_is_the_same(name):
    """Adding 1e6 to the data and to the prior mean changes the bound by at most 1e-8 relative."""
    case = FAMILIES[name]
    x = case.data(np.random.default_rng(58), 100)
    r = np.random.default_rng(59).dirichlet(np.ones(3), len(x))
    near, far = (
        Mixture(case.prior, DirichletWeights(1.0), 3),
        Mixture(moved(case.prior, 1e6), DirichletWeights(1.0), 3),
    )
    here, there = fit(near, x, rng=0, starts=r), fit(far, x + 1e6, rng=0, starts=r)
    assert there.elbo == pytest.approx(here.elbo, rel=1e-8)
    np.testing.assert_allclose(there.log_predictive(x + 1e6), here.log_predictive(x), atol=1e-5)
    draws = here.sample(60, 20)
    draws_there = {**draws, "mu": draws["mu"] + 1e6}
    np.testing.assert_allclose(log_joint(far, x + 1e6, draws_there), log_joint(near, x, draws), rtol=1e-7)
    np.testing.assert_allclose(there.log_density(draws_there), here.log_density(draws), atol=1e-3)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
@pytest.mark.parametrize("kind", ["gamma", "wishart"])
def test_other_units_change_the_bound_by_the_volume(kind, scale):
    x = FAMILIES["normal_gamma D=2"].data(np.random.default_rng(61), 60)
    r = np.random.default_rng(62).dirichlet(np.ones(3), len(x))

    def bound(s):
        if kind == "gamma":
            prior = NormalGamma(0.0, 0.2, 3.0, 2 * s * s)
        else:
            prior = NormalWishart(0.0, 0.2, 6.0, 4 * s * s * np.eye(2))
        result = fit(Mixture(prior, DirichletWeights(1.0), 3), s * x, rng=0, starts=r, max_sweeps=50)
        assert np.isfinite(result.log_predictive(s * x)).all()
        return result.elbo

    assert bound(scale) == pytest.approx(bound(1.0) - x.size * np.log(scale), rel=1e-10)


def test_covariances_of_condition_number_1e8():
    """A mixture of needles is the mixture of their whitened shapes, up to the volume."""
    rng = np.random.default_rng(63)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    a = rotation @ np.diag([1.0, 1e-2, 1e-4]) @ rotation.T
    z = FAMILIES["normal_wishart D=3"].data(rng, 80)
    r = rng.dirichlet(np.ones(3), len(z))
    plain = Mixture(WISHART, DirichletWeights(1.0), 3)
    w_inverse = a @ W_INVERSE @ a.T
    needles = NormalWishart(a @ WISHART.mean, 0.3, 7.5, (w_inverse + w_inverse.T) / 2)
    there = fit(Mixture(needles, DirichletWeights(1.0), 3), z @ a.T, rng=0, starts=r, max_sweeps=30)
    here = fit(plain, z, rng=0, starts=r, max_sweeps=30)
    assert there.elbo == pytest.approx(here.elbo - len(z) * np.linalg.slogdet(a)[1], rel=1e-7)


@pytest.mark.parametrize("separation", [1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("kind", ["gamma", "wishart"])
def test_the_limit_of_rounding(kind, separation):
    """Two components far apart under a vague prior: exact rational arithmetic against ours.

    The coordinates' docstring states the limit, eps (separation / width)^2.
    """
    z, label = np.random.default_rng(0).normal(size=200), np.repeat([0, 1], 100)
    x = np.round(z * 2**20) / 2**20 + np.where(label == 0, -1, 1) * np.round(separation / 2)
    beta = 1e-14
    prior = NormalGamma(0.0, beta, 2.0, 1.0) if kind == "gamma" else NormalWishart(0.0, beta, 4.0, 2.0)
    weights = DirichletWeights(1.0).for_components(2)
    exact = float(weights.log_marginal(np.array([100.0, 100.0])))
    for k in (0, 1):
        points = [Fraction(float(value)) for value in x[label == k]]
        mean = sum(points) / 100
        rate = 1 + sum((value - mean) ** 2 for value in points) / 2
        rate += Fraction(beta) * 100 * mean**2 / (2 * (Fraction(beta) + 100))
        exact += gammaln(52) - gammaln(2) - 52 * np.log(float(rate))
        exact += np.log(beta / (beta + 100)) / 2 - 50 * np.log(2 * np.pi)
    result = fit(Mixture(prior, weights, 2), x, rng=0, starts=np.eye(2)[label], max_sweeps=3)
    assert abs(result.elbo - exact) <= np.finfo(float).eps * separation**2 * abs(exact)


# ---- hard cases ----------------------------------------------------------------------------

HARD = {
    "normal_known_variance": lambda d: NormalKnownVariance(np.zeros(d), 10.0),
    "normal_gamma": lambda d: NormalGamma(np.zeros(d), 0.1, 2.0, 1.0),
    "normal_wishart": lambda d: NormalWishart(np.zeros(d), 0.1, d + 1.0, 1.0),
    "gamma_poisson": lambda d: GammaPoisson(np.full(d, 1.0), 0.2),
    "dirichlet_categorical": lambda d: DirichletCategorical(np.ones((d, 4))),
}
hard = pytest.mark.parametrize("family", NAMES)


def count_data(rng, n, d):
    """Whole numbers from 0 to 3, which every family can read."""
    return rng.binomial(3, np.where(rng.random((n, 1)) < 0.5, 0.2, 0.8), size=(n, d)).astype(float)


def assert_sound(mixture, x, **settings):
    result = fit(mixture, x, rng=64, **settings)
    trace = result.half_step_trace.ravel()
    assert np.isfinite(trace).all()
    assert np.all(np.diff(trace) >= -1e-10 * np.maximum(1, np.abs(trace[1:])))
    assert result.counts.sum() == pytest.approx(len(x))
    assert np.isfinite(result.log_predictive(x)).all()
    draws = result.sample(65, 3)
    assert np.isfinite(log_joint(mixture, x, draws) - result.log_density(draws)).all()
    return result


@hard
def test_sixty_four_features(family):
    x = count_data(np.random.default_rng(66), 60, 64)
    assert_sound(Mixture(HARD[family](64), DirichletWeights(1.0), 3), x, starts=2, max_sweeps=30)


@hard
def test_two_hundred_components_mostly_empty(family):
    x = count_data(np.random.default_rng(67), 50, 3)
    assert_sound(Mixture(HARD[family](3), DirichletWeights(0.01), 200), x, starts=1, max_sweeps=30)


@hard
def test_constant_columns_and_duplicated_points(family):
    x = np.repeat([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]], 20, axis=0)
    result = assert_sound(Mixture(HARD[family](3), DirichletWeights(1.0), 3), x, starts=6)
    assert result.status is Status.CONVERGED


@hard
def test_more_components_than_points(family):
    assert_sound(
        Mixture(HARD[family](2), DirichletWeights(1.0), 6), count_data(np.random.default_rng(68), 3, 2)
    )


@pytest.mark.parametrize("family", ["normal_known_variance", "normal_gamma", "normal_wishart"])
def test_tiny_and_huge_data(family):
    mixture = Mixture(HARD[family](1), DirichletWeights(1.0), 2)
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    assert_sound(mixture, 1e-300 * x)
    with pytest.raises(InputError, match="column 0 .* reaches 1e.300 .* other units"):
        fit(mixture, 1e300 * x, rng=0)


def test_starts_tell_categories_apart():
    """Codes are names: the middle one is as far from the others as they are from each other."""
    x = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2]], 20, axis=0)
    mixture = Mixture(DirichletCategorical(np.ones(3)), DirichletWeights(1.0), 3)
    result = fit(mixture, x, rng=69)
    assert sorted(np.round(result.counts)) == [20, 20, 20]


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_sums_of_exponentials_are_scipys(axis):
    """Also far from 0, where all or some are -inf, and where something is inf or not a number."""
    x = np.random.default_rng(4).normal(scale=300, size=(7, 4, 3))
    x[0, :, 0], x[1], x[2, 1, 2], x[3, 2, 1] = -np.inf, -np.inf, np.inf, np.nan
    for values in (x, x[4:], x[0, 0], x[1]):
        if axis == 1 and values.ndim == 1:
            continue
        found = special.logsumexp(values, axis=axis)
        np.testing.assert_allclose(found, logsumexp(values, axis=axis), rtol=1e-14)
    np.testing.assert_allclose(special.softmax(x[4:]), softmax(x[4:], axis=-1), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", ["digamma", "trigamma", "gammaln"])
def test_few_numbers_are_scipys(name):
    """Few go one by one, many to scipy: nobody can tell which by the value."""
    ours = getattr(special, name)
    theirs = (lambda x: scipys.polygamma(1, x)) if name == "trigamma" else getattr(scipys, name)
    x = np.concatenate([np.logspace(-8, 8, 400), np.linspace(0.5, 12, 400), [1.0, 2.0, 10.0, np.inf, 0.0]])
    one_by_one = np.array([ours(number) for number in x])
    np.testing.assert_array_equal(ours(x), theirs(x))
    np.testing.assert_allclose(one_by_one, theirs(x), rtol=2e-15, atol=2e-15)
    assert ours(x[:6].reshape(2, 3)).shape == (2, 3) and np.isnan(ours(np.nan))


def test_the_multivariate_gamma_function_is_scipys():
    a = np.linspace(3.1, 40, 50)
    np.testing.assert_allclose(special.multigammaln(a, 6), scipys.multigammaln(a, 6), rtol=1e-14)


def test_entropy_terms_are_scipys():
    p = np.concatenate([[0.0, 1.0], np.logspace(-300, 0, 100)])
    np.testing.assert_allclose(special.entr(p), scipys.entr(p), rtol=1e-15)
