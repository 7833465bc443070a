"""Laplace's approximation as a method, nothing compiled: exact of a normal posterior; and its refusal."""

from dataclasses import replace

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from experiments.methods import laplace
from experiments.metrics.bounds import collapsed_bound, density_mass
from experiments.metrics.convergence import step_gain
from experiments.records import Problem, Reference
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance
from hand_cavi import fit as fit_mixture
from ppl_baselines.pymc import compilation
from tests.experiments.fitted import context_for, result_of

NONE = Reference("none", False, "none was asked for")
X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, np.newaxis]


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch):
    monkeypatch.setattr(compilation, "mode", lambda backend: Mode(linker="py", optimizer="fast_compile"))
    monkeypatch.setattr("experiments.methods.compiled_models._kept", {})


def run(problem, **options):
    return result_of("laplace", problem, laplace.Settings(**{"starts": 3, "draws": 2000} | options))


def test_of_one_normal_component_it_is_the_posterior_and_its_evidence():
    """F is log p(x) at every draw, and CAVI's bound of one component is exact too."""
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1), X)
    result = run(problem)
    exact = fit_mixture(problem.mixture, X, rng=1, starts=1).elbo
    assert result.outcome == "converged"
    assert result.info["log_evidence"] == pytest.approx(exact, abs=1e-7)
    found = collapsed_bound(context_for(problem, result, NONE))
    assert found.value == pytest.approx(exact, abs=1e-7) and found.standard_error < 1e-7


def test_the_numberings_are_counted_and_said():
    """Two clusters far apart: K! modes, and log p(x) = -17.990121876653 but for what Laplace leaves."""
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)
    result = run(problem)
    assert result.info["log_evidence"] - result.info["log_evidence_of_the_mode"] == pytest.approx(np.log(2))
    assert "ln K! = 0.693 included" in result.message
    assert result.info["log_evidence"] == pytest.approx(-17.990121876653, abs=0.05)
    context = context_for(problem, result, NONE)
    mass = density_mass(context)
    assert abs(mass.value) < 5 * mass.standard_error < 0.1
    assert (
        result.bound is None and step_gain(context).value is None
    )  # it is not the best q for F, nor says so


def test_the_same_q_that_claims_to_be_the_best_is_asked_what_a_step_gains(monkeypatch):
    problem, fit = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1), X), laplace.fit

    def claiming(*given, **more):
        fitted = fit(*given, **more)
        return replace(fitted, q=replace(fitted.q, maximises=True))

    monkeypatch.setattr(laplace, "fit", claiming)
    assert abs(run(problem).told.step_gain) < 1e-6


def test_a_ridge_is_refused_in_a_sentence(monkeypatch):
    from ppl_baselines import laplace as of_densities

    found = of_densities.LaplaceResult(None, np.nan, False, np.array([-3.0]), 1, -0.25)
    monkeypatch.setattr(of_densities, "run", lambda density, starts: found)
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)
    with pytest.raises(InputError, match=r"refused: .* \(the least eigenvalue of -H is -0.25\)"):
        run(problem)
