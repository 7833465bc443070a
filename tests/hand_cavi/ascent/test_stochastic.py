"""Stochastic variational inference: what it must share with coordinate ascent, and how close it gets."""

import numpy as np
import pytest

from hand_cavi import InputError, Mixture, NormalWishart, Status, StickBreaking, fit, fit_stochastic
from hand_cavi.ascent.stochastic import Steps, StochasticTask, bound, step
from hand_cavi.ascent.sweep import init, sweep
from hand_cavi.fit import prepare
from tests.hand_cavi.cases import PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


def both_tasks(family, weights, n=40, seed=100):
    """The same data and prior for both, some sample weights, and responsibilities to start from."""
    mixture, x = make(family, weights, 3, n, seed)
    w = np.random.default_rng(seed + 1).uniform(0.2, 3, len(x))
    task, coordinates = prepare(mixture, x, w)
    stochastic = StochasticTask(
        task.components, task.weights, coordinates.apply(x), w, coordinates.log_volume
    )
    return task, stochastic, np.random.default_rng(seed + 2).dirichlet(np.ones(3), len(x))


@pairs
def test_a_full_step_of_rate_one_is_a_sweep(family, weights):
    task, stochastic, r = both_tasks(family, weights)
    state = init(task, r)
    sums = state.assignments.sums
    for number in range(3):
        state, info = sweep(task, state, number + 1)
        terms, assignments = bound(stochastic, sums)  # at the q(theta) q(pi) of these sums
        assert terms == info.after_assignments
        np.testing.assert_array_equal(assignments.sums, state.assignments.sums)
        sums = step(stochastic, sums, np.arange(len(r)), 1.0)
        np.testing.assert_array_equal(sums, state.assignments.sums)


@pairs
def test_batches_estimate_the_full_step_without_bias(family, weights):
    """The batches of a pass, equal in size, average to the full update exactly."""
    task, stochastic, r = both_tasks(family, weights)
    sums = init(task, r).assignments.sums
    order = np.random.default_rng(103).permutation(40)
    parts = [step(stochastic, sums, order[i : i + 10], 0.3) for i in range(0, 40, 10)]
    whole = step(stochastic, sums, np.arange(40), 0.3)
    np.testing.assert_allclose(np.mean(parts, axis=0), whole, rtol=1e-12, atol=1e-12)


@pairs
def test_one_batch_and_slow_forgetting_reach_the_same_optimum(family, weights):
    """Steps without noise, from the same start: the gap is what 60 shrinking steps leave, below 0.02 nats."""
    mixture, x = make(family, weights, 2, 60, seed=104)
    optimum = fit(mixture, x, rng=0, starts=6)
    near = 0.9 * optimum.responsibilities(x) + 0.05
    full = fit_stochastic(mixture, x, rng=0, starts=near, batch_size=60, passes=60, delay=0, forgetting=0.51)
    assert -1e-9 <= optimum.elbo - full.elbo < 0.02
    assert full.counts.sum() == pytest.approx(60)


def three_clusters(n=3000):
    rng = np.random.default_rng(105)
    x = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])[rng.integers(0, 3, n)] + rng.normal(size=(n, 2))
    return Mixture(NormalWishart([0, 0], 0.1, 4.0, np.eye(2)), StickBreaking(1.0), 3), x


def test_minibatches_come_close_to_the_optimum():
    """Below coordinate ascent's optimum by less than 0.5 nats of 12,000, with 3 % of the rows in a batch."""
    mixture, x = three_clusters()
    optimum = fit(mixture, x, rng=0, starts=4).elbo
    result = fit_stochastic(mixture, x, rng=1, batch_size=100, passes=20, bound_every=5)
    assert 0 <= optimum - result.elbo < 0.5
    assert result.status is Status.STEPS_TAKEN
    assert len(result.starts) == 3
    assert result.elbo_trace.shape == (4,)
    assert result.elbo_trace[-1] == result.elbo
    assert np.isnan(result.half_step_trace[:, 0]).all()
    assert fit(mixture, x, rng=0, starts=result.responsibilities(x)).elbo == pytest.approx(optimum, rel=1e-9)


def test_the_bound_is_the_bound_at_the_result():
    """Evaluated anew from the returned factors, by coordinate ascent's own arithmetic."""
    mixture, x = three_clusters(300)
    w = np.random.default_rng(106).uniform(0.5, 2, len(x))
    result = fit_stochastic(mixture, x, rng=2, batch_size=64, passes=3, sample_weight=w)
    rho = result.components.expected_log_likelihood(x) + result.weights.expected_log()
    collapsed = w @ np.logaddexp.reduce(rho, axis=1)
    collapsed -= result.components.kl(mixture.components).sum() + result.weights.kl(mixture.weights)
    assert result.elbo == pytest.approx(collapsed, rel=1e-11)
    assert result.counts.sum() == pytest.approx(w.sum())


def test_the_same_seed_gives_the_same_fit_and_more_starts_change_none():
    mixture, x = three_clusters(300)
    one, same, more = (
        fit_stochastic(mixture, x, rng=3, batch_size=50, passes=2, starts=s) for s in (2, 2, 4)
    )
    np.testing.assert_array_equal(one.components.natural, same.components.natural)
    assert {start.elbo for start in one.starts} <= {start.elbo for start in more.starts}


def test_starts_come_from_some_rows_of_many(monkeypatch):
    monkeypatch.setattr("hand_cavi.ascent.stochastic._START_ROWS", 50)
    mixture, x = three_clusters(600)
    w = np.where(np.arange(600) < 300, 0.0, 2.0)
    result = fit_stochastic(mixture, x, rng=4, batch_size=100, passes=10, sample_weight=w)
    assert fit(mixture, x, rng=0, sample_weight=w, starts=4).elbo - result.elbo < 2


def test_blocks_of_the_full_bound_add_up(monkeypatch):
    mixture, x = three_clusters(300)
    whole = fit_stochastic(mixture, x, rng=5, passes=2).elbo
    monkeypatch.setattr("hand_cavi.ascent.stochastic._BLOCK", 77)
    assert fit_stochastic(mixture, x, rng=5, passes=2).elbo == pytest.approx(whole, rel=1e-13)


def test_steps_shrink_as_robbins_and_monro_ask():
    steps = Steps(delay=4.0, forgetting=0.75)
    assert steps.rate(1) == pytest.approx(5**-0.75)
    assert Steps(0, 1.0).rate(1) == 1
    assert steps.rate(100) < steps.rate(99)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"forgetting": 0.5}, "forgetting is 0.5"),
        ({"forgetting": 1.1}, "forgetting is 1.1"),
        ({"forgetting": np.nan}, "forgetting"),
        ({"delay": -1.0}, "delay is -1.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"passes": 0}, "passes is 0"),
        ({"bound_every": 0}, "bound_every is 0"),
        ({"starts": 0}, "starts is 0"),
        ({"starts": np.ones((3, 3))}, "starts have shape"),
    ],
)
def test_bad_settings(settings, says):
    mixture, x = three_clusters(30)
    with pytest.raises(InputError, match=says):
        fit_stochastic(mixture, x, rng=0, **settings)
