"""Spherical components: what the conjugate table promises; scipy, the Normal-Gamma and scikit-learn."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("sklearn")

from sklearn.mixture import BayesianGaussianMixture

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, fit, log_joint
from hand_cavi.estimators import BayesianMixture
from hand_cavi.sklearn.spherical import SphericalNormalGamma
from tests.hand_cavi import test_conjugate
from tests.hand_cavi.cases import FamilyCase

PRIOR = SphericalNormalGamma([0.5, -1.0, 0.0], 0.3, 3.0, 4.0)


def student(prior, seen, new):
    """A Student t in D dimensions, by the sums of squares about the mean."""
    n, beta, d = len(seen), prior.precision_scale, len(prior.mean)
    mean, shape, rate = prior.mean, prior.shape + n * d / 2, prior.rate
    if n:
        away = seen.mean(axis=0) - mean
        rate = rate + ((seen - seen.mean(axis=0)) ** 2).sum() / 2 + beta * n / (beta + n) * away @ away / 2
        mean, beta = (beta * mean + n * seen.mean(axis=0)) / (beta + n), beta + n
    scale = rate / shape * (1 + beta) / beta * np.eye(d)
    return stats.multivariate_t(mean, scale, df=2 * shape).logpdf(new)


def data(rng, n):
    """Return three features of two clumps."""
    return np.where(rng.random((n, 1)) < 0.5, -2.0, [1.0, 2.0, 3.0]) + 1.5 * rng.standard_normal((n, 3))


@pytest.mark.parametrize("promise", [name for name in vars(test_conjugate) if name.startswith("test_")])
def test_it_keeps_the_promises_of_every_family(promise, monkeypatch):
    monkeypatch.setitem(test_conjugate.FAMILIES, "spherical", FamilyCase(PRIOR, data, student))
    getattr(test_conjugate, promise)("spherical")


def test_covariances_are_the_slopes_of_the_expectations():
    q = PRIOR.updated(PRIOR.statistics(data(np.random.default_rng(0), 12)).sum(0, keepdims=True))
    for p in range(q.natural.size):
        width = 1e-6 * np.maximum(1, np.abs(q.natural[:, p]))
        ahead, behind = q.natural.copy(), q.natural.copy()
        ahead[:, p] += width
        behind[:, p] -= width
        slope = (q.expected(ahead) - q.expected(behind)) / (2 * width)[:, np.newaxis]
        np.testing.assert_allclose(q.covariance_phi[0, p], slope[0], rtol=1e-6, atol=1e-7)


def test_densities_and_predictives_are_those_of_scipy():
    draws = PRIOR.updated(np.zeros((1, PRIOR.natural.size))).sample(np.random.default_rng(1), 20)
    mu, precision = draws["mu"][:, 0], draws["precision"][:, 0, 0]
    expected = stats.norm.logpdf(mu, PRIOR.mean, 1 / np.sqrt(0.3 * precision)[:, np.newaxis]).sum(axis=1)
    expected += stats.gamma.logpdf(precision, 3.0, scale=1 / 4.0)
    np.testing.assert_allclose(PRIOR.log_density(draws)[:, 0], expected, rtol=1e-11)
    x = data(np.random.default_rng(2), 8)
    q = PRIOR.updated(PRIOR.statistics(x).sum(0, keepdims=True))
    new = np.array([[0.0, 0.0, 0.0], [30.0, -8.0, 2.0]])
    np.testing.assert_allclose(
        q.log_predictive(new)[:, 0], [student(PRIOR, x, one) for one in new], rtol=1e-11
    )


def test_one_component_s_bound_is_the_evidence_and_two_have_none_that_is_higher():
    x = data(np.random.default_rng(3), 9)
    exact = sum(student(PRIOR, x[:i], x[i]) for i in range(len(x)))
    one = fit(Mixture(PRIOR, FixedWeights(), 1), x, rng=1)
    assert one.elbo == pytest.approx(exact, abs=1e-9)
    two = Mixture(PRIOR, FixedWeights(), 2)
    best, log_evidence = fit(two, x, rng=1), -np.inf
    for assignment in np.ndindex(*[2] * len(x)):
        sets = [x[np.array(assignment) == k] for k in range(2)]
        value = sum(student(PRIOR, s[:i], s[i]) for s in sets for i in range(len(s))) - len(x) * np.log(2)
        log_evidence = np.logaddexp(log_evidence, value)
    assert best.elbo < log_evidence < best.elbo + 3
    draws = best.sample(np.random.default_rng(4), 4000)  # F is between them
    q = best.components.log_density(draws).sum(axis=1)
    bound = log_joint(two, x, draws) - q
    error = bound.std() / np.sqrt(4000)
    assert best.elbo - 5 * error < bound.mean() < log_evidence + 5 * error


def test_with_one_feature_it_is_the_normal_gamma():
    x = data(np.random.default_rng(5), 60)[:, :1]
    families = NormalGamma(0.3, 0.2, 2.5, 1.4), SphericalNormalGamma(0.3, 0.2, 2.5, 1.4)
    a, b = (fit(Mixture(family, DirichletWeights(1.0), 2), x, rng=1) for family in families)
    assert a.elbo == pytest.approx(b.elbo, abs=1e-9)
    np.testing.assert_allclose(a.components.rate[:, 0], b.components.rate, rtol=1e-6)


def test_clusters_apart_have_the_posterior_of_scikit_learn():
    """Where every assignment is sure, that its expected logarithms are a Wishart's changes nothing."""
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.normal(0, 1, (40, 3)), rng.normal(60, 2, (60, 3))])
    settings = {
        "n_components": 2,
        "covariance_type": "spherical",
        "random_state": 0,
        "reg_covar": 0,
        "tol": 1e-9,
    }
    theirs, ours = (one(**settings).fit(x) for one in (BayesianGaussianMixture, BayesianMixture))
    order = np.argsort(ours.means_[:, 0]), np.argsort(theirs.means_[:, 0])
    for name in ("means_", "covariances_", "precisions_cholesky_", "degrees_of_freedom_", "mean_precision_"):
        mine, yours = (getattr(m, name)[o] for m, o in zip((ours, theirs), order, strict=True))
        np.testing.assert_allclose(mine, yours, rtol=1e-9, err_msg=name)
    assert ours.covariance_prior_ == pytest.approx(theirs.covariance_prior_, rel=1e-12)
