"""Every family with every weights prior: PyMC's log density is that of hand_cavi.

PyMC's is that of the unconstrained u; taking log |d theta / du| away gives that of the canonical variables,
with respect to Lebesgue measure on rates and precisions, on all but the last of weights and probabilities,
and on the lower triangle of precision matrices. The determinants are tested in `test_transforms`.
"""

import numpy as np
import pymc as pm
import pytest

from hand_cavi import DirichletWeights, FixedWeights, GammaPoisson, Mixture, NormalGamma, NormalWishart
from hand_cavi.mixture import log_joint
from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.coordinates import coordinates_of
from tests.hand_cavi.cases import PAIRS, make
from tests.ppl_baselines.conftest import PLAIN

pytestmark = pytest.mark.usefixtures("nothing_compiled")


def canonical_draws(mixture, x, seed=3, n=4):
    """Draws from the neighbourhood of the data: components updated by a few points each."""
    rng = np.random.default_rng(seed)
    prior = mixture.components.with_features(x.shape[1])
    sums = np.stack([prior.statistics(x[k : k + 4]).sum(axis=0) for k in range(mixture.n_components)])
    return {**prior.updated(sums).sample(rng, n), **mixture.weights.sample(rng, n)}


def pymc_log_joint(model, draws):
    """In canonical variables, in a mode that compiles nothing."""
    coordinates = coordinates_of(model)
    log_density = model.compile_fn(model.logp(), inputs=model.value_vars, point_fn=False, mode=PLAIN)
    u = coordinates.unconstrain(draws)
    by_draw = [
        log_density(*(draw[span.start : span.stop].reshape(span.shape) for span in coordinates.spans))
        for draw in u
    ]
    return np.array(by_draw) - coordinates.log_jacobian(u)


@pytest.mark.parametrize("n_components", [1, 3], ids="K={}".format)
@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_log_density_is_that_of_hand_cavi(family, weights, n_components):
    mixture, x = make(family, weights, n_components, n=12, seed=1)
    sample_weight = np.random.default_rng(2).uniform(0, 2, size=len(x))
    draws = canonical_draws(mixture, x)
    by_pymc = pymc_log_joint(build(mixture, x, sample_weight=sample_weight), draws)
    np.testing.assert_allclose(by_pymc, log_joint(mixture, x, draws, sample_weight), rtol=1e-9)


@pytest.mark.parametrize(
    "prior",
    [NormalGamma(0.5, 0.2, 2.5, 1.4), NormalWishart(0.5, 0.2, 5.0, 2.8), GammaPoisson(1.5, 0.7)],
    ids=lambda prior: prior.name,
)
def test_single_numbers_serve_all_features(prior):
    x = np.random.default_rng(4).poisson(3.0, size=(9, 3)).astype(float)
    mixture = Mixture(prior, FixedWeights(), 2)
    draws = canonical_draws(mixture, x)
    np.testing.assert_allclose(
        pymc_log_joint(build(mixture, x), draws), log_joint(mixture, x, draws), rtol=1e-9
    )


def test_ill_conditioned_precisions_far_from_zero():
    """Condition number 1e8, data around 1e4 standard deviations from 0."""
    rng = np.random.default_rng(6)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    covariance = rotation @ np.diag([1e-4, 1.0, 1e4]) @ rotation.T
    x = 1e4 + rng.multivariate_normal(np.zeros(3), covariance, size=40)
    mixture = Mixture(NormalWishart(1e4, 0.1, 5.0, np.eye(3)), DirichletWeights(1.0), 2)
    draws = {
        "mu": 1e4 + rng.normal(size=(4, 2, 3)),
        "precision": np.broadcast_to(np.linalg.inv(covariance), (4, 2, 3, 3)),
        "weights": rng.dirichlet([1.0, 1.0], size=4),
    }
    np.testing.assert_allclose(
        pymc_log_joint(build(mixture, x), draws), log_joint(mixture, x, draws), rtol=1e-7
    )


@pytest.mark.parametrize(
    ("family", "weights"),
    [("dirichlet_categorical C=3", "dirichlet"), ("gamma_poisson D=2", "stick_breaking")],
)
def test_probabilities_that_underflow_to_zero_keep_a_density_and_a_gradient(family, weights):
    """At log odds of 800 a probability is 0 in floating point, but its logarithm is -800."""
    mixture, x = make(family, weights, 2, n=12, seed=5)
    model = build(mixture, x)
    coordinates = coordinates_of(model)
    u = np.where(np.arange(coordinates.size) % 2 == 0, -800.0, 3.0)
    if family.startswith("gamma"):
        u[:4] = 1.0  # of the rates
        u[4] = 800.0  # of the stick
    function = model.compile_fn(
        [model.logp(), model.dlogp()], inputs=model.value_vars, point_fn=False, mode=PLAIN
    )
    log_density, gradient = function(
        *(u[span.start : span.stop].reshape(span.shape) for span in coordinates.spans)
    )
    assert np.isfinite(log_density)
    assert np.all(np.isfinite(gradient))


def test_data_can_be_swapped_whatever_their_number():
    mixture, x = make("normal_wishart D=3", "stick_breaking", 2, n=12, seed=7)
    model, draws = build(mixture, x[:5]), canonical_draws(mixture, x)
    with model:
        pm.set_data({"x": x, "sample_weight": np.ones(len(x))})
    np.testing.assert_allclose(pymc_log_joint(model, draws), log_joint(mixture, x, draws), rtol=1e-9)


@pytest.mark.parametrize(("family", "weights"), [("normal_wishart D=3", "dirichlet")])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("precision", np.stack([np.eye(3), -np.eye(3)]), "outside"),
        ("precision", np.ones((2, 3)), "shape"),
        ("weights", np.array([1.5, -0.5]), "outside"),
        ("weights", np.ones(3) / 3, "shape"),
    ],
)
def test_a_start_outside_of_the_support_is_refused(family, weights, name, value, message):
    mixture, x = make(family, weights, 2, n=12, seed=8)
    start = {key: draws[0] for key, draws in canonical_draws(mixture, x).items()} | {name: value}
    with pytest.raises(ValueError, match=message):
        coordinates_of(build(mixture, x)).flat_starts([start])


def test_a_model_and_canonical_draws_translate_both_ways():
    """By the model's own names: stand-ins as they are, everything else canonical."""
    mixture, x = make("normal_wishart D=3", "stick_breaking", 3, n=12, seed=9)
    coordinates = coordinates_of(build(mixture, x))
    u = coordinates.unconstrain(canonical_draws(mixture, x, n=1))[0]
    point = coordinates.of_model(u)
    assert set(point) == {"precision_log_cholesky", "mu", "stick_log_odds"}
    canonical = coordinates.from_model({name: values[np.newaxis] for name, values in point.items()})
    np.testing.assert_allclose(coordinates.unconstrain(canonical)[0], u, rtol=1e-9)
