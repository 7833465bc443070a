"""Relabelling recovers permutations that the test made, and says when it cannot."""

from itertools import permutations

import numpy as np
import pytest
import xarray as xr

from experiments.posterior.draws import as_arrays, as_chains, as_tree
from experiments.records import Draws, Problem
from experiments.relabel import AMBIGUOUS_BELOW, allocation_probabilities, match, pivot_of, relabel
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance
from ppl_baselines.draws import to_datatree
from tests.experiments.relabel.cases import switched


def problem_of(x: np.ndarray, n_components: int, weight: np.ndarray | None = None) -> Problem:
    return Problem(
        Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components), x.reshape(len(x), -1), weight
    )


def clusters(
    rng: np.random.Generator, centres: np.ndarray, n_points: int, n_draws: int
) -> tuple[np.ndarray, Draws]:
    c = rng.integers(len(centres), size=n_points)
    x = centres[c] + rng.standard_normal((n_points, centres.shape[1]))
    return x, {"mu": centres + 0.1 * rng.standard_normal((n_draws, *centres.shape))}


def test_components_told_apart_by_few_points() -> None:
    """A cluster of 2 points among 200: the naming weighs it by its evidence, not by its size."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(0, 1, 198), [30.0, 30.5]])
    centres = np.array([[-0.5], [0.5], [30.0]])
    draws = {"mu": centres + 0.05 * rng.standard_normal((100, 3, 1))}
    problem = problem_of(x, 3)
    pivot = allocation_probabilities(problem, {"mu": centres[np.newaxis]})[0]
    out = relabel(as_tree(switched(draws, 1)), problem=problem, pivot=pivot)
    assert np.array_equal(as_arrays(out)["mu"], draws["mu"])


def test_equal_components_are_ambiguous() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=100)
    problem = problem_of(x, 2)
    draws = {"mu": 0.001 * rng.standard_normal((50, 2, 1))}
    apart = allocation_probabilities(problem, {"mu": np.array([[[-1.0], [1.0]]])})[0]
    out = relabel(as_tree(draws), problem=problem, pivot=apart)
    assert out.attrs["ambiguous_share"] == 1


def test_matching_against_all_permutations() -> None:
    rng = np.random.default_rng(4)
    costs = rng.normal(size=(100, 4, 4)) * 5
    naming, margin = match(costs)
    orders = [np.array(order) for order in permutations(range(4))]
    names = np.arange(4)
    every = np.sort(np.stack([costs[:, names, order].sum(axis=1) for order in orders]), axis=0)
    found = np.take_along_axis(costs, naming[:, :, np.newaxis], axis=2)[:, :, 0].sum(axis=1)
    assert found == pytest.approx(every[0])
    assert margin == pytest.approx(every[1] - every[0])
    assert np.array_equal(np.sort(naming, axis=1), np.tile(names, (100, 1)))


def test_the_margin_is_the_log_odds_of_the_two_namings() -> None:
    """Two points, two components, by hand: cost = - sum_i p_ik ln pivot_ij."""
    p, pivot = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.7, 0.3], [0.4, 0.6]])
    cost = -np.log(pivot).T @ p
    _, margin = match(cost[np.newaxis])
    by_hand = (cost[0, 1] + cost[1, 0]) - (cost[0, 0] + cost[1, 1])
    assert margin[0] == pytest.approx(by_hand)
    assert AMBIGUOUS_BELOW == pytest.approx(np.log(20))


def test_allocation_probabilities_equal_bayes_rule() -> None:
    rng = np.random.default_rng(5)
    x, mu = rng.normal(size=(30, 2)) * 3 + 50, rng.normal(size=(7, 3, 2)) * 3 + 50
    square = ((x[np.newaxis, :, np.newaxis] - mu[:, np.newaxis]) ** 2).sum(axis=-1)
    density = np.exp(-square / 2)
    by_hand = density / density.sum(axis=2, keepdims=True)
    assert allocation_probabilities(problem_of(x, 3), {"mu": mu}) == pytest.approx(by_hand, abs=1e-10)


def test_the_best_draw_is_the_most_probable() -> None:
    x = np.array([-2.0, 2.0])
    mu = np.array([[[9.0], [9.0]], [[-2.0], [2.0]], [[0.0], [0.0]]])
    problem = problem_of(x, 2)
    assert np.array_equal(
        pivot_of(problem, as_tree({"mu": mu})), allocation_probabilities(problem, {"mu": mu[[1]]})[0]
    )


def test_chains_statistics_and_other_variables_stay() -> None:
    rng = np.random.default_rng(6)
    centres = np.array([[-4.0], [4.0]])
    x, draws = clusters(rng, centres, 100, 60)
    mixed = switched(draws, 1)["mu"].reshape(3, 20, 2, 1)
    energy = rng.normal(size=(3, 20))
    tree = to_datatree({"mu": mixed}, sample_stats={"energy": energy}, attributes={"sampler": "nuts"})
    tree["posterior"]["concentration"] = xr.DataArray(rng.normal(size=(3, 20)), dims=("chain", "draw"))
    before = as_chains(tree)["mu"].copy()
    problem = problem_of(x, 2)
    out = relabel(
        tree, problem=problem, pivot=allocation_probabilities(problem, {"mu": centres[np.newaxis]})[0]
    )
    assert np.array_equal(as_chains(out)["mu"], draws["mu"].reshape(3, 20, 2, 1))
    assert np.array_equal(as_chains(tree)["mu"], before)
    assert "ambiguous" not in tree["sample_stats"]
    assert np.array_equal(as_chains(out, "sample_stats")["energy"], energy)
    assert np.array_equal(as_chains(out)["concentration"], as_chains(tree)["concentration"])
    assert out["posterior"].attrs["sampler"] == "nuts"


def test_many_points_are_thinned_and_weights_count() -> None:
    rng = np.random.default_rng(7)
    centres = np.array([[-4.0], [4.0]])
    x, draws = clusters(rng, centres, 5000, 20)
    problem = problem_of(x, 2, rng.random(5000))
    pivot = allocation_probabilities(problem, {"mu": centres[np.newaxis]})[0]
    out = relabel(as_tree(switched(draws, 1)), problem=problem, pivot=pivot)
    assert np.array_equal(as_arrays(out)["mu"], draws["mu"])


def test_bad_requests_get_one_sentence() -> None:
    tree = as_tree({"mu": np.zeros((3, 2, 1))})
    with pytest.raises(InputError, match="relabelling method 'magic' is unknown"):
        relabel(tree, "magic", problem=problem_of(np.zeros(4), 2))
    with pytest.raises(InputError, match=r"4 points and 2 components need \(4, 2\)"):
        relabel(tree, problem=problem_of(np.zeros(4), 2), pivot=np.ones((4, 3)))
    with pytest.raises(InputError, match="not finite"):
        relabel(as_tree({"mu": np.full((3, 2, 1), np.nan)}), problem=problem_of(np.zeros(4), 2))
