"""Coordinate ascent: what every mixture's fit must obey, whatever the family and the weights."""

import numpy as np
import pytest

from hand_cavi import Status, fit, log_joint
from hand_cavi.ascent.ascend import StoppingRule, ascend
from hand_cavi.ascent.starts import at_random
from hand_cavi.ascent.sweep import Task, init
from tests.hand_cavi.cases import EXCHANGEABLE_PAIRS, PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


@pairs
def test_the_bound_never_falls_at_any_half_step(family, weights):
    mixture, x = make(family, weights, 3, 40, seed=0)
    rng = np.random.default_rng(1)
    prior = mixture.components
    task = Task(prior, mixture.weights, prior.statistics(x), np.ones(len(x)), float(prior.log_base(x).sum()))
    for _ in range(200):
        infos = ascend(task, init(task, at_random(x, 3, rng)), StoppingRule(12, 1e-12, 3)).infos
        trace = np.array([[i.after_globals.total, i.after_assignments.total] for i in infos]).ravel()
        assert np.all(np.diff(trace) >= -1e-10 * np.maximum(1, np.abs(trace[1:])))


@pairs
def test_one_component_is_exact(family, weights):
    mixture, x = make(family, weights, 1, 9, seed=2)
    prior = mixture.components
    exact = prior.log_marginal(prior.statistics(x).sum(0), prior.log_base(x).sum())
    assert fit(mixture, x, rng=0, starts=1).elbo == pytest.approx(float(exact), abs=1e-9)


@pairs
def test_terms_are_their_definitions(family, weights):
    """Monte Carlo over q, each within 5 standard errors: a false alarm has chance below 1e-5 a pair."""
    mixture, x = make(family, weights, 3, 15, seed=3)
    result = fit(mixture, x, rng=4, starts=4, max_sweeps=2)
    draws = result.sample(5, 40_000)
    r = result.responsibilities(x)
    log_pi = mixture.weights.log_weights(draws, 40_000)
    phi = mixture.components.phi(draws)
    likelihood = np.einsum("nk,skp,np->s", r, phi, mixture.components.statistics(x), optimize=True)
    terms = result.elbo_terms
    assert_mean(likelihood + mixture.components.log_base(x).sum(), terms.log_likelihood)
    assert_mean(log_pi @ r.sum(axis=0), terms.log_assignments)
    assert terms.entropy == pytest.approx(-np.sum(r * np.log(np.where(r > 0, r, 1))), rel=1e-9)
    assert_mean(
        result.components.log_density(draws).sum(1) - mixture.components.log_density(draws).sum(1),
        terms.kl_components,
    )
    assert_mean(
        result.weights.log_density(draws, 40_000) - mixture.weights.log_density(draws, 40_000),
        terms.kl_weights,
    )


@pairs
def test_the_bound_lies_below_the_collapsed_bound(family, weights):
    mixture, x = make(family, weights, 3, 30, seed=6)
    result = fit(mixture, x, rng=7, starts=2, max_sweeps=50)
    draws = result.sample(8, 20_000)
    ratio = log_joint(mixture, x, draws) - result.log_density(draws)
    assert result.elbo <= ratio.mean() + 4 * ratio.std() / np.sqrt(len(ratio))


@pairs
def test_right_after_a_refresh_the_bound_collapses(family, weights):
    """Sum_i w_i logsumexp_k(rho_ik) - KLs, computed on its own."""
    mixture, x = make(family, weights, 4, 30, seed=9)
    w = np.random.default_rng(10).uniform(0.2, 3, len(x))
    result = fit(mixture, x, rng=11, starts=3, max_sweeps=5, sample_weight=w)
    rho = result.components.expected_log_likelihood(x) + result.weights.expected_log()
    collapsed = w @ np.logaddexp.reduce(rho, axis=1)
    collapsed -= result.components.kl(mixture.components).sum() + result.weights.kl(mixture.weights)
    assert result.elbo == pytest.approx(collapsed, rel=1e-11)


@pairs
def test_permuting_rows_changes_nothing(family, weights):
    mixture, x = make(family, weights, 3, 40, seed=12)
    r = at_random(x, 3, np.random.default_rng(13))
    order = np.random.default_rng(14).permutation(len(x))
    here, there = (fit(mixture, x[o], rng=0, starts=r[o]) for o in (np.arange(len(x)), order))
    assert there.elbo == pytest.approx(here.elbo, rel=1e-10)
    np.testing.assert_allclose(there.responsibilities(x), here.responsibilities(x), atol=1e-4)


@pytest.mark.parametrize(("family", "weights"), EXCHANGEABLE_PAIRS)
def test_permuting_components_permutes_the_result(family, weights):
    mixture, x = make(family, weights, 3, 40, seed=15)
    r = at_random(x, 3, np.random.default_rng(16))
    here, there = (fit(mixture, x, rng=0, starts=r[:, o]) for o in ([0, 1, 2], [2, 0, 1]))
    assert there.elbo == pytest.approx(here.elbo, rel=1e-10)
    np.testing.assert_allclose(
        there.components.natural, here.components.natural[[2, 0, 1]], rtol=1e-3, atol=1e-3
    )


@pairs
def test_weights_stand_for_repeated_points(family, weights):
    mixture, x = make(family, weights, 2, 12, seed=17)
    w = np.random.default_rng(18).integers(1, 4, len(x))
    r = at_random(x, 2, np.random.default_rng(19))
    weighted = fit(mixture, x, rng=0, starts=r, sample_weight=w)
    repeated = fit(mixture, np.repeat(x, w, axis=0), rng=0, starts=np.repeat(r, w, axis=0))
    assert weighted.elbo == pytest.approx(repeated.elbo, rel=1e-11)


@pairs
def test_predictive_integrates_over_the_posterior(family, weights):
    """Within 5 standard errors at 15 points: a false alarm has chance below 1e-5 a pair."""
    mixture, x = make(family, weights, 2, 15, seed=20)
    result = fit(mixture, x, rng=21, starts=2, max_sweeps=50)
    draws = result.sample(22, 40_000)
    phi = result.components.phi(draws)
    log_density = np.einsum("skp,np->snk", phi, mixture.components.statistics(x), optimize=True)
    log_density = log_density + mixture.components.log_base(x)[:, None]
    log_density += mixture.weights.log_weights(draws, 40_000)[:, None, :]
    density = np.exp(np.logaddexp.reduce(log_density, axis=2))
    error = density.std(axis=0) / np.sqrt(len(density))
    assert np.all(np.abs(density.mean(axis=0) - np.exp(result.log_predictive(x))) < 5 * error + 1e-12)


@pairs
def test_the_same_seed_gives_the_same_fit(family, weights):
    mixture, x = make(family, weights, 3, 40, seed=23)
    first, second = (fit(mixture, x, rng=24, starts=4, max_sweeps=20) for _ in range(2))
    assert first.elbo == second.elbo
    assert np.array_equal(first.components.natural, second.components.natural)


def test_no_overflow_far_out():
    mixture, _ = make("normal_known_variance D=1", "fixed", 3, 1, seed=0)
    x = np.array([-1e4, -1e4 + 1, 0.0, 0.5, 1e4, 1e4 + 1])
    result = fit(mixture, x, rng=27)
    assert np.isfinite(result.elbo)
    assert result.status is Status.CONVERGED
    assert sorted(np.round(result.counts)) == [2, 2, 2]


def test_max_sweeps_is_not_converged():
    mixture, x = make("normal_known_variance D=1", "fixed", 4, 100, seed=28)
    result = fit(mixture, x, rng=29, starts=1, max_sweeps=2)
    assert result.status is Status.MAX_SWEEPS
    assert result.sweeps == len(result.elbo_trace) == 2


def test_callback_sees_every_sweep_and_can_stop():
    mixture, x = make("normal_known_variance D=1", "fixed", 3, 50, seed=30)
    seen = []
    result = fit(
        mixture, x, rng=31, starts=1, callback=lambda info: seen.append(info.elbo) or info.sweep == 3
    )
    assert result.status is Status.STOPPED
    assert seen == list(result.elbo_trace)
    assert len(seen) == 3


def test_more_starts_change_none_of_the_first():
    mixture, x = make("normal_known_variance D=1", "fixed", 4, 60, seed=32)
    few = fit(mixture, x, rng=33, starts=3).starts
    many = fit(mixture, x, rng=33, starts=9).starts
    assert {s.elbo for s in few} <= {s.elbo for s in many}
    assert [s.elbo for s in many] == sorted((s.elbo for s in many), reverse=True)
    assert {s.kind for s in many} == {"k-means++", "random", "split"}


@pytest.mark.parametrize("n_points", [1, 2])
def test_fewer_points_than_components(n_points):
    mixture, x = make("normal_known_variance D=1", "fixed", 4, n_points, seed=34)
    result = fit(mixture, x, rng=35)
    assert np.isfinite(result.elbo)
    assert result.counts.sum() == pytest.approx(n_points)


def test_equal_points():
    mixture, _ = make("normal_known_variance D=1", "fixed", 3, 1, seed=0)
    assert np.isfinite(fit(mixture, np.full(10, 2.5), rng=36).elbo)


def assert_mean(samples, expected, width=5.0):
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    assert abs(samples.mean() - expected) <= width * error + 1e-9
