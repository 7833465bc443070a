"""Predictive densities, total variation and held-out prediction against closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, poisson

from experiments.metrics.prediction import held_out
from experiments.posterior.draws import as_tree
from experiments.posterior.predictive import densities_of_chains, sample_predictive, thinned, total_variation
from experiments.records import MethodResult, Problem, Reference
from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
)
from tests.experiments.fitted import context_for


def one_normal(n_features: int = 1) -> Problem:
    """One component, so that the predictive of a fixed mu is N(mu, I)."""
    x = np.random.default_rng(0).standard_normal((20, n_features))
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1), x)


def always(centre: list[float], n: int = 200) -> xr.DataTree:
    return as_tree({"mu": np.tile(np.array(centre), (n, 1, 1))})


def normal_distance(gap: float, sd: float = 1.0) -> float:
    """TV of two normals of the same sd: 2 Phi(gap / (2 sd)) - 1."""
    return float(2 * norm.cdf(gap / (2 * sd)) - 1)


@pytest.mark.parametrize("gap", [0.01, 1.0, 6.0])
def test_two_normals_on_a_line(gap: float) -> None:
    found = total_variation(one_normal(), always([0.0]), always([gap]), rng=np.random.default_rng(1))
    assert found.value == pytest.approx(normal_distance(gap), abs=2e-4)
    assert found.standard_error < 1e-12  # all draws are equal
    assert found.noise_floor < 1e-12


def test_two_normals_in_the_plane() -> None:
    """By random points, within 4.5 standard errors: false alarm 7e-6."""
    found = total_variation(
        one_normal(2), always([0.0, 0.0]), always([0.8, 0.6]), rng=np.random.default_rng(2)
    )
    assert 0 < found.standard_error < 0.02
    assert abs(found.value - normal_distance(1.0)) < 4.5 * found.standard_error
    assert "random points" in found.how


def test_counts_and_categories_by_summing_over_all() -> None:
    counts = Problem(Mixture(GammaPoisson(1.0, 1.0), FixedWeights(), 1), np.arange(5.0)[:, np.newaxis])
    low, high = (as_tree({"rate": np.full((50, 1, 1), rate)}) for rate in (2.0, 3.0))
    k = np.arange(200)
    exact = np.abs(poisson.pmf(k, 2.0) - poisson.pmf(k, 3.0)).sum() / 2
    assert total_variation(counts, low, high, rng=np.random.default_rng(3)).value == pytest.approx(
        exact, abs=1e-9
    )

    codes = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    binary = Problem(Mixture(DirichletCategorical(np.ones((2, 2))), FixedWeights(), 1), codes)
    p, r = np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([[0.6, 0.4], [0.5, 0.5]])
    trees = (as_tree({"probability": np.tile(table, (50, 1, 1, 1))}) for table in (p, r))
    found = total_variation(binary, *trees, rng=np.random.default_rng(4))
    assert found.value == pytest.approx(0.3, abs=1e-12)
    assert found.how == "all 4 cells of categories"


def test_the_stated_errors_are_honest_and_the_noise_floor_is_the_noise() -> None:
    """mu ~ N(0, .5^2) against N(.5, .5^2): predictives N(0, 1.25), N(.5, 1.25). 120 replications.

    The z-scores' sd has error 0.065, and 4.5 of these are allowed; their mean, 0.09 and noise's small bias.
    Of equal posteriors, the distance is noise: its mean is that of the floor but for a factor.
    """
    rng, problem = np.random.default_rng(5), one_normal()
    exact = normal_distance(0.5, np.sqrt(1.25))

    def draws(centre: float, n: int) -> xr.DataTree:
        return as_tree({"mu": centre + 0.5 * rng.standard_normal((n, 1, 1))})

    z, alike, floors = [], [], []
    for repeat in range(120):
        sizes = (100, 1000) if repeat % 2 else (1000, 100)  # so that either side's error counts
        one, two = (draws(centre, n) for centre, n in zip((0.0, 0.5), sizes, strict=True))
        apart = total_variation(problem, one, two, rng=rng)
        z.append((apart.value - exact) / apart.standard_error)
        if repeat < 40:
            same = total_variation(problem, draws(0.5, 400), draws(0.5, 400), rng=rng)
            alike.append(same.value)
            floors.append(same.noise_floor)
    assert abs(np.std(z) - 1) < 4.5 / np.sqrt(240)
    assert abs(np.mean(z)) < 4.5 / np.sqrt(120) + 0.15
    assert 0.5 < np.mean(alike) / np.mean(floors) < 1.0  # halves are noisier by sqrt 2: 0.71


def test_the_density_of_a_mixture_and_of_its_samples() -> None:
    """Two normals with Dirichlet weights, by hand; and the sample's histogram against the density."""
    x = np.array([[-1.0], [0.5], [2.0]])
    problem = Problem(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2), x)
    rng = np.random.default_rng(6)
    draws = {
        "mu": rng.normal([[-2.0], [2.0]], 0.3, (300, 2, 1)),
        "precision": rng.gamma(8.0, 0.25, (300, 2, 1)),
        "weights": rng.dirichlet([3.0, 5.0], 300),
    }
    y = np.array([-2.0, 0.0, 1.7])
    by_hand = np.einsum(
        "sk,skg->sg", draws["weights"], norm.pdf(y, draws["mu"], 1 / np.sqrt(draws["precision"]))
    )
    density = densities_of_chains(problem, y[:, np.newaxis], thinned(as_tree(draws)))
    assert density[0] == pytest.approx(by_hand, rel=1e-10)
    sample = sample_predictive(problem, draws, rng, 20_000)[:, 0]
    edges = np.linspace(-6, 6, 25)
    cdf = np.einsum(
        "sk,ske->e", draws["weights"], norm.cdf(edges, draws["mu"], 1 / np.sqrt(draws["precision"]))
    ) / len(draws["mu"])
    share, expected = np.histogram(sample, edges)[0] / len(sample), np.diff(cdf)
    assert np.all(np.abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / len(sample)) + 1e-4)


def test_held_out_prediction_of_a_shifted_normal() -> None:
    """E log N(y; .3, 1) - log N(y; 0, 1) = -.3^2/2 for y ~ N(0, 1), within 4.5 standard errors.

    From the truth where a simulation tells it in full; else from the reference, which is the same here.
    """
    x = np.random.default_rng(7).standard_normal((100, 1))
    truth = {"mu": np.zeros((1, 1)), "weights": np.ones(1), "assignments": np.zeros(100, dtype=int)}
    for told, said in ((truth, "simulated from the truth"), ({}, "the reference's own prediction")):
        problem = Problem(one_normal().mixture, x, None, told)
        reference = Reference("enumeration", True, "", always([0.0]))
        found = held_out(context_for(problem, MethodResult("", "", 0, 0, always([0.3])), reference))
        assert isinstance(found.value, float) and isinstance(found.standard_error, float)
        assert 0.004 < found.standard_error < 0.01
        assert abs(found.value + 0.045) < 4.5 * found.standard_error
        assert said in found.note


def test_a_truth_that_did_not_make_the_data_is_not_used() -> None:
    x = 3 * np.random.default_rng(8).standard_normal((100, 1))  # the model's noise has sd 1
    truth = {"mu": np.zeros((1, 1)), "weights": np.ones(1), "assignments": np.zeros(100, dtype=int)}
    problem = Problem(one_normal().mixture, x, None, truth)
    reference = Reference("enumeration", True, "", always([0.0]))
    context = context_for(problem, MethodResult("", "", 0, 0, always([0.0])), reference)
    assert "the reference's" in held_out(context).note
