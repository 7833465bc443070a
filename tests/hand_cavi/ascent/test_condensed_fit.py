"""A fit to condensed data is the fit to the data: same optimum, true bound, measured error."""

import sys

import numpy as np
import pytest

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    Status,
    StickBreaking,
    fit,
)
from tests.hand_cavi.cases import NAMES

N = 20_000
CONDENSED, CONDENSING = (sys.modules[f"hand_cavi.ascent.{name}"] for name in ("condensed_fit", "condensing"))


def clusters(seed=0, n=N, centres=(-4.0, 0.0, 2.0), sds=(1.0, 0.6, 1.3)):
    rng = np.random.default_rng(seed)
    c = rng.integers(0, len(centres), n)
    return np.array(centres)[c] + np.array(sds)[c] * rng.standard_normal(n)


def counts(seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(np.where(rng.random((N, 1)) < 0.4, [2.0, 9.0], [7.0, 1.0])).astype(float)


def categories(seed=0):
    rng = np.random.default_rng(seed)
    return rng.binomial(2, np.where(rng.random((N, 1)) < 0.4, 0.2, 0.8), size=(N, 4)).astype(float)


CASES = {
    "known variance": (Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 3), clusters),
    "normal_gamma": (Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3), clusters),
    "normal_wishart": (Mixture(NormalWishart(0.0, 0.1, 4.0, 2.0), StickBreaking(1.0), 3), clusters),
    "gamma_poisson": (Mixture(GammaPoisson([1.0, 1.0], [0.2, 0.2]), DirichletWeights(1.0), 2), counts),
    "categories": (Mixture(DirichletCategorical(np.ones((4, 3))), DirichletWeights(1.0), 2), categories),
}


def test_every_family_is_condensed_here():
    assert sorted(mixture.components.name for mixture, _ in CASES.values()) == NAMES


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_condensing_changes_nothing(name, weighted):
    """From the same responsibilities: traces agree to 1e-11, until rounding decides where they end."""
    mixture, data = CASES[name]
    x, rng = data(), np.random.default_rng(1)
    arguments = {
        "rng": 0,
        "starts": rng.dirichlet(np.ones(mixture.n_components), N),
        "sample_weight": rng.gamma(2.0, size=N) if weighted else None,
        "max_sweeps": 40,
        "tolerance": 0.0,
    }
    direct, condensed = (fit(mixture, x, **arguments, condense=how) for how in (False, True))
    assert direct.condensed is None and condensed.condensed is not None
    assert condensed.condensed.n_points == N and condensed.condensed.n_nodes < N / 20
    assert max(condensed.condensed.elbo_error, condensed.condensed.sums_error) < 1e-12
    both = min(condensed.sweeps, direct.sweeps)
    assert both >= 12  # by then gains are rounding's
    np.testing.assert_allclose(condensed.elbo_trace[:both], direct.elbo_trace[:both], rtol=1e-11)
    assert condensed.elbo == pytest.approx(direct.elbo, rel=1e-12)
    np.testing.assert_allclose(condensed.counts, direct.counts, rtol=1e-8)
    ours, theirs = condensed.components.natural, direct.components.natural
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8 * np.abs(theirs).max())  # sums that cancel


def test_the_bound_is_that_of_the_data():
    """Recomputed from the posterior alone, on all points, term by term of its definition."""
    mixture, data = CASES["normal_gamma"]
    x = data()
    found = fit(mixture, x, rng=0, starts=2, condense=True)
    restarted = fit(mixture, x, rng=0, starts=found, max_sweeps=1, condense=False)
    # One more sweep from its own assignments: the half-step after the components cannot be below.
    assert restarted.half_step_trace[0, 0] == pytest.approx(found.elbo, rel=1e-10)
    r = found.responsibilities(x)
    np.testing.assert_allclose(found.counts, r.sum(axis=0), rtol=1e-10)


def test_a_wrong_guess_of_the_width_is_mended(monkeypatch):
    """Cells ten times too wide, and nothing known of the sharpness: the measured error has them halved."""
    mixture, data = CASES["normal_gamma"]
    x = data()
    right = fit(mixture, x, rng=0, starts=2, condense=True)
    monkeypatch.setattr(CONDENSING, "_width", lambda *_: 4.0)
    found = fit(mixture, x, rng=0, starts=2, condense=True)
    assert right.condensed.refinements == 0 and found.condensed.refinements > 0
    assert (
        found.condensed.width < 4.0 and max(found.condensed.elbo_error, found.condensed.sums_error) <= 1e-10
    )
    assert found.elbo == pytest.approx(right.elbo, rel=1e-10)


def test_where_no_cells_are_narrow_enough_the_data_decide(monkeypatch):
    mixture, data = CASES["normal_gamma"]
    x = data()[:3000]
    right = fit(mixture, x, rng=0, starts=1, condense=False)
    monkeypatch.setattr(CONDENSING, "_width", lambda *_: 400.0)
    monkeypatch.setattr(CONDENSED, "_REFINEMENTS", 1)
    found = fit(mixture, x, rng=0, starts=1, condense=True)
    assert found.condensed is None
    assert found.elbo == pytest.approx(right.elbo, rel=1e-9)


@pytest.mark.parametrize("width", [4.0, 400.0])
def test_refining_and_giving_up_make_no_more_sweeps_than_allowed(monkeypatch, width):
    """They went on with max_sweeps anew each time; the bound is the data's however it ends."""
    mixture, data = CASES["normal_gamma"]
    x = data()[:3000]
    monkeypatch.setattr(CONDENSING, "_width", lambda *_: width)
    found = fit(mixture, x, rng=0, starts=1, condense=True, max_sweeps=7, tolerance=0.0)
    assert found.sweeps == len(found.elbo_trace) == 7
    assert found.status is Status.MAX_SWEEPS
    assert found.condensed is not None
    assert max(found.condensed.elbo_error, found.condensed.sums_error) > 1e-10
    on_the_data = fit(mixture, x, rng=0, starts=found, condense=False, max_sweeps=1)
    assert on_the_data.half_step_trace[0, 0] >= found.elbo
    r = found.responsibilities(x)
    np.testing.assert_allclose(found.counts, r.sum(axis=0), rtol=1e-9)


def test_sharp_components_ask_for_narrow_cells():
    """A cluster ten thousand times narrower than the data, which no pilot of 2,000 rows may miss for good."""
    x = np.concatenate([clusters(), 1.0 + 1e-4 * np.random.default_rng(2).standard_normal(N)])
    mixture = Mixture(NormalGamma(0.0, 0.1, 1.0, 1e-4), DirichletWeights(1.0), 4)
    found = fit(mixture, x, rng=0, starts=4, condense=True)
    if found.condensed is not None:
        assert max(found.condensed.elbo_error, found.condensed.sums_error) <= 1e-10
    further = fit(mixture, x, rng=0, starts=found, max_sweeps=20, condense=False)
    assert further.elbo - found.elbo < 1e-6 * abs(found.elbo)


def test_outliers_cost_nothing():
    x = np.append(clusters(), [1e9, -3e7])
    mixture = CASES["normal_gamma"][0]
    found = fit(mixture, x, rng=0, starts=2, condense=True)
    assert found.condensed is None or found.condensed.n_nodes < 2000


def test_many_points_are_condensed_unasked():
    x, mixture = clusters(n=60_000), CASES["normal_gamma"][0]
    assert fit(mixture, x, rng=0, starts=1, max_sweeps=5).condensed is not None
    assert fit(mixture, x[:40_000], rng=0, starts=1, max_sweeps=5).condensed is None
    several = np.column_stack([x, x])
    two = Mixture(NormalGamma([0.0, 0.0], 0.1, 2.0, [1.0, 1.0]), DirichletWeights(1.0), 2)
    assert fit(two, several, rng=0, starts=1, max_sweeps=2).condensed is None


def test_threads_change_no_bit():
    x, mixture = clusters(n=400_000), CASES["normal_gamma"][0]
    one, two = (fit(mixture, x, rng=0, starts=1, max_sweeps=30, threads=n) for n in (1, 2))
    assert np.array_equal(one.components.natural, two.components.natural) and one.elbo == two.elbo
    assert one.condensed == two.condensed


@pytest.mark.parametrize(
    ("x", "mixture", "message"),
    [
        (np.append(clusters(), np.nan), "known variance", f"nan in row {N}"),
        (np.append(counts(), [[1.5, 2.0]], axis=0), "gamma_poisson", f"1.5 in row {N}, column 0"),
    ],
)
def test_bad_data_are_told_by_their_row(x, mixture, message):
    with pytest.raises(InputError, match=message):
        fit(CASES[mixture][0], x, rng=0, condense=True)


def test_settings_are_checked():
    with pytest.raises(InputError, match="condense is 'always'"):
        fit(CASES["known variance"][0], [0.0, 1.0], rng=0, condense="always")
    with pytest.raises(InputError, match="condense_tolerance"):
        fit(CASES["known variance"][0], [0.0, 1.0], rng=0, condense_tolerance=-1.0)
