"""Uniform places pass at the stated rate, known misfits are named, and the bands hold what they promise."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom, multivariate_normal

from experiments.calibration import effects, verdict
from experiments.calibration.ranks import ranks_among, thinned
from experiments.config.options import CalibrationOptions
from experiments.posterior import bands
from experiments.records.calibration import CALIBRATED, UNDECIDED

OPTIONS = CalibrationOptions()


# ---- bands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "level"), [(20, 0.95), (100, 0.95), (300, 0.9)])
def test_the_band_holds_its_level_over_simulated_places(n: int, level: float) -> None:
    rng = np.random.default_rng(1)
    bounds = bands.band(n, level)
    counts = np.array([np.searchsorted(np.sort(rng.random(n)), bounds.grid) for _ in range(4000)])
    inside = ((counts >= bounds.lower) & (counts <= bounds.upper)).all(axis=1).mean()
    noise = np.sqrt(bounds.level * (1 - bounds.level) / 4000)
    assert level <= bounds.level < level + 0.02
    assert abs(inside - bounds.level) < 3.5 * noise  # false alarm below 0.0005 each


def test_staying_inside_agrees_with_adding_up_all_cases() -> None:
    grid, lower, upper = np.array([0.3, 0.7]), np.array([1, 2]), np.array([3, 4])
    n, total = 5, 0.0
    for first in range(1, 4):
        for second in range(max(first, 2), 5):
            rest = binom.pmf(second - first, n - first, 0.4 / 0.7)
            total += binom.pmf(first, n, 0.3) * rest
    assert bands.stays_inside(n, grid, lower, upper) == pytest.approx(total, abs=1e-14)


def test_p_values_of_uniform_places_are_uniform_below() -> None:
    rng = np.random.default_rng(2)
    p = np.array([bands.p_value(rng.random(30)) for _ in range(500)])
    symmetric = np.array([effects.symmetry_p_value(rng.random(50)) for _ in range(500)])
    for level in (0.02, 0.1, 0.5):
        limit = level + 3.5 * np.sqrt(level * (1 - level) / 500)
        assert (p <= level).mean() < limit and (symmetric <= level).mean() < limit
    assert (p <= 0.1).mean() > 0.05  # and not needlessly cautious


def test_a_band_and_the_p_value_agree_on_who_is_outside() -> None:
    rng = np.random.default_rng(3)
    bounds = bands.band(80, 0.9)
    for _ in range(30):
        places = rng.beta(1.2, 1.0, size=80)
        counts = np.searchsorted(np.sort(places), bounds.grid, side="right")
        outside = bool(((counts < bounds.lower) | (counts > bounds.upper)).any())
        assert outside == (bands.p_value(places) <= 1 - bounds.level + 1e-12)


def test_the_walk_stays_within_as_counted() -> None:
    steps = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    furthest = np.abs(np.cumsum(steps, axis=0)).max(axis=0)
    for distance in range(9):
        assert effects.walk_stays_within(8, distance) == pytest.approx((furthest <= distance).mean())


# ---- effects -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "width"), [(0.0, 1.0), (0.5, 1.0), (0.0, 2.0), (-0.7, 0.5), (0.4, 1.6)])
def test_shift_and_width_are_those_of_a_normal_truth(shift: float, width: float) -> None:
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    from scipy.special import ndtri

    found = effects.shift_and_width(ndtr(shift + width * ndtri(quantiles)), 0.01)
    assert found[0].value == pytest.approx(shift, abs=2e-4)
    assert found[1].value == pytest.approx(width, abs=2e-4)


def test_the_formula_for_the_spread_is_the_bivariate_normals() -> None:
    """E[Phi(z)^2] = P(both of two standard normals below z), by scipy's other routine."""
    shift, width = 0.3, 1.4
    a, rho = shift / np.sqrt(1 + width**2), width**2 / (1 + width**2)
    square = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([a, a])
    spread = square - ndtr(a) + 0.25
    assert effects._width(float(ndtr(a)), float(spread)) == pytest.approx(width, abs=1e-4)


def test_coverage_counts_central_intervals() -> None:
    places = (np.arange(1000) + 0.5) / 1000
    assert [c.share for c in effects.coverage(places)] == pytest.approx(list(effects.LEVELS), abs=0.002)
    assert all(c.low < c.share < c.high for c in effects.coverage(places))


# ---- places --------------------------------------------------------------------------------------


def test_places_of_exact_draws_are_uniform_for_discrete_and_continuous_quantities() -> None:
    rng = np.random.default_rng(4)
    places = []
    for _ in range(2000):  # a continuous, a binary, a constant and a mixed quantity, 7 draws each
        z = rng.standard_normal(8)
        values = np.stack([z, z > 1.0, np.ones(8), np.maximum(z, 0.0)], axis=1).astype(float)
        places.append(ranks_among(values[0], values[1:], rng))
    for column in np.array(places).T:
        assert bands.p_value(column) > 1e-3 / 4
        assert 0 < column.min() and column.max() < 1


def test_chains_are_thinned_to_their_effective_sample_size() -> None:
    rng = np.random.default_rng(5)
    slow = np.empty((2, 2000, 1))
    slow[:, 0] = rng.standard_normal((2, 1))
    for i in range(1, 2000):  # an autoregression whose draws are worth a 19th each
        slow[:, i] = 0.9 * slow[:, i - 1] + np.sqrt(1 - 0.81) * rng.standard_normal((2, 1))
    assert 120 < len(thinned(slow, 1000)) < 330
    quick = rng.standard_normal((2, 2000, 1))
    assert len(thinned(quick, 200)) == 200
    assert len(thinned(np.concatenate([quick, slow], axis=2), 1000)) < 330
    assert len(thinned(np.ones((2, 50, 1)), 20)) == 20
    assert len(thinned(rng.standard_normal((3, 2, 1)), 4)) == 3


# ---- verdicts ------------------------------------------------------------------------------------


def judged(places: np.ndarray, n_quantities: int = 5) -> str:
    level = verdict.test_level(OPTIONS, n_quantities)
    return verdict.quantity_result("f", places, level, OPTIONS).decision


def test_uniform_places_are_flagged_no_more_often_than_stated() -> None:
    """200 exact methods of 3 quantities: at most 1 % of them flagged; 9 or more by chance, 0.0002."""
    rng = np.random.default_rng(6)
    flagged = 0
    for _ in range(200):
        decisions = [judged(rng.random(60), 3) for _ in range(3)]
        flagged += any(d not in (CALIBRATED, UNDECIDED) for d in decisions)
    assert flagged <= 8


def test_uniform_places_are_calibrated_given_enough_replicates() -> None:
    rng = np.random.default_rng(7)
    assert [judged(rng.random(1000)) for _ in range(10)] == [CALIBRATED] * 10
    few = verdict.quantity_result("f", rng.random(60), 1e-3, OPTIONS)
    assert few.decision == UNDECIDED and few.needs is not None and 60 < few.needs < 2000


@pytest.mark.parametrize(
    ("shift", "width", "decision"),
    [
        (0.0, 1.6, "over-confident"),
        (0.0, 0.6, "under-confident"),
        (0.6, 1.0, "biased"),
        (-0.6, 1.0, "biased"),
    ],
)
def test_a_normal_posterior_that_is_off_is_named(shift: float, width: float, decision: str) -> None:
    rng = np.random.default_rng(8)
    for _ in range(8):
        assert judged(ndtr(shift + width * rng.standard_normal(400))) == decision


def test_a_method_beyond_the_margins_is_hardly_ever_called_calibrated() -> None:
    """Just beyond the margin: 1 % at most; 5 or more of 100 by chance, 0.003."""
    rng = np.random.default_rng(9)
    shifted = [judged(ndtr(0.26 + rng.standard_normal(500))) for _ in range(50)]
    narrow = [judged(ndtr(1.26 * rng.standard_normal(500))) for _ in range(50)]
    assert (shifted + narrow).count(CALIBRATED) <= 4


def test_a_shape_that_is_neither_shift_nor_width_is_found() -> None:
    """Places in two clumps with a uniform's mean and spread about 1/2: only the band sees it."""
    rng = np.random.default_rng(10)
    half = 1 / np.sqrt(12)
    places = 0.5 + rng.choice([-1, 1], 600) * (half + 0.02 * rng.standard_normal(600))
    assert judged(places) == "wrong shape"


def test_sentences() -> None:
    rng = np.random.default_rng(11)
    level = verdict.test_level(OPTIONS, 2)
    wide = verdict.quantity_result("sorted mean 1", ndtr(2 * rng.standard_normal(500)), level, OPTIONS)
    good = verdict.quantity_result("log joint", rng.random(1000), level, OPTIONS)
    few = verdict.quantity_result("log joint", rng.random(30), level, OPTIONS)
    assert verdict.sentence_of("cavi", [wide, good]).startswith(
        "CAVI is not calibrated: sorted mean 1 (too narrow). Of sorted mean 1, its 95 % intervals held"
    )
    assert verdict.decision_of([wide, good]) == "over-confident"
    assert verdict.decision_of([good, few]) == UNDECIDED
    assert "replicates would decide" in verdict.sentence_of("nuts", [good, few])
    assert verdict.sentence_of("nuts", [good]).startswith("NUTS is calibrated")
    assert verdict.decision_of([]) == UNDECIDED
    assert "nothing can be said" in verdict.sentence_of("nuts", [])
