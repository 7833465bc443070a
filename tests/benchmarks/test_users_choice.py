"""One scale for what different tools find: the bound with assignments summed out."""

import numpy as np
import pytest
from scipy.special import logsumexp

from examples.mutations.densities import log_dirichlet, log_normal_precision, log_wishart
from hand_cavi import fit


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(3)
    return rng.standard_normal((40, 2)) + 1.5 * rng.integers(0, 2, 40)[:, np.newaxis]


def test_the_bound_is_the_mean_of_log_p_less_log_q(script, fitted):
    """Against plain Monte Carlo of the story's own densities; four standard errors of the difference."""
    model = script("shared_model")
    x, mixture = fitted, model.mixture(2)
    found = fit(mixture, x, rng=0, starts=2, moves=0)
    components, weights = found.components, found.weights
    bound, error = model.bound_of(x, components, weights, draws=150)
    assert bound >= found.elbo - 1e-6

    rng = np.random.default_rng(1)
    drawn = {**components.sample(rng, 1_500), **weights.sample(rng, 1_500)}
    mu, precision, pi = drawn["mu"], drawn["precision"], drawn["weights"]
    prior = mixture.components
    log_x = log_normal_precision(x, mu[:, :, np.newaxis], precision[:, :, np.newaxis])  # (S, K, N)
    log_p = logsumexp(log_x + np.log(pi)[..., np.newaxis], axis=1).sum(axis=1)
    log_p += log_normal_precision(mu, prior.mean, prior.precision_scale * precision).sum(axis=1)
    log_p += log_wishart(precision, prior.degrees_of_freedom, prior.scale_inverse).sum(axis=1)
    log_p += log_dirichlet(pi, np.full(model.K, model.CONCENTRATION))
    log_q = components.log_density(drawn).sum(axis=1) + weights.log_density(drawn, 1_500)
    terms = log_p - log_q
    assert abs(bound - terms.mean()) < 4 * np.hypot(error, terms.std() / np.sqrt(len(terms)))


def test_a_gamma_is_a_wishart_of_one_feature(script):
    model = script("shared_model")
    x = model.data(60, 1)
    found = fit(model.mixture(1), x, rng=0, starts=2, moves=0)
    q = model.as_normal_wishart(found.components)
    assert np.allclose(q.expected_log_likelihood(x), found.components.expected_log_likelihood(x))
    bound, error = model.bound_of(x, q, found.weights)
    assert bound >= found.elbo - 1e-6 and error < 1


def test_the_quickest_setting_within_a_tenth_is_told_else_never(script):
    users_choice, model = script("users_choice"), script("shared_model")
    near, slow = model.Reached("tol 1e-05", 2.0, -10.05), model.Reached("tol 1e-12", 3.0, -10.05)
    far = model.Reached("tol 1e-03", 1.0, -11.0)
    estimated = model.Reached("1,000 steps", 9.0, -9.9, 0.1)
    best = model.best_of([[slow, far, near], [estimated]])
    assert best == -10.05  # what an estimate exceeds by two standard errors is -10.1
    told = users_choice.row(users_choice.Tool("one", 0.1, 0.0, (slow, far, near)), 10**5, 2, best).cells
    assert told["seconds to within 0.1 nats"] == "2 (tol 1e-05)"
    told = users_choice.row(users_choice.Tool("other", 0.1, 0.0, (far,)), 10**5, 2, best).cells
    assert told["seconds to within 0.1 nats"].startswith("never: 0.95 below after 1 s")
    told = users_choice.row(users_choice.Tool("none", why="it is not there"), 10**5, 2, best).cells
    assert told["seconds to within 0.1 nats"] == "not run: it is not there"
