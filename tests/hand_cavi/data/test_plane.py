"""Two features condensed: nodes have the points' moments, and sums over them are the points'."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.chebyshev import chebvander2d

from hand_cavi import InputError, NormalGamma, NormalKnownVariance, NormalWishart
from hand_cavi.data.condense import PlaneGrid, merged, sum_cells
from hand_cavi.data.condense.cubature import GRID, LEFT, RIGHT, cubature, products
from hand_cavi.data.condense.plane import KEPT
from hand_cavi.data.condense.plane_sharpness import Peaks
from hand_cavi.data.condense.sharpness import width_for
from hand_cavi.data.kernels import refresh_plain

SQUARE = PlaneGrid((0.1, -0.2), (1.0, 0.0, 0.0, 1.0), 0.6)
SKEW = PlaneGrid((0.1, -0.2), (1.0, 0.4, -0.3, 0.8), 0.6)

DATA = {
    "normal": lambda rng, n: rng.standard_normal((n, 2)),
    "uniform": lambda rng, n: rng.uniform(-2, 2, (n, 2)),
    "correlated": lambda rng, n: rng.standard_normal((n, 2)) @ [[1.0, 0.9], [0.0, 0.3]],
    "atoms": lambda rng, n: np.where(rng.random((n, 1)) < 0.3, [0.37, 0.21], rng.standard_normal((n, 2))),
    "rounded": lambda rng, n: np.round(rng.standard_normal((n, 2)), 1),
    "outliers": lambda rng, n: np.r_[rng.standard_normal((n - 2, 2)), [[1e9, -1e12], [0.0, 1e200]]],
}


def moments_of(grid, x, weight, cells):
    """Return the moments by numpy's own polynomials, in long double where there is one."""
    cell, t = grid.position(x)
    place = {tuple(each): i for i, each in enumerate(cells)}
    here = [place[tuple(each)] for each in cell]
    t = np.clip(t, -1, 1).astype(np.longdouble)  # a node on a far cell's edge, rounded
    out = np.zeros((len(cells), len(LEFT)), dtype=np.longdouble)
    np.add.at(out, here, chebvander2d(t[:, 0], t[:, 1], (7, 7))[:, LEFT * 8 + RIGHT] * weight[:, np.newaxis])
    return out


@pytest.mark.parametrize("grid", [SQUARE, SKEW])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", DATA)
def test_nodes_have_the_points_moments(kind, weighted, grid):
    rng = np.random.default_rng(3)
    x = DATA[kind](rng, 20_000)
    weight = rng.gamma(0.5, size=len(x)) if weighted else np.ones(len(x))
    sums = sum_cells(grid, x, weight if weighted else None)
    data = sums.condensed()
    assert (data.weight > 0).all() and 2 * len(data.x) < len(x)
    assert data.residual < 1e-12
    assert data.weight.sum() == pytest.approx(weight.sum(), rel=1e-13)
    points = moments_of(grid, x, weight, sums.cell)
    np.testing.assert_allclose(sums.moments / points[:, :1], points / points[:, :1], atol=1e-13)
    near = np.abs(sums.cell).max(axis=1) < 1e3  # what is far out is kept, and its t rounded
    nodes = moments_of(grid, data.x, data.weight, sums.cell)
    error = np.abs(nodes - points).max(axis=1) / points[:, 0]
    assert error[near].max() < 2e-12  # |T_7'| <= 49, and x has been rounded


def test_few_rows_are_kept_as_they_are():
    rng = np.random.default_rng(4)
    x, weight = rng.standard_normal((300, 2)), rng.integers(0, 3, 300).astype(float)
    data = sum_cells(PlaneGrid((0.0, 0.0), (1.0, 0.0, 0.0, 1.0), 0.3), x, weight).condensed()
    assert data.exact
    ours = np.column_stack([data.x, data.weight])
    theirs = np.column_stack([x, weight])[weight > 0]
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(5)
    x = DATA["normal"](rng, 20_000)
    one, other = sum_cells(SKEW, x), sum_cells(SKEW, rng.permutation(x))
    np.testing.assert_array_equal(one.cell, other.cell)
    np.testing.assert_array_equal(one.n_rows, other.n_rows)
    np.testing.assert_allclose(one.moments, other.moments, atol=1e-9)
    smooth = [data.weight @ np.cos(data.x.sum(axis=1)) for data in (one.condensed(), other.condensed())]
    assert smooth[0] == pytest.approx(smooth[1], rel=1e-9)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    kind=st.sampled_from(sorted(DATA)),
    cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_split_gives_the_same(kind, cuts, seed):
    rng = np.random.default_rng(seed)
    x, weight = DATA[kind](rng, 3000), rng.integers(0, 3, 3000).astype(float)
    whole = sum_cells(SQUARE, x, weight)
    edges = sorted({0, 3000, *cuts})
    parts = [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]
    sums = [sum_cells(SQUARE, x[part], weight[part], part_from=part.start) for part in parts]
    one_by_one = sums[-1]
    for other in reversed(sums[:-1]):
        one_by_one = other + one_by_one
    for together in (merged(sums), one_by_one):
        for name in ("cell", "n_rows", "row", "row_weight", "n_points"):
            np.testing.assert_array_equal(getattr(together, name), getattr(whole, name))
        mass = whole.moments[:, :1]
        np.testing.assert_allclose(together.moments / mass, whole.moments / mass, atol=1e-13)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    kind=st.sampled_from(sorted(DATA)),
    n=st.sampled_from([4, 255, 256, 257, 3000, 20_000]),
    weighted=st.sampled_from(["ones", "random", "mostly zero", "huge", "tiny"]),
    grid=st.sampled_from([SQUARE, SKEW, SKEW.refined, SQUARE.of_width(50.0)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_compiled_pass_is_the_plain_one(kind, n, weighted, grid, seed):
    pytest.importorskip("numba")
    from hand_cavi.data.condense import plane_compiled

    rng = np.random.default_rng(seed)
    x = DATA[kind](rng, n)
    weight = {
        "ones": None,
        "random": rng.random(n),
        "mostly zero": rng.random(n) * (rng.random(n) < 0.1),
        "huge": rng.random(n) * 1e200,
        "tiny": rng.random(n) * 1e-200,
    }[weighted]
    slices = [slice(0, n // 3), slice(n // 3, n)]
    one, two = (plane_compiled.parts(grid, x, weight, slices, 1 << 12, threads) for threads in (1, 2))
    plain = [grid.sums(x[s], weight if weight is None else weight[s], 1 << 12) for s in slices]
    for ours, again, theirs in zip(one, two, plain, strict=True):
        for name in ("cell", "n_rows", "row", "row_weight", "n_points"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        np.testing.assert_array_equal(ours.moments, again.moments)
        mass = np.maximum(theirs.moments[:, :1], np.finfo(float).tiny)
        np.testing.assert_allclose(ours.moments / mass, theirs.moments / mass, atol=1e-12, rtol=0)


def test_too_many_cells_and_rows_that_cannot_be_used():
    x = DATA["uniform"](np.random.default_rng(6), 2000)
    assert sum_cells(SQUARE, x, most_cells=10) is None
    x[1234, 1] = np.nan
    with pytest.raises(InputError, match="nan in row 1234, column 1"):
        sum_cells(SQUARE, x)
    with pytest.raises(InputError, match="3 features; this grid condenses 2"):
        sum_cells(SQUARE, np.zeros((5, 3)))
    with pytest.raises(InputError, match="different grids"):
        merged([sum_cells(grid, np.zeros((5, 2))) for grid in (SQUARE, SKEW)])
    with pytest.raises(InputError, match="frame has no inverse"):
        PlaneGrid((0.0, 0.0), (1.0, 2.0, 2.0, 4.0), 1.0)
    with pytest.raises(InputError, match="origin of two numbers"):
        PlaneGrid((0.0,), (1.0, 2.0, 2.0, 4.0), 1.0)


# ---- cubature -----------------------------------------------------------------------------------

MEASURES = {
    "uniform": lambda rng: rng.uniform(-1, 1, (5000, 2)),
    "few points": lambda rng: rng.uniform(-1, 1, (90, 2)),
    "steep": lambda rng: 2 * rng.beta(0.3, 4.0, (3000, 2)) - 1,
    "a corner": lambda rng: 1 - 0.2 * rng.random((3000, 2)),
    "five points": lambda rng: rng.uniform(-1, 1, (5, 2))[np.r_[:5, rng.integers(0, 5, 2000)]],
    "a lattice": lambda rng: np.round(rng.uniform(-1, 1, (4000, 2)), 1),
    "two stripes": lambda rng: np.c_[rng.choice([-1, 1], 3000) * rng.uniform(0.5, 1, 3000), rng.random(3000)],
}


@pytest.mark.parametrize("kind", MEASURES)
def test_cubature(kind):
    """Many measures at once; a measure of few points is found again."""
    points = [MEASURES[kind](np.random.default_rng(seed)) for seed in range(4)]
    moments = np.array([chebvander2d(*t.T, (7, 7))[:, LEFT * 8 + RIGHT].sum(axis=0) for t in points])
    which, t, weight, told = cubature(moments, np.array([t[:KEPT] for t in points]))
    assert (np.diff(which) >= 0).all() and (weight > 0).all() and np.abs(t).max() <= 1
    for c, wanted in enumerate(moments):
        own = which == c
        assert 0 < own.sum() <= len(GRID)
        left = np.abs(weight[own] @ products(t[own]) - wanted).max() / wanted[0]
        assert left < 1e-12 and told[c] == pytest.approx(left, abs=1e-14)
    if kind == "five points":
        np.testing.assert_allclose(t[which == 0], np.unique(points[0], axis=0), atol=1e-12)


# ---- what it is for -----------------------------------------------------------------------------


def random_mixture(seed):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(2, 6))
    mean, sd = rng.normal(0, 4, (K, 2)), np.exp(rng.normal(0, 0.5, (K, 2)))
    correlation = rng.uniform(-0.95, 0.95, K) if seed % 2 else np.zeros(K)
    covariance = sd[:, :, np.newaxis] * sd[:, np.newaxis, :]
    covariance[:, 0, 1] *= correlation
    covariance[:, 1, 0] *= correlation
    pi = rng.dirichlet(np.full(K, 3.0))
    c, noise = rng.choice(K, 150_000, p=pi), rng.standard_normal((150_000, 2, 1))
    return mean, covariance, pi, mean[c] + (np.linalg.cholesky(covariance)[c] @ noise)[..., 0]


@pytest.mark.parametrize("seed", range(6))
def test_a_half_step_errs_by_less_than_1e_8(seed, monkeypatch):
    """Sums of r T and ln sum exp rho, over random mixtures, long and thin ones among them."""
    mean, covariance, pi, x = random_mixture(seed)
    sure = np.full(len(pi), 1e6)
    posterior = NormalWishart(mean, sure, sure, 1e6 * covariance)
    peaks = Peaks.of(posterior, np.log(pi))
    frame = peaks.frame()
    grid = PlaneGrid((0.0, 0.0), tuple(frame.ravel()), peaks.seen(frame).width())
    prior = NormalWishart(np.zeros(2), 0.1, 4.0, np.eye(2))
    exact, scale, bound = half_step(prior, posterior, np.log(pi), x, np.ones(len(x)))

    def errors(cells):
        data = sum_cells(cells, x).condensed()
        sums, _, ours = half_step(prior, posterior, np.log(pi), data.x, data.weight)
        return np.max(np.abs(sums - exact) / scale), abs(ours / bound - 1)

    assert max(errors(grid)) < 1e-8
    assert max(errors(grid.of_width(4 * grid.width))) > 1e-8  # it is no waste, and this test can fail


def half_step(prior, posterior, log_weights, x, weight):
    statistics = prior.statistics(x)
    done = refresh_plain(statistics, weight, posterior.expected_phi, log_weights)
    bound = done.entropy + np.sum(done.sums * posterior.expected_phi) + done.sums[:, -1] @ log_weights
    return done.sums, weight @ np.abs(statistics), bound


FAMILIES = {
    "normal_wishart": lambda m: NormalWishart(
        m, np.full(3, 9.0), np.full(3, 50.0), 50 * np.array([[[1.0, 0.6], [0.6, 2.0]]] * 3)
    ),
    "normal_gamma": lambda m: NormalGamma(
        m, np.full(len(m), 9.0), np.full(len(m), 40.0), 0 * m + [40.0, 10.0]
    ),
    "known variance": lambda m: NormalKnownVariance(m, np.full(len(m), 0.01)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_peaks_are_those_of_the_expected_log_likelihood(family):
    mean = np.array([[0.5, -1.0], [2.0, 0.3], [0.0, 0.0]])
    components, log_weights = FAMILIES[family](mean), np.log([0.2, 0.5, 0.3])
    peaks = Peaks.of(components, log_weights)
    x = np.random.default_rng(0).normal(size=(20, 2))
    away = x[:, np.newaxis] - peaks.mean
    ours = peaks.height - np.einsum("nki,kij,nkj->nk", away, peaks.precision, away) / 2
    np.testing.assert_allclose(ours, components.expected_log_likelihood(x) + log_weights, atol=1e-10)
    np.testing.assert_allclose(peaks.mean, mean, atol=1e-12)
    seen = peaks.seen(peaks.frame())
    np.testing.assert_allclose(np.einsum("k,kij->ij", peaks.share, seen.precision), np.eye(2), atol=1e-12)


def test_what_asks_for_small_cells():
    def width(mean, sd=(1.0, 1.0)):
        return Peaks(
            np.array(mean), np.eye(2) / np.square(sd)[:, None, None], np.zeros(2), np.full(2, 0.5)
        ).width()

    assert width([[0.0, 0.0], [0.0, 0.0]]) == 1.0  # twice the same: the logarithm is a polynomial
    assert width([[0.0, 0.0], [300.0, 0.0]]) == 1.0  # no points between
    line = width_for([0.0, 4.0], [1.0, 1.0], n_moments=8, tolerance=3e-7)
    assert 0.7 < width([[0.0, 0.0], [4.0, 0.0]]) / line < 1.0  # the share in the plane is a bound
    turned = width([[0.0, 0.0], [8**0.5, 8**0.5]])
    assert turned == pytest.approx(width([[0.0, 0.0], [4.0, 0.0]]) / 2**0.5, rel=1e-9)
    assert width([[0.0, 0.0], [np.nan, 0.0]]) == np.inf
    assert width([[0.0, 0.0], [0.0, 0.0]], (0.1, 1.0)) < 0.2  # a needle in the middle of a wider one
