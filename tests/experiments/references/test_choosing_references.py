"""Which reference is taken, what several of them say together, and how long NUTS goes on.

Statistical tests have fixed seeds; agreement is tested at the false-alarm rate of the code, 6.3e-5 a problem.
"""

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from experiments.config.reading import default_config_text, parse_config
from experiments.posterior.draws import as_arrays
from experiments.records import Estimate, Problem, Reference
from experiments.references import (
    bridge,
    exact,
    gibbs,
    importance,
    log_evidence,
    nuts,
    quadrature,
    reference,
    smc,
)
from experiments.references._agreement import agreement
from experiments.references._declared import declared
from hand_cavi import DirichletWeights, FixedWeights, InputError, Mixture, NormalKnownVariance
from ppl_baselines.draws import to_datatree

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
TWENTY_FOUR = np.concatenate([EIGHT, EIGHT + 0.03, EIGHT - 0.03])  # no two equal: too many for enumeration
LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11
TEXTBOOK = Mixture(NormalKnownVariance(0.0, 25.0, 1.0), FixedWeights(), 2)
FIXTURE = Problem(TEXTBOOK, EIGHT[:, np.newaxis])


NOT_EXACT = Problem(Mixture(TEXTBOOK.components, DirichletWeights(1.0), 2), TWENTY_FOUR[:, np.newaxis])


def let_claim(
    patch: pytest.MonkeyPatch,
    source: ModuleType,
    value: float,
    *,
    qualified: bool = True,
    error: float = 0.01,
) -> None:
    """Let a reference claim a log evidence, whatever the problem."""
    name = source.__name__.rpartition(".")[2]
    found = Reference(name, qualified, f"{name} says so", log_evidence=Estimate(value, error, name))
    patch.setattr(source, "compute", lambda problem, request: found)


def as_chains_of_nuts(mu: np.ndarray) -> xr.DataTree:
    """Return independent draws (S, K, 1) as four chains with blameless statistics of a sampler."""
    chains = mu.reshape(4, -1, *mu.shape[1:])
    rng = np.random.default_rng(0)
    calm = {"diverging": np.zeros(chains.shape[:2], dtype=bool), "energy": rng.normal(size=chains.shape[:2])}
    return to_datatree({"mu": chains}, sample_stats=calm)


def exact_draws(seed: int, n: int = 4_000) -> np.ndarray:
    found = reference(FIXTURE, method="enumeration", rng=seed, n_draws=n)
    assert found.draws is not None
    return as_arrays(found.draws)["mu"]


# ---- finding --------------------------------------------------------------------------------

DECLARED = {
    "bridge": (("evidence",), "bridge sampling", False),
    "enumeration": (("evidence", "draws"), "the exact answer (by enumeration)", True),
    "gibbs": (("draws",), "the long Gibbs run", False),
    "importance": (("evidence", "draws"), "importance sampling", False),
    "nuts": (("draws",), "the long NUTS run", False),
    "quadrature": (("evidence", "draws"), "the answer by quadrature", True),
    "smc": (("evidence", "draws"), "the SMC runs", False),
}


def test_references_are_found_by_their_files_and_say_what_they_are() -> None:
    assert {name: (one.gives, one.called, one.exact) for name, one in declared().items()} == DECLARED
    assert exact() == ["enumeration", "quadrature"]
    assert reference(FIXTURE, method="quadrature", rng=1).called == "the answer by quadrature"


def test_what_references_are_is_read_without_importing_them() -> None:
    code = (
        "import sys; from experiments.references._declared import declared; declared();"
        "print(*(name for name in sys.modules if name.startswith('experiments.references.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {f"experiments.references.{name}" for name in DECLARED}


# ---- choosing -------------------------------------------------------------------------------


def test_an_exact_reference_has_a_second_opinion() -> None:
    found = reference(FIXTURE, rng=1)
    assert (found.method, found.qualified) == ("enumeration", True)
    assert found.log_evidence is not None and found.log_evidence.method == "enumeration"
    (opinion,) = found.opinions
    assert opinion.method == "importance"
    assert abs(opinion.value - LOG_EVIDENCE) < 4 * opinion.standard_error
    assert "enumeration and importance agree" in found.reason


def test_without_an_exact_one_moments_are_gibbs_and_the_evidence_is_of_the_smaller_error() -> None:
    problem = Problem(
        Mixture(NormalKnownVariance(0.0, 25.0, 1.0), DirichletWeights(1.0), 2), TWENTY_FOUR[:, np.newaxis]
    )
    found = reference(problem, rng=2)
    assert (found.method, found.qualified) == ("gibbs", True), found.reason
    assert found.draws is not None and found.log_evidence is not None
    (opinion,) = found.opinions
    assert {found.log_evidence.method, opinion.method} == {"bridge", "importance"}
    assert found.log_evidence.standard_error <= opinion.standard_error
    assert "NUTS was not run" in found.quality["not_leant_on"]
    assert found.quality["largest_disagreement"] < 4
    assert log_evidence(problem.mixture, problem.x, rng=2).standard_error <= opinion.standard_error


def test_draws_of_the_study_that_qualify_are_the_reference_themselves() -> None:
    tree = as_chains_of_nuts(exact_draws(3))
    found = reference(FIXTURE, method="nuts", rng=0, nuts_draws=tree)
    assert found.draws is tree and found.qualified
    found = reference(FIXTURE, method="gibbs", rng=0, gibbs_draws=tree)
    assert found.draws is tree and found.qualified


def test_several_may_be_asked_for() -> None:
    found = reference(FIXTURE, method=["bridge", "enumeration"], rng=3)
    assert (found.method, found.qualified) == ("enumeration", True)
    assert found.log_evidence is not None and found.log_evidence.method == "enumeration"
    assert [opinion.method for opinion in found.opinions] == ["bridge"]
    alone = reference(FIXTURE, method="bridge", rng=3)
    assert alone.qualified and alone.draws is None


def test_bad_requests_get_one_sentence() -> None:
    with pytest.raises(InputError, match="reference 'auto' is unknown; .* alone, auto and none"):
        reference(FIXTURE, method=["auto", "nuts"], rng=0)
    with pytest.raises(InputError, match='did you mean "quadrature"'):
        reference(FIXTURE, method="quadratur", rng=0)
    for names in ([], ["bridge", "bridge"]):
        with pytest.raises(InputError, match="name each once"):
            reference(FIXTURE, method=names, rng=0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('"magic"', "there is no reference"),
        ("[]", "name each once"),
        ('["smc", "smc"]', "name each once"),
        ('["auto"]', "auto"),
    ],
)
def test_a_study_may_ask_for_several_and_gets_a_sentence_where_it_must_not(asked: str, said: str) -> None:
    text = default_config_text()
    good = parse_config(text.replace('method = "auto"', 'method = ["bridge", "smc", "nuts"]\nbudget = 60.0'))
    assert good.reference.method == ("bridge", "smc", "nuts")
    assert good.reference.budget == 60
    with pytest.raises(InputError, match=f"reference.method.*{said}"):
        parse_config(text.replace('method = "auto"', f"method = {asked}"))


@pytest.mark.parametrize(("by_bridge", "by_importance"), [(0.01, 0.002), (0.002, 0.01)])
def test_the_smallest_error_that_qualifies_leads(
    monkeypatch: pytest.MonkeyPatch, by_bridge: float, by_importance: float
) -> None:
    let_claim(monkeypatch, bridge, -60.0, error=by_bridge)
    let_claim(monkeypatch, importance, -60.001, error=by_importance)
    for found in (
        reference(NOT_EXACT, rng=1, method=["bridge", "importance"]),
        reference(NOT_EXACT, rng=1, nuts_draws=None),
    ):
        assert found.evidence is not None and found.evidence.standard_error == 0.002
        assert [one.standard_error for one in found.opinions] == [0.01]
    assert log_evidence(NOT_EXACT.mixture, NOT_EXACT.x, rng=1).standard_error == 0.002


def test_log_evidence_that_qualifies_is_known_though_no_moments_are(monkeypatch: pytest.MonkeyPatch) -> None:
    let_claim(monkeypatch, bridge, -60.0)
    for source in (gibbs, importance):
        let_claim(monkeypatch, source, -60.0, qualified=False)
    found = reference(NOT_EXACT, rng=1)
    assert (found.method, found.qualified, found.draws) == ("bridge", True, None)
    assert found.evidence is not None and found.evidence.method == "bridge"


# ---- what does not qualify is not handed over -------------------------------------------------


@pytest.mark.parametrize("source", [bridge, importance, quadrature, smc])
def test_an_estimate_that_its_own_gate_rejects_is_not_handed_over(
    monkeypatch: pytest.MonkeyPatch, source: ModuleType
) -> None:
    name = source.__name__.rpartition(".")[2]
    let_claim(monkeypatch, source, -60.0, qualified=False)
    with pytest.raises(InputError, match=f"no way to log p.* applies here; {name}: {name} says so"):
        log_evidence(NOT_EXACT.mixture, NOT_EXACT.x, method=name, rng=1)
    for asked in (name, [name], [name, "gibbs"]):
        found = reference(NOT_EXACT, method=asked, rng=1)
        assert found.log_evidence is None and found.evidence is None
    alone = reference(NOT_EXACT, method=name, rng=1)
    assert not alone.qualified and [one.value for one in alone.opinions] == [-60.0]


# ---- how an error is told ---------------------------------------------------------------------


def test_only_what_has_no_error_but_rounding_is_called_exact() -> None:
    summed = reference(FIXTURE, method="enumeration", rng=1).evidence
    integrated = reference(FIXTURE, method="quadrature", rng=1).evidence
    sampled = reference(FIXTURE, method="importance", rng=1).evidence
    assert summed is not None and integrated is not None and sampled is not None
    assert summed.is_exact and summed.accuracy.startswith("exact up to rounding")
    assert not integrated.is_exact and "right to within" in integrated.accuracy
    assert not sampled.is_exact and sampled.accuracy == ""


# ---- disagreement ---------------------------------------------------------------------------


def test_two_that_disagree_are_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    let_claim(monkeypatch, importance, LOG_EVIDENCE + 0.1)
    found = reference(FIXTURE, rng=4)
    assert not found.qualified and found.draws is None and found.log_evidence is None
    assert "disagree about log p(x)" in found.reason
    assert "-17.9901" in found.reason and "-17.8901" in found.reason
    assert {opinion.method for opinion in found.opinions} == {"enumeration", "importance"}
    with pytest.raises(InputError, match="disagree about log p"):
        problem = TWENTY_FOUR
        let_claim(monkeypatch, bridge, 0.0)
        log_evidence(Mixture(TEXTBOOK.components, DirichletWeights(1.0), 2), problem, rng=4)


def test_one_that_does_not_claim_to_qualify_disqualifies_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    let_claim(monkeypatch, importance, LOG_EVIDENCE + 5, qualified=False)
    found = reference(FIXTURE, rng=4)
    assert found.qualified and found.opinions == ()
    assert "importance says so" in found.quality["not_leant_on"]


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_samplers_whose_means_disagree_are_refused(shift: float) -> None:
    """The shift is a fifth of a posterior sd; each chain passes the gate whatever the shift is."""
    tree = as_chains_of_nuts(exact_draws(5) + shift)
    found = reference(FIXTURE, method=["nuts", "gibbs"], rng=5, nuts_draws=tree)
    assert found.qualified == (shift == 0)
    assert ("disagree about the posterior mean of sorted mean" in found.reason) == (shift > 0)


def test_an_error_bar_from_few_runs_counts_for_less() -> None:
    """Five estimated standard errors of four runs are no more than 2.4 known ones: Student's t."""
    truth = Reference("enumeration", True, "", log_evidence=Estimate(0.0, 0.0, "enumeration"))
    runs = Estimate(0.05, 0.01, "smc", {"degrees_of_freedom": 3})
    shown = agreement([truth, Reference("smc", True, "", log_evidence=runs)])
    assert shown.largest == pytest.approx(stats.norm.isf(stats.t.sf(5, 3)))
    assert shown.complaint == ""
    known = Reference("smc", True, "", log_evidence=Estimate(0.05, 0.01, "smc"))
    assert "disagree" in agreement([truth, known]).complaint


# ---- NUTS until it qualifies ------------------------------------------------------------------


class Clock:
    """Stands still but for what a run adds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def longer_nuts(monkeypatch: pytest.MonkeyPatch, good_from: int, seconds_per_draw: float) -> list[int]:
    """Let NUTS give exact draws from that many on, and chains apart before; return what it is asked for."""
    clock, asked = Clock(), list[int]()

    def sample(n_draws: int) -> xr.DataTree:
        asked.append(n_draws)
        clock.now += n_draws * seconds_per_draw
        mu = exact_draws(n_draws, 4 * n_draws)
        if n_draws < good_from:
            mu[:n_draws] += 3
        return as_chains_of_nuts(mu)

    monkeypatch.setattr(nuts, "_sampler", lambda problem, rng: sample)
    monkeypatch.setattr(nuts, "perf_counter", clock)
    return asked


def test_nuts_runs_for_longer_until_it_qualifies(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = longer_nuts(monkeypatch, good_from=2_000, seconds_per_draw=1e-3)
    short = as_chains_of_nuts(exact_draws(6, 4 * 300))
    short.posterior["mu"][0] += 3
    found = reference(FIXTURE, method="nuts", rng=6, nuts_draws=short, budget=60)
    assert found.qualified, found.reason
    assert asked == [600, 1_200, 2_400]
    assert found.quality["longer_runs"] == 3 and found.quality["seconds"] == pytest.approx(4.2)
    assert found.draws is not short


def test_nuts_that_never_qualifies_ends_in_no_reference_within_its_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = longer_nuts(monkeypatch, good_from=10**9, seconds_per_draw=5e-3)
    found = reference(FIXTURE, method="nuts", rng=7, budget=100)
    assert not found.qualified and found.draws is None
    assert asked == [2_000, 4_000, 8_000]  # 10 + 20 + 40 s; the next would take 80
    assert "after 3 longer runs, the last of 8,000 draws a chain, 70 seconds and the budget" in found.reason
    assert found.quality["seconds"] <= found.quality["budget"] == 100


def test_without_a_budget_nuts_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = longer_nuts(monkeypatch, good_from=1, seconds_per_draw=1e-3)
    assert not reference(FIXTURE, method="nuts", rng=8, budget=0).qualified
    assert asked == []
