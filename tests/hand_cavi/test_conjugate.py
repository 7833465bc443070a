"""What the conjugate table promises, checked for every family by identities and by brute force."""

import numpy as np
import pytest

from tests.hand_cavi.cases import FAMILIES

pytestmark = pytest.mark.parametrize("name", FAMILIES)


def posterior(name, seed=0, n=12):
    """Three posteriors of one prior, from three sets of points, and the points."""
    case = FAMILIES[name]
    x = case.data(np.random.default_rng(seed), n)
    statistics = case.prior.statistics(x)
    sums = np.stack([statistics[:2].sum(0), statistics[2:7].sum(0), statistics.sum(0)])
    return case.prior, case.prior.updated(sums), x


def test_expected_statistics_are_the_gradient_of_the_log_partition(name):
    _, q, _ = posterior(name)
    step = 1e-6
    for p in range(q.natural.shape[1]):
        ahead, behind = q.natural.copy(), q.natural.copy()
        width = step * np.maximum(1, np.abs(q.natural[:, p]))
        ahead[:, p] += width
        behind[:, p] -= width
        slope = (q.log_partition(ahead) - q.log_partition(behind)) / (2 * width)
        np.testing.assert_allclose(q.expected_phi[:, p], slope, rtol=1e-6, atol=1e-7)


def test_natural_parameters_there_and_back(name):
    prior, q, _ = posterior(name)
    for member in (prior, q):
        again = member.from_natural(member.natural)
        np.testing.assert_allclose(again.natural, member.natural, rtol=1e-12, atol=1e-12)


def test_statistics_of_shards_add_up(name):
    prior, _, x = posterior(name)
    whole = prior.updated(prior.statistics(x).sum(0))
    shards = prior.updated(prior.statistics(x[:5]).sum(0)).updated(prior.statistics(x[5:]).sum(0))
    np.testing.assert_allclose(shards.natural, whole.natural, rtol=1e-12)


def test_the_last_statistic_counts(name):
    prior, _, x = posterior(name)
    assert np.all(prior.statistics(x)[:, -1] == 1)


def test_marginal_is_the_product_of_sequential_predictives(name):
    prior, _, x = posterior(name)
    total, q = 0.0, prior.updated(np.zeros((1, prior.natural.size)))
    for i in range(len(x)):
        total += q.log_predictive(x[i : i + 1])[0, 0]
        q = q.updated(prior.statistics(x[i : i + 1]))
    whole = prior.log_marginal(prior.statistics(x).sum(0), prior.log_base(x).sum())
    np.testing.assert_allclose(whole, total, rtol=1e-12)


def test_density_of_draws_against_bayes_rule(name):
    """log q(theta) = log p(theta) + log p(x | theta) - log p(x), with nothing but the definition."""
    prior, _, x = posterior(name)
    sums = prior.statistics(x).sum(0, keepdims=True)
    q = prior.updated(sums)
    draws = q.sample(np.random.default_rng(1), 50)
    phi = prior.phi(draws)[:, 0, :]
    log_likelihood = (phi @ prior.statistics(x).T + prior.log_base(x)).sum(axis=1)
    bayes = (
        prior.log_density(draws)[:, 0] + log_likelihood - prior.log_marginal(sums[0], prior.log_base(x).sum())
    )
    np.testing.assert_allclose(q.log_density(draws)[:, 0], bayes, rtol=1e-10, atol=1e-10)


def test_kl_and_expected_log_likelihood_against_monte_carlo(name):
    """Each of 3 + 36 means lies within 5 standard errors; a false alarm has chance below 3e-5."""
    prior, q, x = posterior(name)
    draws = q.sample(np.random.default_rng(2), 40_000)
    ratio = q.log_density(draws) - prior.log_density(draws)
    assert_mean(ratio, q.kl(prior))
    log_likelihood = np.einsum("skp,np->snk", q.phi(draws), q.statistics(x)) + q.log_base(x)[:, np.newaxis]
    assert_mean(log_likelihood, q.expected_log_likelihood(x))


def test_predictive_against_monte_carlo(name):
    """Each of 36 means lies within 5 standard errors; a false alarm has chance below 3e-5."""
    prior, q, x = posterior(name)
    draws = q.sample(np.random.default_rng(3), 40_000)
    log_likelihood = np.einsum("skp,np->snk", q.phi(draws), q.statistics(x)) + q.log_base(x)[:, np.newaxis]
    scale = q.log_predictive(x)
    assert_mean(np.exp(log_likelihood - scale), np.ones_like(scale))


def test_kl_of_the_prior_from_itself_is_zero(name):
    prior, _, _ = posterior(name)
    assert prior.kl(prior) == 0


def test_other_coordinates_change_nothing_but_the_volume(name):
    prior, q, x = posterior(name)
    coordinates = prior.coordinates(x, np.ones(len(x)))
    inner, inner_prior, rows = q.seen_from(coordinates), prior.seen_from(coordinates), coordinates.apply(x)
    np.testing.assert_allclose(inner.kl(inner_prior), q.kl(prior), rtol=1e-10)
    np.testing.assert_allclose(
        inner.log_predictive(rows) - coordinates.log_volume, q.log_predictive(x), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(
        inner.seen_from(coordinates.inverse).natural, q.natural, rtol=1e-10, atol=1e-10
    )
    draws = q.sample(np.random.default_rng(4), 5)
    inner_draws, log_jacobian = q.draws_seen_from(coordinates, draws)
    np.testing.assert_allclose(
        inner.log_density(inner_draws) + log_jacobian, q.log_density(draws), rtol=1e-9, atol=1e-9
    )


def test_data_are_drawn_from_the_likelihood(name):
    """E[p(x | theta') / p(x | theta)] = 1 for x drawn from theta; a false alarm has chance below 1e-6."""
    case = FAMILIES[name]
    many = case.data(np.random.default_rng(5), 400)
    q = case.prior.updated(case.prior.statistics(many).sum(0, keepdims=True))
    pair = q.sample(np.random.default_rng(6), 2)
    theta = {key: value[0] for key, value in pair.items()}
    x = case.prior.sample_data(np.random.default_rng(7), theta, np.zeros(40_000, dtype=int))
    assert x.shape == (40_000, case.prior.n_features)
    here, there = case.prior.phi(pair)[:, 0, :]
    assert_mean(np.exp(case.prior.statistics(x) @ (there - here)), 1.0)


def assert_mean(samples, expected, width=5.0):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) <= width * error + 1e-12)
