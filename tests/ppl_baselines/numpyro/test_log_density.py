"""Three implementations of one log density: PyMC's, NumPyro's and hand_cavi's, for every family and weights.

Each language has unconstrained coordinates of its own; taking its log |d theta / du| away gives the density
of the canonical variables, see `tests.ppl_baselines.pymc.test_families`. NumPyro's sticks are written by
hand, and so they are held against its own Dirichlet and Beta besides.
"""

import numpy as np
import pytest

from hand_cavi import DirichletWeights, FixedWeights, GammaPoisson, Mixture, NormalGamma, NormalWishart
from hand_cavi.mixture import log_joint
from ppl_baselines.data import as_data
from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc.build import build as build_pymc
from tests.hand_cavi.cases import PAIRS, make
from tests.ppl_baselines.conftest import textbook
from tests.ppl_baselines.pymc.test_families import canonical_draws, pymc_log_joint

pytestmark = [pytest.mark.numpyro, pytest.mark.usefixtures("nothing_compiled")]
jax = pytest.importorskip("jax")
dist = pytest.importorskip("numpyro.distributions")
from ppl_baselines.numpyro import sticks  # noqa: E402
from ppl_baselines.numpyro.build import build  # noqa: E402
from ppl_baselines.numpyro.coordinates import coordinates_of, log_joint_of  # noqa: E402


def by_numpyro(model, draws, *others):
    """In canonical variables, with the model's data and with other data of the same shapes."""
    coordinates = coordinates_of(model)
    u = coordinates.unconstrain(draws)
    log_density = jax.jit(jax.vmap(log_joint_of(model, coordinates), (0, None)))
    found = [np.array(log_density(u, dict(data))) for data in (model.data, *others)]
    return np.squeeze(np.array(found) - coordinates.log_jacobian(u))


EVERY = [(*pair, 3) for pair in PAIRS]
ALONE = [(family, weights, 1) for family, weights in PAIRS if family == "normal_wishart D=3"]


@pytest.mark.parametrize(("family", "weights", "n_components"), EVERY + ALONE)
def test_pymc_numpyro_and_hand_cavi_have_one_log_density(family, weights, n_components):
    mixture, x = make(family, weights, n_components, n=12, seed=1)
    draws = canonical_draws(mixture, x)
    sample_weight = np.random.default_rng(2).uniform(0, 2, size=len(x))
    weighted = as_data(x, sample_weight)
    by_hand = np.array([log_joint(mixture, x, draws, one) for one in (None, sample_weight)])
    numpyro = by_numpyro(build(mixture, x), draws, weighted)
    pymc = pymc_log_joint(build_pymc(mixture, x, sample_weight=sample_weight), draws)
    np.testing.assert_allclose(numpyro, by_hand, rtol=1e-10)
    np.testing.assert_allclose(pymc, by_hand[1], rtol=1e-10)
    np.testing.assert_allclose(numpyro[1], pymc, rtol=1e-10)


@pytest.mark.parametrize(
    "prior",
    [NormalGamma(0.5, 0.2, 2.5, 1.4), NormalWishart(0.5, 0.2, 5.0, 2.8), GammaPoisson(1.5, 0.7)],
    ids=lambda prior: prior.name,
)
def test_single_numbers_serve_all_features(prior):
    x = np.random.default_rng(4).poisson(3.0, size=(9, 3)).astype(float)
    mixture = Mixture(prior, FixedWeights(), 2)
    draws = canonical_draws(mixture, x)
    np.testing.assert_allclose(by_numpyro(build(mixture, x), draws), log_joint(mixture, x, draws), rtol=1e-10)


def test_sticks_are_numpyros_own_beta_and_dirichlet():
    rng = np.random.default_rng(5)
    a, b, u = rng.uniform(0.5, 3, size=(3, 6))
    sigmoid = dist.transforms.SigmoidTransform()
    theirs = dist.Beta(a, b).log_prob(sigmoid(u)) + sigmoid.log_abs_det_jacobian(u, sigmoid(u))
    np.testing.assert_allclose(sticks.BetaLogOdds(a, b).log_prob(u), theirs, rtol=1e-12)

    concentration, u = np.array([0.4, 2.0, 1.3, 0.7]), rng.normal(size=(5, 3))
    shares = np.exp(sticks.log_shares(u))
    log_jacobian = np.linalg.slogdet(
        jax.vmap(jax.jacobian(lambda one: jax.numpy.exp(sticks.log_shares(one))[:-1]))(u)
    )[1]
    theirs = dist.Dirichlet(concentration).log_prob(shares) + log_jacobian
    ours = sticks.of_dirichlet(concentration).log_prob(u).sum(axis=-1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_draws_of_the_log_odds_have_the_moments_of_their_beta():
    """|z| <= 4.5 for two means: a false alarm in 1 of 70,000 seeds."""
    u = np.array(sticks.BetaLogOdds(np.array(2.0), np.array(0.7)).sample(jax.random.key(0), (20_000,)))
    v = 1 / (1 + np.exp(-u))
    for values, exact in ((v, 2 / 2.7), (v**2, 2 * 3 / (2.7 * 3.7))):
        assert abs(values.mean() - exact) <= 4.5 * values.std() / np.sqrt(values.size)


def test_shares_that_underflow_to_zero_keep_a_density_and_a_gradient():
    mixture, x = make("dirichlet_categorical C=3", "dirichlet", 2, n=12, seed=5)
    model = build(mixture, x)
    coordinates = coordinates_of(model)
    u = np.where(np.arange(coordinates.size) % 2 == 0, -800.0, 800.0)
    density, gradient = jax.value_and_grad(log_joint_of(model, coordinates))(u, dict(model.data))
    assert np.isfinite(density) and np.isfinite(gradient).all()


def test_ill_conditioned_precisions_far_from_zero():
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
    np.testing.assert_allclose(by_numpyro(build(mixture, x), draws), log_joint(mixture, x, draws), rtol=1e-7)


def test_what_numpyro_makes_of_u_is_what_the_coordinates_make_of_it():
    """Variable by variable, the layout of Cholesky factors among them."""
    from numpyro.infer.util import constrain_fn

    mixture, x = make("normal_wishart D=3", "stick_breaking", 3, n=12, seed=9)
    model = build(mixture, x)
    coordinates = coordinates_of(model)
    u = np.random.default_rng(0).normal(size=coordinates.size)
    parts = {one.variable: u[one.start : one.stop].reshape(one.shape) for one in coordinates.spans}
    theirs = constrain_fn(model.function, (), dict(model.data), parts)
    ours = coordinates.constrain(u[np.newaxis])
    root = np.array(theirs["precision_cholesky"])
    np.testing.assert_allclose(ours["precision"][0], root @ np.swapaxes(root, -1, -2), rtol=1e-12)
    np.testing.assert_allclose(ours["mu"][0], theirs["mu"], rtol=1e-12)
    np.testing.assert_allclose(ours["weights"][0], np.exp(sticks.log_shares(theirs["weights_log_odds"])))
    np.testing.assert_allclose(coordinates.unconstrain(ours)[0], u, rtol=1e-9, atol=1e-12)


def test_an_unknown_family_is_named():
    mixture = textbook(2)
    mixture.components.name = "no_such_family"
    with pytest.raises(UnavailableError, match="no_such_family"):
        build(mixture, np.zeros((3, 1)))
