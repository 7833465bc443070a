"""Stochastic variational inference: what it must share with coordinate ascent, and how close it gets."""

import numpy as np
import pytest

from hand_cavi import DirichletWeights, Mixture, NormalWishart, Status, StickBreaking, fit
from hand_cavi.ascent.preparing import prepare
from hand_cavi.ascent.stochastic import Stream
from hand_cavi.ascent.sweep import State, sweep
from tests.hand_cavi.cases import PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


def by_size(array, counts):
    """Return the rows of an array with those of the largest component first."""
    return array[np.argsort(-counts)]


@pairs
def test_a_full_step_of_rate_one_is_a_sweep(family, weights):
    """But for the order of the components, which a step may change to raise the bound."""
    mixture, x = make(family, weights, 3, 40, seed=100)
    w = np.random.default_rng(101).uniform(0.2, 3, len(x))
    stream = Stream.after(fit(mixture, x, rng=0, starts=1, max_sweeps=2, sample_weight=w))
    components, weights_ = stream.factors
    task, _ = prepare(mixture, x, w)
    assignments = task.refreshed(components.expected_phi, weights_.expected_log())
    state, info = sweep(task, State(components, weights_, assignments), 1)
    assert stream.bound(x, w).total <= info.after_globals.total + 1e-10 * abs(info.elbo)
    stepped = stream.stepped(x, w, rate=1.0, n_points=w.sum())
    counts = stepped.n_points * stepped.per_point[:, -1]
    of_sweep = assignments.sums[:, -1]
    np.testing.assert_allclose(
        by_size(stepped.factors[0].natural, counts),
        by_size(state.components.natural, of_sweep),
        rtol=1e-12,
        atol=1e-12,
    )
    bound = stepped.bound(x, w).total
    if np.array_equal(np.argsort(counts), np.argsort(of_sweep)):
        assert bound == pytest.approx(info.elbo, rel=1e-12)
    else:
        assert bound > info.elbo


@pairs
def test_batches_estimate_the_full_step_without_bias(family, weights):
    """The batches of a pass, equal in size, average to the full step exactly."""
    mixture, x = make(family, weights, 3, 40, seed=102)
    stream = Stream.after(fit(mixture, x, rng=0, starts=3))
    order = np.random.default_rng(103).permutation(40)
    ones = np.ones(40)
    batches = order.reshape(4, 10)
    parts = [stream.stepped(x[batch], ones[:10], 40, rate=1e-3) for batch in batches]
    whole = stream.stepped(x, ones, 40, rate=1e-3)
    mean = np.mean([part.per_point for part in parts], axis=0)
    np.testing.assert_allclose(mean, whole.per_point, rtol=1e-12, atol=1e-12)


@pairs
def test_batches_estimate_the_bound_without_bias(family, weights):
    """At q as it is: the batches' bounds average to the bound of all rows, and that is the fit's own."""
    mixture, x = make(family, weights, 3, 40, seed=104)
    found = fit(mixture, x, rng=0, starts=3)
    stream, ones = Stream.after(found), np.ones(40)
    whole = stream.bound(x, ones)
    assert whole.total == pytest.approx(found.elbo, rel=1e-11)
    parts = [stream.bound(x[i : i + 10], ones[:10]).total for i in range(0, 40, 10)]
    assert np.mean(parts) == pytest.approx(whole.total, rel=1e-11)
    assert np.ptp(parts) > 0


@pairs
def test_steps_on_all_rows_reach_the_same_optimum(family, weights):
    """Steps without noise, from near the optimum: the gap is what 60 shrinking steps leave."""
    mixture, x = make(family, weights, 2, 60, seed=104)
    optimum, ones = fit(mixture, x, rng=0, starts=6), np.ones(60)
    near = 0.9 * optimum.responsibilities(x) + 0.05
    stream = Stream.after(fit(mixture, x, rng=0, starts=near[np.newaxis], max_sweeps=1))
    for _ in range(60):
        stream, found = stream.stepped(x, ones, 60).result(x, ones)
    assert -1e-9 <= optimum.elbo - found.elbo < 0.02
    assert found.counts.sum() == pytest.approx(60)


def three_clusters(n=3000):
    rng = np.random.default_rng(105)
    x = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])[rng.integers(0, 3, n)] + rng.normal(size=(n, 2))
    return Mixture(NormalWishart([0, 0], 0.1, 4.0, np.eye(2)), StickBreaking(1.0), 3), x


def test_batches_come_close_to_the_optimum():
    """Below coordinate ascent's optimum by less than 0.5 nats of 12,000, with 3 % of the rows in a batch."""
    mixture, x = three_clusters()
    optimum = fit(mixture, x, rng=0, starts=4).elbo
    stream = Stream.after(fit(mixture, x[:100], rng=1, starts=4))
    rng = np.random.default_rng(106)
    for _ in range(20):
        order = rng.permutation(len(x))
        for first in range(0, len(x), 100):
            batch = x[order[first : first + 100]]
            stream, found = stream.stepped(batch, np.ones(100), len(x)).result(batch, np.ones(100))
    assert 0 <= optimum - stream.bound(x, np.ones(len(x))).total < 0.5
    assert found.status is Status.STEPS_TAKEN
    assert found.sweeps == 601
    assert np.isnan(found.half_step_trace[:, 0]).all()
    assert found.elbo_trace[-1] == found.elbo
    assert found.counts.sum() == pytest.approx(len(x))
    assert fit(mixture, x, rng=0, starts=found).elbo == pytest.approx(optimum, rel=1e-9)


def test_rows_that_are_seen_once_count_once():
    """A posterior of one component stands for as many points as have been seen, with their weights."""
    mixture, x = three_clusters(300)
    stream = Stream.after(fit(Mixture(mixture.components, mixture.weights, 3), x[:100], rng=0, starts=2))
    weight = np.random.default_rng(107).uniform(0.5, 2, 100)
    for first in (100, 200):
        stream = stream.stepped(x[first : first + 100], weight)
    components, _ = stream.factors
    assert stream.n_points == stream.n_seen == pytest.approx(100 + 2 * weight.sum())
    assert components.precision_scale.sum() == pytest.approx(3 * 0.1 + stream.n_seen)


def test_steps_shrink_as_robbins_and_monro_ask():
    """The t-th batch moves the sums by (t + 1)^-0.7 of what a full step would."""
    mixture, x = three_clusters(100)
    mixture = Mixture(mixture.components, DirichletWeights(1.0), 3)  # whose order of components is all one
    stream, ones, shares = Stream.after(fit(mixture, x, rng=0, starts=2)), np.ones(100), []
    for _ in range(4):
        stream, _ = stream.result(x, ones)
        moved = stream.stepped(x[:1], ones[:1], 100).per_point - stream.per_point
        whole = stream.stepped(x[:1], ones[:1], 100, rate=1.0).per_point - stream.per_point
        shares.append(float(np.abs(moved).max() / np.abs(whole).max()))
    np.testing.assert_allclose(shares, [(t + 1) ** -0.7 for t in (3, 4, 5, 6)], rtol=1e-9)
