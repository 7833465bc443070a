"""The metrics about weights, starts, time and the parts of the gap, against known answers and by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.commands._json import summary
from experiments.methods import cavi
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.score import score
from experiments.metrics import Context, Peer, measure_all
from experiments.metrics.bounds import importance_evidence, k_hat
from experiments.metrics.convergence import monotonicity, share_at_best
from experiments.metrics.cost import cost_to_accuracy
from experiments.metrics.error_decomposition import error_decomposition
from experiments.metrics.moments import sd_ratio
from experiments.metrics.rank_of_truth import calibration
from experiments.posterior.draws import as_tree
from experiments.records import (
    Cell,
    CellRecord,
    Estimate,
    Fitted,
    Measurement,
    MethodResult,
    Problem,
    ProblemRecord,
    Reference,
    StudyRecord,
    Threshold,
    Told,
    Verdict,
)
from experiments.references import reference
from experiments.verdict.impossible_bounds import impossibilities
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
from ppl_baselines.draws import to_datatree
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.fitted import context_for, result_of

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, np.newaxis]
PROBLEM = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), EIGHT)
NONE = Reference("none", False, "none was asked for")


def context_of(result: MethodResult, truth: Reference = NONE, **more: Any) -> Context:
    return context_for(PROBLEM, result, truth, **more)


def cavi_result(**settings: int) -> MethodResult:
    chosen = cavi.Settings.model_validate({"draws": 4000} | settings)
    return result_of("cavi", PROBLEM, chosen)


# ---- importance weights -------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_metric_of_every_family(family: str) -> None:
    """Eight points against enumeration: every figure is there, or says why not."""
    problem = Problem(Mixture(PRIORS[family], WEIGHTS["dirichlet"], 2), data_of(family, 8))
    result = result_of("cavi", problem, cavi.Settings(draws=1000))
    truth = reference(problem, rng=1, n_draws=1000)
    measured = measure_all(context_for(problem, result, truth, method="cavi"))
    absent = {name for name, one in measured.items() if one.value is None}
    of_simulations = {"calibration", "largest_gap"}
    assert absent <= of_simulations | {
        "ess_per_second",
        "pivot_dependence",
        "step_gain",
        "likelihood_sd_ratio",
    }
    assert impossibilities(measured, truth.log_evidence) == ()
    assert all(measured[name].note for name in absent)
    for name in set(measured) - absent:
        assert np.all(np.isfinite(np.asarray(measured[name].value, dtype=float))), name
        error = measured[name].standard_error
        if error is not None:
            assert np.shape(error) == np.shape(measured[name].value), name
            assert np.all(np.asarray(error) >= 0), name
    assert 0 <= np.asarray(measured["predictive_distance"].value) <= 0.5
    gap, parts = measured["evidence_gap"].value, measured["error_decomposition"].value
    assert isinstance(parts, list) and sum(parts[:3]) == pytest.approx(gap, abs=1e-9)


def test_an_evidence_that_cannot_be_trusted_says_so() -> None:
    """A q much narrower than the posterior has a k-hat far above 0.7."""

    class Narrow:
        def __init__(self) -> None:
            self.q = fit(PROBLEM.mixture, EIGHT, rng=1)

        def sample(self, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
            centre = self.q.components.mean
            return {"mu": centre + (self.q.sample(rng, n)["mu"] - centre) / 5}

        def log_density(self, draws: dict[str, np.ndarray]) -> np.ndarray:
            centre = self.q.components.mean
            return self.q.log_density({"mu": centre + 5 * (draws["mu"] - centre)}) + 2 * np.log(5)

    tree = score(MixtureTarget(PROBLEM), Narrow(), rng=np.random.default_rng(4), n=4000)
    context = context_of(MethodResult("", "", 0, 0, tree))
    assert "cannot be trusted" in importance_evidence(context).note
    found = k_hat(context)
    assert isinstance(found.value, list) and found.threshold is not None
    assert min(found.value) > found.threshold.value


# ---- CAVI's own ---------------------------------------------------------------------------


def test_monotonicity_and_starts_of_cavi() -> None:
    result = cavi_result()
    gain = monotonicity(context_of(result))
    assert gain.threshold == Threshold(-1e-10, "at least") and gain.threshold.is_convention
    assert isinstance(gain.value, float) and -1e-12 < gain.value < 1e-10
    share = share_at_best(context_of(result))
    assert share.value == 1.0
    assert share.interval == pytest.approx((1 / (1 + 1.959964**2 / 20), 1.0), abs=1e-5)  # Wilson at 20 of 20


def test_a_bound_that_falls_shows() -> None:
    """By hand: a stopwatch that is told of one half-step down."""
    from hand_cavi.elbo import ElboTerms
    from hand_cavi.result import StepInfo

    def at(total: float) -> ElboTerms:
        return ElboTerms(total, 0.0, 0.0, 0.0, 0.0)

    watch = cavi.Stopwatch()
    watch(StepInfo(1, at(-12.0), at(-10.0)))
    watch(StepInfo(2, at(-10.5), at(-8.0)))  # down by 0.5
    watch(StepInfo(1, at(-50.0), at(-40.0)))  # a new start: no step from -8 to -50
    assert watch.smallest_gain == pytest.approx(-0.5 / 8)


def test_samplers_have_neither() -> None:
    result = MethodResult("sampled", "", 0, 1, as_tree({"mu": np.zeros((10, 2, 1))}))
    for metric in (monotonicity, share_at_best, error_decomposition, k_hat):
        assert metric(context_of(result)).value is None


# ---- the parts of the gap -----------------------------------------------------------------


def test_the_parts_add_up_to_the_gap() -> None:
    truth = reference(PROBLEM, rng=1, n_draws=100)
    assert truth.log_evidence is not None
    result = cavi_result()
    own = Peer.of(record(result), result.draws)
    assert own is not None and own.family == "mean field"
    better = Peer("advi", "mean field", own.reached + 0.3, 0.02)
    elsewhere = Peer("fullrank_advi", "full rank", own.reached + 0.4, 0.02)
    found = error_decomposition(context_of(result, truth, method="cavi", peers=(own, better, elsewhere)))
    assert isinstance(found.value, list) and isinstance(found.standard_error, list)
    assert sum(found.value[:3]) == pytest.approx(truth.log_evidence.value - own.reached, abs=1e-12)
    assert found.value[1] == pytest.approx(0.3, abs=1e-9)
    assert found.standard_error[1] == pytest.approx(np.hypot(0.02, own.reached_se))
    assert found.value[3] == pytest.approx(own.reached_se)
    alone = error_decomposition(context_of(result, truth, method="cavi", peers=(own,)))
    assert isinstance(alone.value, list)
    assert alone.value[1:3] == pytest.approx([0, 0], abs=1e-9)
    silent = replace(result, told=replace(result.told, bound_left=None, bound_left_se=None))
    untold = error_decomposition(context_of(silent, truth, method="cavi", peers=(own,)))
    assert np.isnan(untold.value[2]) and np.isfinite(untold.value[:2]).all() and "not told" in untold.note
    unknown = error_decomposition(context_of(result, method="cavi"))
    assert isinstance(unknown.value, list) and np.isnan(unknown.value[0])


def test_what_stopped_early_and_what_is_stuck_are_told_apart() -> None:
    """One sweep from a poor start is not convergence; the saddle (docs/mathematics.md, 3) is, elsewhere."""
    good = cavi_result()
    peer = Peer.of(record(good), good.draws)
    assert peer is not None
    early = fit(PROBLEM.mixture, EIGHT, rng=1, starts=np.tile([0.45, 0.55], (8, 1)) + tilt(), max_sweeps=2)
    parts = error_decomposition(of_fit(early, peer))
    assert isinstance(parts.value, list) and isinstance(parts.standard_error, list)
    assert parts.value[2] > 0.5
    assert abs(parts.value[1]) < 4.5 * parts.standard_error[1]

    saddle = fit(PROBLEM.mixture, EIGHT, rng=1, starts=np.full((8, 2), 0.5))
    assert saddle.elbo == pytest.approx(-29.027024822602, abs=1e-9)
    stuck = error_decomposition(of_fit(saddle, peer))
    assert isinstance(stuck.value, list)
    assert stuck.value[1] > 5
    assert stuck.value[2] < 1e-6


def tilt() -> np.ndarray:
    """A slope along x, by which components come apart in time."""
    return 0.02 * EIGHT * np.array([1.0, -1.0])


def of_fit(found: Any, peer: Peer) -> Context:
    target, told = MixtureTarget(PROBLEM), Told(family="mean field")
    tree = score(target, found, rng=np.random.default_rng(5), n=4000)
    told = cavi.afterwards(target, cavi.Settings(), Fitted("", "", 0, 1, q=found, told=told), 5)
    result = MethodResult(found.status.name, "", 0, 1, tree, found.elbo, 0.0, told=told)
    return context_of(result, method="mine", peers=(peer,))


def record(result: MethodResult) -> CellRecord:
    return CellRecord(Cell("d", "m", "cavi", 1, "k"), "ok", "", told=result.told)


# ---- sds, ranks, time ---------------------------------------------------------------------


def test_sd_ratio_is_honest() -> None:
    """Ratio 0.8 by construction; z-scores of 100 replications of two, sd 1 +- 4.5 errors."""
    rng, z = np.random.default_rng(6), []
    for _ in range(100):
        ours = np.array([[-9.0], [9.0]]) + 0.8 * rng.standard_normal((500, 2, 1))
        theirs = np.array([[-9.0], [9.0]]) + rng.standard_normal((700, 2, 1))
        truth = Reference("enumeration", True, "", as_tree({"mu": theirs}))
        found = sd_ratio(context_of(MethodResult("", "", 0, 1, as_tree({"mu": ours})), truth))
        z.append((np.array(found.value) - 0.8) / np.array(found.standard_error))
    assert abs(np.std(z) - 1) < 4.5 / np.sqrt(2 * 200)
    assert abs(np.mean(z)) < 4.5 / np.sqrt(200) + 0.05  # a ratio's bias is 1/S in relative terms


def test_the_rank_of_the_truth() -> None:
    problem = Problem(
        PROBLEM.mixture, EIGHT, None, {"mu": np.array([[2.0], [-2.0]]), "weights": np.ones(2) / 2}
    )
    mu = np.zeros((1000, 2, 1))
    mu[:, 0, 0], mu[:, 1, 0] = 2.0 + np.where(np.arange(1000) < 250, -1, 1), -5.0
    result = MethodResult("", "", 0, 1, as_tree({"mu": mu}))
    found = calibration(context_for(problem, result, NONE))
    assert found.value == [1.0, 0.25]
    assert found.standard_error == pytest.approx([0.0, np.sqrt(0.25 * 0.75 / 999)])
    assert calibration(context_of(result)).value is None


def test_time_to_accuracy() -> None:
    tree = as_tree({"mu": np.zeros((10, 2, 1))})
    exact = np.array([[0.1, -20.0, 0.0], [0.2, -18.76, 0.0], [0.3, -18.745, 0.0], [0.4, -18.74, 0.0]])
    found = cost_to_accuracy(context_of(MethodResult("", "", 0, 1, tree, -18.74, 0.0, exact)))
    assert (found.value, found.interval) == (0.3, ())
    noisy = exact + np.array([0.0, 0.0, 0.006])  # -18.76 may be -18.748, -18.745 may be -18.757
    found = cost_to_accuracy(context_of(MethodResult("", "", 0, 1, tree, -18.74, 0.004, noisy)))
    assert found.value == 0.3
    assert found.interval == (0.2, 0.4)


def test_time_of_an_effective_draw() -> None:
    mu = np.array([[-1.9], [2.1]]) + 0.5 * np.random.default_rng(7).standard_normal((4, 500, 2, 1))
    stats = {"diverging": np.zeros((4, 500), bool), "energy": np.random.default_rng(8).normal(size=(4, 500))}
    context = context_of(MethodResult("sampled", "", 0, 2.0, to_datatree({"mu": mu}, sample_stats=stats)))
    found = cost_to_accuracy(context)
    assert isinstance(found.value, float)
    assert 2.0 / 2000 * 0.7 < found.value < 2.0 / 2000 * 1.4
    assert "one effective draw" in found.note


def test_every_measurement_is_in_the_json() -> None:
    measured = {
        "k_hat": Measurement(
            [0.2, np.nan], [0.1, np.nan], "", "", (), Threshold(0.7, "at most", "X"), ("a", "b")
        ),
        "share_at_best": Measurement(0.5, None, "share", "", (0.3, 0.7)),
        "predictive_distance": Measurement(0.1, 0.01, threshold=Threshold(0.02, "at most")),
    }
    cell = CellRecord(Cell("d", "m", "cavi", 1, "k"), "ok", "", measurements=measured)
    problem = ProblemRecord("d", "m", 1, "", "", "", PROBLEM, NONE, (cell,))
    study = StudyRecord("s", Path("s"), Verdict("none", "", 0.25), (problem,), "", 1, {}, {})
    content = summary(study)["cells"][0]["measurements"]
    keys = {"value", "standard_error", "interval", "unit", "entries", "threshold", "note"}
    assert all(set(entry) == keys for entry in content.values())
    assert content["k_hat"]["value"] == [0.2, None]
    assert content["k_hat"]["threshold"] == {
        "value": 0.7,
        "sense": "at most",
        "source": "X",
        "is_convention": False,
    }
    assert content["share_at_best"]["interval"] == [0.3, 0.7]
    assert content["share_at_best"]["threshold"] is None
    assert content["predictive_distance"]["threshold"]["source"] == "convention of this project"


def test_evidence_of_a_reference_enters_the_noise() -> None:
    result = cavi_result()
    rough = Reference("bridge", True, "", None, Estimate(-17.99, 0.03, "bridge"))
    found = error_decomposition(context_of(result, rough, method="cavi"))
    assert isinstance(found.value, list)
    assert found.value[3] == pytest.approx(0.03, rel=0.01)
