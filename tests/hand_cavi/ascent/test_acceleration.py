"""Acceleration: fewer sweeps to the same optimum, the bound never falls, extrapolations are posteriors."""

from dataclasses import replace

import numpy as np
import pytest

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    Status,
    StickBreaking,
    fit,
)
from hand_cavi.ascent.acceleration import Extrapolation
from hand_cavi.ascent.ascend import StoppingRule, ascend
from hand_cavi.ascent.expansion import Statistics, posterior_of
from hand_cavi.ascent.linear_model import LinearModel, Metric
from hand_cavi.ascent.preparing import prepare
from hand_cavi.ascent.starts import plus_plus
from hand_cavi.ascent.sweep import StreamedTask, init, serve, sweep
from tests.hand_cavi.cases import PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


def overlapping(kind, k, seed, n=300):
    """Clusters two standard deviations apart, a start, and the mixture that made them."""
    rng = np.random.default_rng([90, k, seed])
    x = 2.0 * rng.integers(0, k, n) + rng.standard_normal(n)
    start = plus_plus(x[:, np.newaxis], k, rng)
    if kind == "textbook":
        return Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), k), x, start
    return Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), k), x, start


def sweeps_to(trace, bound):
    """The first sweep after which the trace is within 1e-10 max(1, |bound|) of a bound."""
    there = trace >= bound - 1e-10 * max(1.0, abs(bound))
    assert there.any()
    return int(there.argmax()) + 1


def assert_never_falls(trace):
    trace = trace.ravel()
    assert np.all(np.diff(trace) >= -1e-10 * np.maximum(1, np.abs(trace[1:])))


# ---- the ascent ---------------------------------------------------------------------------


@pairs
def test_the_same_optimum_and_a_bound_that_never_falls(family, weights):
    """From the same start, on weighted data, and where the bound is the one of the posterior returned."""
    mixture, x = make(family, weights, 2, 60, seed=91)
    w = np.random.default_rng(92).uniform(0.5, 2, len(x))
    start = plus_plus(x, 2, np.random.default_rng(93))
    plain, fast = (
        fit(mixture, x, rng=0, starts=start, sample_weight=w, accelerate=accelerate, tolerance=1e-14)
        for accelerate in (False, True)
    )
    assert fast.status is plain.status is Status.CONVERGED
    assert_never_falls(fast.half_step_trace)
    assert fast.elbo == pytest.approx(plain.elbo, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(fast.responsibilities(x), plain.responsibilities(x), atol=1e-3)
    rho = fast.components.expected_log_likelihood(x) + fast.weights.expected_log()
    collapsed = w @ np.logaddexp.reduce(rho, axis=1)
    collapsed -= fast.components.kl(mixture.components).sum() + fast.weights.kl(mixture.weights)
    assert fast.elbo == pytest.approx(collapsed, rel=1e-11)


@pytest.mark.parametrize(("kind", "k", "times"), [("textbook", 3, 1.8), ("textbook", 5, 1.8), ("full", 3, 4)])
def test_fewer_sweeps(kind, k, times):
    """Median over three data sets; the benchmark's medians are about twice and four times as large."""
    ratios = []
    for seed in range(3):
        mixture, x, start = overlapping(kind, k, seed)
        plain, fast = (
            fit(mixture, x, rng=0, starts=start, accelerate=a, tolerance=1e-14, max_sweeps=20_000)
            for a in (False, True)
        )
        assert_never_falls(fast.half_step_trace)
        assert fast.elbo == pytest.approx(plain.elbo, rel=1e-9)
        best = max(plain.elbo, fast.elbo)
        ratios.append(sweeps_to(plain.elbo_trace, best) / sweeps_to(fast.elbo_trace, best))
    assert np.median(ratios) >= times


def test_extrapolations_that_are_undone_count_and_are_seen(monkeypatch):
    """Twenty times too far, an extrapolation may lower the bound: its sweep repeats the bound before it."""
    after = LinearModel.after
    monkeypatch.setattr(LinearModel, "after", lambda self, sweeps: 20 * after(self, sweeps))
    undone = 0
    for seed in range(4):
        mixture, x, start = overlapping("full", 4, seed)
        seen = []
        settings = {"accelerate": True, "max_sweeps": 60, "callback": lambda i, s=seen: s.append(i)}
        result = fit(mixture, x, rng=0, starts=start, **settings)
        assert [i.sweep for i in seen] == list(range(1, result.sweeps + 1))
        assert [i.elbo for i in seen] == list(result.elbo_trace)
        undone += sum(i.after_globals.total == i.elbo < result.elbo - 1e-3 for i in seen)
        assert result.elbo == result.elbo_terms.total
    assert undone


def test_convergence_rests_on_plain_sweeps():
    mixture, x, start = overlapping("full", 3, 0)
    seen = []
    result = fit(mixture, x, rng=0, starts=start, accelerate=True, patience=4, callback=seen.append)
    assert result.status is Status.CONVERGED
    more = fit(mixture, x, rng=0, starts=result.responsibilities(x), max_sweeps=300, tolerance=0.0)
    assert more.elbo - result.elbo <= 1e-10 * abs(result.elbo)
    extrapolated = [b.after_globals is a.after_assignments for a, b in zip(seen[:-1], seen[1:], strict=True)]
    assert any(extrapolated)
    assert not any(extrapolated[-4:])
    assert np.all(np.diff(result.elbo_trace[-5:]) <= 1e-12 * abs(result.elbo))
    assert fit(mixture, x, rng=0, starts=start, accelerate=True, max_sweeps=9).status is Status.MAX_SWEEPS


@pytest.mark.slow
def test_the_same_optimum_on_fifty_data_sets():
    """Of those that plain sweeps come to; where they stop short of it, acceleration may go on."""
    for seed in range(50):
        mixture, x, start = overlapping("full", 2 + seed % 3, seed)
        plain, fast = (
            fit(mixture, x, rng=0, starts=start, accelerate=a, tolerance=1e-14, max_sweeps=20_000)
            for a in (False, True)
        )
        assert_never_falls(fast.half_step_trace)
        assert fast.elbo >= plain.elbo - 1e-9 * abs(plain.elbo), seed


@pytest.mark.parametrize(("kind", "apart"), [("textbook", 1.5), ("full", 4.0)])
def test_many_overlapping_components_of_many_points(kind, apart):
    """Extrapolations are long where posteriors are narrow too: 12 components, 300,000 points, condensed."""
    rng = np.random.default_rng(105)
    x = apart * rng.integers(0, 12, 300_000) + rng.standard_normal(300_000)
    mixture = overlapping(kind, 12, 0)[0]
    start = fit(mixture, x, rng=0, starts=1, max_sweeps=5)
    plain, fast = (fit(mixture, x, rng=0, starts=start, accelerate=a) for a in (False, True))
    assert fast.status is Status.CONVERGED
    assert fast.sweeps < min(100, plain.sweeps / 5)
    assert_never_falls(fast.half_step_trace)
    assert fast.elbo >= plain.elbo - 1e-9 * abs(plain.elbo)


def test_relabelled_components_change_nothing():
    mixture, x, start = overlapping("full", 4, 2)
    order = [2, 0, 3, 1]
    first, second = (fit(mixture, x, rng=0, starts=s, accelerate=True) for s in (start, start[:, order]))
    np.testing.assert_allclose(second.elbo_trace[:20], first.elbo_trace[:20], rtol=1e-11)
    assert second.elbo == pytest.approx(first.elbo, rel=1e-10)
    np.testing.assert_allclose(second.counts, first.counts[order], rtol=1e-4)


def test_sticks_are_put_in_order():
    """After convergence the order of the components may change, and the ascent goes on with extrapolation."""
    rng = np.random.default_rng(94)
    x = np.concatenate([rng.normal(-2, 1, 40), rng.normal(0, 1, 160), rng.normal(2.5, 1, 90)])
    smallest_first = np.eye(3)[np.repeat([0, 2, 1], [40, 160, 90])]
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), StickBreaking(1.0), 3)
    plain, fast = (
        fit(mixture, x, rng=0, starts=smallest_first, accelerate=a, tolerance=1e-13, max_sweeps=20_000)
        for a in (False, True)
    )
    assert fast.status is Status.CONVERGED
    assert_never_falls(fast.half_step_trace)
    assert list(fast.counts) == sorted(fast.counts, reverse=True)
    assert fast.elbo == pytest.approx(plain.elbo, rel=1e-9)


@pytest.mark.parametrize("n_points", [1, 2, 30])
@pytest.mark.parametrize("k", [1, 3])
def test_few_points_and_one_component(k, n_points):
    mixture = Mixture(NormalWishart([0.0, 0.0], 0.1, 4.0, 1.0), DirichletWeights(1.0), k)
    x = np.random.default_rng(95).normal(size=(n_points, 2))
    plain, fast = (fit(mixture, x, rng=1, starts=3, accelerate=a) for a in (False, True))
    assert fast.status is Status.CONVERGED
    assert fast.elbo == pytest.approx(plain.elbo, rel=1e-9)


def test_moves_are_accelerated_too_and_seeds_decide():
    mixture, x, _ = overlapping("full", 3, 1, n=120)
    settings = {"starts": 2, "moves": 2, "accelerate": True}
    first, second = (fit(mixture, x, rng=96, **settings) for _ in range(2))
    assert np.array_equal(first.half_step_trace, second.half_step_trace)
    assert np.array_equal(first.components.natural, second.components.natural)
    assert first.moves == second.moves


def test_auto_extrapolates_where_points_are_many():
    mixture, x, start = overlapping("textbook", 3, 2, n=600)
    auto, on = (fit(mixture, x, rng=0, starts=start, accelerate=a) for a in ("auto", True))
    assert np.array_equal(auto.elbo_trace, on.elbo_trace)
    few, off = (fit(mixture, x[:50], rng=0, starts=start[:50], accelerate=a) for a in ("auto", False))
    assert np.array_equal(few.elbo_trace, off.elbo_trace)
    with pytest.raises(InputError, match="accelerate is 'yes'; it must be True, False or 'auto'"):
        fit(mixture, x, rng=0, accelerate="yes")


# ---- what an extrapolation may be -------------------------------------------------------------------


@pairs
def test_what_no_posterior_has_is_none(family, weights):
    mixture, x = make(family, weights, 2, 30, seed=97)
    task, _ = prepare(mixture, x, np.ones(len(x)))
    sums = init(task, plus_plus(x, 2, np.random.default_rng(98))).assignments.sums
    assert posterior_of(task, sums) is not None
    mean = sums.sum(axis=0) / len(x)
    assert posterior_of(task, sums - 2 * sums[0, -1] * mean) is None  # fewer than no points
    assert posterior_of(task, np.where(sums == sums[0, 0], np.nan, sums)) is None
    if "wishart" in family or "gamma D" in family.replace("gamma_poisson", ""):
        outside = sums.copy()
        outside[0, : x.shape[1]] += 100 * sums[0, -1]  # a mean whose square exceeds the sum of squares
        assert posterior_of(task, outside) is None


def test_no_extrapolation_out_of_the_cone(monkeypatch):
    """A model that always points to negative counts: every sweep is plain, and the ascent plain CAVI's."""
    mixture, x, start = overlapping("full", 3, 3, n=100)
    monkeypatch.setattr(LinearModel, "after", lambda self, sweeps: np.full((3, 4), -1e6))
    plain, fast = (fit(mixture, x, rng=0, starts=start, accelerate=a, max_sweeps=60) for a in (False, True))
    assert np.array_equal(fast.elbo_trace, plain.elbo_trace)


def test_a_bad_extrapolation_is_undone(monkeypatch):
    """A model that always points too far back: the ascent is plain CAVI's, with a sweep lost each time."""
    mixture, x, start = overlapping("full", 3, 3, n=100)
    after = LinearModel.after
    monkeypatch.setattr(LinearModel, "after", lambda self, sweeps: -after(self, sweeps))
    plain, fast = (
        fit(mixture, x, rng=0, starts=start, accelerate=a, max_sweeps=m) for a, m in [(False, 30), (True, 60)]
    )
    assert_never_falls(fast.half_step_trace)
    assert fast.sweeps == 60
    assert set(fast.elbo_trace[:40]) <= set(plain.elbo_trace)


# ---- the linear model -------------------------------------------------------------------


def settled_state(weights):
    mixture, x = make("normal_gamma D=2", weights, 3, 60, seed=99)
    task, _ = prepare(mixture, x, np.ones(len(x)))
    start = plus_plus(x, 3, np.random.default_rng(100))
    return task, ascend(task, init(task, start), StoppingRule(5, 0.0, 9)).state


@pytest.mark.parametrize("weights", ["dirichlet", "stick_breaking", "fixed"])
def test_a_plain_step_is_the_natural_gradient(weights):
    """The bound's slope along any direction d is < d, f >, by central differences."""
    task, state = settled_state(weights)
    sums = state.assignments.sums

    def bound(at):
        return sweep(task, replace(state, assignments=replace(state.assignments, sums=at)), 1)[1].elbo

    reached, _ = sweep(task, state, 1)
    f = reached.assignments.sums - sums
    rng = np.random.default_rng(101)
    for _ in range(5):
        direction = sums * rng.normal(size=(3, 1)) * 1e-5
        slope = (bound(sums + direction) - bound(sums - direction)) / 2
        assert slope == pytest.approx(np.vdot(direction, Metric(reached).lowered(f)), rel=1e-3, abs=1e-9)


def test_where_all_is_linear_the_model_is_exact():
    """With as many differences as dimensions, after(j) is j steps of S + f(S), one after another."""
    _, state = settled_state("dirichlet")
    metric = Metric(state)
    rng = np.random.default_rng(102)
    moves = rng.normal(size=(4, 3, 6)) * state.assignments.sums[:, -1].mean()
    directions = [moves[0] / metric.norm(moves[0])]
    for move in moves[1:]:
        for direction in directions:
            move = move - np.vdot(direction, metric.lowered(move)) * direction
        directions.append(move / metric.norm(move))
    q = np.array([0.9, 0.5, 0.1, 1.1])  # one of them grows

    def c(vector):
        shares = [np.vdot(d, metric.lowered(vector)) for d in directions]
        return sum((1 - own) * share * d for own, share, d in zip(q, shares, directions, strict=True))

    f = 0.3 * directions[0] - 0.2 * directions[1] + 0.1 * directions[2] + 1e-3 * directions[3]
    mixed = [sum(rng.normal() * d for d in directions) for _ in range(4)]
    model = LinearModel.from_differences(metric, np.array(mixed), np.array([c(m) for m in mixed]), f)
    error = sum(rng.normal() * d for d in directions)
    left, moved, missed = f, np.zeros_like(f), np.zeros_like(f)
    for t in range(11):
        moved, left = moved + left, left - c(left)
        missed = missed - c(missed) + (t / 11) ** 2 * error
    np.testing.assert_allclose(model.after(11), moved, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.left_after(11), left, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.missed(11, error), missed, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.after(1), f)
    assert model.length == pytest.approx(metric.norm(f))
    for sweeps in (2, 3, 4, 5, 7, 9, 13):  # one more than 1, 2, 3, 4, 6, 8, 12
        assert model.sweeps_within(1.001 * metric.norm(model.after(sweeps))) == sweeps
    assert model.sweeps_within(model.length) is None


@pairs
def test_the_coupling_is_the_derivative_of_a_sweep(family, weights):
    """What the model says of two sweeps, (1 + Q) f, against differences of sweeps, from weighted data."""
    mixture, x = make(family, weights, 3, 40, seed=103)
    rng = np.random.default_rng(104)
    task, _ = prepare(mixture, x, rng.uniform(0.5, 2, len(x)))
    state = ascend(task, init(task, plus_plus(x, 3, rng)), StoppingRule(3, 0.0, 9)).state
    sums = state.assignments.sums
    here = sweep(task, state, 1)[0]  # at the posterior with these sums

    def swept(at):
        moved = replace(state, assignments=replace(state.assignments, sums=at))
        return sweep(task, moved, 1)[0].assignments.sums

    expansion = Statistics.of(task).expansion(here, sums)
    f = here.assignments.sums - sums
    q_f = (swept(sums + 1e-4 * f) - swept(sums - 1e-4 * f)) / 2e-4
    np.testing.assert_allclose(expansion.model.left_after(1), q_f, rtol=1e-5, atol=1e-6 * np.abs(f).max())
    np.testing.assert_allclose(expansion.model.after(1), f, rtol=1e-9, atol=1e-9)


def test_where_the_coupling_is_too_dear_differences_do():
    """Many components of many features, many points, and data that are read anew."""
    mixture, x, start = overlapping("full", 3, 0)
    task, _ = prepare(mixture, x[:, np.newaxis], np.ones(len(x)))
    assert Statistics.of(task).distinct.shape == (300, 3)  # of x, x^2, 1, 1
    assert Statistics.of(replace(task, statistics=np.ones((70_000, 4)))) is None
    assert Statistics.of(replace(task, statistics=np.ones((10, 20)))) is None
    assert Statistics.of(StreamedTask(task.components, task.weights, None, None, 0.0)) is None


def test_differences_alone_find_the_optimum_too(monkeypatch):
    monkeypatch.setattr(Statistics, "of", lambda task: None)
    for kind, k in (("textbook", 4), ("full", 3)):
        mixture, x, start = overlapping(kind, k, 0)
        plain, fast = (
            fit(mixture, x, rng=0, starts=start, accelerate=a, tolerance=1e-14, max_sweeps=20_000)
            for a in (False, True)
        )
        assert_never_falls(fast.half_step_trace)
        assert fast.elbo == pytest.approx(plain.elbo, rel=1e-9)
        assert fast.sweeps < plain.sweeps / 2


def test_extrapolation_waits_for_falling_gains():
    """Three gains in a row, each below the one before, are what it takes: the first four sweeps are plain."""
    mixture, x, start = overlapping("full", 3, 4, n=100)
    task, _ = prepare(mixture, x[:, np.newaxis], np.ones(len(x)))
    extrapolation, state, info, plain = Extrapolation(task), init(task, start), None, []
    for _ in range(8):
        state, info, was_plain = serve(task, [extrapolation.step(state, info, allowed=True)])[0]
        plain.append(was_plain)
    assert all(plain[:4])
    assert not all(plain)
