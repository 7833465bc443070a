"""The mixing weights: chances of assignments by their urns, densities of scipy.stats, the order of sticks."""

import itertools

import numpy as np
import pytest
from scipy import stats

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    StickBreaking,
    fit,
)
from tests.hand_cavi.cases import WEIGHTS
from tests.hand_cavi.evidence import log_p_assignments

every = pytest.mark.parametrize("name", WEIGHTS)
COUNTS = np.array([2.5, 0.0, 4.0, 1.5])


@every
def test_chances_of_assignments_are_their_urns_and_sum_to_one(name):
    weights = WEIGHTS[name](3).for_components(3)
    assignments = np.array(list(itertools.product(range(3), repeat=4)))
    counts = np.stack([(assignments == k).sum(axis=1) for k in range(3)], axis=1)
    ours = weights.log_marginal(counts)
    np.testing.assert_allclose(ours, [log_p_assignments(weights, 3, c) for c in assignments], rtol=1e-12)
    assert np.exp(ours).sum() == pytest.approx(1, rel=1e-12)


@every
def test_at_the_optimum_the_terms_are_the_marginal(name):
    """E ln p(c | pi) - KL = ln p(c), also for fractional counts: what reordering relies on."""
    prior = WEIGHTS[name](4).for_components(4)
    q = prior.updated(COUNTS)
    assert COUNTS @ q.expected_log() - q.kl(prior) == pytest.approx(
        float(prior.log_marginal(COUNTS)), rel=1e-12
    )


@every
def test_moments_against_draws(name):
    """Of 8 means each lies within 5 standard errors; a false alarm has chance below 1e-5."""
    q = WEIGHTS[name](4).for_components(4).updated(COUNTS)
    draws = q.sample(np.random.default_rng(70), 40_000)
    log_weights = q.log_weights(draws, 40_000)
    np.testing.assert_allclose(np.exp(log_weights).sum(axis=1), 1, rtol=1e-12)
    for sample, expected in ((log_weights, q.expected_log()), (np.exp(log_weights), q.mean())):
        error = sample.std(axis=0) / np.sqrt(len(sample))
        assert np.all(np.abs(sample.mean(axis=0) - expected) <= 5 * error + 1e-9)


@every
def test_no_better_order_than_the_favoured_one(name):
    weights = WEIGHTS[name](4).for_components(4)
    orders = [list(order) for order in itertools.permutations(range(4))]
    best = max(float(weights.log_marginal(COUNTS[order])) for order in orders)
    assert weights.log_marginal(COUNTS[weights.favoured_order(COUNTS)]) == pytest.approx(best, rel=1e-12)


def test_exchangeable():
    assert FixedWeights().exchangeable
    assert DirichletWeights(0.5).exchangeable
    assert DirichletWeights([0.5, 0.5]).for_components(2).exchangeable
    assert not DirichletWeights([0.5, 1.0]).exchangeable
    assert not StickBreaking(1.0).for_components(3).exchangeable


def test_dirichlet_density():
    q = DirichletWeights([0.5, 1.0, 2.5]).updated(np.array([1.0, 2.0, 0.5]))
    draws = q.sample(np.random.default_rng(71), 20)
    expected = [stats.dirichlet.logpdf(pi, q.concentration) for pi in draws["weights"]]
    np.testing.assert_allclose(q.log_density(draws, 20), expected, rtol=1e-10)


def test_stick_density():
    """Beta densities of the sticks, and the Jacobian of the sticks in the weights by differences."""
    q = StickBreaking(0.8).for_components(4).updated(COUNTS)
    draws = q.sample(np.random.default_rng(72), 10)

    def sticks(first):
        return np.array([first[t] / (1 - first[:t].sum()) for t in range(3)])

    expected = []
    for pi in draws["weights"]:
        step = 1e-7 * pi[:3].min()
        columns = [(sticks(pi[:3] + step * e) - sticks(pi[:3] - step * e)) / (2 * step) for e in np.eye(3)]
        log_jacobian = np.linalg.slogdet(np.array(columns))[1]
        expected.append(stats.beta.logpdf(sticks(pi[:3]), q.broken, q.kept).sum() + log_jacobian)
    np.testing.assert_allclose(q.log_density(draws, 10), expected, rtol=1e-5)


def test_stick_update_written_out():
    q = StickBreaking(0.8).for_components(4).updated(COUNTS)
    np.testing.assert_allclose(q.broken, [3.5, 1.0, 5.0])
    np.testing.assert_allclose(q.kept, [0.8 + 5.5, 0.8 + 5.5, 0.8 + 1.5])


@pytest.mark.parametrize("weights", [StickBreaking(0.7), DirichletWeights([4.0, 1.0, 0.3])])
def test_components_are_reordered_if_that_raises_the_bound(weights):
    """From a start with the smallest cluster first, ascent alone would stay with that order."""
    x = np.concatenate([np.linspace(-1, 1, 4) - 20, np.linspace(-1, 1, 12), np.linspace(-1, 1, 40) + 20])
    clusters = np.repeat([0, 1, 2], [4, 12, 40])
    mixture = Mixture(NormalGamma(0.0, 0.01, 2.0, 1.0), weights, 3)
    smallest_first = fit(mixture, x, rng=0, starts=np.eye(3)[clusters])
    largest_first = fit(mixture, x, rng=0, starts=np.eye(3)[2 - clusters])
    np.testing.assert_allclose(smallest_first.counts, [40, 12, 4], atol=1e-6)
    assert smallest_first.elbo == pytest.approx(largest_first.elbo, rel=1e-10)
    assert np.all(np.diff(smallest_first.half_step_trace.ravel()) > -1e-9)
    assert smallest_first.elbo - smallest_first.elbo_trace[0] > 1
    np.testing.assert_allclose(smallest_first.components.mean[:, 0], [20, 0, -20], atol=0.1)
    np.testing.assert_allclose(smallest_first.responsibilities(x).argmax(axis=1), 2 - clusters)


def test_many_sticks_stay_finite():
    x = np.random.default_rng(73).normal(size=50)
    result = fit(Mixture(NormalKnownVariance(0.0, 9.0), StickBreaking(1e-3), 200), x, rng=74, starts=2)
    assert np.isfinite(result.elbo)
    assert np.isfinite(result.log_predictive(x)).all()
    draws = result.sample(75, 5)
    assert (draws["weights"] > 0).all()
    assert np.isfinite(result.log_density(draws)).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: DirichletWeights(0.0), "concentration is 0.0"),
        (lambda: DirichletWeights([1.0, np.nan]), "concentration is"),
        (lambda: DirichletWeights([]), "one per component"),
        (lambda: DirichletWeights(np.ones((2, 2))).for_components(2), "one per component"),
        (lambda: DirichletWeights([1.0, 2.0]).for_components(3), "2 concentrations for 3 components"),
        (lambda: StickBreaking(-1.0), "concentration is -1.0"),
        (lambda: StickBreaking([1.0, 2.0]), "a single number"),
        (lambda: StickBreaking(1.0).mean(), "number of components"),
    ],
)
def test_bad_priors(make, says):
    with pytest.raises(InputError, match=says):
        make()
