"""Verdicts: the rule by hand, its error rates by simulation, and what must never pass."""

import numpy as np
import pytest

from experiments.records import Measurement, Reference, Verdict
from experiments.verdict import compare, verdict_of_cell, verdict_of_study
from hand_cavi import InputError

EXACT = Reference("enumeration", True, "all assignments were summed")
NONE = Reference("nuts", False, "NUTS does not qualify: 3 transitions diverged")


def measured(value: list[float], error: list[float]) -> Measurement:
    return Measurement(value, error, "reference sd")


def judged(
    value: list[float],
    error: list[float],
    *,
    reference: Reference = EXACT,
    outcome: str = "converged",
    margin: float = 0.2,
    alpha: float = 0.05,
) -> Verdict:
    return verdict_of_cell(
        measured(value, error),
        reference,
        method="cavi",
        outcome=outcome,
        margin=margin,
        alpha=alpha,
    )


def test_the_rule_by_hand() -> None:
    """One quantity at 5 %: the interval is the difference give or take 1.96 errors."""
    (one,) = compare(measured([0.1], [0.05]), margin=0.2, alpha=0.05)
    assert (one.low, one.high) == pytest.approx((0.1 - 1.959964 * 0.05, 0.1 + 1.959964 * 0.05))
    assert judged([0.1], [0.05]).decision == "pass"
    assert judged([0.11], [0.05]).decision == "undecided"
    assert judged([-0.29], [0.05]).decision == "undecided"
    assert judged([-0.30], [0.05]).decision == "fail"
    assert judged([0.0], [0.2]).decision == "undecided"


def test_more_quantities_need_wider_intervals() -> None:
    assert judged([0.1, 0.0], [0.05, 0.01]).decision == "undecided"  # 2.24 errors instead of 1.96
    assert judged([0.0, 0.0, 0.5], [0.01, 0.2, 0.01]).decision == "fail"


def test_features_are_named() -> None:
    comparisons = compare(Measurement([[0.0, 0.1], [0.2, 0.3]], [[0.1, 0.1], [0.1, 0.1]]))
    assert comparisons[3].quantity == "sorted mean 2, feature 2"
    assert comparisons[3].difference == 0.3


def test_no_reference_no_verdict() -> None:
    for value in (0.0, 9.0):
        verdict = judged([value], [0.01], reference=NONE)
        assert verdict.decision == "undecided"
        assert "3 transitions diverged" in verdict.sentence


def test_no_figures_no_verdict() -> None:
    nothing = Measurement(None, None, "reference sd", "some draws are not finite")
    verdict = verdict_of_cell(nothing, EXACT, method="cavi", outcome="converged")
    assert verdict.decision == "undecided"
    assert "some draws are not finite" in verdict.sentence
    assert judged([np.nan], [0.01]).decision == "undecided"
    assert judged([0.0], [np.inf]).decision == "undecided"


def test_what_did_not_finish_cannot_pass() -> None:
    for value, decision in ((0.0, "undecided"), (1.0, "fail")):
        verdict = judged([value], [0.01], outcome="max_sweeps")
        assert verdict.decision == decision
        assert "max_sweeps" in verdict.sentence


@pytest.mark.parametrize("error", [0.02, 0.06, 0.15])
@pytest.mark.parametrize("n_quantities", [1, 5])
def test_wrong_verdicts_are_as_rare_as_stated(n_quantities: int, error: float) -> None:
    """At the margin itself either verdict is wrong; over 4000 draws its share stays below the error rate.

    In theory it is at most 0.05/2 on either side; the test fails above 0.05 in all, which then is more
    than 4.5 binomial standard errors off only if the rate is wrong (false alarm below 1e-5).
    """
    rng = np.random.default_rng(n_quantities)
    for truth, wrong in ((0.2 + 1e-9, "pass"), (0.2 - 1e-9, "fail")):
        values = truth + error * rng.standard_normal((1500, n_quantities))
        decisions = [judged(list(row), [error] * n_quantities).decision for row in values]
        rate = decisions.count(wrong) / len(decisions)
        assert rate <= 0.025 + 4.5 * np.sqrt(0.025 * 0.975 / len(decisions))


def test_right_verdicts_are_reached() -> None:
    """With errors of a tenth of the margin no difference passes and three margins fail, every time.

    False alarm: 8 standard errors, nil.
    """
    rng = np.random.default_rng(1)
    for truth, decision in ((0.0, "pass"), (0.6, "fail")):
        values = truth + 0.02 * rng.standard_normal((300, 5))
        assert all(judged(list(row), [0.02] * 5).decision == decision for row in values)


def test_sentences_have_the_numbers() -> None:
    assert judged([0.01, -0.03], [0.005, 0.005]).sentence == (
        "cavi agrees with the exact answer (by enumeration): the largest of 2 differences (sorted mean 2) is "
        "off by 0.030 posterior standard deviations, give or take 0.011, and 0.2 is allowed."
    )


def test_studies() -> None:
    def one(decision: str) -> Verdict:
        return Verdict(decision, "", 0.2)

    passed, failed, open_, none = one("pass"), one("fail"), one("undecided"), one("none")
    assert verdict_of_study([passed, passed]).decision == "pass"
    assert verdict_of_study([passed, none]).decision == "pass"
    assert verdict_of_study([passed, open_]).decision == "undecided"
    assert verdict_of_study([passed, open_, failed]).decision == "fail"
    assert verdict_of_study([]).decision == "none"
    assert verdict_of_study([none]).decision == "none"
    verdict = verdict_of_study([passed, passed, failed, open_], subject="CAVI")
    assert verdict.sentence == "CAVI does not agree with the reference on 1 of 4 problems."


def test_the_study_says_how_far_off_the_worst_is() -> None:
    good, better = judged([0.01, -0.031], [0.001, 0.001]), judged([0.02], [0.001])
    assert verdict_of_study([good, better], subject="CAVI").sentence == (
        "CAVI agrees with the reference on all 2 problems: its posterior means are off by at most 0.03 "
        "posterior standard deviations, where 0.2 is allowed."
    )
    assert verdict_of_study([better]).sentence.startswith("The method agrees with the reference on the one")


def test_bad_settings_get_one_sentence() -> None:
    with pytest.raises(InputError, match="margin is 0"):
        judged([0.0], [0.1], margin=0.0)
    with pytest.raises(InputError, match="the error rate is 2"):
        judged([0.0], [0.1], alpha=2)
