"""Deterministic ADVI as a method: its bound, what is left to gain, and its correction. Nothing compiled."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from experiments.methods import dadvi
from experiments.metrics.bounds import collapsed_bound, recomputed_bound
from experiments.metrics.convergence import step_gain
from experiments.posterior.draws import as_arrays
from experiments.records import Problem, Reference
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from hand_cavi import fit as fit_mixture
from ppl_baselines.pymc import compilation
from tests.experiments.fitted import context_for, result_of

NONE = Reference("none", False, "none was asked for")
X = np.array([[-2.6, 0.1], [-2.1, 0.4], [-1.7, -0.3], [1.4, 0.2]])


@pytest.fixture(scope="module")
def problem():
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1), X)


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch):
    monkeypatch.setattr(compilation, "mode", lambda backend: Mode(linker="py", optimizer="fast_compile"))
    monkeypatch.setattr("experiments.methods.compiled_models._kept", {})


def run(problem, **options):
    return result_of("dadvi", problem, dadvi.Settings(starts=1, draws=4000, **options))


def test_of_one_normal_component_f_falls_short_of_the_evidence_by_what_is_said(problem):
    """Two independent numbers: p is in its family, so that fixing the draws is all that it costs."""
    result = run(problem)
    exact = fit_mixture(problem.mixture, X, rng=1, starts=1).elbo
    context = context_for(problem, result, NONE)
    assert result.outcome == "converged" and result.info["loss_by_fixing"] <= 0.05
    assert exact - 0.2 < collapsed_bound(context).value < exact
    said, found = result.bound, recomputed_bound(context)
    assert abs(said - found.value) < 4 * np.hypot(result.bound_se, found.standard_error)
    gain = step_gain(context)
    assert gain.value - 5 * gain.standard_error < 0.05


def test_too_few_draws_are_said_to_be(problem):
    result = run(problem, most_fixed_draws=30, tolerance=0.001)
    assert result.outcome == "undecided" and result.info["fixed_draws"] == 30
    assert "30 fixed draws cost about" in result.message


def test_with_linear_response_it_claims_no_bound_and_no_optimum(problem):
    result = run(problem, covariance="linear_response", fixed_draws=200)
    context = context_for(problem, result, NONE)
    assert result.bound is None and step_gain(context).value is None
    sds = as_arrays(result.draws)["mu"].std(axis=0).ravel()
    np.testing.assert_allclose(sds, (1 / (4 + 1 / 25)) ** 0.5, rtol=0.2)
