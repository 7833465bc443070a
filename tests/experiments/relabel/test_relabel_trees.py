"""Relabelling trees that no problem of ours stands behind; two pivots compared; bad input."""

import re
from dataclasses import replace
from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

from experiments.metrics import Context
from experiments.metrics.allocation import pivot_dependence as metric
from experiments.posterior.draws import as_arrays, as_tree
from experiments.records import MethodResult, Problem, Reference
from experiments.relabel import METHODS, allocation_probabilities, pivot_dependence, pivot_of, relabel
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, fit
from tests.experiments.fitted import context_for
from tests.experiments.relabel.cases import apart, same_up_to_one_exchange, switched

DOCS = Path(__file__).parents[3] / "docs" / "relabelling.md"


def like_pymc(seed: int = 1, *, own_dims: bool = False) -> tuple[xr.DataTree, np.ndarray, np.ndarray]:
    """Return what PyMC gives for a mixture, the draws of mu as they should be, and p(c | y, theta)."""
    rng = np.random.default_rng(seed)
    truth = np.arange(90) % 3
    y = 5.0 * truth + rng.standard_normal(90)
    mu = np.array([0.0, 5.0, 10.0]) + 0.2 * rng.standard_normal((2, 50, 3))
    w = rng.dirichlet([30.0, 30.0, 30.0], size=(2, 50))
    sigma = rng.gamma(50.0, 0.02, size=(2, 50))
    order = rng.permuted(np.tile(np.arange(3), (2, 50, 1)), axis=2)
    mixed, mixed_w = (np.take_along_axis(values, order, axis=2) for values in (mu, w))
    density = mixed_w[:, :, None] * np.exp(-((y[:, None] - mixed[:, :, None]) ** 2) / 2)
    p = density / density.sum(axis=3, keepdims=True)
    z = np.argmax(p.cumsum(axis=3) > rng.random((2, 50, 90, 1)), axis=3)
    dims = {} if own_dims else {"mu": ["cluster"], "w": ["cluster"], "z": ["obs"], "p": ["obs", "cluster"]}
    tree = az.from_dict(
        {
            "posterior": {"mu": mixed, "w": mixed_w, "sigma": sigma, "z": z, "p": p},
            "sample_stats": {"lp": rng.standard_normal((2, 50))},
            "observed_data": {"y": y},
        },
        dims=dims,
    )
    return tree, mu, p


def undone(out: xr.DataTree, mu: np.ndarray) -> bool:
    return same_up_to_one_exchange({"mu": mu.reshape(-1, 3)}, {"mu": as_arrays(out)["mu"]})


@pytest.mark.parametrize("allocations", ["p", "z"])
@pytest.mark.parametrize("method", METHODS)
def test_a_tree_of_pymc_is_relabelled(method, allocations):
    tree, mu, _ = like_pymc()
    out = relabel(tree, method, allocations=allocations, component_dim="cluster")
    assert undone(out, mu)
    posterior, before = out["posterior"], tree["posterior"]
    assert list(posterior.data_vars) == list(before.data_vars)
    assert all(posterior[name].dims == before[name].dims for name in posterior.data_vars)
    assert np.array_equal(posterior["sigma"], before["sigma"])
    assert posterior.attrs == before.attrs and np.array_equal(
        out["observed_data"]["y"], tree["observed_data"]["y"]
    )
    # What was done can be done again by hand.
    naming = out["sample_stats"]["naming"]
    assert naming.dims == ("chain", "draw", "cluster")
    for name in ("mu", "w", "p"):
        by_hand = before[name].isel(cluster=naming).transpose(*before[name].dims)
        assert np.array_equal(by_hand, posterior[name])


@pytest.mark.parametrize("method", ["stephens", "ecr"])
def test_latent_allocations_get_the_new_names(method):
    tree, _, _ = like_pymc(2)
    out = relabel(tree, method, allocations="z", component_dim="cluster")
    mu, z, y = (
        np.asarray(group[name])
        for group, name in ((out["posterior"], "mu"), (out["posterior"], "z"), (out["observed_data"], "y"))
    )
    own = np.take_along_axis(mu, z, axis=2)  # where each point's component is
    assert np.abs(own - y).max() < 5
    assert out["posterior"]["z"].dtype == tree["posterior"]["z"].dtype
    assert (z == z[0, 0]).mean() > 0.95


def test_every_variable_may_have_its_own_dimension():
    tree, mu, p = like_pymc(own_dims=True)
    dims = ("mu_dim_0", "w_dim_0", "p_dim_1")
    assert undone(relabel(tree, "stephens", allocations="p", component_dim=dims), mu)
    out = relabel(tree, "ecr_iterative", allocations=p, component_dim=dims[:2])
    assert undone(out, mu)
    assert np.array_equal(out["posterior"]["p"], p)  # its dimension was not named


def test_a_dataarray_may_have_its_dimensions_in_any_order():
    tree, mu, _ = like_pymc()
    turned = tree["posterior"]["p"].transpose("cluster", "draw", "obs", "chain")
    assert undone(relabel(tree, "stephens", allocations=turned, component_dim="cluster"), mu)


def test_known_names_are_found_and_parameters_alone_may_do():
    tree, mu, _ = like_pymc()
    known = xr.DataTree.from_dict({"posterior": tree["posterior"].to_dataset().rename(z="assignments")})
    assert undone(relabel(known, "stephens", component_dim="cluster"), mu)
    alone = xr.DataTree.from_dict({"posterior": tree["posterior"].to_dataset().drop_vars(["z", "p"])})
    assert undone(relabel(alone, "ordering", component_dim="cluster"), mu)
    by_weight = relabel(alone, "ordering", component_dim="cluster", by="w")["posterior"]["w"]
    assert (by_weight.diff("cluster") >= 0).all()


def test_the_outcome_can_be_written(tmp_path):
    tree, _, _ = like_pymc()
    out = relabel(tree, "stephens", allocations="p", component_dim="cluster")
    out.to_netcdf(tmp_path / "named.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "named.nc", engine="h5netcdf") as back:
        assert back.attrs["relabel_converged"] == 1 and back.attrs["relabel_method"] == "stephens"
        assert np.array_equal(back["sample_stats"]["naming"], out["sample_stats"]["naming"])


def test_the_example_in_the_docs_does_what_it_says(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)
    found: dict = {}
    exec(compile(code, DOCS.name, "exec"), found)
    means, share = capsys.readouterr().out.strip().splitlines()
    assert np.sort(np.fromstring(means.strip("[]"), sep=" ")) == pytest.approx([-2, 2], abs=0.1)
    assert float(share) < 0.01
    named, before = found["named"], found["idata"]["posterior"]
    turned = before["mu"].isel(cluster=named["sample_stats"]["naming"])
    assert np.array_equal(turned, named["posterior"]["mu"])


@pytest.mark.parametrize("method", METHODS)
def test_the_docs_have_a_row_and_a_paragraph_on_every_method(method):
    lines = DOCS.read_text().splitlines()
    for start in (f"| `{method}` |", f"**`{method}`**"):
        assert sum(line.startswith(start) for line in lines) == 1


# two pivots


def test_pivots_that_name_alike():
    problem, draws = apart("normal_gamma", 3)
    tree = as_tree(switched(draws, 1))
    cavi = fit(problem.mixture, problem.x, rng=2, starts=10).responsibilities(problem.x)
    best = pivot_of(problem, tree)
    found = pivot_dependence(tree, cavi[:, [2, 0, 1]], best, problem=problem)
    assert found.share == 0 and found.largest_change == pytest.approx(0, abs=1e-9)


def test_pivots_that_name_differently():
    """The pivots look at different points, which disagree in a known quarter of the draws."""
    rng = np.random.default_rng(4)
    flipped = np.arange(200) < 50
    p = np.full((200, 4, 2), 0.5)
    p[:, 0] = np.where(flipped[:, None], [0.1, 0.9], [0.9, 0.1])  # what the first pivot looks at
    p[:, 1] = [0.9, 0.1]  # what the second one looks at
    first, second = np.full((2, 4, 2), 0.5)
    first[0], second[1] = [0.99, 0.01], [0.99, 0.01]
    mu = np.array([0.0, 1.0]) + 0.1 * rng.standard_normal((200, 2))
    found = pivot_dependence(as_tree({"mu": mu[:, :, np.newaxis]}), first, second, allocations=p[np.newaxis])
    assert found.share == pytest.approx(0.25)
    one = np.where(flipped[:, None], mu[:, ::-1], mu)
    by_hand = np.abs(one.mean(0) - mu.mean(0)) / np.sqrt((one.var(0) + mu.var(0)) / 2)
    assert found.largest_change == pytest.approx(by_hand.max())
    assert found.where == f"mu of component {by_hand.argmax() + 1}"


def test_the_metric_compares_with_the_references_pivot():
    """One cluster in two features, two components: a pivot splits it along a direction of its own."""
    rng = np.random.default_rng(6)

    def context(distance: float, own: list[list[float]], theirs: list[list[float]]) -> Context:
        centres = np.array([[-distance / 2, 0.0], [distance / 2, 0.0]])
        x = centres[np.arange(60) % 2] + rng.standard_normal((60, 2))
        problem = Problem(Mixture(NormalKnownVariance([0.0, 0.0], 25.0), FixedWeights(), 2), x)
        reference = Reference("nuts", True, "", draws=as_tree({"mu": np.array([theirs])}))
        pivot = allocation_probabilities(problem, {"mu": np.array([own])})[0]
        draws = {"mu": centres + 0.4 * rng.standard_normal((400, 2, 2))}
        return context_for(problem, MethodResult("", "", 0, 0, as_tree(draws)), reference, pivot)

    along, across = [[-3.0, 0.0], [3.0, 0.0]], [[0.0, -1.0], [0.0, 1.0]]
    clear = metric(context(6.0, along, along[::-1]))
    assert (clear.value, clear.standard_error) == (0.0, 0.0) and "alike" in clear.note
    doubtful = metric(context(0.0, along, across))
    # The directions are at right angles: about every other draw would be named differently.
    assert 0.4 <= doubtful.value <= 0.5 and "posterior sds" in doubtful.note
    bare = replace(context(6.0, along, along), reference=Reference("none", False, "no"))
    assert metric(bare).value is None and "no draws" in metric(bare).note


# bad input

P = np.full((1, 5, 4, 2), 0.5)
BAD = {
    "unknown method": ({"method": "magic"}, "'magic' is unknown; there are allocation, stephens"),
    "no allocations": (
        {"method": "stephens"},
        "'stephens' needs to know which points .* hand over allocations=",
    ),
    "no pivot": ({"method": "ecr", "allocations": P}, "'ecr' needs a pivot: hand over pivot="),
    "no pivot draw": ({"method": "pivotal"}, "'pivotal' needs a pivot: .* number of a draw"),
    "no data": ({"method": "data_based", "allocations": P}, "'data_based' needs the data: hand over data="),
    "dimension": (
        {"component_dim": "cluster"},
        r"no posterior variable has the dimension cluster; .*component, f",
    ),
    "no dimension": ({"component_dim": ()}, "none given"),
    "variable": ({"allocations": "z"}, "allocations='z' is no variable of the tree; there are posterior: mu"),
    "draws": ({"allocations": P[:, :3]}, r"shape \(1, 3, 4, 2\); these draws need \(1, 5, points, 2\)"),
    "components": ({"allocations": np.ones((1, 5, 4, 3)) / 3}, "for 3 components, the draws for 2"),
    "sums": ({"allocations": P * 1.1}, "must sum to 1"),
    "negative": ({"allocations": P * [-1, 3]}, "must not be negative"),
    "from one": ({"allocations": np.full((1, 5, 4), 2)}, "go from 2 to 2; they must go from 0 to 1"),
    "no whole": ({"allocations": np.full((1, 5, 4), 0.5)}, "must be whole numbers"),
    "pivot shape": ({"allocations": P, "pivot": np.ones((3, 2))}, r"4 points and 2 components need \(4, 2\)"),
    "pivot number": ({"allocations": P, "pivot": 5}, "the number of a draw, 0 to 4"),
    "pivot alone": ({"pivot": np.ones((4, 2))}, "nothing says so of the draws"),
    "data length": ({"method": "data_based", "allocations": P, "data": [1.0]}, "data are 1 points, .* of 4"),
    "data name": (
        {"method": "data_based", "allocations": P, "data": "y"},
        "data='y' is no variable of observed",
    ),
    "by": ({"method": "ordering", "by": "nu"}, "by='nu' is no variable .* there are mu"),
    "feature": ({"method": "ordering", "feature": 1}, "feature=1 must be from 0 to 0"),
    "iterations": ({"max_iterations": 0}, "max_iterations is 0"),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_what_is_missing_or_wrong_is_said_in_a_sentence(options, message):
    tree = as_tree({"mu": np.zeros((5, 2, 1))})
    with pytest.raises(InputError, match=message) as caught:
        relabel(tree, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate dimension:UserWarning")
def test_trees_that_cannot_be_relabelled():
    with pytest.raises(InputError, match="takes a DataTree"):
        relabel({"mu": np.zeros(3)}, "ordering")
    with pytest.raises(InputError, match="no group 'posterior'"):
        relabel(xr.DataTree.from_dict({"prior": xr.Dataset()}), "ordering")
    with pytest.raises(InputError, match="needs chain and draw"):
        relabel(xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": ("component", [1.0])})}), "ordering")
    matrix = xr.Dataset({"A": (("chain", "draw", "component", "component"), np.ones((1, 2, 3, 3)))})
    with pytest.raises(InputError, match="A has several dimensions of components"):
        relabel(xr.DataTree.from_dict({"posterior": matrix}), "ordering")
    tree, _, _ = like_pymc(own_dims=True)
    with pytest.raises(InputError, match="p has several dimensions"):
        relabel(tree, "ordering", component_dim=("mu_dim_0", "p_dim_1", "p_dim_0"))
