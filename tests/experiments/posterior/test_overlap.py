"""Relabelling within groups against exact permanents and full sums over relabellings."""

from itertools import permutations
from math import lgamma

import numpy as np
import pytest
from scipy.stats import norm

from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.score import score
from experiments.posterior.draws import as_arrays, permuted
from experiments.posterior.overlap import ABOUT, AT_LEAST, EXACT, Groups, permanent_bounds, symmetrise
from experiments.posterior.symmetrised import log_permanent
from experiments.records import Draws, Problem
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance


class Normals:
    """A product of normals that does not say so: its factors might couple."""

    def __init__(self, mean: list[float], sd: float = 1.0) -> None:
        self.mean, self.sd = np.array(mean)[:, np.newaxis], sd

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {"mu": self.mean + self.sd * rng.standard_normal((n, *self.mean.shape))}

    def log_density(self, draws: Draws) -> np.ndarray:
        return self._terms(draws).sum(axis=1)

    def _terms(self, draws: Draws) -> np.ndarray:
        return np.asarray(norm.logpdf(draws["mu"], self.mean, self.sd).sum(axis=2))


class FactorisedNormals(Normals):
    """The same, which says it."""

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        return self._terms(draws)


def mixture(n_components: int) -> Mixture:
    return Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)


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
    q = FactorisedNormals(means)
    draws = q.sample(np.random.default_rng(2), 300)
    found = symmetrise(q, draws, mixture(13))
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
    q = FactorisedNormals([4.0 * k for k in range(13)])
    draws = q.sample(np.random.default_rng(3), 40)
    found = symmetrise(q, draws, mixture(13))
    exact = log_permanent(log_matrix(q, draws)) - lgamma(14)
    assert np.all(exact <= found.log_q + 1e-9)
    assert np.all(found.log_q - found.slack <= exact + 1e-9)
    assert 0 < found.slack.mean() < 0.1


def test_coupled_factors_are_about_right() -> None:
    """Nine neighbours whose q does not factorise, against the permanent: one swap between groups suffices."""
    q = Normals([4.0 * k for k in range(9)])
    draws = q.sample(np.random.default_rng(4), 400)
    found = symmetrise(q, draws, mixture(9))
    exact = log_permanent(log_matrix(q, draws)) - lgamma(10)
    assert found.how == ABOUT
    assert np.mean(found.log_q) == pytest.approx(np.mean(exact), abs=0.02)
    assert np.mean(found.slack) > 10 * abs(np.mean(found.log_q - exact))


def test_few_components_are_exact() -> None:
    q = FactorisedNormals([0.0, 1.0, 3.0])
    draws = q.sample(np.random.default_rng(5), 50)
    found = symmetrise(q, draws, mixture(3))
    explicit = np.logaddexp.reduce(
        [q.log_density(permuted(draws, np.array(order))) for order in permutations(range(3))]
    )
    assert found.how == EXACT
    assert found.log_q == pytest.approx(explicit - np.log(6), abs=1e-11)
    assert not found.slack.any()


def test_scored_draws_say_what_they_are() -> None:
    x = np.linspace(-3, 3, 7)[:, np.newaxis]
    target = MixtureTarget(Problem(mixture(2), x))
    few = score(target, FactorisedNormals([0.0, 1.0]), rng=np.random.default_rng(6), n=20)
    many = FactorisedNormals([30.0 * k for k in range(13)])
    scored = score(MixtureTarget(Problem(mixture(13), x)), many, rng=np.random.default_rng(6), n=20)
    assert few["sample_stats"].attrs["symmetrised"] == EXACT
    assert "symmetrised_slack" not in few["sample_stats"]
    assert scored["sample_stats"].attrs["symmetrised"] == AT_LEAST
    stats = as_arrays(scored, "sample_stats")
    assert stats["log_q"] - stats["log_q_symmetrised"] == pytest.approx(np.full(20, lgamma(14)), abs=1e-8)
    assert stats["symmetrised_slack"].max() < 1e-8
