"""Condensed data stand for the data: moments, responsibilities, evidence; merged, compiled, in threads."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.chebyshev import chebvander

from hand_cavi import InputError, NormalGamma, NormalKnownVariance
from hand_cavi.data.condense import Grid, condense, merged, sum_cells
from hand_cavi.data.condense.sharpness import width_for
from hand_cavi.data.kernels import refresh_plain

EPS = np.finfo(float).eps
ROOT = Path(__file__).parents[3]

DATA = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "uniform": lambda rng, n: rng.uniform(0, 8, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "atoms": lambda rng, n: np.where(rng.random(n) < 0.3, 0.37, rng.standard_normal(n)),
    "rounded": lambda rng, n: np.round(rng.standard_normal(n), 2),
    "needle": lambda rng, n: rng.normal(0, 1e-5, n),
    "needle in a haystack": lambda rng, n: rng.standard_normal(n) * np.where(rng.random(n) < 0.9, 1e-3, 1),
    "far from 0": lambda rng, n: 1e8 + rng.standard_normal(n),
    "outliers": lambda rng, n: np.r_[rng.standard_normal(n - 3), 1e9, -1e12, 1e300],
}


def moments_of(grid, x, weight, cells):
    """Return the moments by numpy's own polynomials, in long double where there is one."""
    cell, t = grid.position(x)
    out = np.zeros((len(cells), grid.n_moments), dtype=np.longdouble)
    terms = chebvander(t.astype(np.longdouble), grid.n_moments - 1) * weight[:, np.newaxis]
    np.add.at(out, np.searchsorted(cells, cell), terms)
    return out


def assert_same_sums(ours, theirs, rtol=1e-13):
    for name in ("cell", "low", "high", "n_kept", "value"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    mass = np.maximum(ours.moments[:, :1], np.finfo(float).tiny)
    np.testing.assert_allclose(ours.moments / mass, theirs.moments / mass, atol=rtol, rtol=0)
    np.testing.assert_allclose(ours.value_weight, theirs.value_weight, rtol=rtol)
    assert ours.n_points == theirs.n_points


# ---- moments and weights ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1000, 30_000])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", DATA)
def test_nodes_have_the_points_moments(kind, n, weighted):
    rng = np.random.default_rng(n)
    x = DATA[kind](rng, n)
    weight = rng.gamma(0.5, size=n) if weighted else np.ones(n)
    grid = Grid(float(np.median(x)), 0.4)
    sums = sum_cells(grid, x, weight if weighted else None)
    data = sums.condensed()
    assert (data.weight > 0).all() and data.weight.shape == (len(data.x),)
    assert (np.diff(data.x[:, 0]) >= 0).all()
    assert data.residual < 1e-13
    assert data.weight.sum() == pytest.approx(weight.sum(), rel=1e-13)
    points = moments_of(grid, x, weight, sums.cell)
    nodes = moments_of(grid, data.x[:, 0], data.weight, sums.cell)
    # |T_l'| <= l^2, and a node far out is rounded as a float64 is.
    rounding = 15**2 * 2 * EPS * np.maximum(np.abs(sums.low), np.abs(sums.high)) / grid.width
    error = np.abs(nodes - points).max(axis=1) / points[:, 0]
    assert (error <= 1e-13 + np.minimum(rounding, 1)).all()


def test_cells_with_few_values_are_kept_as_they_are():
    rng = np.random.default_rng(0)
    x = rng.choice(np.round(rng.standard_normal(300), 2), 20_000)
    weight = rng.integers(1, 4, len(x)).astype(float)
    data = condense(x, weight, width=0.02)
    values, inverse = np.unique(x, return_inverse=True)
    assert data.exact
    np.testing.assert_array_equal(data.x[:, 0], values)
    np.testing.assert_array_equal(data.weight, np.bincount(inverse, weight))


def test_outliers_cost_a_point_each_and_move_nothing():
    x = np.random.default_rng(1).standard_normal(50_000)
    far = np.array([1e6, -1e9, 3e12, 1e300])
    grid = Grid(0.0, 0.4)
    without, data = sum_cells(grid, x).condensed(), sum_cells(grid, np.r_[x, far]).condensed()
    assert np.isin(far, data.x).all() and len(data.x) == len(without.x) + len(far)
    inliers = np.abs(data.x[:, 0]) < 1e3
    np.testing.assert_array_equal(data.x[inliers], without.x)
    np.testing.assert_array_equal(data.weight[inliers], without.weight)


def test_an_offset_changes_nothing_but_the_offset():
    x = np.round(np.random.default_rng(2).standard_normal(20_000) * 2**20) / 2**20
    near, far = condense(x, width=0.5, origin=0.0), condense(x + 1e8, width=0.5, origin=1e8)
    np.testing.assert_allclose(far.x - 1e8, near.x, atol=2e-8)  # the spacing of float64 at 1e8 is 1.5e-8
    np.testing.assert_allclose(far.weight, near.weight, rtol=1e-9)


@pytest.mark.parametrize("value", [3.7, -0.0, 1e-300, -4e17])
def test_constant_data(value):
    data = condense(np.full(1000, value), width=0.1)
    assert data.x.tolist() == [[value]] and data.weight.tolist() == [1000] and data.exact


def test_one_point():
    data = sum_cells(Grid(0.0, 1.0), [0.3]).condensed()
    assert data.x.tolist() == [[0.3]] and data.weight.tolist() == [1] and data.n_points == 1


def test_weights_count_points():
    rng = np.random.default_rng(3)
    x, times = rng.standard_normal(4000), rng.integers(0, 5, 4000)
    grid = Grid(0.1, 0.4)
    weighted, repeated = sum_cells(grid, x, times), sum_cells(grid, np.repeat(x, times))
    np.testing.assert_array_equal(weighted.cell, repeated.cell)
    np.testing.assert_array_equal(weighted.n_kept, repeated.n_kept)
    np.testing.assert_allclose(weighted.moments, repeated.moments, atol=1e-12 * times.sum())


# ---- merging ----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    kind=st.sampled_from(sorted(DATA)),
    cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_split_gives_the_same(kind, cuts, seed):
    rng = np.random.default_rng(seed)
    x, weight = DATA[kind](rng, 3000), rng.integers(0, 3, 3000).astype(float)
    grid = Grid(float(np.median(x)), 0.4)
    whole = sum_cells(grid, x, weight)
    edges = sorted({0, 3000, *cuts})
    parts = [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]
    usable = [part for part in parts if weight[part].any()]
    sums = [sum_cells(grid, x[part], weight[part]) for part in usable]
    n_left_out = 3000 - sum(part.stop - part.start for part in usable)
    one_by_one = sums[-1]
    for other in reversed(sums[:-1]):
        one_by_one = other + one_by_one
    assert n_left_out == 0 or one_by_one.n_points < 3000
    for together in (merged(sums), one_by_one):
        np.testing.assert_array_equal(together.cell, whole.cell)
        np.testing.assert_array_equal(together.value, whole.value)
        mass = whole.moments[:, :1]
        np.testing.assert_allclose(together.moments / mass, whole.moments / mass, atol=1e-13)
        ours, theirs = together.condensed(), whole.condensed()
        smooth = [data.weight @ np.cos(np.clip(data.x[:, 0] - grid.origin, -9, 9)) for data in (ours, theirs)]
        assert smooth[0] == pytest.approx(smooth[1], abs=1e-12 * weight.sum())


def test_blocks_memory_maps_and_float32(tmp_path):
    x = np.random.default_rng(4).standard_normal(30_000).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    grid = Grid(0.0, 0.4)
    whole = sum_cells(grid, x.astype(np.float64))
    assert_same_sums(sum_cells(grid, x), whole)
    assert_same_sums(sum_cells(grid, np.load(tmp_path / "x.npy", mmap_mode="r")), whole)
    blocks = [(x[:7000, np.newaxis], None), (x[:0], None), (x[7000:], np.ones(23_000))]
    assert_same_sums(sum_cells(grid, blocks), whole)
    assert_same_sums(sum_cells(grid, iter(blocks)), whole)
    assert_same_sums(sum_cells(grid, np.repeat(x, 2)[::2]), whole)


def test_different_grids_do_not_mix():
    with pytest.raises(InputError, match="different grids"):
        _ = sum_cells(Grid(0.0, 1.0), [1.0]) + sum_cells(Grid(0.0, 0.5), [1.0])


# ---- compiled ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled():
    pytest.importorskip("numba")
    from hand_cavi.data.condense import cells_compiled

    return cells_compiled


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    kind=st.sampled_from(sorted(DATA)),
    n=st.sampled_from([4, 255, 256, 257, 513, 3000, 20_000]),
    weighted=st.sampled_from(["ones", "random", "mostly zero", "huge", "tiny"]),
    width=st.sampled_from([1e-3, 0.4, 100.0]),
    n_moments=st.sampled_from([2, 6, 16, 24]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_compiled_pass_is_the_plain_one(compiled, kind, n, weighted, width, n_moments, seed):
    rng = np.random.default_rng(seed)
    x = DATA[kind](rng, n)
    weight = {
        "ones": None,
        "random": rng.random(n),
        "mostly zero": rng.random(n) * (rng.random(n) < 0.1),
        "huge": rng.random(n) * 1e200,
        "tiny": rng.random(n) * 1e-200,
    }[weighted]
    grid = Grid(float(np.median(x)), width, n_moments)
    cuts = sorted({0, n // 3, n})
    slices = [slice(a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
    one, two = (compiled.parts(grid, x[:, None], weight, slices, 1 << 14, threads) for threads in (1, 2))
    plain = [grid.sums(x[s, None], weight if weight is None else weight[s], 1 << 14) for s in slices]
    for ours, again, theirs in zip(one, two, plain, strict=True):
        if theirs is None:
            assert ours is None and again is None
            continue
        assert_same_sums(ours, theirs)
        for name in ("cell", "moments", "low", "high", "n_kept", "value", "value_weight"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(again, name))


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_threads_and_parts(kernel, monkeypatch):
    monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
    rng = np.random.default_rng(5)
    x = rng.standard_normal(600_000) + rng.choice([-3, 0, 4], 600_000)
    grid = Grid(0.0, 0.5)
    one, two = (sum_cells(grid, x, threads=threads) for threads in (1, 2))
    for name in ("cell", "moments", "low", "high", "value", "value_weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    data = one.condensed()
    for f in (np.cos, np.tanh, np.square):
        exact = float(np.sum(f(x), dtype=np.longdouble))
        assert data.weight @ f(data.x[:, 0]) == pytest.approx(exact, abs=1e-13 * np.abs(f(x)).sum())


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_errors_of_equal_terms_do_not_add_up(kernel, monkeypatch):
    """One long sum of moments would be wrong by 4e-14 here."""
    monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
    rng = np.random.default_rng(6)
    x = np.where(rng.random(1 << 18) < 0.5, 0.37, rng.uniform(0, 0.9, 1 << 18))
    data = sum_cells(Grid(0.0, 0.9), x).condensed()
    for power in (1, 2, 4):
        exact = float(np.sum(x.astype(np.longdouble) ** power))
        assert data.weight @ data.x[:, 0] ** power == pytest.approx(exact, rel=1e-14)


def test_importing_does_not_import_numba():
    code = (
        "import sys, hand_cavi.data.condense, hand_cavi.data.condense.distinct; print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


# ---- what it is for ---------------------------------------------------------------------------


def mixture_sums(family, x, weight, posterior, log_weights):
    """Return sums of r T, their scales, the sum of ln sum exp rho, and its scale."""
    statistics = family.statistics(x)
    refreshed = refresh_plain(statistics, weight, posterior.expected_phi, log_weights)
    scale = weight @ np.abs(statistics)
    rho_sum = float(np.sum(refreshed.sums * posterior.expected_phi) + refreshed.sums[:, -1] @ log_weights)
    size = weight @ np.abs(statistics @ posterior.expected_phi.T + log_weights).min(axis=1)
    return refreshed.sums, scale, refreshed.entropy + rho_sum, size


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
@pytest.mark.parametrize("seed", range(6))
def test_sums_over_random_mixtures(seed, kernel, monkeypatch):
    """E-step sums and ln sum exp rho agree to 1e-12 at the width that `width_for` tells."""
    monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
    rng = np.random.default_rng(seed)
    K, n = int(rng.integers(2, 8)), 100_000
    mean, sd = rng.normal(0, 5, K), np.exp(rng.normal(0, 0.7, K))
    if seed % 2:
        sd[:] = 1.0
    pi = rng.dirichlet(np.full(K, 3.0))
    z = rng.choice(K, n, p=pi)
    x = mean[z] + sd[z] * rng.standard_normal(n)
    if seed % 2:
        prior = NormalKnownVariance(0.0, 25.0)
        posterior = NormalKnownVariance(mean[:, np.newaxis], np.full(K, 1e-3))
    else:
        prior = NormalGamma(0.0, 0.1, 2.0, 2.0)
        rate = 500 * sd[:, np.newaxis] ** 2
        posterior = NormalGamma(mean[:, np.newaxis], np.full(K, 1e3), np.full(K, 500.0), rate)
    width = width_for(mean, sd, np.log(pi))
    data = condense(x, width=width)
    assert len(data.x) < n / 10
    direct = mixture_sums(prior, x[:, np.newaxis], np.ones(n), posterior, np.log(pi))
    ours = mixture_sums(prior, data.x, data.weight, posterior, np.log(pi))
    assert (np.abs(ours[0] - direct[0]) <= 1e-12 * direct[1]).all()
    assert abs(ours[2] - direct[2]) <= 1e-12 * direct[3]

    # Cells eight times as wide do not do: the width is no waste, and this test can fail.
    coarse = sum_cells(Grid(float(np.median(x)), 8 * width), x).condensed()
    worse = mixture_sums(prior, coarse.x, coarse.weight, posterior, np.log(pi))
    assert (np.abs(worse[0] - direct[0]) > 1e-12 * direct[1]).any()


def test_refining_helps():
    rng = np.random.default_rng(7)
    x = rng.choice([-2.0, 2.0], 50_000) + rng.standard_normal(50_000)
    grid, errors = Grid(0.0, 3.2), []
    exact = np.logaddexp(2 * x, -2 * x).sum()
    for _ in range(4):
        data = sum_cells(grid, x).condensed()
        errors.append(abs(data.weight @ np.logaddexp(2 * data.x[:, 0], -2 * data.x[:, 0]) / exact - 1))
        grid = grid.refined
    assert errors[0] > 1e-8 and errors[3] < 1e-13
    assert (np.diff(errors[:3]) < 0).all()


def test_the_evidence_of_one_component_is_the_datas():
    x = 3 + 2 * np.random.default_rng(8).standard_normal((40_000, 1))
    prior = NormalGamma(0.0, 0.1, 2.0, 2.0)
    data = condense(x, width=2.0)
    assert len(data.x) < 150

    def log_evidence(rows, weight):
        return prior.log_marginal(weight @ prior.statistics(rows), weight @ prior.log_base(rows))

    assert log_evidence(data.x, data.weight) == pytest.approx(log_evidence(x, np.ones(len(x))), rel=1e-13)


# ---- bad input --------------------------------------------------------------------------------


def test_it_gives_up_where_it_does_not_pay():
    rng = np.random.default_rng(9)
    assert condense(rng.standard_normal(1000) * 1e6, width=0.1) is None  # each point a cell
    assert condense(rng.standard_normal(300), width=1.0, n_moments=64) is None  # cells, but no fewer nodes
    assert sum_cells(Grid(0.0, 1.0), np.arange(100.0), most_cells=99) is None
    assert sum_cells(Grid(0.0, 1.0), np.arange(100.0), most_cells=100) is not None

    def endless():
        while True:
            yield rng.standard_normal(1000) * 1e9, None

    assert sum_cells(Grid(0.0, 1.0), endless(), most_cells=5000) is None


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
@pytest.mark.parametrize(
    ("x", "weight", "message"),
    [
        ([1.0, np.nan, 2.0], None, "nan in row 1"),
        ([1.0, 2.0, -np.inf], [1, 1, 0], "-inf in row 2"),
        ([1.0, 2.0], [1.0, -1.0], "sample_weight is -1.0 in row 1"),
        ([1.0, 2.0], [np.nan, 1.0], "sample_weight is nan in row 0"),
        ([1.0, 2.0], [0.0, 0.0], "zero everywhere"),
        ([1.0, 2.0], [1.0], r"sample_weight has shape \(1,\)"),
        ([1.0, 1e308], None, "cannot be counted"),
        ([[1.0, 2.0]], None, "2 features"),
        ([], None, "at least one point"),
        (lambda: iter(()), None, "no points"),
        (["a"], None, "numeric"),
        (lambda: iter([([1.0, 2.0], None), ([np.inf], None)]), None, "inf in row 2"),
        (lambda: iter([([1.0, 2.0], None)]), [1.0, 1.0], "iterable yields"),
    ],
)
def test_bad_input(x, weight, message, kernel, monkeypatch):
    monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
    with pytest.raises(InputError, match=message):
        sum_cells(Grid(0.0, 0.01), x() if callable(x) else x, weight)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"width": 0.0}, "width is 0.0"),
        ({"width": np.nan}, "width is nan"),
        ({"width": 1.0, "origin": np.inf}, "origin is inf"),
        ({"width": 1.0, "n_moments": 7}, "even"),
        ({"width": 1.0, "most_cells": 0}, "most_cells is 0"),
        ({"width": 1.0, "threads": 0}, "threads is 0"),
    ],
)
def test_bad_settings(setting, message):
    with pytest.raises(InputError, match=message):
        condense([1.0, 1.0, 1.0, 1.0, 2.0], **setting)
