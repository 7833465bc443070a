"""ADVI and NUTS on mixtures with variables that have to be transformed, end to end.

Where only the way through matters, PyTensor's graphs are run by plain Python, which compiles nothing.
"""

import arviz as az
import numpy as np
import pytest

from hand_cavi import DirichletWeights, FixedWeights, GammaPoisson, Mixture, NormalWishart, StickBreaking
from hand_cavi.mixture import log_joint
from ppl_baselines.draws import to_datatree
from ppl_baselines.pymc import compilation, nuts, vi
from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.log_density import compile_log_density
from tests.ppl_baselines.conftest import PLAIN

DIMS = {
    "mu": ("component", "feature"),
    "precision": ("component", "feature", "other_feature"),
    "rate": ("component", "feature"),
    "weights": ("component",),
}

pytestmark = pytest.mark.slow


@pytest.fixture
def plain(monkeypatch, nothing_compiled):
    monkeypatch.setattr(compilation, "mode", lambda backend: PLAIN)


def ellipses():
    rng = np.random.default_rng(30)
    centres = np.where(rng.random((30, 1)) < 0.4, -3.0, 3.0)
    x = centres + rng.normal(size=(30, 2)) @ [[1.0, 0.6], [0.0, 0.8]]
    mixture = Mixture(NormalWishart([0.0, 0.0], 0.1, 4.5, 2 * np.eye(2)), DirichletWeights(1.0), 2)
    start = {
        "mu": np.array([[-3.0, -3.0], [3.0, 3.0]]),
        "precision": np.array([[[1.0, -0.3], [-0.3, 1.0]], [[1.5, 0.0], [0.0, 0.7]]]),
        "weights": np.array([0.4, 0.6]),
    }
    return mixture, x, start


def counts():
    rng = np.random.default_rng(31)
    x = rng.poisson(np.where(rng.random((30, 1)) < 0.4, [1.0, 9.0], [6.0, 2.0])).astype(float)
    mixture = Mixture(GammaPoisson([1.5, 1.5], [0.3, 0.3]), StickBreaking(0.8), 2)
    start = {"rate": np.array([[6.0, 2.0], [1.0, 9.0]]), "weights": np.array([0.6, 0.4])}
    return mixture, x, start


@pytest.fixture(scope="module", params=[ellipses, counts], ids=["ellipses", "counts"])
def case(request):
    return request.param()


def assert_canonical(posterior, start):
    assert set(posterior.data_vars) == set(start)
    for name, draws in posterior.items():
        assert draws.dims == ("chain", "draw", *DIMS[name])
        assert draws.shape[2:] == start[name].shape
        assert np.all(np.isfinite(draws))
    np.testing.assert_allclose(posterior["weights"].sum("component"), 1, rtol=1e-12)
    if "precision" in posterior:
        assert np.all(np.linalg.eigvalsh(posterior["precision"]) > 0)
    else:
        assert np.all(posterior["rate"] > 0)


@pytest.mark.parametrize("kind", ["mean_field", "full_rank"])
def test_the_bound_of_advi_is_that_of_canonical_densities(case, kind, plain):
    """|z| <= 4.5 on independent draws: a false alarm in 1 of 100,000 seeds of each of four."""
    mixture, x, start = case
    options = {"steps": 300, "screen_steps": 100, "draws": 50, "final_draws": 500, "checkpoints": 2}
    result = vi.run(compile_log_density(build(mixture, x)), [start], kind=kind, seed=1, **options)
    draws = result.approximation.sample(np.random.default_rng(2), 4_000)
    assert_canonical(to_datatree({name: values[None] for name, values in draws.items()}).posterior, start)
    log_weights = log_joint(mixture, x, draws) - result.approximation.log_density(draws)
    error = np.hypot(result.elbo_se, log_weights.std(ddof=1) / np.sqrt(log_weights.size))
    assert abs(result.elbo - log_weights.mean()) <= 4.5 * error
    assert result.elbo > result.trace[0].elbo  # it has learnt something


def test_nuts_gives_canonical_draws(case, plain):
    mixture, x, start = case
    log_density = compile_log_density(build(mixture, x))
    sampled = nuts.run(log_density, [start], sampler="pymc", seed=3, chains=2, draws=10, tune=15)
    assert_canonical(sampled.posterior, start)


def test_nuts_finds_the_exact_posterior_of_one_component():
    """K = 1 is conjugate. |z| <= 4.5 for 5 means: a false alarm in 1 of 29,000 seeds."""
    x = ellipses()[1][:12]
    mixture = Mixture(NormalWishart([0.0, 0.0], 0.1, 4.5, 2 * np.eye(2)), FixedWeights(), 1)
    prior = mixture.components
    exact = prior.updated(prior.statistics(x).sum(axis=0)[None]).mean_draw()
    start = {"mu": np.zeros((1, 2)), "precision": np.array([[[1.0, 0.2], [0.2, 0.5]]])}
    sampled = nuts.run(
        compile_log_density(build(mixture, x)), [start], seed=4, chains=4, draws=1_000, tune=500
    )
    assert sampled.posterior["precision"].dims == ("chain", "draw", *DIMS["precision"])
    errors = az.mcse(sampled.posterior.to_dataset(), method="mean")
    for name, entries in (("mu", np.ones((1, 2), bool)), ("precision", np.tril(np.ones((1, 2, 2), bool)))):
        difference = sampled.posterior[name].mean(("chain", "draw")).to_numpy() - exact[name]
        z = difference[entries] / errors[name].to_numpy()[entries]
        assert np.all(np.abs(z) <= 4.5)
