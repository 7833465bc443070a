"""The families' own promises: densities and predictives of scipy.stats, and one family against another."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

import hand_cavi
from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalWishart,
    fit,
)
from hand_cavi.conjugate import ConjugateFamily
from tests.hand_cavi.cases import FAMILIES, NAMES

FAITHFUL = np.loadtxt(Path(__file__).parents[1] / "faithful.csv", delimiter=",", skiprows=1)
W_INVERSE = np.array([[4.0, 1.0, 0.5], [1.0, 6.0, -2.0], [0.5, -2.0, 3.0]])
WISHART = NormalWishart([0.5, -1.0, 0.0], 0.3, 7.5, W_INVERSE)
GAMMA = NormalGamma([0.5, -1.0], 0.3, 3.0, [1.5, 4.0])
POISSON = GammaPoisson([1.5, 3.0], [0.4, 0.6])
CATEGORICAL = DirichletCategorical([[1.0, 2.0, 0.5], [1.5, 1.5, 1.5]])


def test_every_family_that_ships_is_in_the_table():
    """What takes its families from the table would leave a new one out."""
    shipped = [one for one in vars(hand_cavi).values() if isinstance(one, type)]
    assert NAMES == sorted(one.name for one in shipped if issubclass(one, ConjugateFamily))


def draws_of(prior, n=20):
    """Draws of one component, arrays (n, 1, ...)."""
    return prior.updated(np.zeros((1, prior.natural.size))).sample(np.random.default_rng(50), n)


# ---- densities, against Lebesgue measure in the canonical parameters ----------------------


def test_normal_gamma_density():
    draws = draws_of(GAMMA)
    mu, precision = draws["mu"][:, 0], draws["precision"][:, 0]
    expected = stats.norm.logpdf(mu, GAMMA.mean, 1 / np.sqrt(0.3 * precision))
    expected += stats.gamma.logpdf(precision, 3.0, scale=1 / GAMMA.rate)
    np.testing.assert_allclose(GAMMA.log_density(draws)[:, 0], expected.sum(axis=1), rtol=1e-12)


def test_normal_wishart_density():
    draws = draws_of(WISHART)
    expected = [
        stats.wishart.logpdf(precision, 7.5, np.linalg.inv(W_INVERSE))
        + stats.multivariate_normal.logpdf(mu, WISHART.mean, np.linalg.inv(0.3 * precision))
        for mu, precision in zip(draws["mu"][:, 0], draws["precision"][:, 0], strict=True)
    ]
    np.testing.assert_allclose(WISHART.log_density(draws)[:, 0], expected, rtol=1e-10)


def test_gamma_poisson_density():
    draws = draws_of(POISSON)
    expected = stats.gamma.logpdf(draws["rate"][:, 0], POISSON.shape, scale=1 / POISSON.rate).sum(axis=1)
    np.testing.assert_allclose(POISSON.log_density(draws)[:, 0], expected, rtol=1e-12)


def test_dirichlet_categorical_density():
    draws = draws_of(CATEGORICAL)
    expected = [
        sum(stats.dirichlet.logpdf(p, alpha) for p, alpha in zip(ps, CATEGORICAL.concentration, strict=True))
        for ps in draws["probability"][:, 0]
    ]
    np.testing.assert_allclose(CATEGORICAL.log_density(draws)[:, 0], expected, rtol=1e-10)


def test_normal_wishart_draws_have_their_moments():
    """Of 9 + 3 means each lies within 5 standard errors; a false alarm has chance below 1e-5."""
    draws = draws_of(WISHART, 40_000)
    for sample, expected in (
        (draws["precision"][:, 0], 7.5 * np.linalg.inv(W_INVERSE)),
        (draws["mu"][:, 0], WISHART.mean),
    ):
        error = sample.std(axis=0) / np.sqrt(len(sample))
        assert np.all(np.abs(sample.mean(axis=0) - expected) < 5 * error)


# ---- predictive densities ------------------------------------------------------------------


def posterior(prior, x):
    return prior.updated(prior.statistics(x).sum(axis=0, keepdims=True))


def test_predictive_of_the_normal_gamma_is_student():
    x = FAMILIES["normal_gamma D=2"].data(np.random.default_rng(51), 9)
    q = posterior(GAMMA, x)
    width = np.sqrt(q.rate / q.shape[:, None] * (q.precision_scale + 1)[:, None] / q.precision_scale[:, None])
    new = np.array([[0.0, 0.0], [3.0, -8.0], [1e3, 1e3]])
    expected = stats.t.logpdf(new, 2 * q.shape[0], q.mean[0], width[0]).sum(axis=1)
    np.testing.assert_allclose(q.log_predictive(new)[:, 0], expected, rtol=1e-11)


def test_predictive_of_the_normal_wishart_is_student():
    x = FAMILIES["normal_wishart D=3"].data(np.random.default_rng(52), 9)
    q = posterior(WISHART, x)
    nu, beta = q.degrees_of_freedom[0], q.precision_scale[0]
    shape = q.scale_inverse[0] * (1 + beta) / (beta * (nu - 2))
    new = np.array([[0.0, 0.0, 0.0], [3.0, -8.0, 1.0], [1e3, 1e3, -1e3]])
    expected = stats.multivariate_t(q.mean[0], shape, df=nu - 2).logpdf(new)
    np.testing.assert_allclose(q.log_predictive(new)[:, 0], expected, rtol=1e-11)
    for member in (q, WISHART):
        generic = ConjugateFamily.log_predictive(member, new)
        np.testing.assert_allclose(member.log_predictive(new), generic, rtol=1e-9)


def test_predictive_of_the_gamma_poisson_is_negative_binomial():
    x = FAMILIES["gamma_poisson D=2"].data(np.random.default_rng(53), 9)
    q = posterior(POISSON, x)
    new = np.array([[0.0, 0.0], [3.0, 8.0], [1e3, 5.0]])
    expected = stats.nbinom.logpmf(new, q.shape[0], q.rate[0] / (q.rate[0] + 1)).sum(axis=1)
    np.testing.assert_allclose(q.log_predictive(new)[:, 0], expected, rtol=1e-11)


def test_predictive_in_blocks_is_the_same():
    q = posterior(GAMMA, np.random.default_rng(54).normal(size=(9, 2)))
    q = q.from_natural(np.repeat(q.natural, 200, axis=0))
    x = np.random.default_rng(55).normal(size=(2000, 2))  # 2.4 million numbers: several blocks
    np.testing.assert_array_equal(q.log_predictive(x)[[0, 1999]], q.log_predictive(x[[0, 1999]]))


# ---- one family against another, and against scikit-learn --------------------------------


def test_one_dimensional_normal_wishart_is_the_normal_gamma():
    x = np.random.default_rng(56).normal(size=30) * np.repeat([1, 4], 15) + np.repeat([0, 6], 15)
    r = np.random.default_rng(57).dirichlet(np.ones(3), len(x))
    weights = DirichletWeights(0.7)
    gamma = fit(Mixture(NormalGamma(0.5, 0.2, 2.25, 1.4), weights, 3), x, rng=0, starts=r)
    wishart = fit(Mixture(NormalWishart(0.5, 0.2, 4.5, 2.8), weights, 3), x, rng=0, starts=r)
    np.testing.assert_allclose(wishart.half_step_trace, gamma.half_step_trace, rtol=1e-12)
    np.testing.assert_allclose(wishart.components.mean, gamma.components.mean, rtol=1e-9)
    np.testing.assert_allclose(wishart.components.scale_inverse[..., 0], 2 * gamma.components.rate, rtol=1e-9)


def test_old_faithful_agrees_with_scikit_learn():
    """L = lower_bound_ + the constants that scikit-learn drops (docs/mathematics.md, 3)."""
    mixture_module = pytest.importorskip("sklearn.mixture")
    n, d, k, beta, nu, alpha = *FAITHFUL.shape, 3, 0.5, 4.0, 0.8
    mean, w_inverse = FAITHFUL.mean(axis=0), 2 * np.cov(FAITHFUL.T)
    theirs = mixture_module.BayesianGaussianMixture(
        n_components=k,
        reg_covar=0,
        tol=1e-13,
        max_iter=5000,
        weight_concentration_prior_type="dirichlet_distribution",
        weight_concentration_prior=alpha,
        mean_precision_prior=beta,
        mean_prior=mean,
        degrees_of_freedom_prior=nu,
        covariance_prior=w_inverse,
        random_state=0,
    ).fit(FAITHFUL)
    mixture = Mixture(NormalWishart(mean, beta, nu, w_inverse), DirichletWeights(alpha), k)
    ours = fit(mixture, FAITHFUL, rng=0, starts=theirs.predict_proba(FAITHFUL))
    log_b = nu / 2 * np.linalg.slogdet(w_inverse)[1] - nu * d / 2 * np.log(2)  # PRML B.79
    log_b -= d * (d - 1) / 4 * np.log(np.pi) + sum(gammaln((nu - j) / 2) for j in range(d))
    log_c = gammaln(k * alpha) - k * gammaln(alpha)  # PRML B.23
    dropped = log_c + k * (d / 2 * np.log(beta) + log_b + d * (d - 1) / 4 * np.log(np.pi))
    assert ours.elbo == pytest.approx(theirs.lower_bound_ + dropped - n * d / 2 * np.log(2 * np.pi), rel=1e-9)
    np.testing.assert_allclose(ours.components.mean, theirs.means_, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_predictive_density_is_the_rows_own_also_far_out(family):
    """After one point and ten; where the row says that a point cannot be, the family says so too."""
    case, rng = FAMILIES[family], np.random.default_rng(8)
    x = case.data(rng, 15)
    seen, new = x[:10], np.concatenate([x[10:], -1 - np.abs(x[10:]), 3 * x[10:]])
    if case.prior.name == "dirichlet_categorical":
        new = x[10:]
    for before in (seen[:1], seen):
        q = case.prior.updated(case.prior.statistics(before).sum(axis=0))
        expected = [case.predictive(case.prior, before, point) for point in new]
        np.testing.assert_allclose(q.log_predictive(new)[:, 0], expected, rtol=1e-9)
