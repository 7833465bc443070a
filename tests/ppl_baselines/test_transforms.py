import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats

from hand_cavi import StickBreaking
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.transforms import Identity, Interval, Log, LogCholesky, LogOdds, Simplex, Sticks
from ppl_baselines.unconstrained import Coordinates, Span
from tests.ppl_baselines.conftest import PLAIN

# A transform, the shape of its u, and which entries of theta its densities are over.
CASES = {
    "identity": (Identity(), (2, 2), lambda theta: theta),
    "log": (Log(), (2, 3), lambda theta: theta),
    "log odds": (LogOdds(), (2, 3), lambda theta: theta),
    "interval": (Interval(-3.0, np.array([1.0, 2.0, 5.0])), (2, 3), lambda theta: theta),
    "above": (Interval(lower=2.0), (2, 3), lambda theta: theta),
    "below": (Interval(upper=-2.0), (2, 3), lambda theta: theta),
    "simplex": (Simplex(), (3,), lambda theta: theta[:-1]),
    "simplices": (Simplex(), (2, 2, 1), lambda theta: theta[..., :-1]),
    "sticks": (Sticks(), (3,), lambda theta: theta[:-1]),
    "no stick": (Sticks(), (0,), lambda theta: theta[:-1]),
    "precision D=1": (LogCholesky(), (2, 1), lambda theta: theta),
    "precision D=3": (LogCholesky(), (2, 6), lambda theta: theta[:, *np.tril_indices(3)]),
}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def test_there_and_back_again(case):
    transform, shape, _ = case
    u = np.random.default_rng(1).normal(size=(5, *shape))
    np.testing.assert_allclose(transform.unconstrain(transform.constrain(u)), u, rtol=1e-9, atol=1e-12)


def test_log_jacobian_is_that_of_differences(case):
    transform, shape, free = case
    u = np.random.default_rng(2).normal(size=shape)
    step, size = 1e-6, u.size

    def at(flat):
        return free(transform.constrain(flat.reshape(1, *shape))[0]).ravel()

    columns = [(at(u.ravel() + h) - at(u.ravel() - h)) / (2 * step) for h in step * np.eye(size)]
    log_determinant = np.linalg.slogdet(np.reshape(columns, (size, size)))[1]
    np.testing.assert_allclose(transform.log_jacobian(u[None]), [log_determinant], rtol=1e-7, atol=1e-8)


def test_log_jacobian_is_by_draw(case):
    transform, shape, _ = case
    u = np.random.default_rng(3).normal(size=(4, *shape))
    one_by_one = [transform.log_jacobian(draw[None])[0] for draw in u]
    np.testing.assert_allclose(transform.log_jacobian(u), one_by_one, rtol=1e-13)


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (Log(), pm.distributions.transforms.log, (2, 3)),
        (LogOdds(), pm.distributions.transforms.logodds, (2, 3)),
        (Interval(-1.0, 4.0), pm.distributions.transforms.Interval(*np.array([-1.0, 4.0])), (2, 3)),
        (Interval(lower=-1.0), pm.distributions.transforms.Interval(-1.0, None), (2, 3)),
        (Interval(upper=4.0), pm.distributions.transforms.Interval(None, 4.0), (2, 3)),
        (Simplex(), pm.distributions.transforms.simplex, (3,)),
        (Simplex(), pm.distributions.transforms.simplex, (2, 2, 3)),
    ],
)
def test_they_are_pymcs_own(ours, theirs, shape, nothing_compiled):
    u = np.random.default_rng(4).normal(size=shape)
    symbol = pt.tensor("u", shape=shape)
    backward, log_jacobian = (
        f(symbol).eval({symbol: u}, mode=PLAIN) for f in (theirs.backward, theirs.log_jac_det)
    )
    np.testing.assert_allclose(ours.constrain(u[None])[0], backward, rtol=1e-13)
    np.testing.assert_allclose(ours.log_jacobian(u[None]), [log_jacobian.sum()], rtol=1e-13)


@pytest.mark.parametrize("transform", [Log(), LogOdds(), Simplex(), Sticks()])
def test_nothing_underflows_to_zero(transform):
    u = np.array([[-800.0, 900.0 if not isinstance(transform, Log) else 1.0, -1000.0]])
    theta = transform.constrain(u)
    assert np.all(theta > 0)
    assert np.all(np.isfinite(theta))
    assert np.all(np.isfinite(transform.unconstrain(theta)))
    assert np.all(np.isfinite(transform.log_jacobian(u)))


@pytest.mark.parametrize(
    ("transform", "theta"),
    [
        (Log(), np.array([[1.0, -1.0]])),
        (LogOdds(), np.array([[0.5, 1.5]])),
        (Interval(-1.0, 4.0), np.array([[0.5, 4.5]])),
        (Interval(lower=-1.0), np.array([[0.5, -1.5]])),
        (Simplex(), np.array([[1.5, -0.5]])),
        (Sticks(), np.array([[1.5, -0.5]])),
        (LogCholesky(), np.array([[[[1.0, 2.0], [2.0, 1.0]]]])),
    ],
)
def test_outside_of_the_support_there_is_no_u(transform, theta):
    assert not np.all(np.isfinite(transform.unconstrain(theta)))


def log_gamma(draws):
    return stats.gamma(2.5, scale=1 / 1.5).logpdf(draws).sum(axis=(1, 2))


def log_dirichlet(draws):
    return stats.dirichlet([2.0, 1.0, 3.5]).logpdf(draws.T / draws.sum(axis=1))


def log_sticks(draws):
    return StickBreaking(1.7).for_components(3).log_density({"weights": draws}, len(draws))


def log_wishart(draws):
    return stats.wishart(5.5, [[1.0, 0.4], [0.4, 0.6]]).logpdf(np.moveaxis(draws[:, 0], 0, -1))


@pytest.mark.parametrize(
    ("transform", "shape", "log_density"),
    [
        (Log(), (1, 2), log_gamma),
        (Simplex(), (2,), log_dirichlet),
        (Sticks(), (2,), log_sticks),
        (LogCholesky(), (1, 3), log_wishart),
    ],
)
def test_densities_in_canonical_variables_integrate_to_one(transform, shape, log_density):
    """E_q[p / q] = 1 for a p that is not ours: |z| <= 4.5, a false alarm in 1 of 37,000 seeds of each."""
    rng, size = np.random.default_rng(5), int(np.prod(shape))
    coordinates = Coordinates((Span("theta", "theta", 0, size, shape, transform),))
    wide = GaussianApproximation(np.zeros(size), 1.5 * np.eye(size), coordinates)
    draws = wide.sample(rng, 20_000)
    ratio = np.exp(log_density(draws["theta"]) - wide.log_density(draws))
    assert abs(ratio.mean() - 1) <= 4.5 * ratio.std(ddof=1) / np.sqrt(ratio.size)
    assert ratio.std(ddof=1) < 5  # so that the standard error can be believed
