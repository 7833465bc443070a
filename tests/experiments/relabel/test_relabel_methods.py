"""Every relabelling method: known exchanges undone, ambiguity told, invariants kept."""

from itertools import permutations

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import linear_sum_assignment

from experiments.posterior.draws import as_arrays, as_tree, sorted_location
from experiments.relabel import METHODS, allocation_probabilities, match, matching, pivot_of, relabel
from hand_cavi import log_joint
from tests.experiments.family_cases import FAMILIES
from tests.experiments.relabel.cases import apart, overlapping, same_up_to_one_exchange, switched


@pytest.mark.parametrize("n_components", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_known_exchanges_are_undone(method, family, n_components):
    if (method, family) == ("ordering", "dirichlet_categorical"):
        pytest.skip("no single probability tells these components apart")
    problem, draws = apart(family, n_components)
    out = relabel(as_tree(switched(draws, 1)), method, problem=problem)
    assert same_up_to_one_exchange(draws, as_arrays(out))
    assert out.attrs["ambiguous_share"] == 0
    assert out.attrs["relabel_method"] == method and out.attrs["relabel_converged"] == 1
    assert not as_arrays(out, "sample_stats")["ambiguous"].any()


@pytest.mark.parametrize("method", METHODS)
def test_the_share_of_ambiguous_draws_grows_with_overlap(method):
    shares = []
    for distance in (6.0, 2.0, 1.0, 0.0):
        problem, draws = overlapping(distance)
        out = relabel(as_tree(switched(draws, 2)), method, problem=problem)
        shares.append(out.attrs["ambiguous_share"])
    assert shares[0] == 0 and shares[-1] > 0.5
    assert shares == sorted(shares)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("pivotal", "ordering")])
def test_identical_components_are_ambiguous_in_every_draw(method):
    problem, draws = overlapping(0.0)
    alike = {"mu": np.repeat(draws["mu"][:, :1], 2, axis=1)}
    out = relabel(as_tree(alike), method, problem=problem)
    assert out.attrs["ambiguous_share"] == 1


@pytest.mark.parametrize("method", ["pivotal", "ordering"])
def test_parameters_alone_tell_of_overlap_too(method):
    """Two components with one distribution: most draws, if not all, are named by chance."""
    rng = np.random.default_rng(5)
    alike = as_tree({"mu": rng.standard_normal((2000, 2, 1))})
    options = {"pivot": 0} if method == "pivotal" else {}
    assert relabel(alike, method, **options).attrs["ambiguous_share"] > 0.6


@pytest.mark.parametrize("method", METHODS)
def test_one_component_stays_as_it_is(method):
    problem, draws = apart("normal_gamma", 1)
    out = relabel(as_tree(draws), method, problem=problem)
    assert out.attrs["ambiguous_share"] == 0
    for name, values in as_arrays(out).items():
        assert np.array_equal(values, draws[name])


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_names_changes(method):
    """Sorted means and the log joint, draw by draw, also where names are a matter of chance."""
    problem, draws = overlapping(1.0)
    tree = as_tree(switched(draws, 3))
    out = relabel(tree, method, problem=problem)
    assert np.array_equal(sorted_location(out), sorted_location(tree))
    before, after = (log_joint(problem.mixture, problem.x, as_arrays(one)) for one in (tree, out))
    np.testing.assert_allclose(after, before, rtol=1e-12)


@pytest.mark.parametrize("distance", [6.0, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_relabelling_twice_changes_nothing(method, distance):
    problem, draws = overlapping(distance)
    once = relabel(as_tree(switched(draws, 4)), method, problem=problem)
    twice = relabel(once, method, problem=problem)
    assert np.array_equal(as_arrays(twice)["mu"], as_arrays(once)["mu"])
    assert np.array_equal(as_arrays(twice, "sample_stats")["naming"], np.tile([0, 1], (400, 1)))


@pytest.mark.parametrize("distance", [6.0, 1.0])
@pytest.mark.parametrize("method", [name for name in METHODS if not name.startswith("ecr")])
def test_the_names_of_the_draws_that_come_in_do_not_matter(method, distance):
    """Up to one exchange for all. ECR counts points, and so has ties, which the order of names breaks."""
    problem, draws = overlapping(distance)
    first, second = (
        as_arrays(relabel(as_tree(switched(draws, seed)), method, problem=problem)) for seed in (5, 6)
    )
    assert same_up_to_one_exchange(first, second)


@pytest.mark.parametrize("method", ["allocation", "stephens", "ecr", "ecr_iterative", "data_based"])
def test_a_pivot_gives_the_names(method):
    problem, draws = apart("normal_known_variance", 4)
    pivot = pivot_of(problem, as_tree(draws))[:, [2, 0, 3, 1]]
    as_numbers = pivot.argmax(axis=1)
    for given in (pivot, as_numbers):
        out = as_arrays(relabel(as_tree(switched(draws, 7)), method, problem=problem, pivot=given))
        assert np.array_equal(out["mu"], draws["mu"][:, [2, 0, 3, 1]])


@pytest.mark.parametrize(
    "method", ["allocation", "stephens", "ecr", "ecr_iterative", "data_based", "pivotal"]
)
def test_a_draw_can_be_the_pivot(method):
    problem, draws = apart("gamma_poisson", 3)
    mixed = switched(draws, 8)
    out = relabel(as_tree(mixed), method, problem=problem, pivot=17)
    assert np.array_equal(as_arrays(out, "sample_stats")["naming"][17], [0, 1, 2])
    assert np.array_equal(as_arrays(out)["rate"][17], mixed["rate"][17])


# Stephens


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    return sum(
        p[i, k] * np.log(p[i, k] / q[i, k]) for i in range(len(p)) for k in range(p.shape[1]) if p[i, k] > 0
    )


def stephens_by_all_permutations(p: np.ndarray, start: np.ndarray) -> tuple[list[tuple[int, ...]], int]:
    """Stephens' algorithm 2 in words: every permutation of every draw is tried, until none changes."""
    orders, q, rounds = None, start, 0
    while True:
        new = [
            min(permutations(range(p.shape[2])), key=lambda order, one=one: divergence(one[:, order], q))
            for one in p
        ]
        rounds += 1
        if new == orders:
            return orders, rounds
        orders = new
        q = np.mean([one[:, order] for one, order in zip(p, orders, strict=True)], axis=0)


@pytest.mark.parametrize("n_components", [2, 3, 4])
def test_stephens_against_all_permutations(n_components):
    rng = np.random.default_rng(n_components)
    centre = rng.dirichlet(np.full(n_components, 0.5), size=12)
    noisy = centre * np.exp(0.8 * rng.standard_normal((25, 12, n_components)))
    order = rng.permuted(np.tile(np.arange(n_components), (25, 1)), axis=1)
    p = np.take_along_axis(noisy / noisy.sum(axis=2, keepdims=True), order[:, np.newaxis, :], axis=2)
    expected, rounds = stephens_by_all_permutations(p, np.maximum(p[0], 1e-6))
    exchange = np.argsort(expected[0])  # the first draw keeps its names
    out = relabel(as_tree({"mu": order[:, :, np.newaxis] + 0.0}), "stephens", allocations=p[np.newaxis])
    naming = as_arrays(out, "sample_stats")["naming"]
    assert np.array_equal(naming, np.array(expected)[:, exchange])
    assert out.attrs["relabel_iterations"] == rounds and out.attrs["relabel_converged"] == 1


def test_stephens_ends_where_no_draw_gains_by_another_naming():
    problem, draws = overlapping(1.5)
    out = relabel(as_tree(switched(draws, 9)), "stephens", problem=problem)
    p = allocation_probabilities(problem, as_arrays(out))
    q = p.mean(axis=0)
    own = np.sum(p * np.log(p / q), axis=(1, 2))
    other = np.sum(p[:, :, ::-1] * np.log(p[:, :, ::-1] / q), axis=(1, 2))
    assert (own <= other + 1e-9).all()
    expected = np.abs(other - own) < np.log(20)
    assert np.array_equal(as_arrays(out, "sample_stats")["ambiguous"], expected)


def test_iterations_can_run_out():
    problem, draws = overlapping(1.0)
    out = relabel(as_tree(switched(draws, 9)), "stephens", problem=problem, max_iterations=1)
    assert (out.attrs["relabel_iterations"], out.attrs["relabel_converged"]) == (1, 0)


# the assignment, and ECR by hand


@pytest.mark.parametrize("n_components", [2, 5, 6])
def test_both_ways_of_matching_agree_with_scipy(n_components):
    costs = np.random.default_rng(n_components).normal(size=(50, n_components, n_components))
    naming, margin = match(costs)
    for s, cost in enumerate(costs):
        assert np.array_equal(naming[s], linear_sum_assignment(cost)[1])
    slow_naming, slow_margin = matching._by_assignment(costs)
    fast_naming, fast_margin = matching._by_enumeration(costs)
    assert np.array_equal(slow_naming, fast_naming)
    np.testing.assert_allclose(slow_margin, fast_margin, atol=1e-10)
    np.testing.assert_allclose(margin, fast_margin, atol=1e-10)


def test_ecr_by_hand():
    """Pivot 0 0 1 1 2; z = 2 2 0 1 1 agrees best when 2 is called 0, 0 is called 1 and 1 is called 2."""
    tree = as_tree({"mu": np.array([[[10.0], [20.0], [30.0]]])})
    out = relabel(tree, "ecr", allocations=np.array([[[2, 2, 0, 1, 1]]]), pivot=np.array([0, 0, 1, 1, 2]))
    assert as_arrays(out)["mu"][0, :, 0].tolist() == [30.0, 10.0, 20.0]


def test_ecr_takes_the_most_frequent_allocations():
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1, 2], 10)
    z = np.where(rng.random((200, 30)) < 0.2, rng.integers(3, size=(200, 30)), truth)
    z[0] = np.roll(truth, 4)  # a first draw that is a bad pivot
    order = rng.permuted(np.tile(np.arange(3), (200, 1)), axis=1)
    mixed = np.take_along_axis(np.argsort(order, axis=1), z, axis=1)
    tree = as_tree({"mu": order[:, :, np.newaxis] + 0.0})
    out = relabel(
        tree, "ecr_iterative", allocations=xr.DataArray(mixed[np.newaxis], dims=("chain", "draw", "i"))
    )
    mu = as_arrays(out)["mu"][1:, :, 0]
    assert (mu == mu[0]).all() and out.attrs["relabel_converged"] == 1


def test_data_based_names_go_by_centres_and_scales():
    """Two components with one centre and different widths: only the scale tells them apart."""
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(0, 0.5, 60), rng.normal(0, 5, 60)])
    z = np.where(rng.random((100, 120)) < 0.1, 1, 0) ^ (np.arange(120) >= 60)
    order = rng.permuted(np.tile([0, 1], (100, 1)), axis=1)
    mixed = np.take_along_axis(np.argsort(order, axis=1), z, axis=1)
    tree = as_tree({"mu": order[:, :, np.newaxis] + 0.0})
    out = relabel(tree, "data_based", allocations=mixed[np.newaxis], data=x)
    mu = as_arrays(out)["mu"][:, :, 0]
    assert (mu == mu[0]).all()
