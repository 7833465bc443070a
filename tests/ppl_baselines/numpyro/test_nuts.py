import arviz as az
import numpy as np
import pytest

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    Mixture,
    NormalKnownVariance,
    NormalWishart,
    StickBreaking,
)
from ppl_baselines.data import as_data

pytestmark = pytest.mark.numpyro
pytest.importorskip("numpyro")
from ppl_baselines.numpyro import nuts  # noqa: E402
from ppl_baselines.numpyro.build import build  # noqa: E402

X = np.array([1.0, 2.5, 3.5, 4.0])[:, None]
MIXTURE = Mixture(NormalKnownVariance(-1.0, 2.0, 1.5), FixedWeights(), 1)


@pytest.fixture(scope="module")
def prepared():
    """K = 1: the posterior of mu is exactly normal."""
    return nuts.prepare(build(MIXTURE, X), draws=1_000, tune=400)


def exact_moments(x, weight=None):
    weight = np.ones(len(x)) if weight is None else weight
    variance = 1 / (1 / 2.0 + weight.sum() / 1.5)
    return variance * (-1.0 / 2.0 + (weight @ x[:, 0]) / 1.5), np.sqrt(variance)


def assert_moments(tree, mean, sd):
    """|z| <= 4.5 with ArviZ's Monte-Carlo errors: two comparisons, a false alarm in 1 of 70,000 seeds."""
    mu = tree.posterior["mu"]
    for method, estimated, exact in (("mean", mu.mean(), mean), ("sd", mu.std(), sd)):
        error = float(az.mcse(tree.posterior.to_dataset(), method=method)["mu"].squeeze())
        assert abs(float(estimated) - exact) <= 4.5 * error


def test_posterior_moments_are_exact_and_statistics_allow_the_gate(prepared):
    starts = [{"mu": np.array([[start]])} for start in (-20.0, 0.0, 5.0, 30.0)]
    tree = nuts.run(prepared, starts, seed=7)
    assert_moments(tree, *exact_moments(X))
    assert tree.posterior["mu"].dims == ("chain", "draw", "component", "feature")
    assert tree.posterior.attrs["sampler"] == "numpyro" and tree.posterior.attrs["sampling_seconds"] > 0
    statistics = tree.sample_stats
    names = {"diverging", "energy", "lp", "tree_depth", "n_steps", "acceptance_rate", "step_size"}
    assert names <= set(statistics.data_vars)
    assert statistics["diverging"].dtype == bool and not statistics["diverging"].any()
    assert np.all(2.0 ** (statistics["tree_depth"] - 1) <= statistics["n_steps"])
    assert np.all(statistics["n_steps"] < 2.0 ** statistics["tree_depth"])
    assert np.all(az.bfmi(tree)["energy"] > 0.3)


def test_other_data_of_the_same_shapes_need_no_compiling(prepared):
    x, weight = X - 3.0, np.array([0.5, 2.0, 1.0, 1.5])
    other = prepared.with_data(as_data(x, weight))
    assert other.chain is prepared.chain
    assert_moments(nuts.run(other, [{"mu": np.zeros((1, 1))}], seed=8), *exact_moments(x, weight))


def test_seeds_repeat_and_chains_differ(prepared):
    start = [{"mu": np.zeros((1, 1))}]
    first, second = (nuts.run(prepared, start, seed=8, chains=2) for _ in range(2))
    np.testing.assert_array_equal(first.posterior["mu"], second.posterior["mu"])
    assert not np.array_equal(first.posterior["mu"][0], first.posterior["mu"][1])


def test_each_chain_starts_where_it_is_told():
    """Its energy, which one new momentum can lower but not by orders of magnitude, is that of the start."""
    few = nuts.prepare(build(MIXTURE, X), draws=1, tune=1)
    tree = nuts.run(few, [{"mu": np.array([[place]])} for place in (1e6, 1e2)], seed=9, chains=3)
    assert list(tree.sample_stats["energy"].values[:, 0] > 1e8) == [True, False, True]


@pytest.mark.parametrize("weights", [DirichletWeights(1.5), StickBreaking(0.8)], ids=lambda one: one.name)
def test_it_finds_the_exact_posterior_where_nothing_is_known(weights):
    """One component of full precision, and weights of three that no point touches: all is known exactly.

    Weights 0 leave the prior. |z| <= 4.5 for 15 means: a false alarm in 1 of 10,000 seeds.
    """
    prior = NormalWishart([0.5, -0.5], 0.8, 6.5, [[4.0, 1.0], [1.0, 3.0]])
    mixture = Mixture(prior, weights, 3)
    model = build(mixture, np.zeros((2, 2)), sample_weight=np.zeros(2))
    start = {
        "mu": np.zeros((3, 2)),
        "precision": np.broadcast_to(np.eye(2), (3, 2, 2)),
        "weights": np.ones(3) / 3,
    }
    tree = nuts.run(nuts.prepare(model, draws=1_000, tune=500), [start], seed=4)
    exact = {
        "mu": np.broadcast_to([0.5, -0.5], (3, 2)),
        "precision": np.broadcast_to(6.5 * np.linalg.inv([[4.0, 1.0], [1.0, 3.0]]), (3, 2, 2)),
        "weights": weights.for_components(3).mean_draw()["weights"],
    }
    errors = az.mcse(tree.posterior.to_dataset(), method="mean")
    for name, mean in exact.items():
        z = (tree.posterior[name].mean(("chain", "draw")).to_numpy() - mean) / errors[name].to_numpy()
        assert np.all(np.abs(z) <= 4.5), (name, z)
