import numpy as np
import pymc as pm
import pytest

from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc.build import build
from tests.ppl_baselines.conftest import log_joint, textbook


def pymc_log_joint(model, draws):
    """By PyMC, in a mode that compiles nothing."""
    log_density = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    return np.array([log_density({"mu": mu}) for mu in draws["mu"]])


@pytest.fixture(params=[(1, 1), (3, 1), (2, 3)], ids="K={0[0]} D={0[1]}".format)
def case(request):
    K, D = request.param
    rng = np.random.default_rng(20)
    mixture = textbook(K, mean=rng.normal(size=D), variance=4.0, noise_variance=0.7)
    x = rng.normal(scale=3, size=(12, D))
    # The prior sd is 2: as a Python float it would become float32, and log(2) wrong in the ninth digit.
    sample_weight = rng.uniform(0, 2, size=12)
    draws = {"mu": rng.normal(scale=3, size=(5, K, D))}
    return mixture, x, sample_weight, draws


@pytest.mark.parametrize("weighted", [False, True])
def test_log_density_is_that_of_an_independent_formula(case, weighted):
    mixture, x, sample_weight, draws = case
    sample_weight = sample_weight if weighted else None
    by_pymc = pymc_log_joint(build(mixture, x, sample_weight=sample_weight), draws)
    np.testing.assert_allclose(by_pymc, log_joint(mixture, x, draws, sample_weight), rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_log_density_is_that_of_hand_cavi(case, weighted):
    from hand_cavi.families.normal_known_variance import NormalKnownVariance
    from hand_cavi.mixture import Mixture
    from hand_cavi.mixture import log_joint as by_hand
    from hand_cavi.weights.fixed import FixedWeights

    stand_in, x, sample_weight, draws = case
    prior = stand_in.components
    mixture = Mixture(
        components=NormalKnownVariance(prior.mean, prior.variance, prior.noise_variance),
        weights=FixedWeights(),
        n_components=stand_in.n_components,
    )
    sample_weight = sample_weight if weighted else None
    by_pymc = pymc_log_joint(build(mixture, x, sample_weight=sample_weight), draws)
    np.testing.assert_allclose(by_pymc, by_hand(mixture, x, draws, sample_weight), rtol=1e-10)


def test_integer_weights_repeat_points(case):
    mixture, x, _, draws = case
    counts = np.arange(len(x)) % 4
    weighted = pymc_log_joint(build(mixture, x, sample_weight=counts), draws)
    repeated = pymc_log_joint(build(mixture, np.repeat(x, counts, axis=0)), draws)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12)


def test_relabelling_changes_nothing(case):
    mixture, x, _, draws = case
    model = build(mixture, x)
    relabelled = {"mu": draws["mu"][:, ::-1]}
    np.testing.assert_allclose(pymc_log_joint(model, draws), pymc_log_joint(model, relabelled), rtol=1e-12)


def test_points_far_from_every_mean_neither_overflow_nor_lose_the_gradient():
    mixture, x = textbook(2), np.array([[1e4], [-1e4]])
    model, point = build(mixture, x), {"mu": np.array([[1.0], [2.0]])}
    log_density, gradient = (
        model.compile_fn(f(), mode="FAST_COMPILE")(point) for f in (model.logp, model.dlogp)
    )
    np.testing.assert_allclose(log_density, log_joint(mixture, x, {"mu": point["mu"][None]})[0], rtol=1e-10)
    # 1e4 belongs to the mean at 2, -1e4 to the mean at 1.
    np.testing.assert_allclose(gradient, [-1e4 - 1 - 1 / 25, 1e4 - 2 - 2 / 25], rtol=1e-10)


def test_data_can_be_swapped_without_compiling(case):
    mixture, x, sample_weight, draws = case
    model = build(mixture, x[:5])
    log_density = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    with model:
        pm.set_data({"x": x, "sample_weight": sample_weight})
    swapped = [log_density({"mu": mu}) for mu in draws["mu"]]
    np.testing.assert_allclose(swapped, log_joint(mixture, x, draws, sample_weight), rtol=1e-10)


def test_an_unknown_family_is_named():
    mixture = textbook(2)
    mixture.components.name = "no_such_family"
    with pytest.raises(UnavailableError, match="no_such_family"):
        build(mixture, np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("x", "sample_weight", "message"),
    [(np.zeros(3), None, r"shape \(3,\)"), (np.zeros((3, 1)), np.ones(2), "3 points")],
)
def test_data_of_a_wrong_shape_are_refused(x, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        build(textbook(2), x, sample_weight=sample_weight)
