"""A sweep is the same whichever way it is made: kernel, threads, pieces of any size, condensed or not.

The definition is `refresh_plain` on all statistics at once. Hypothesis draws families, weights, sizes, places
where the rows are cut, units in which the data are far from 0 or 1, and weights of rows of any size.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hand_cavi import Mixture, Status, fit
from hand_cavi.data.kernels import Reading, refresh_plain, refresh_rows
from tests.hand_cavi.cases import FAMILIES, PAIRS, WEIGHTS

pytest.importorskip("numba")
WEIGHTED = {
    "none": lambda rng, n: None,
    "random": lambda rng, n: rng.gamma(1.0, size=n),
    "mostly zero": lambda rng, n: rng.random(n) * (rng.random(n) < 0.1),
    "huge": lambda rng, n: rng.random(n) * 1e150,
    "tiny": lambda rng, n: rng.random(n) * 1e-150,
}


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    pair=st.sampled_from(PAIRS),
    n_components=st.integers(1, 7),
    n=st.integers(2, 700) | st.sampled_from([4095, 4096, 4129, 9000]),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    unit=st.sampled_from([1.0, 1e-100, 1e-6, 1e6, 1e100]),
    away=st.sampled_from([0.0, 1.0, 1e6]),
    weighted=st.sampled_from(sorted(WEIGHTED)),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_half_step(pair, n_components, n, cuts, unit, away, weighted, seed):
    family, weights = pair
    case, rng = FAMILIES[family], np.random.default_rng(seed)
    x, weight = case.data(rng, n), WEIGHTED[weighted](rng, n)
    if "normal" in family:  # away by standard deviations
        x = (x + away) * unit
    prior = case.prior.with_features(x.shape[1])
    ones = np.ones(n) if weight is None else weight
    if not ones.sum() > 0:
        return
    there = prior.coordinates(x, ones)
    reading = Reading(prior.seen_from(there), there)
    statistics = reading.statistics(x)
    share = rng.dirichlet(np.ones(n_components), n).T
    q = reading.family.updated(share @ statistics)  # as if every row weighed 1
    pi = WEIGHTS[weights](n_components).for_components(n_components).updated(share.sum(axis=1))
    at = q.expected_phi, pi.expected_log()
    plain = refresh_plain(statistics, ones, *at)
    size = np.maximum(ones @ np.abs(statistics), 1e-300)
    places = [0, *sorted(int(cut * n) for cut in cuts), n]
    with pytest.MonkeyPatch.context() as patch:
        for kernel in ("numpy", "numba"):
            patch.setenv("ELBOWROOM_KERNEL", kernel)
            whole = [refresh_rows(x, weight, reading, *at, threads) for threads in (1, 2)]
            assert np.array_equal(whole[0].sums, whole[1].sums) and whole[0].entropy == whole[1].entropy
            found = [
                refresh_rows(x[i:j], None if weight is None else weight[i:j], reading, *at)
                for i, j in zip(places, places[1:], strict=False)
            ]
            for one in (whole[0], sum(found[1:], found[0])):
                np.testing.assert_array_less(np.abs(one.sums - plain.sums) / size, 1e-12)
                assert abs(one.entropy - plain.entropy) <= 1e-12 * ones.sum()


ONE = ("normal_known_variance D=1", "normal_gamma D=1", "normal_wishart D=1", "gamma_poisson D=2")
TWO = ("normal_gamma D=2",)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    family=st.sampled_from([*ONE, *TWO, "dirichlet_categorical C=3"]),
    weights=st.sampled_from(sorted(WEIGHTS)),
    n_components=st.integers(1, 4),
    kernel=st.sampled_from(["numpy", "numba"]),
    unit=st.sampled_from([1e-100, 1.0, 1e6]),
    seed=st.integers(0, 2**32 - 1),
)
def test_sweeps_over_condensed_data(family, weights, n_components, kernel, unit, seed):
    case, rng, n = FAMILIES[family], np.random.default_rng(seed), 30_000
    x = case.data(rng, n)
    mixture = Mixture(case.prior, WEIGHTS[weights](n_components), n_components)
    if family.startswith(("normal_gamma", "normal_wishart")):
        x = x * unit
    starts = rng.dirichlet(np.ones(n_components), n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELBOWROOM_KERNEL", kernel)
        direct, condensed = (
            fit(mixture, x, rng=0, starts=starts, max_sweeps=6, tolerance=0.0, condense=how)
            for how in (False, True)
        )
    assert condensed.condensed is not None and condensed.condensed.n_nodes < n / 2
    tolerance = 1e-8 if family in TWO else 1e-10
    assert Status.NOT_FINITE not in (direct.status, condensed.status)
    assert condensed.elbo == pytest.approx(direct.elbo, rel=tolerance)
    np.testing.assert_allclose(condensed.counts, direct.counts, atol=10 * tolerance * n)
