"""Posterior predictive checks: rarely wrong about a right model, and they see what does not fit."""

import re
from itertools import product

import numpy as np
import pytest
from scipy.stats import multinomial, norm

from experiments.datasets import galaxies
from experiments.methods.prior_draws import prior_draws
from experiments.posterior import predictive_checks
from experiments.posterior.bands import p_of_counts, stays_inside
from experiments.posterior.predictive_checks import DENSITY, EACH, LEVEL, PAIRS, compare, data_fit, points_of
from experiments.records import Condensation, Draws, Measurement, Problem
from experiments.verdict.fit_to_data import fits, p_values
from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)
from tests.experiments.family_cases import FAMILIES, PRIORS

NORMALS = NormalGamma(0.0, 0.01, 1.5, 1.0)


def checked(components, x, n_components=1, weights=None, rng=1, **more) -> Measurement:
    """Fit by CAVI, and hold the fit against the data."""
    x = np.asarray(x, dtype=float).reshape(len(x), -1)
    mixture = Mixture(components, weights or DirichletWeights(1.0), n_components)
    found = fit(mixture, x, rng=rng, starts=5)
    return data_fit(Problem(mixture, x, **more), found.sample(rng, 300), np.random.default_rng(rng))


def truth_of(family: str, rng: np.random.Generator) -> tuple[Mixture, Draws]:
    """Return a mixture of two components with two features, and one draw of its parameters."""
    mixture = Mixture(PRIORS[family], DirichletWeights(3.0), 2)
    return mixture, {name: values[0] for name, values in prior_draws(mixture, 2, rng, 1, 1).items()}


def simulated(mixture: Mixture, theta: Draws, rng: np.random.Generator, n: int) -> np.ndarray:
    parameters = {name: values[0] for name, values in theta.items() if name != "weights"}
    return mixture.components.sample_data(rng, parameters, rng.choice(2, n, p=theta["weights"][0]))


# ---- the arithmetic


def test_the_chance_to_stay_inside_is_exact_on_an_uneven_grid():
    """By enumeration of the counts in each interval."""
    n, grid = 5, np.array([0.07, 0.4, 0.85])
    lower, upper = np.array([0, 1, 3]), np.array([1, 4, 5])
    shares, total = np.diff(grid, prepend=0.0, append=1.0), 0.0
    for cells in product(range(n + 1), repeat=4):
        below = np.cumsum(cells)
        if below[-1] == n and (lower <= below[:3]).all() and (below[:3] <= upper).all():
            total += multinomial.pmf(cells, n, shares)
    assert stays_inside(n, grid, lower, upper) == pytest.approx(total, rel=1e-12)
    assert p_of_counts(np.array([0, 2, 4]), n, grid) == pytest.approx(1.0)


def test_a_tail_that_underflows_is_a_small_p_and_no_error():
    """Of 300 points 200 lie up to each place: binomial tails down to 3e-319 are below what scipy inverts."""
    grid = np.arange(1, 100) / 100
    assert p_of_counts(np.full(99, 200), 300, grid) < 1e-12
    assert p_of_counts(np.full(99, 300), 300, grid) < 1e-12


def test_expected_shares_are_the_mixtures_distribution_function():
    """100,000 new points: five standard errors of a share; false alarm below 1e-4 over 99 places."""
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
    problem, draws = (
        Problem(mixture, np.zeros((50, 1)) + np.arange(50)[:, None]),
        {"mu": np.array([[[-1.0], [2.0]]])},
    )
    (one,) = compare(problem, draws, np.random.default_rng(0))
    new = predictive_checks.sample_predictive(problem, draws, np.random.default_rng(0), 100_000)
    z = np.sort(new[:, 0])[(one.expected * 100_000).round().astype(int) - 1]
    truth = (norm.cdf(z, -1) + norm.cdf(z, 2)) / 2
    assert np.abs(truth - one.expected).max() < 5 * np.sqrt(0.25 / 100_000)
    assert one.n == 50 and one.kind == EACH


# ---- a right model is rarely criticised


@pytest.mark.parametrize("family", FAMILIES)
def test_the_true_parameters_are_criticised_as_often_as_stated(family, monkeypatch):
    """With theta known the p-value of each kind is (at most) uniform: P(p < 0.1) <= 0.1, of discrete g less.

    100 data sets: the test fails above 0.1 + 4.5 errors = 0.235 (false alarm below 1e-4).
    """
    monkeypatch.setattr(predictive_checks, "_NEW", 10_000)
    rng = np.random.default_rng(5)
    found = []
    for _ in range(100):
        mixture, theta = truth_of(family, rng)
        problem = Problem(mixture, simulated(mixture, theta, rng, 80))
        found.append(data_fit(problem, theta, rng).value)
    assert (np.mean(np.array(found) < 0.1, axis=0) < 0.235).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_right_model_that_was_fitted_is_rarely_criticised(family, monkeypatch):
    """At most 1 % of data sets, stated; of 20 more than 3 are wrong with a chance of 5e-5 at that rate."""
    monkeypatch.setattr(predictive_checks, "_NEW", 10_000)
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(20):
        mixture, theta = truth_of(family, rng)
        x = simulated(mixture, theta, rng, 80)
        wrong += not fits(checked(mixture.components, x, 2, rng=rng))
    assert wrong <= 3


# ---- what does not fit is seen, and said


def says(found: Measurement) -> str:
    assert not fits(found)
    assert min(p_values(found).values()) < 1e-4
    return found.note


def test_galaxies_under_two_equal_normals_of_unit_variance():
    """The mixture puts half of its points where 7 of the 82 are."""
    x = galaxies.load(galaxies.Settings(unit_km_s=1000.0, centre=20.0), np.random.default_rng(0)).x
    textbook = NormalKnownVariance(0.0, 100.0)
    said = says(checked(textbook, x, 2, FixedWeights()))
    assert re.fullmatch(r"8\.5 % of the points have x at most -\d\.\d+, where it says (49|50)\.0 %", said)
    assert fits(checked(NORMALS, x, 3))  # of free variances and weights nothing is to be complained of


def test_over_dispersed_counts_under_one_poisson():
    counts = np.random.default_rng(2).negative_binomial(2, 0.3, 300)
    assert "of the points have x at most" in says(checked(GammaPoisson(1.0, 0.2), counts))
    assert fits(checked(GammaPoisson(1.0, 0.2), counts, 3))


def test_skewed_data_under_one_normal():
    x = np.random.default_rng(3).gamma(1.5, 1.0, 300)
    assert "of the points have x at most" in says(checked(NORMALS, x))
    assert fits(checked(NORMALS, x, 5))


def test_correlated_features_under_normals_that_have_none():
    """Each feature by itself fits: only the pair tells."""
    x = np.random.default_rng(4).standard_normal((400, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    found = checked(NormalGamma([0.0, 0.0], 0.01, 1.5, [1.0, 1.0]), x)
    assert "the correlation of feature 1 and feature 2 is 0.8" in says(found)
    assert p_values(found)[EACH] > 0.05 > p_values(found)[PAIRS]
    assert fits(checked(NormalWishart([0.0, 0.0], 0.01, 4.0, np.eye(2)), x))


def test_a_ring_under_one_normal_is_seen_by_its_density():
    rng = np.random.default_rng(5)
    angle = rng.uniform(0, 2 * np.pi, 400)
    x = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.standard_normal((400, 2))
    found = checked(NormalWishart([0.0, 0.0], 0.01, 4.0, np.eye(2)), x)
    assert p_values(found)[DENSITY] < 1e-4 and not fits(found)


def test_dependent_answers_under_one_class():
    rng = np.random.default_rng(6)
    class_of = rng.integers(0, 2, 400)[:, np.newaxis]
    x = (rng.random((400, 3)) < np.where(class_of, 0.85, 0.15)).astype(float)
    answers = DirichletCategorical(np.ones((3, 2)))
    found = checked(answers, x)
    assert p_values(found)[EACH] > 0.5 and "have feature" in says(found)
    assert fits(checked(answers, x, 2))


# ---- what data may be like


def test_rounded_data_are_not_criticised_for_being_rounded():
    """2000 points rounded to half a standard deviation; new points are rounded alike, and were they not..."""
    x = np.rint(2 * np.random.default_rng(7).standard_normal(2000)) / 2
    assert fits(checked(NORMALS, x))
    bare = Problem(
        Mixture(NORMALS, FixedWeights(), 1), x[:, np.newaxis] + 1e-9 * np.arange(2000)[:, np.newaxis]
    )
    draws = {"mu": np.zeros((1, 1, 1)), "precision": np.ones((1, 1, 1))}
    assert not fits(data_fit(bare, draws, np.random.default_rng(1)))


def test_a_weight_is_how_often_a_point_stands_there():
    rng = np.random.default_rng(8)
    x = rng.poisson(4.0, 500).astype(float)[:, np.newaxis]
    values, counts = np.unique(x, axis=0, return_counts=True)
    mixture = Mixture(GammaPoisson(1.0, 0.2), FixedWeights(), 1)
    whole, weighted = Problem(mixture, x), Problem(mixture, values, counts.astype(float))
    np.testing.assert_array_equal(np.sort(points_of(whole, rng), axis=0), points_of(weighted, rng))
    draws = {"rate": np.full((1, 1, 1), 4.2)}
    none = Problem(mixture, values, np.full(len(values), 1e-3))
    assert data_fit(none, draws, rng).value is None


def test_nodes_that_stand_for_points_are_seen_through_their_histogram():
    counts, edges = np.histogram(np.random.default_rng(9).standard_normal(100_000), 1200)
    about = Condensation(100_000, False, 0.0, 0.0, 5, 0.0, edges, counts)
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1)
    nodes = Problem(mixture, np.array([[-1.0], [1.0]]), np.array([5e4, 5e4]), condensation=about)
    right, wrong = ({"mu": np.full((1, 1, 1), mean)} for mean in (0.0, 0.3))
    rng = np.random.default_rng(10)
    assert len(points_of(nodes, rng)) == predictive_checks.POINTS
    assert fits(data_fit(nodes, right, rng)) and not fits(data_fit(nodes, wrong, rng))


def test_the_smallest_data_have_a_figure():
    assert checked(NORMALS, [[0.5]]).value is None  # of one point nothing could be said
    for x in (np.ones((5, 1)), np.arange(5.0)[:, np.newaxis], np.zeros((30, 1))):
        found = checked(NORMALS, x)
        assert 0 <= min(p_values(found).values()) <= 1 and found.threshold.value == LEVEL
