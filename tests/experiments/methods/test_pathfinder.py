"""Pathfinder as a method, nothing compiled: a normal posterior, two modes by enumeration, resampled."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from experiments.methods import pathfinder
from experiments.metrics.bounds import collapsed_bound, density_mass, symmetrised_bound
from experiments.metrics.moments import mean_error, sd_ratio
from experiments.posterior.draws import are_independent
from experiments.records import Problem
from experiments.references import reference
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from hand_cavi import fit as fit_mixture
from ppl_baselines.pymc import compilation
from tests.experiments.fitted import context_for, result_of

X = np.array([-4.2, -4.0, -3.8, -0.25, 0.05, 0.35, 3.8, 4.0, 4.2])[:, np.newaxis]
"""Under two components the middle goes with the left, or with the right: two modes beyond numbering."""


@pytest.fixture(autouse=True, scope="module")
def nothing_compiled():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compilation, "mode", lambda backend: Mode(linker="py", optimizer="fast_compile"))
        patched.setattr("experiments.methods.compiled_models._kept", {})
        yield


@pytest.fixture(scope="module")
def problem():
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)


@pytest.fixture(scope="module")
def truth(problem):
    return reference(problem, method="enumeration", rng=1, n_draws=20_000)


def run(problem, **options):
    settings = pathfinder.Settings(**{"starts": 4, "elbo_draws": 5, "draws": 4000} | options)
    return result_of("pathfinder", problem, settings, starts=5, seed=6)


def test_of_one_normal_component_it_is_the_posterior(truth):
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1), X)
    result = run(problem, starts=2)
    exact = fit_mixture(problem.mixture, X, rng=1, starts=1).elbo
    found = collapsed_bound(context_for(problem, result, truth))
    assert found.value == pytest.approx(exact, abs=1e-3) and found.standard_error < 1e-3
    assert len(result.info["shares"]) == 1  # both paths tell the same


def test_the_mixture_of_the_paths_holds_both_modes_and_is_scored_as_any_q(problem, truth):
    result = run(problem)
    context = context_for(problem, result, truth)
    assert len(result.info["shares"]) == 2 and min(result.info["shares"]) > 0.2
    bound = symmetrised_bound(context)
    assert -0.2 < bound.value - truth.log_evidence.value < 5 * bound.standard_error
    mass = density_mass(context)
    assert abs(mass.value) < 5 * mass.standard_error < 0.1
    assert result.outcome == "converged" and result.told.family == "mixture of Gaussians"


def test_resampled_draws_are_those_of_the_posterior(problem, truth):
    """Means and sds within 4.5 errors of the exact ones, beyond a bias of 0.02 sds (four figures)."""
    result = run(problem, resample=True, draws=2000)
    context = context_for(problem, result, truth)
    assert result.outcome == "sampled" and are_independent(result.draws) and result.bound is None
    for found, right in ((sd_ratio(context), 1.0), (mean_error(context), 0.0)):
        off = np.abs(np.array(found.value) - right) - 0.02
        assert (off < 4.5 * np.array(found.standard_error)).all()
    said = result.info
    assert abs(said["log_evidence"] - truth.log_evidence.value) < 4.5 * said["log_evidence_se"] < 0.1
