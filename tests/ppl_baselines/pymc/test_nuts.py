from functools import partial

import arviz as az
import numpy as np
import pytest

from ppl_baselines.data import as_data
from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc import nuts
from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.log_density import compile_log_density
from tests.ppl_baselines.conftest import textbook

CHAINS = 4


X = np.array([1.0, 2.5, 3.5, 4.0])[:, None]


@pytest.fixture(scope="module")
def conjugate():
    """K = 1: the posterior of mu is exactly normal."""
    mixture = textbook(1, mean=(-1.0,), variance=2.0, noise_variance=1.5)
    variance = 1 / (1 / 2.0 + len(X) / 1.5)
    mean = variance * (-1.0 / 2.0 + X.sum() / 1.5)
    return build(mixture, X), mean, np.sqrt(variance)


@pytest.fixture(scope="module")
def log_density(conjugate):
    return compile_log_density(conjugate[0])


@pytest.fixture(scope="module", params=nuts.SAMPLERS)
def sampler(request):
    return request.param


@pytest.fixture(scope="module")
def run(log_density, sampler):
    return partial(nuts.run, log_density, sampler=sampler)


@pytest.fixture(scope="module")
def sampled(run):
    starts = [{"mu": np.array([[start]])} for start in (-20.0, 0.0, 5.0, 30.0)]
    return run(starts, seed=7, chains=CHAINS, draws=1_000, tune=400)


def test_posterior_moments_are_exact(sampled, conjugate):
    """|z| <= 4.5 with ArviZ's Monte-Carlo errors: two comparisons, a false alarm in 1 of 70,000 seeds."""
    _, mean, sd = conjugate
    mu = sampled.posterior["mu"]
    for method, estimated, exact in (("mean", mu.mean(), mean), ("sd", mu.std(), sd)):
        error = float(az.mcse(sampled.posterior.to_dataset(), method=method)["mu"].squeeze())
        assert abs(float(estimated) - exact) <= 4.5 * error


def test_draws_are_canonical(sampled, sampler):
    assert sampled.posterior["mu"].dims == ("chain", "draw", "component", "feature")
    assert sampled.posterior["mu"].shape == (CHAINS, 1_000, 1, 1)
    assert sampled.posterior.attrs["sampler"] == sampler
    assert sampled.posterior.attrs["sampling_seconds"] > 0


def test_statistics_allow_the_gate(sampled):
    statistics = sampled.sample_stats
    assert {"diverging", "energy", "tree_depth", "n_steps", "step_size", "lp"} <= set(statistics.data_vars)
    assert statistics["diverging"].shape == (CHAINS, 1_000)
    assert statistics["diverging"].dtype == bool
    assert int(statistics["diverging"].sum()) == 0
    # The energy of NUTS on one normal variable: E-FMI is well above the gate of 0.2.
    e_fmi = az.bfmi(sampled)["energy"]
    assert np.all(e_fmi > 0.3)


def test_chains_differ_and_seeds_repeat(run):
    start = [{"mu": np.array([[0.0]])}]
    first, second = (run(start, seed=8, chains=2, draws=20, tune=20) for _ in range(2))
    np.testing.assert_array_equal(first.posterior["mu"], second.posterior["mu"])
    assert not np.array_equal(first.posterior["mu"][0], first.posterior["mu"][1])


def test_each_chain_starts_where_it_is_told(run):
    """Far out, the first move is short against the distance between the starts."""
    places = [-1e6, 1e6]
    starts = [{"mu": np.array([[place]])} for place in places]
    tree = run(starts, seed=9, chains=3, draws=3, tune=1)
    firsts = tree.posterior["mu"].values[:, 0, 0, 0]
    assert list(np.sign(firsts)) == [-1, 1, -1]


def test_several_at_a_time_are_the_same_chains(run, sampler):
    if sampler != "nutpie":
        pytest.skip("pm.sample spreads its chains itself")
    start = [{"mu": np.array([[0.0]])}]
    one, two = (run(start, seed=8, chains=3, draws=20, tune=20, cores=n) for n in (1, 2))
    np.testing.assert_array_equal(one.posterior["mu"], two.posterior["mu"])


def test_variances_are_where_the_mass_matrix_starts_or_are_refused(run, sampler, log_density):
    """The potential's velocity is the variance times the momentum."""
    start, variances = [{"mu": np.array([[0.0]])}], np.array([1e-12])
    if sampler == "nutpie":
        with pytest.raises(ValueError, match="nutpie.*cannot be told"):
            run(start, seed=1, chains=1, draws=1, tune=1, variances=variances)
        return
    step = nuts._step(log_density, np.zeros(1), variances, seed=1)
    np.testing.assert_allclose(step.potential.velocity(np.ones(1)), variances)
    tree = run(start, seed=1, chains=1, draws=5, tune=50, variances=np.array([2.0]))
    assert np.isfinite(tree.posterior["mu"]).all()


def test_nothing_is_printed(run, capfd):
    run([{"mu": np.array([[0.0]])}], seed=1, chains=1, draws=5, tune=5)
    assert capfd.readouterr().out == ""


def test_what_does_not_exist_or_is_not_installed_is_named(monkeypatch):
    with pytest.raises(UnavailableError, match="no_such_sampler"):
        nuts.require_sampler("no_such_sampler")
    monkeypatch.setattr(nuts, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="needs the package nutpie"):
        nuts.require_sampler("nutpie")


def test_a_start_where_the_gradient_is_zero_is_one_to_start_from(log_density, sampler):
    """As that of equal weights between equal components; here two points lie about the prior mean."""
    other, start = log_density.with_data(as_data([[-2.0], [0.0]])), [{"mu": np.array([[-1.0]])}]
    found = nuts.run(other, start, sampler=sampler, seed=1, chains=1, draws=500, tune=200)
    log_density.with_data(as_data(X)).loaded()
    assert abs(float(found.posterior["mu"].mean()) + 1) < 0.5 and float(found.posterior["mu"].std()) > 0.4
