"""SMC as a reference and as a method, against enumeration, where the model has stand-in coordinates."""

import numpy as np
import pytest
from scipy import stats

from experiments.methods import smc as method
from experiments.methods.prior_draws import prior_draws
from experiments.posterior.draws import are_independent
from experiments.records import Problem
from experiments.references import log_evidence, smc
from experiments.references.request import Request
from hand_cavi import DirichletWeights, Mixture, NormalGamma
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS
from tests.experiments.fitted import result_of

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, np.newaxis]
PROBLEM = Problem(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2), X)
LOG_EVIDENCE = -17.559746677204  # docs/mathematics.md, 11


@pytest.mark.slow
def test_the_reference_agrees_with_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Student's t with 5 degrees of freedom: a false alarm in 1 of 5,500 seeds."""
    monkeypatch.setattr(smc, "RUNS", 6)
    monkeypatch.setattr(smc, "PARTICLES", 300)
    found = smc.compute(PROBLEM, Request(np.random.default_rng(1)))
    assert found.qualified and found.log_evidence is not None, found.reason
    assert log_evidence(PROBLEM.mixture, X, method="enumeration", rng=0).value == pytest.approx(LOG_EVIDENCE)
    t = abs(found.log_evidence.value - LOG_EVIDENCE) / found.log_evidence.standard_error
    assert 2 * stats.t.sf(t, found.log_evidence.quality["degrees_of_freedom"]) > 1.8e-4
    assert found.draws is None or not are_independent(found.draws)


@pytest.mark.slow
def test_the_method_gives_dependent_draws_and_its_log_evidence() -> None:
    result = result_of("smc", PROBLEM, method.Settings(particles=100))
    assert result.outcome == "sampled" and result.bound is None
    assert not are_independent(result.draws)
    assert result.draws.posterior["weights"].shape == (4, 100, 2)
    assert len(result.info["log_evidence_by_run"]) == 4
    assert abs(result.info["log_evidence"] - LOG_EVIDENCE) < 1  # a gross check: 100 particles are few


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_particles_begin_in_the_prior(family: str, weights: str) -> None:
    """Shapes; and the log weights' mean within 5 standard errors of the prior's own draws: alarm 6e-7."""
    mixture = Mixture(PRIORS[family], WEIGHTS[weights], 3)
    draws = prior_draws(mixture, 2, np.random.default_rng(3), 4, 500)
    assert all(values.shape[:3] == (4, 500, 3) for values in draws.values())
    own = mixture.weights.sample(np.random.default_rng(4), 2_000)
    assert ("weights" in draws) == ("weights" in own)
    if "weights" in own:
        first, second = draws["weights"].reshape(-1, 3), own["weights"]
        error = np.sqrt((first.var(axis=0) + second.var(axis=0)) / 2_000)
        assert np.all(np.abs(first.mean(axis=0) - second.mean(axis=0)) < 5 * error)


def test_too_many_points_are_refused() -> None:
    many = Problem(PROBLEM.mixture, np.zeros((10_001, 1)))
    assert "rows times components" in (smc.applies(many) or "")
