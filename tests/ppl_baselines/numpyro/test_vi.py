import pickle

import numpy as np
import pytest

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance
from hand_cavi.mixture import log_joint
from ppl_baselines.convergence import Status
from ppl_baselines.data import as_data
from ppl_baselines.errors import UnavailableError
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.pymc import vi as pymc_vi

pytestmark = pytest.mark.numpyro
jax = pytest.importorskip("jax")
pytest.importorskip("numpyro")
from ppl_baselines.numpyro import vi  # noqa: E402
from ppl_baselines.numpyro.build import build  # noqa: E402
from ppl_baselines.numpyro.guides import laplace_factor  # noqa: E402

GUIDES = ("mean_field", "full_rank", "low_rank", "laplace", "flow")
LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11
TEXTBOOK = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, None]
STARTS = [{"mu": np.array([[-1.0], [1.0]])}, {"mu": np.array([[2.0], [-2.0]])}]
RATES = {"flow": (0.01, 0.001)}


def fitted(mixture, x, starts, guide, **options):
    rate, final = RATES.get(guide, (0.1, 0.01))
    prepared = vi.prepare(build(mixture, x), guide=guide)
    rates = {"learning_rate": rate, "final_learning_rate": final}
    return prepared, vi.run(prepared, starts, seed=1, **rates, **options)


@pytest.fixture(scope="module", params=GUIDES)
def fit(request):
    """Of every guide; Dirichlet weights and precisions, whose coordinates are not the variables."""
    rng = np.random.default_rng(3)
    x = np.where(rng.random((40, 1)) < 0.4, -3.0, 3.0) + rng.normal(size=(40, 1))
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 2)
    start = {"mu": np.array([[-3.0], [3.0]]), "precision": np.ones((2, 1)), "weights": np.array([0.4, 0.6])}
    return request.param, mixture, x, *fitted(mixture, x, [start], request.param, steps=2_000)


def test_the_bound_is_that_of_canonical_densities(fit):
    """|z| <= 4.5 on independent draws: a false alarm in 1 of 100,000 seeds of each."""
    _, mixture, x, _, result = fit
    q = result.approximation
    draws = q.sample(np.random.default_rng(123), 4_000)
    log_weights = log_joint(mixture, x, draws) - q.log_density(draws)
    error = np.hypot(result.elbo_se, log_weights.std(ddof=1) / np.sqrt(log_weights.size))
    assert abs(result.elbo - log_weights.mean()) <= 4.5 * error
    assert result.elbo > result.trace[0].elbo
    assert result.status is not Status.NON_FINITE


def test_the_density_is_one_everywhere_not_only_where_q_draws(fit):
    """Its integral, by importance sampling from a normal twice as wide: |z| <= 4.5."""
    guide, *_, result = fit
    q = result.approximation
    some = q.sample_unconstrained(np.random.default_rng(5), 4_000)
    around = GaussianApproximation(
        some.mean(axis=0), 1.5 * np.linalg.cholesky(np.cov(some, rowvar=False)), q.coordinates
    )
    u = around.sample_unconstrained(np.random.default_rng(6), 20_000)
    ratio = np.exp(q.log_density_unconstrained(u) - around.log_density_unconstrained(u))
    assert abs(ratio.mean() - 1) <= 4.5 * ratio.std() / np.sqrt(ratio.size), guide


def test_the_flow_is_inverted_exactly(fit):
    """z from its own u: the density by the way forward and by the way back."""
    guide, *_, prepared, result = fit
    if guide != "flow":
        pytest.skip("a Gaussian")
    forward = result.approximation.forward
    z = np.random.default_rng(7).standard_normal((500, prepared.coordinates.size))
    u = np.array(forward(result.approximation.parameters, z))
    jacobian = jax.vmap(jax.jacobian(lambda one: forward(result.approximation.parameters, one)))(z)
    by_forward = -0.5 * (z**2 + np.log(2 * np.pi)).sum(axis=1) - np.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(result.approximation.log_density_unconstrained(u), by_forward, rtol=1e-8)


def test_only_what_maximises_f_says_so(fit):
    guide, *_, result = fit
    q = result.approximation
    said = isinstance(q, GaussianApproximation) and q.maximises
    assert said == (guide in ("mean_field", "full_rank"))
    if isinstance(q, GaussianApproximation):
        assert pickle.loads(pickle.dumps(q)).mean.shape == q.mean.shape


def test_it_reaches_the_bound_that_pymcs_reaches(log_density):
    """The same family of q where all variables are real; five standard errors and the tolerance."""
    theirs = pymc_vi.run(log_density, STARTS, kind="mean_field", seed=2, steps=2_000)
    _, ours = fitted(TEXTBOOK, X, STARTS, "mean_field", steps=2_000)
    assert ours.status is Status.CONVERGED
    assert abs(ours.elbo - theirs.elbo) <= 5 * np.hypot(ours.elbo_se, theirs.elbo_se) + 0.02
    assert ours.elbo < LOG_EVIDENCE


def test_laplace_is_the_curvature_at_the_mode():
    """K = 1: the posterior is normal, and so Laplace's q is the posterior, its bound the evidence."""
    mixture = Mixture(NormalKnownVariance(-1.0, 2.0, 1.5), FixedWeights(), 1)
    x = np.array([1.0, 2.5, 3.5, 4.0])[:, None]
    _, result = fitted(mixture, x, [{"mu": np.zeros((1, 1))}], "laplace", steps=2_000)
    variance = 1 / (1 / 2.0 + 4 / 1.5)
    np.testing.assert_allclose(result.approximation.mean, variance * (-0.5 + 11 / 1.5), rtol=1e-3)
    np.testing.assert_allclose(result.approximation.factor, np.sqrt(variance), rtol=1e-9)


def test_laplace_has_a_variance_of_1_where_there_is_no_maximum():
    np.testing.assert_allclose(laplace_factor(np.diag([4.0, -3.0, 0.0])), np.diag([0.5, 1.0, 1.0]))
    assert np.isnan(laplace_factor(np.full((2, 2), np.nan))).all()


def test_other_data_restarts_and_hopeless_starts():
    """Data are swapped, a restart does not depend on the others, and an infinite loss is left behind."""
    prepared = vi.prepare(build(TEXTBOOK, X), guide="mean_field")
    options = {"seed": 4, "steps": 200, "screen_steps": 100}
    alone, among = (vi.run(prepared, some, **options) for some in (STARTS[:1], STARTS))
    assert alone.restart_elbos[0] == among.restart_elbos[0]
    assert [point.step for point in among.trace][:2] == [100, 100] and among.losses.shape == (200,)

    moved = vi.run(prepared.with_data(as_data(X + 50.0)), [{"mu": STARTS[0]["mu"] + 50.0}], **options)
    assert moved.approximation.mean.min() > 40

    hopeless = {"mu": np.full((2, 1), 1e200)}
    with np.errstate(all="ignore"):
        survived = vi.run(prepared, [hopeless, *STARTS], **options)
        failed = vi.run(prepared, [hopeless], **options)
    assert survived.restart_elbos[0] == -np.inf and survived.best in (1, 2)
    assert failed.status is Status.NON_FINITE and failed.approximation is None


def test_a_flow_of_one_number_is_a_normal():
    mixture = Mixture(NormalKnownVariance(-1.0, 2.0, 1.5), FixedWeights(), 1)
    _, result = fitted(mixture, X, [{"mu": np.zeros((1, 1))}], "flow", steps=200, screen_steps=50)
    assert np.isfinite(result.elbo)


def test_an_unknown_guide_is_named():
    with pytest.raises(UnavailableError, match="no_such_guide"):
        vi.prepare(build(TEXTBOOK, X), guide="no_such_guide")
