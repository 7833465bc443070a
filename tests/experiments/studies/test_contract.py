"""What a method hands in is looked at when it comes in: a sentence, at the cost of its own cell alone."""

import numpy as np
import pytest

from experiments.config.reading import parse_config
from experiments.engine import runner
from experiments.engine.store.jsonable import dumps
from experiments.methods import mass_of_density
from experiments.studies import plan_of
from experiments.verdict import verdict_of_study
from tests.experiments.engine.test_runner import HEAD
from tests.experiments.planted import Base, handed, sampled, verdict_on
from tests.experiments.planted_faults import CORRECT, FAULTS, KNOWN, RESULTS, WORDS

SAID = {
    "fit returns nothing": "fit returned an object of type str; it must return a Fitted",
    "neither q nor chains": "fit returned neither q nor chains",
    "draws without mu": "its draws lack mu",
    "draws of a component less": "mu is float64 of shape (4, 1000, 1, 1)",
    "draws of no length": "there are no draws",
    "weights whose sum is 2": "weights of some draws are below 0, or their sum is not 1",
    "precisions below 0": "precision of some draws is not above 0",
    "q without a density": "has no sample",
    "a bound that is not a number": "bound is nan",
    "a bound without an error": "bound and bound_se go together",
    "seconds that are not a number": "seconds_run is nan",
}


@pytest.fixture(scope="module")
def own() -> Base:
    return Base.of("own model", 3)


@pytest.fixture(scope="module")
def gamma() -> Base:
    return Base.of("normal-gamma", 3)


@pytest.fixture(scope="module")
def counts() -> Base:
    return Base.of("counts", 1)


@pytest.mark.parametrize("name", SAID)
def test_a_bad_result_is_refused_in_a_sentence(gamma: Base, name: str) -> None:
    said = verdict_on(gamma, FAULTS[name](gamma))
    assert isinstance(said, str) and SAID[name] in said and len(said) < 200


def test_no_fault_in_an_own_model_passes_but_for_a_known_reason(own: Base) -> None:
    """All kinds, by one data set; each verdict is wrong with a chance of 1 % at most, most far from it."""
    passed = set()
    for name, fault in FAULTS.items():
        handed_in = fault(own)
        if handed_in is not None:
            verdict = verdict_on(own, handed_in)
            if isinstance(verdict, str):
                continue
            assert name not in RESULTS, verdict.sentence
            if verdict.decision == "pass":
                passed.add(name)
    assert passed <= set(KNOWN)


@pytest.mark.parametrize(
    "name",
    [
        "weights in the other order than the means",
        "the means swapped alone in half the draws",
        "precision times 4",
        "CAVI: data shifted by 0.15",
        "a density 1 nat too high, and a bound by it",
        "q: the means drawn together to 0.6 of their sds",
    ],
)
def test_a_fault_that_sorted_means_do_not_show_fails(gamma: Base, name: str) -> None:
    verdict = verdict_on(gamma, FAULTS[name](gamma))
    assert not isinstance(verdict, str) and verdict.decision == "fail", verdict


@pytest.mark.parametrize(
    "name",
    [
        "locations and the rest drawn apart",
        "one sd to either side, nothing between",
        "tempered to 0.5",
        "a density without its Jacobian",
    ],
)
def test_a_fault_where_rates_and_weights_are_correlated_does_not_pass(counts: Base, name: str) -> None:
    assert counts.truth.qualified
    verdict = verdict_on(counts, FAULTS[name](counts))
    assert not isinstance(verdict, str) and verdict.decision in ("fail", "undecided"), verdict


def test_a_sampler_that_is_right_there_passes(counts: Base) -> None:
    for name in ("independent draws in four chains", "Gibbs"):
        verdict = verdict_on(counts, CORRECT[name](counts))
        assert not isinstance(verdict, str) and verdict.decision == "pass", verdict


@pytest.mark.parametrize("name", WORDS)
def test_words_on_which_nothing_rests_change_no_byte(own: Base, gamma: Base, name: str) -> None:
    for base in (own, gamma):
        without = {
            "log densities that flatter": sampled(base, base.chains),
            "notes that flatter": handed(base),
        }
        assert dumps(verdict_on(base, WORDS[name](base))) == dumps(verdict_on(base, without[name]))


def test_a_density_that_cannot_be_held_against_its_draws_is_told(own: Base, monkeypatch) -> None:
    monkeypatch.setattr(mass_of_density, "OVERLAP", 0.6)
    verdict = verdict_on(own, CORRECT["CAVI"](own))
    assert not isinstance(verdict, str) and verdict.decision == "pass"
    assert (
        "Not decided: whether its density is that of its draws (normal densities overlap" in verdict.sentence
    )


def test_a_study_with_a_method_that_returns_nothing_judges_the_others(tmp_path, monkeypatch) -> None:
    (tmp_path / "nothing_at_all.py").write_text(
        "from types import SimpleNamespace\n"
        "from experiments.config.options import Options\n"
        "class Settings(Options):\n    pass\n"
        "def fit(target, settings, *, starts, seed):\n    return None\n"
        "mine = SimpleNamespace(Settings=Settings, fit=fit)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    config = parse_config(
        HEAD + '[[methods]]\nname = "cavi"\nstarts = 2\ndraws = 500\n'
        '[[methods]]\nname = "mine"\nkind = "nothing_at_all:mine"\n'
    )
    record = runner.run(plan_of(config), folder=tmp_path / "s", workers=1, progress=False)
    cavi, mine = record.problems[0].cells
    assert mine.status == "failed" and mine.message == "fit returned None; it must return a Fitted"
    assert cavi.verdict is not None and cavi.verdict.decision in ("pass", "fail", "undecided")
    assert np.isfinite(cavi.bound) and verdict_of_study([cavi.verdict]).decision == cavi.verdict.decision
