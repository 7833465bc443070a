"""Ways out of bad optima: starts by splitting, and moves; and the share of starts that needed none."""

import sys

import numpy as np
import pytest
from scipy import stats

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalKnownVariance,
    NormalWishart,
    fit,
    wilson_interval,
)
from hand_cavi.ascent.ascend import StoppingRule, ascend
from hand_cavi.ascent.preparing import prepare
from hand_cavi.ascent.split_merge import promising
from hand_cavi.ascent.starts import bisect, by_splitting, propose
from hand_cavi.ascent.sweep import init, responsibilities
from tests.hand_cavi.cases import PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


def nine_clusters():
    """Nine clusters of unequal size on a grid: most starts end in another optimum than the best."""
    rng = np.random.default_rng(3)
    grid = np.array([[i, j] for i in range(3) for j in range(3)]) * 5.0
    sizes = np.array([20, 200, 60, 20, 120, 20, 200, 40, 60]) // 2
    x = np.repeat(grid, sizes, axis=0) + rng.normal(size=(sizes.sum(), 2))
    return Mixture(NormalWishart([5, 5], 0.05, 4.0, 2 * np.eye(2)), DirichletWeights(1.0), 9), x


def settled(family, weights, k=3, n=40, seed=80):
    """The task, and responsibilities a few sweeps after a random start."""
    mixture, x = make(family, weights, k, n, seed)
    w = np.random.default_rng(seed + 1).uniform(0.5, 2, len(x))
    task, _ = prepare(mixture, x, w)
    r = np.random.default_rng(seed + 2).dirichlet(np.ones(k), len(x))
    ascent = ascend(task, init(task, r), StoppingRule(3, 0.0, 3))
    return task, responsibilities(task, ascent.state)


def bound_at_best_globals(task, r):
    return ascend(task, init(task, r), StoppingRule(1, 0.0, 1)).infos[0].after_globals.total


def assert_never_falls(trace):
    trace = trace.ravel()
    assert np.all(np.diff(trace) >= -1e-10 * np.maximum(1, np.abs(trace[1:])))


# ---- starts by splitting ------------------------------------------------------------------


def test_splitting_finds_clear_clusters():
    rng = np.random.default_rng(81)
    label = rng.integers(0, 4, 200)
    x = np.array([[0, 0], [100, 0], [0, 100], [300, 300]])[label] + rng.normal(size=(200, 2))
    r = by_splitting(x, 4, rng)
    assert {tuple(np.unique(label[r[:, k] == 1])) for k in range(4)} == {(0,), (1,), (2,), (3,)}


def test_splitting_heeds_weights():
    """A point of no weight is neither a seed nor a reason to split."""
    x = np.array([0.0, 1.0, 10.0, 11.0, 1e6])[:, np.newaxis]
    weight = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    for seed in range(20):
        r = by_splitting(x, 2, np.random.default_rng(seed), weight)
        assert r[0, 0] == r[1, 0] != r[2, 0] == r[3, 0]


def test_equal_points_cannot_be_split():
    rng = np.random.default_rng(82)
    assert not bisect(np.ones((5, 2)), rng, np.ones(5)).any()
    assert not bisect(np.arange(5.0)[:, np.newaxis], rng, np.zeros(5)).any()
    np.testing.assert_array_equal(by_splitting(np.ones((5, 2)), 3, rng).sum(axis=0), [5, 0, 0])


def test_starts_take_turns_and_keep_their_place():
    x = np.random.default_rng(83).normal(size=(30, 2))
    few, many = (propose(x, 3, np.random.default_rng(84), n) for n in (4, 9))
    assert [start.kind for start in many[:4]] == ["k-means++", "random", "split", "k-means++"]
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.responsibilities, other.responsibilities)


# ---- moves --------------------------------------------------------------------------------


@pairs
def test_moves_gain_what_they_promise(family, weights):
    """The gain from log Z, log_marginal and entropy alone is the change of the bound, term by term."""
    task, r = settled(family, weights)
    before = bound_at_best_globals(task, r)
    moves = promising(task, task.statistics[:, :-1], r, np.random.default_rng(85))
    assert {move.kind for move in moves} == {"merge", "merge and split"}
    assert [move.gain for move in moves] == sorted((move.gain for move in moves), reverse=True)
    for move in moves:
        after = move.of(r)
        np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-12)
        assert bound_at_best_globals(task, after) - before == pytest.approx(move.gain, rel=1e-8, abs=1e-8)


def test_moves_leave_the_bad_optimum():
    mixture, x = nine_clusters()
    plain = fit(mixture, x, rng=0, starts=1, max_sweeps=500)
    moved = fit(mixture, x, rng=0, starts=1, max_sweeps=500, moves=8)
    assert plain.starts == moved.starts  # asking for moves changes no start
    assert moved.elbo > plain.elbo + 10
    assert moved.share_at_best == 0
    assert len(moved.moves) == 8
    bound = plain.elbo
    for move in moved.moves:
        assert move.elbo_before == bound
        assert move.kept == (move.elbo > bound + 1e-9 * abs(bound))
        bound = move.elbo if move.kept else bound
    assert moved.elbo == bound
    assert_never_falls(moved.half_step_trace)


@pairs
def test_moves_never_make_it_worse(family, weights):
    mixture, x = make(family, weights, 4, 30, seed=86)
    plain = fit(mixture, x, rng=87, starts=1, max_sweeps=50)
    moved = fit(mixture, x, rng=87, starts=1, max_sweeps=50, moves=3)
    assert moved.elbo >= plain.elbo
    assert_never_falls(moved.half_step_trace)
    assert moved.counts.sum() == pytest.approx(len(x))


def test_an_empty_component_is_put_to_use():
    """Two clumps, both in the first component: the second, empty, takes one of them."""
    x = np.concatenate([np.linspace(-1, 1, 20) - 8, np.linspace(-1, 1, 20) + 8])
    mixture = Mixture(NormalKnownVariance(0.0, 100.0), FixedWeights(), 2)
    start = np.tile([1.0, 0.0], (40, 1))
    start[:, :] = 0.5  # the saddle
    stuck = fit(mixture, x, rng=0, starts=start)
    np.testing.assert_allclose(stuck.components.mean, 0, atol=1e-9)
    freed = fit(mixture, x, rng=0, starts=start, moves=3)
    assert any(move.kept for move in freed.moves)
    np.testing.assert_allclose(np.sort(freed.components.mean[:, 0]), [-8, 8], atol=0.1)


def test_one_component_has_no_moves():
    mixture, x = make("normal_gamma D=2", "dirichlet", 1, 20, seed=88)
    assert fit(mixture, x, rng=0, starts=1, moves=5).moves == ()


@pytest.mark.parametrize("bad", [-1, 1.5, True])
def test_bad_numbers_of_moves(bad):
    mixture, x = make("normal_gamma D=1", "fixed", 2, 9, seed=95)
    with pytest.raises(InputError, match="moves is"):
        fit(mixture, x, rng=0, moves=bad)


def test_automatic_moves_are_tried_where_the_data_are_held(monkeypatch):

    module = sys.modules["hand_cavi.fit"]
    mixture, x = nine_clusters()
    held = fit(mixture, x, rng=0, starts=1, max_sweeps=500, moves="auto")
    asked = fit(mixture, x, rng=0, starts=1, max_sweeps=500, moves=module.AUTO_MOVES)
    assert held.elbo == asked.elbo and len(held.moves) == module.AUTO_MOVES
    monkeypatch.setattr(module, "HELD", 10)
    streamed = fit(mixture, x, rng=0, starts=1, max_sweeps=20, moves="auto", condense=False)
    assert streamed.moves == ()
    with pytest.raises(InputError, match="too many to hold"):
        fit(mixture, x, rng=0, starts=1, max_sweeps=20, moves=2, condense=False)


# ---- the share of starts at the best ------------------------------------------------------


def test_share_of_starts():
    mixture, x = make("normal_known_variance D=1", "fixed", 4, 60, seed=96)
    result = fit(mixture, x, rng=97, starts=15)
    at_best = sum(start.elbo > result.elbo - 1e-6 * abs(result.elbo) for start in result.starts)
    assert result.starts_at_best == at_best
    assert result.share_at_best == at_best / 15
    assert result.share_at_best_interval() == wilson_interval(at_best, 15)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 5), (5, 5), (17, 200)])
def test_wilson_against_scipy(successes, trials):
    exact = stats.binomtest(successes, trials).proportion_ci(0.9, method="wilson")
    assert wilson_interval(successes, trials, 0.9) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_bad_level():
    with pytest.raises(InputError, match="level is 1.5"):
        wilson_interval(1, 2, 1.5)
