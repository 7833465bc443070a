"""The symmetrised approximation against explicit sums over relabellings; docs/mathematics.md, 4 and 5."""

from itertools import permutations
from math import factorial, lgamma

import numpy as np
import pytest
from scipy.stats import norm

from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.score import score
from experiments.posterior.draws import as_arrays, permuted
from experiments.posterior.symmetrised import (
    ABOUT,
    AT_LEAST,
    EXACT,
    Groups,
    log_permanent,
    log_q_symmetrised,
    permanent_bounds,
    symmetrise,
    why_not_exact,
)
from experiments.records import Draws, Problem
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, fit, log_joint

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11
COLLAPSED, SYMMETRISED = -18.685226, -17.992079


def textbook(n_components: int) -> Mixture:
    return Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)


class Normals:
    """A product of normals over components, evaluated by scipy."""

    def __init__(self, mean: np.ndarray, sd: np.ndarray) -> None:
        self.mean, self.sd = mean, sd

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {"mu": self.mean + self.sd * rng.standard_normal((n, *self.mean.shape))}

    def log_density(self, draws: Draws) -> np.ndarray:
        return norm.logpdf(draws["mu"], self.mean, self.sd).sum(axis=(1, 2))


class FactorisedNormals(Normals):
    """The same, which also says that it factorises."""

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        return norm.logpdf(draws["mu"], self.mean, self.sd).sum(axis=2)


def some_normals(n_components: int, *, factorised: bool, n_features: int = 1) -> Normals:
    rng = np.random.default_rng(n_components)
    mean = rng.normal(size=(n_components, n_features)) * 2
    sd = 0.3 + rng.random((n_components, n_features))
    return FactorisedNormals(mean, sd) if factorised else Normals(mean, sd)


@pytest.mark.parametrize("n_components", [1, 2, 3, 5])
def test_permanent_equals_the_sum_over_permutations(n_components: int) -> None:
    matrix = np.random.default_rng(0).exponential(size=(4, n_components, n_components))
    rows = np.arange(n_components)
    explicit = sum(matrix[:, rows, order].prod(axis=1) for order in permutations(range(n_components)))
    assert log_permanent(np.log(matrix)) == pytest.approx(np.log(explicit), rel=1e-12)


def test_permanent_of_known_matrices() -> None:
    """All ones: K!. The identity: 1. Ones off the diagonal: the derangements of 6, 265."""
    ones = np.zeros((1, 6, 6))
    with np.errstate(divide="ignore"):
        identity, off = np.log(np.eye(6))[np.newaxis], np.log(1 - np.eye(6))[np.newaxis]
    assert log_permanent(ones)[0] == pytest.approx(np.log(factorial(6)))
    assert log_permanent(identity)[0] == 0
    assert log_permanent(off)[0] == pytest.approx(np.log(265))


def test_permanent_far_below_the_smallest_float() -> None:
    matrix = np.random.default_rng(1).normal(size=(3, 4, 4))
    assert log_permanent(matrix - 1000) == pytest.approx(log_permanent(matrix) - 4000, rel=1e-13)


@pytest.mark.parametrize(("n_components", "n_features"), [(2, 1), (3, 2), (4, 1), (5, 3)])
def test_both_ways_give_the_same(n_components: int, n_features: int) -> None:
    plain = some_normals(n_components, factorised=False, n_features=n_features)
    fast = some_normals(n_components, factorised=True, n_features=n_features)
    draws = plain.sample(np.random.default_rng(3), 50)
    mixture = textbook(n_components)
    explicit = np.logaddexp.reduce(
        [plain.log_density(permuted(draws, np.array(o))) for o in permutations(range(n_components))]
    ) - np.log(factorial(n_components))
    assert log_q_symmetrised(plain, draws, mixture) == pytest.approx(explicit, rel=1e-11)
    assert log_q_symmetrised(fast, draws, mixture) == pytest.approx(explicit, rel=1e-11)


def test_relabelling_changes_nothing() -> None:
    q = some_normals(4, factorised=True)
    draws = q.sample(np.random.default_rng(4), 20)
    here = log_q_symmetrised(q, draws, textbook(4))
    there = log_q_symmetrised(q, permuted(draws, np.array([2, 0, 3, 1])), textbook(4))
    assert there == pytest.approx(here, rel=1e-12)


def test_the_divergence_lies_between_zero_and_log_k_factorial() -> None:
    """log q - log q_sym <= ln K! pointwise; its mean, KL(q, q_sym), is at least 0; ln K! if far apart."""
    q = some_normals(4, factorised=True)
    draws = q.sample(np.random.default_rng(5), 4000)
    excess = q.log_density(draws) - log_q_symmetrised(q, draws, textbook(4))
    assert np.all(excess <= np.log(24) + 1e-12)
    assert excess.mean() > 0
    apart = FactorisedNormals(100.0 * np.arange(4)[:, np.newaxis], np.ones((4, 1)))
    draws = apart.sample(np.random.default_rng(6), 100)
    excess = apart.log_density(draws) - log_q_symmetrised(apart, draws, textbook(4))
    assert excess == pytest.approx(np.log(24), abs=1e-12)


def test_weights_that_are_not_exchangeable_leave_q_as_it_is() -> None:
    class Sticks(FixedWeights):
        exchangeable = False

    q = some_normals(3, factorised=True)
    draws = q.sample(np.random.default_rng(7), 10)
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), Sticks(), 3)
    assert np.array_equal(log_q_symmetrised(q, draws, mixture), q.log_density(draws))


def test_too_many_components_are_refused_with_the_bound() -> None:
    coupled, factorised = some_normals(9, factorised=False), some_normals(9, factorised=True)
    draws = coupled.sample(np.random.default_rng(8), 3)
    with pytest.raises(InputError, match=r"between F and F \+ ln 9! = F \+ 12.80"):
        log_q_symmetrised(coupled, draws, textbook(9))
    assert why_not_exact(factorised, textbook(9)) is None
    assert np.isfinite(log_q_symmetrised(factorised, draws, textbook(9))).all()
    assert why_not_exact(some_normals(13, factorised=True), textbook(13)) is not None


def test_the_ladder_of_bounds_at_the_fixture() -> None:
    """ELBO <= F <= F symmetrised <= log p(x), and both figures of docs/mathematics.md, 11.

    Against 4.5 standard errors plus the fixture's last digit: false alarm 1.4e-5 over seeds. The errors
    themselves are below 1e-4 for the symmetrised bound and 1e-3 for F.
    """
    q = fit(textbook(2), EIGHT, rng=1)
    draws = q.sample(np.random.default_rng(9), 400_000)
    log_p = log_joint(textbook(2), EIGHT, draws)
    plain = log_p - q.log_density(draws)
    symmetrised = log_p - log_q_symmetrised(q, draws, textbook(2))
    for ratio, exact in ((plain, COLLAPSED), (symmetrised, SYMMETRISED)):
        error = ratio.std() / np.sqrt(len(ratio))
        assert error < 2e-4
        assert abs(ratio.mean() - exact) < 4.5 * error + 1e-6
    assert q.elbo <= plain.mean() <= symmetrised.mean() <= LOG_EVIDENCE


def test_both_bounds_at_the_fixture_by_quadrature() -> None:
    """F and F symmetrised of docs/mathematics.md, 11, to the last digit: Gauss-Hermite, no Monte Carlo."""
    q = fit(textbook(2), EIGHT, rng=1)
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    sd = np.sqrt(q.components.variance)
    first, second = np.meshgrid(node, node, indexing="ij")
    mu = np.stack([first.ravel(), second.ravel()], axis=1) * sd + q.components.mean[:, 0]
    draws = {"mu": mu[:, :, np.newaxis]}
    share = np.outer(weight, weight).ravel() / weight.sum() ** 2
    log_p = log_joint(textbook(2), EIGHT, draws)
    assert share @ (log_p - q.log_density(draws)) == pytest.approx(COLLAPSED, abs=1e-6)
    symmetrised = share @ (log_p - log_q_symmetrised(q, draws, textbook(2)))
    assert symmetrised == pytest.approx(SYMMETRISED, abs=1e-6)


# ---- many components, relabelled within groups --------------------------------------------------


def row_of_normals(mean: list[float], *, factorised: bool = True) -> Normals:
    """Unit normals at these places."""
    of = FactorisedNormals if factorised else Normals
    return of(np.array(mean)[:, np.newaxis], np.ones((len(mean), 1)))


def log_matrix(q: Normals, draws: Draws) -> np.ndarray:
    """log q_j(theta_k), by scipy, (S, j, k)."""
    return np.asarray(norm.logpdf(draws["mu"][:, np.newaxis, :, 0], q.mean, q.sd))


@pytest.mark.parametrize(
    "groups", [((0, 1, 2, 3, 4, 5),), ((0, 1), (2, 3, 4), (5,)), ((0,), (1,), (2, 3, 4, 5))]
)
def test_bounds_enclose_the_permanent(groups: Groups) -> None:
    matrix = np.random.default_rng(1).normal(size=(200, 6, 6)) * 3
    low, high = permanent_bounds(matrix, groups)
    exact = log_permanent(matrix)
    assert np.all(low <= exact + 1e-10)
    assert np.all(exact <= high + 1e-10)
    if len(groups) == 1:
        assert low == pytest.approx(exact, abs=1e-10)
        assert high == pytest.approx(exact, abs=1e-10)
    else:
        assert (high - low).max() > 0.1  # these overlap everywhere: the width shows it


def test_thirteen_factors_with_overlapping_neighbours() -> None:
    """Pairs that overlap, far from each other: the exact sum is the product of the pairs' permanents."""
    means = [20.0 * (k // 2) + 1.5 * (k % 2) for k in range(13)]
    q = row_of_normals(means)
    draws = q.sample(np.random.default_rng(2), 300)
    found = symmetrise(q, draws, textbook(13))
    assert found.how == AT_LEAST
    assert found.groups == (*((2 * i, 2 * i + 1) for i in range(6)), (12,))
    own, matrix = 0.0, log_matrix(q, draws)
    for group in found.groups:
        some = [matrix[:, group, order].sum(axis=1) for order in permutations(group)]
        own = own + np.logaddexp.reduce(some)
    assert found.log_q == pytest.approx(own - lgamma(14), abs=1e-8)
    assert found.slack.max() < 1e-8


def test_thirteen_factors_all_overlapping_are_enclosed() -> None:
    """A chain of neighbours that no group of ten holds; the exact sum by the permanent."""
    q = row_of_normals([4.0 * k for k in range(13)])
    draws = q.sample(np.random.default_rng(3), 40)
    found = symmetrise(q, draws, textbook(13))
    exact = log_permanent(log_matrix(q, draws)) - lgamma(14)
    assert np.all(exact <= found.log_q + 1e-9)
    assert np.all(found.log_q - found.slack <= exact + 1e-9)
    assert 0 < found.slack.mean() < 0.1


def test_coupled_factors_are_about_right() -> None:
    """Nine neighbours whose q does not factorise, against the permanent: one swap between groups suffices."""
    q = row_of_normals([4.0 * k for k in range(9)], factorised=False)
    draws = q.sample(np.random.default_rng(4), 400)
    found = symmetrise(q, draws, textbook(9))
    exact = log_permanent(log_matrix(q, draws)) - lgamma(10)
    assert found.how == ABOUT
    assert np.mean(found.log_q) == pytest.approx(np.mean(exact), abs=0.02)
    assert np.mean(found.slack) > 10 * abs(np.mean(found.log_q - exact))


def test_few_components_are_exact() -> None:
    q = row_of_normals([0.0, 1.0, 3.0])
    draws = q.sample(np.random.default_rng(5), 50)
    found = symmetrise(q, draws, textbook(3))
    explicit = np.logaddexp.reduce(
        [q.log_density(permuted(draws, np.array(order))) for order in permutations(range(3))]
    )
    assert found.how == EXACT
    assert found.log_q == pytest.approx(explicit - np.log(6), abs=1e-11)
    assert not found.slack.any()


def test_scored_draws_say_what_they_are() -> None:
    x = np.linspace(-3, 3, 7)[:, np.newaxis]
    few = score(
        MixtureTarget(Problem(textbook(2), x)), row_of_normals([0.0, 1.0]), rng=np.random.default_rng(6), n=20
    )
    many = row_of_normals([30.0 * k for k in range(13)])
    scored = score(MixtureTarget(Problem(textbook(13), x)), many, rng=np.random.default_rng(6), n=20)
    assert few["sample_stats"].attrs["symmetrised"] == EXACT
    assert "symmetrised_slack" not in few["sample_stats"]
    assert scored["sample_stats"].attrs["symmetrised"] == AT_LEAST
    stats = as_arrays(scored, "sample_stats")
    assert stats["log_q"] - stats["log_q_symmetrised"] == pytest.approx(np.full(20, lgamma(14)), abs=1e-8)
    assert stats["symmetrised_slack"].max() < 1e-8
