"""What bounds what, in a study over overlap x N x K, and the two eight-point examples.

The truth is log p(x) by enumeration or quadrature. Monte-Carlo figures are held to 4.5 of their stated
standard errors, one-sided: with some 40 comparisons, false alarm about 1e-4 over seeds.
"""

from itertools import permutations, product
from math import factorial

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.score import score
from experiments.metrics import measure_all
from experiments.metrics.bounds import (
    collapsed_bound,
    importance_evidence,
    iwae,
    symmetrised_bound,
    symmetry_gain,
)
from experiments.posterior.draws import permuted
from experiments.records import Draws, Measurement, MethodResult, Problem, Reference
from experiments.references import reference
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit, log_joint
from tests.experiments.fitted import context_for

FIXTURE = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
OVERLAPPING = np.array([-1.6, -1.1, -0.7, -0.2, 0.4, 0.9, 1.3, 1.8])
NONE = Reference("none", False, "none was asked for")


def textbook(x: np.ndarray, n_components: int) -> Problem:
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components), x[:, np.newaxis])


def number(measurement: Measurement) -> tuple[float, float]:
    assert isinstance(measurement.value, float) and isinstance(measurement.standard_error, float)
    return measurement.value, measurement.standard_error


@pytest.mark.parametrize(("apart", "n", "n_components"), list(product((0.5, 2.0, 4.0), (6, 40), (2, 3))))
def test_the_chain_of_bounds(apart: float, n: int, n_components: int) -> None:
    """ELBO <= F <= IWAE_S <= log p(x), F + KL(q, q_sym) = F(q_sym) <= log p(x), 0 <= KL <= ln K!.

    The equality is tested between two different estimates: F and the KL at draws from q, and F(q_sym) at
    draws from q_sym itself, which are draws from q with their components in random order.
    """
    rng = np.random.default_rng([int(10 * apart), n, n_components])
    centre = apart * (np.arange(n_components) - (n_components - 1) / 2)
    problem = textbook(centre[rng.integers(n_components, size=n)] + rng.standard_normal(n), n_components)
    truth = reference(problem, rng=1, n_draws=0).log_evidence
    assert truth is not None and truth.standard_error < 1e-6
    q = fit(problem.mixture, problem.x, rng=1)
    context = context_for(
        problem, MethodResult("", "", 0, 0, score(MixtureTarget(problem), q, rng=rng, n=4000)), NONE
    )
    f, f_error = number(collapsed_bound(context))
    weighted, weighted_error = number(iwae(context))
    gain, gain_error = number(symmetry_gain(context))
    whole, whole_error = number(symmetrised_bound(context))

    assert q.elbo <= f + 4.5 * f_error + 1e-9
    assert f <= weighted + 4.5 * np.hypot(f_error, weighted_error) + 1e-9
    assert weighted <= truth.value + 4.5 * weighted_error + 1e-9
    assert whole <= truth.value + 4.5 * whole_error + 1e-9
    assert -4.5 * gain_error - 1e-12 <= gain <= np.log(factorial(n_components)) + 1e-12

    draws = q.sample(rng, 4000)
    order = rng.permuted(np.tile(np.arange(n_components), (4000, 1)), axis=1)
    ratio = log_joint(problem.mixture, problem.x, draws) - log_q_sym(q.components, permuted(draws, order))
    error = np.sqrt(ratio.var() / len(ratio) + f_error**2 + gain_error**2)
    assert abs(ratio.mean() - (f + gain)) < 4.5 * error + 1e-9


def log_q_sym(components: NormalKnownVariance, draws: Draws) -> np.ndarray:
    """The sum over all relabellings, by scipy."""
    mean, sd = components.mean[:, 0], np.sqrt(components.variance)
    orders = list(permutations(range(len(mean))))
    terms = [norm.logpdf(draws["mu"][:, o, 0], mean, sd).sum(axis=1) for o in orders]
    return np.asarray(np.logaddexp.reduce(terms) - np.log(len(orders)))


class TwoNormals:
    """q(mu_1) q(mu_2), any two normals: what mean-field methods search on this model."""

    def __init__(self, parameters: np.ndarray) -> None:
        self.mean, self.sd = parameters[:2], np.exp(parameters[2:])

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {"mu": (self.mean + self.sd * rng.standard_normal((n, 2)))[:, :, np.newaxis]}

    def log_density(self, draws: Draws) -> np.ndarray:
        return np.asarray(norm.logpdf(draws["mu"][..., 0], self.mean, self.sd).sum(axis=1))

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        return np.asarray(norm.logpdf(draws["mu"][..., 0], self.mean, self.sd))


def best_f(problem: Problem, start: list[float]) -> TwoNormals:
    """Climb F by Gauss-Hermite quadrature, no Monte Carlo, from a start (means, log sds)."""
    node, weight = np.polynomial.hermite_e.hermegauss(24)
    z = np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    share = np.outer(weight, weight).ravel() / weight.sum() ** 2

    def loss(parameters: np.ndarray) -> float:
        q = TwoNormals(parameters)
        draws = {"mu": (q.mean + q.sd * z)[:, :, np.newaxis]}
        return float(share @ (q.log_density(draws) - log_joint(problem.mixture, problem.x, draws)))

    return TwoNormals(minimize(loss, np.array(start), method="BFGS").x)


def bounds_of(problem: Problem, q: TwoNormals) -> tuple[tuple[float, float], tuple[float, float]]:
    tree = score(MixtureTarget(problem), q, rng=np.random.default_rng(3), n=20_000)
    context = context_for(problem, MethodResult("", "", 0, 0, tree), NONE)
    return number(collapsed_bound(context)), number(symmetrised_bound(context))


def test_two_clusters_the_merged_solution_loses_everywhere() -> None:
    problem = textbook(FIXTURE, 2)
    apart, merged = best_f(problem, [-1.9, 2.1, -0.7, -0.7]), TwoNormals(np.array([0.0, 0.1, -1.0, -1.0]))
    (f, error), (whole, whole_error) = bounds_of(problem, apart)
    assert abs(f + 18.683933) < 4.5 * error + 1e-5  # docs/mathematics.md, 11: F at its best q
    assert abs(whole + 17.990786) < 4.5 * whole_error + 1e-5
    for there, here in zip(bounds_of(problem, merged), ((f, error), (whole, whole_error)), strict=True):
        assert there[0] < here[0] - 4.5 * np.hypot(there[1], here[1])


def test_overlapping_clusters_who_wins_changes_with_symmetrisation() -> None:
    """The best mean-field F merges both components, beats CAVI's F, and loses once symmetrised.

    See docs/mathematics.md, 4.
    """
    problem = textbook(OVERLAPPING, 2)
    found = fit(problem.mixture, problem.x, rng=1)
    cavi = TwoNormals(np.r_[found.components.mean[:, 0], np.log(found.components.variance) / 2])
    merged = best_f(problem, [0.1, 0.1, -1.0, -1.0])
    assert abs(merged.mean[0] - merged.mean[1]) < 0.05
    assert abs(cavi.mean[0] - cavi.mean[1]) > 0.5
    (f, f_error), (whole, whole_error) = bounds_of(problem, cavi)
    (merged_f, merged_f_error), (merged_whole, merged_error) = bounds_of(problem, merged)
    assert merged_f - f > 4.5 * np.hypot(f_error, merged_f_error)
    assert whole - merged_whole > 4.5 * np.hypot(whole_error, merged_error)
    assert abs(merged_whole - merged_f) < 0.01  # symmetrising what is symmetric gains nothing


def test_importance_sampling_over_q_sym_and_the_trap_of_one_mode() -> None:
    """docs/mathematics.md, 4: over q itself it misses log p(x) by ln 2 while k-hat looks fine."""
    problem = textbook(FIXTURE, 2)
    truth = reference(problem, rng=1, n_draws=100)
    q = fit(problem.mixture, problem.x, rng=1)
    tree = score(MixtureTarget(problem), q, rng=np.random.default_rng(4), n=20_000)
    context = context_for(problem, MethodResult("", "", 0, 0, tree, -18.717, 0.0), truth)
    measured = measure_all(context)
    assert truth.log_evidence is not None
    value, error = number(importance_evidence(context))
    assert abs(value - truth.log_evidence.value) < 4.5 * error
    assert error < 0.002
    assert measured["iwae"].value == pytest.approx(truth.log_evidence.value - np.log(2), abs=0.01)
    k_hats, threshold = measured["k_hat"].value, measured["k_hat"].threshold
    assert isinstance(k_hats, list) and threshold is not None
    assert max(k_hats) < threshold.value == pytest.approx(0.7)
    assert threshold.source == "Vehtari et al. (2024)"
