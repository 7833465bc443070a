"""Gibbs as a method of a study, and as a reference that has to qualify."""

import numpy as np
import pytest

from experiments.methods import gibbs, label
from experiments.posterior.draws import are_independent, as_arrays, as_chains, mean_and_error, sorted_location
from experiments.records import MethodResult, Problem, Reference
from experiments.references import gibbs as gibbs_reference
from experiments.references import nuts
from experiments.references.enumeration import compute as enumerate_all
from experiments.references.request import Request
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, StickBreaking, log_joint
from hand_cavi.gibbs import sampler
from hand_cavi.gibbs.sampler import GibbsRun
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.fitted import result_of

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, np.newaxis]


def textbook(k: int = 2) -> Mixture:
    return Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), k)


def run(problem: Problem, seed: int = 1, **settings: int | bool) -> MethodResult:
    return result_of("gibbs", problem, gibbs.Settings(**settings), starts=5, seed=seed)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_method_gives_chains_for_every_family(family: str, weights: str) -> None:
    problem = Problem(Mixture(PRIORS[family], WEIGHTS[weights], 2), data_of(family))
    result = run(problem, chains=2, draws=20, tune=5)
    assert (result.outcome, result.bound, result.seconds_compile) == ("sampled", None, 0.0)
    assert all(values.shape[:3] == (2, 20, 2) for values in as_chains(result.draws).values())
    assert not are_independent(result.draws)
    lp = as_arrays(result.draws, "sample_stats")["lp"]
    np.testing.assert_allclose(lp, log_joint(problem.mixture, problem.x, as_arrays(result.draws)))


def test_one_chain_is_still_a_samplers() -> None:
    assert not are_independent(run(Problem(textbook(), EIGHT), chains=1, draws=20, tune=5).draws)


def test_settings_are_obeyed() -> None:
    problem = Problem(textbook(), EIGHT)
    result = run(problem, draws=10, tune=7, thin=3)
    assert (result.told.sampler, result.info["sampler"]) == ("gibbs", "blocked Gibbs")
    assert result.info["sweeps"] == 37
    again = run(problem, draws=10, tune=7, thin=3)
    assert np.array_equal(as_arrays(result.draws)["mu"], as_arrays(again.draws)["mu"])
    permuted = as_chains(run(problem, draws=200, permute=True).draws)["mu"][..., 0]
    first_is_smaller = (permuted[..., 0] < permuted[..., 1]).mean(axis=1)
    assert np.all(np.abs(first_is_smaller - 0.5) < 0.18)  # 5 binomial sds of 200 draws
    assert label("gibbs") == "Gibbs"
    sticks = Mixture(NormalKnownVariance(0.0, 25.0), StickBreaking(1.0), 2)
    with pytest.raises(InputError, match="permute=True needs exchangeable weights"):
        run(Problem(sticks, EIGHT), permute=True)


# ---- as a reference -----------------------------------------------------------------------------


def compute(problem: Problem) -> Reference:
    return gibbs_reference.compute(problem, Request(np.random.default_rng(0)))


@pytest.mark.parametrize("weights", [FixedWeights(), StickBreaking(1.0)])
def test_it_qualifies_and_agrees_with_enumeration(weights: FixedWeights | StickBreaking) -> None:
    """Means and mean squares of the sorted means within 4.5 standard errors: false alarm below 1e-4."""
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), weights, 2), EIGHT)
    found = compute(problem)
    assert found.qualified, found.reason
    assert found.draws is not None and not are_independent(found.draws)
    assert found.quality["r_hat"] < 1.01 and found.quality["ess_bulk"] > 400
    exact = enumerate_all(problem, Request(np.random.default_rng(1), n_draws=20_000)).draws
    assert exact is not None
    for power in (1, 2):
        ours, error = mean_and_error(sorted_location(found.draws) ** power, independent=False)
        truth, truth_error = mean_and_error(sorted_location(exact) ** power, independent=True)
        assert np.all(np.abs(ours - truth) < 4.5 * np.hypot(error, truth_error))


@pytest.mark.slow
def test_it_goes_on_until_it_qualifies(monkeypatch: pytest.MonkeyPatch) -> None:
    """K larger than the data support mixes slowly: one sweep to a draw is not enough."""
    problem = Problem(textbook(4), np.repeat(EIGHT, 3, axis=0))
    with monkeypatch.context() as patch:
        patch.setattr(gibbs_reference, "MAX_ROUNDS", 1)
        short = compute(problem)
    assert not short.qualified and short.draws is None
    assert "does not qualify after 1500 sweeps" in short.reason
    assert "effective sample size" in short.reason
    longer = compute(problem)
    assert longer.qualified, longer.reason
    assert longer.quality["sweeps"] == 500 + 1000 * (2 * longer.quality["thin"] - 1)


def test_chains_stuck_in_different_modes_never_qualify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clumps far apart for three components: each chain joins another two of them, for ever."""
    x = np.concatenate([centre + 0.1 * np.arange(10) for centre in (-60.0, -30.0, 30.0, 60.0)])
    problem = Problem(Mixture(NormalKnownVariance(0.0, 2500.0), FixedWeights(), 3), x[:, np.newaxis])
    stuck = np.zeros((4, 40, 3))
    for chain in range(4):
        c = np.repeat([0, 0, 1, 2] if chain % 2 else [0, 1, 2, 2], 10)
        stuck[chain] = np.eye(3)[c]

    def from_these(*arguments: object, starts: object, **options: object) -> GibbsRun:
        return sampler.gibbs(*arguments, starts=stuck if starts is None else starts, **options)

    monkeypatch.setattr(gibbs_reference, "MAX_ROUNDS", 2)
    monkeypatch.setattr(gibbs_reference, "gibbs", from_these)
    found = compute(problem)
    assert not found.qualified
    assert "R-hat" in found.reason


def test_what_it_refuses() -> None:
    assert gibbs_reference.applies(Problem(textbook(), EIGHT)) is None
    assert gibbs_reference.applies(Problem(textbook(), EIGHT, np.arange(8.0))) is None
    halves = Problem(textbook(), EIGHT, np.full(8, 0.5))
    assert gibbs_reference.applies(halves) == "Gibbs sampling needs weights that are whole numbers"
    many = Problem(textbook(5), np.zeros((1_000_000, 1)))
    assert "are too many for 4 chains" in str(gibbs_reference.applies(many))


def test_gibbs_chains_are_no_nuts() -> None:
    """The gate of NUTS misses what only NUTS tells."""
    tree = run(Problem(textbook(), EIGHT), draws=50).draws
    _, faults = nuts.examine(Problem(textbook(), EIGHT), tree)
    assert any("diverging" in fault for fault in faults)
