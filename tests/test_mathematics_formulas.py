"""docs/mathematics.md against the code: the formulas of sections 1 to 5, at random points.

Each formula is written here as the page has it and compared with the code up to rounding; derivatives are
compared with differences. The page's figures are recomputed in test_mathematics_doc.
"""

from dataclasses import replace
from itertools import product
from math import log, pi

import numpy as np
import pytest
from scipy.special import betaln, digamma, gammaln, logsumexp, multigammaln, xlogy

from experiments.posterior.symmetrised import log_permanent, permanent_bounds
from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalWishart, fit, log_joint
from hand_cavi.conjugate import ConjugateFamily
from tests.hand_cavi.cases import FAMILIES, PAIRS, WEIGHTS, make
from tests.mathematics_page import best, data, model

_LN_2PI = log(2 * pi)


# ---- section 1: families -----------------------------------------------------------------------


def _known_variance(eta: np.ndarray, prior: ConjugateFamily) -> np.ndarray:
    s, d = prior.noise_variance, prior.n_features
    return np.sum(eta[:-1] ** 2) / (2 * s * eta[-1]) + d / 2 * np.log(2 * pi * s / eta[-1])


def _normal_gamma(eta: np.ndarray, prior: ConjugateFamily) -> np.ndarray:
    d, beta, a = prior.n_features, eta[-2], eta[-1] / 2
    b = (eta[d : 2 * d] - eta[:d] ** 2 / beta) / 2
    return np.sum(gammaln(a) - a * np.log(b) + _LN_2PI / 2 - np.log(beta) / 2)


def _normal_wishart(eta: np.ndarray, prior: ConjugateFamily) -> np.ndarray:
    d, beta, nu = prior.n_features, eta[-2], eta[-1]
    second = np.zeros((d, d))
    second[np.tril_indices(d)] = eta[d:-2]
    second = second + np.tril(second, -1).T
    w_inverse = second - np.outer(eta[:d], eta[:d]) / beta
    log_z = -nu / 2 * np.linalg.slogdet(w_inverse)[1] + nu * d / 2 * log(2) + multigammaln(nu / 2, d)
    return log_z - d / 2 * np.log(beta) + d / 2 * _LN_2PI


def _gamma_poisson(eta: np.ndarray, prior: ConjugateFamily) -> np.ndarray:
    a, b = np.split(eta, 2)
    return np.sum(gammaln(a) - a * np.log(b))


def _dirichlet_categorical(eta: np.ndarray, prior: ConjugateFamily) -> np.ndarray:
    alpha = eta[:-1].reshape(prior.n_features, -1)
    return np.sum(gammaln(alpha).sum(axis=1) - gammaln(alpha.sum(axis=1)))


LOG_Z = {
    "normal_known_variance": _known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}
ON_THE_PAGE = list(FAMILIES)


def posterior_of(family: str, seed: int) -> tuple[ConjugateFamily, ConjugateFamily, np.ndarray]:
    """Return a prior, a posterior at random responsibilities, and the points."""
    prior, rng = FAMILIES[family].prior, np.random.default_rng(seed)
    x = FAMILIES[family].data(rng, 15)
    return prior, prior.updated(rng.random(15) @ prior.statistics(x)), x


@pytest.mark.parametrize("family", ON_THE_PAGE)
def test_log_z_and_its_gradient(family: str) -> None:
    """The page's ln Z, and by central differences of it the expected statistics and their covariance."""
    prior, posterior, _ = posterior_of(family, 31)
    log_z, eta = LOG_Z[prior.name], posterior.natural
    assert posterior.log_z == pytest.approx(log_z(eta, prior), rel=1e-12)
    steps = 1e-5 * np.maximum(1, np.abs(eta))
    for i in range(len(eta) - (prior.name == "dirichlet_categorical")):  # its last statistic meets a 0
        ahead, behind = eta.copy(), eta.copy()
        ahead[i] += steps[i]
        behind[i] -= steps[i]
        slope = (log_z(ahead, prior) - log_z(behind, prior)) / (2 * steps[i])
        assert posterior.expected_phi[i] == pytest.approx(slope, rel=1e-6, abs=1e-8)
        curve = (prior.expected(ahead) - prior.expected(behind)) / (2 * steps[i])
        np.testing.assert_allclose(posterior.covariance_phi[i], curve, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("family", ON_THE_PAGE)
def test_prediction_is_a_ratio_of_marginals_and_divergence_a_difference(family: str) -> None:
    prior, posterior, x = posterior_of(family, 32)
    t, log_z, eta = prior.statistics(x[:1])[0], LOG_Z[prior.name], posterior.natural
    predicted = prior.log_base(x[:1])[0] + log_z(eta + t, prior) - log_z(eta, prior)
    assert posterior.log_predictive(x[:1])[0, 0] == pytest.approx(predicted, rel=1e-9)
    divergence = (
        (eta - prior.natural) @ posterior.expected_phi - log_z(eta, prior) + log_z(prior.natural, prior)
    )
    assert posterior.kl(prior) == pytest.approx(divergence, rel=1e-9)
    assert divergence > 0


def test_one_feature_makes_normal_gamma_and_normal_wishart_one() -> None:
    wishart, gamma = FAMILIES["normal_wishart D=1"].prior, FAMILIES["normal_gamma D=1"].prior
    np.testing.assert_allclose(wishart.natural, gamma.natural)  # a = nu/2, b = W^-1/2
    x = np.linspace(-3, 4, 9)[:, np.newaxis]
    sums = np.random.default_rng(33).random(9) @ gamma.statistics(x)
    np.testing.assert_allclose(
        wishart.updated(sums).expected_phi, gamma.updated(sums).expected_phi, rtol=1e-12
    )
    assert wishart.updated(sums).log_z == pytest.approx(gamma.updated(sums).log_z, rel=1e-13)


@pytest.mark.parametrize("family", ["normal_known_variance D=1", "normal_gamma D=2", "normal_wishart D=3"])
def test_data_and_prior_moved_by_a_million(family: str) -> None:
    mixture, x = make(family, "dirichlet", 2, 20, seed=34)
    far = Mixture(replace(mixture.components, mean=mixture.components.mean + 1e6), mixture.weights, 2)
    r = np.random.default_rng(35).dirichlet(np.ones(2), 20)
    here, there = fit(mixture, x, rng=0, starts=r).elbo, fit(far, x + 1e6, rng=0, starts=r).elbo
    assert there == pytest.approx(here, rel=1e-8)


# ---- section 2: weights ------------------------------------------------------------------------


def _sticks(alpha: float, n: np.ndarray) -> tuple[np.ndarray, float]:
    """Return E[ln pi] and ln p(c) of sticks with v_T = 1, as the page has them."""
    later = n[::-1].cumsum()[::-1] - n
    g, h = 1 + n[:-1], alpha + later[:-1]
    broken, kept = digamma(g) - digamma(g + h), digamma(h) - digamma(g + h)
    expected = np.append(broken, 0) + np.append(0, kept.cumsum())
    return expected, float(np.sum(betaln(g, h) - betaln(1, alpha)))


def _dirichlet(alpha: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, float]:
    log_c = [gammaln(a.sum()) - gammaln(a).sum() for a in (alpha, alpha + n)]
    return digamma(alpha + n) - digamma((alpha + n).sum()), float(log_c[0] - log_c[1])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights(weights: str) -> None:
    """E[ln pi], ln p(c), KL as their difference, and p(c) summed over all assignments: 1."""
    k, n = 3, np.array([2.5, 0.7, 3.1])
    prior = WEIGHTS[weights](k).for_components(k)
    if prior.name == "fixed":
        expected, log_p = np.full(k, -log(k)), -n.sum() * log(k)
    elif prior.name == "dirichlet":
        expected, log_p = _dirichlet(prior.concentration, n)
    else:
        expected, log_p = _sticks(prior.concentration, n)
    posterior = prior.updated(n)
    np.testing.assert_allclose(posterior.expected_log(), expected, rtol=1e-12)
    assert prior.log_marginal(n) == pytest.approx(log_p, rel=1e-12)
    assert posterior.kl(prior) == pytest.approx(n @ expected - log_p, rel=1e-9, abs=1e-12)
    counts = np.array([np.bincount(c, minlength=k) for c in product(range(k), repeat=5)])
    assert np.exp(prior.log_marginal(counts)).sum() == pytest.approx(1, rel=1e-12)


# ---- section 3: the bound ----------------------------------------------------------------------


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_both_collapses_of_the_bound(family: str, weights: str) -> None:
    """After r: sum_i lse_i less the divergences. After q(theta), q(pi): H, ratios of ln Z, and ln p(c)."""
    mixture, x = make(family, weights, 3, 12, seed=36)
    r = np.random.default_rng(37).dirichlet(np.ones(3), 12)
    found = fit(mixture, x, rng=0, starts=r, max_sweeps=1)
    prior, weights_prior = mixture.components.with_features(x.shape[1]), mixture.weights
    rho = found.components.expected_log_likelihood(x) + found.weights.expected_log()
    divergences = found.weights.kl(weights_prior) + found.components.kl(prior).sum()
    assert found.elbo == pytest.approx(logsumexp(rho, axis=1).sum() - divergences, rel=1e-10)
    sums = r.T @ prior.statistics(x)
    after = -xlogy(r, r).sum() + prior.log_marginal(sums, 0.0).sum() + prior.log_base(x).sum()
    after += weights_prior.log_marginal(r.sum(axis=0))
    assert found.half_step_trace[0, 0] == pytest.approx(after, rel=1e-10)


def test_closed_form_of_the_textbook_model() -> None:
    x, variance, k = data("apart")[:, 0], 25.0, 3
    mixture = Mixture(model("textbook").components, FixedWeights(), k)
    start = np.random.default_rng(38).dirichlet(np.ones(k), len(x))
    for sweeps in (1, 2, 5):
        found = fit(mixture, x, rng=0, starts=start, max_sweeps=sweeps)
        r = found.responsibilities(x)
        m, s2 = found.components.mean_draw()["mu"][:, 0], found.components.variance
        bound = 0.5 * np.sum(np.log(s2 / variance) + 1 - (m**2 + s2) / variance)
        bound -= len(x) * log(k) + len(x) / 2 * _LN_2PI
        bound -= 0.5 * np.sum(r * ((x[:, np.newaxis] - m) ** 2 + s2)) + xlogy(r, r).sum()
        assert found.elbo == pytest.approx(bound, rel=1e-12)
        unnormalised = np.exp(x[:, np.newaxis] * m - (m**2 + s2) / 2)
        np.testing.assert_allclose(r, unnormalised / unnormalised.sum(axis=1, keepdims=True), rtol=1e-10)
        if sweeps == 1:
            np.testing.assert_allclose(s2, 1 / (1 / variance + start.sum(axis=0)))
            np.testing.assert_allclose(m, s2 * (start.T @ x))


def test_what_scikit_learn_leaves_out() -> None:
    mixture_of = pytest.importorskip("sklearn.mixture")
    x, mixture = data("pairs"), model("normal_wishart")
    prior = mixture.components
    assert isinstance(prior, NormalWishart) and isinstance(mixture.weights, DirichletWeights)
    beta, nu, w_inverse = prior.precision_scale, prior.degrees_of_freedom, prior.scale_inverse
    alpha, k, (n, d) = mixture.weights.for_components(2).concentration, 2, x.shape
    theirs = mixture_of.BayesianGaussianMixture(
        n_components=k,
        reg_covar=0,
        tol=1e-13,
        max_iter=5000,
        n_init=5,
        random_state=0,
        weight_concentration_prior_type="dirichlet_distribution",
        weight_concentration_prior=float(alpha[0]),
        mean_precision_prior=float(beta),
        mean_prior=prior.mean,
        degrees_of_freedom_prior=float(nu),
        covariance_prior=w_inverse,
    ).fit(x)
    log_b = nu / 2 * np.linalg.slogdet(w_inverse)[1] - nu * d / 2 * log(2) - multigammaln(nu / 2, d)
    left_out = gammaln(alpha.sum()) - gammaln(alpha).sum()
    left_out += k * (d / 2 * np.log(beta) + log_b + d * (d - 1) / 4 * log(pi)) - n * d / 2 * _LN_2PI
    assert theirs.lower_bound_ + left_out == pytest.approx(best("pairs", "normal_wishart").elbo, abs=1e-9)


# ---- sections 4 and 5: what bounds what ----------------------------------------------------------


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_the_price_of_one_assignment_for_all_parameters(family: str, weights: str) -> None:
    """ELBO = F - E_q[KL(q(c), p(c | x, theta))], by 4,000 draws of q: false alarm 7e-6 a pair.

    So ln p(x, theta) - ln q(theta) - KL has the closed form's value as its mean.
    """
    mixture, x = make(family, weights, 3, 10, seed=39)
    found = fit(mixture, x, rng=0, starts=3, max_sweeps=4)
    n = 4000
    draws = found.sample(40, n)
    prior, r = mixture.components.with_features(x.shape[1]), found.responsibilities(x)
    log_terms = (
        np.einsum("np,skp->snk", prior.statistics(x), prior.phi(draws)) + prior.log_base(x)[:, np.newaxis]
    )
    log_terms += mixture.weights.log_weights(draws, n)[:, np.newaxis]
    log_p_c = log_terms - logsumexp(log_terms, axis=2, keepdims=True)
    divergence = np.sum(xlogy(r, r) - r * log_p_c, axis=(1, 2))
    assert (divergence > 0).all()
    log_q = found.components.log_density(draws).sum(axis=1) + found.weights.log_density(draws, n)
    values = log_joint(mixture, x, draws) - log_q - divergence
    assert abs(values.mean() - found.elbo) < 4.5 * values.std() / np.sqrt(n) + 1e-9


@pytest.mark.parametrize("groups", [((0, 1, 2, 3),), ((0, 1), (2, 3)), ((0, 2), (1,), (3,))])
def test_permanents_and_their_bounds_by_groups(groups: tuple[tuple[int, ...], ...]) -> None:
    """The recursion over sets against Ryser's formula; L <= perm <= L + E with E as the page has it."""
    k = 4
    matrix = np.random.default_rng(41).exponential(size=(5, k, k)) * (np.eye(k) + 0.1)
    subsets = [np.array(s, dtype=bool) for s in product([False, True], repeat=k)]
    ryser = sum((-1) ** (k - s.sum()) * matrix[:, :, s].sum(axis=2).prod(axis=1) for s in subsets)
    np.testing.assert_allclose(np.exp(log_permanent(np.log(matrix))), ryser, rtol=1e-10)
    low, high = permanent_bounds(np.log(matrix), groups)
    inside = np.ones(len(matrix))
    for group in groups:
        inside *= matrix[:, group, :][:, :, group].sum(axis=2).prod(axis=1)
    rest = matrix.sum(axis=2).prod(axis=1) - inside
    np.testing.assert_allclose(np.exp(high), np.exp(low) + rest, rtol=1e-9)
    assert (np.exp(low) <= ryser * (1 + 1e-9)).all() and (ryser <= np.exp(high) * (1 + 1e-9)).all()
