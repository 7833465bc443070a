"""Verdicts: the rule by hand, its error rates by simulation, and what must never pass."""

import json
from dataclasses import replace
from math import log
from statistics import NormalDist

import numpy as np
import pytest

from experiments.config.options import VerdictOptions
from experiments.engine.store.jsonable import dumps, loads
from experiments.records import Cell, CellRecord, Estimate, Measurement, Reference, Threshold, Verdict
from experiments.studies.grid import conclude
from experiments.verdict import only_unfinished, verdict_of_cell, verdict_of_study
from experiments.verdict.equivalence import Need, Question, compare, more_draws
from experiments.verdict.impossible_bounds import impossibilities
from experiments.verdict.questions import questions_of
from hand_cavi import InputError

EXACT = Reference("enumeration", True, "all assignments were summed")
NONE = Reference("nuts", False, "NUTS does not qualify: 3 transitions diverged")
EVIDENCE = -17.99


def exact_evidence(error: float = 0.0) -> Reference:
    return Reference("enumeration", True, "Exact.", log_evidence=Estimate(EVIDENCE, error, "enumeration"))


def judged(
    value: list[float],
    error: list[float],
    *,
    reference: Reference = EXACT,
    outcome: str = "converged",
    margin: float = 0.2,
    alpha: float = 0.05,
    judge: tuple[str, ...] = ("means",),
    faults: tuple[str, ...] = (),
    **others: Measurement,
) -> Verdict:
    return verdict_of_cell(
        {"mean_error": Measurement(value, error, "reference sd"), **others},
        reference,
        method="cavi",
        outcome=outcome,
        options=VerdictOptions(judge=judge, margin=margin, error_rate=alpha),
        faults=faults,
    )


def nats(value: float, error: float | None = 0.0) -> Measurement:
    return Measurement(value, error, "nats")


# the rule


def test_the_rule_by_hand() -> None:
    """One quantity at 5 %: the interval is the difference give or take 1.96 errors."""
    ((one,), _) = compare([Question("sorted mean 1", 0.1, 0.05, 0.2)], alpha=0.05)
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
    measured = {"mean_error": Measurement([[0.0, 0.1], [0.2, 0.3]], [[0.1, 0.1], [0.1, 0.1]])}
    questions, missing = questions_of(measured, VerdictOptions(judge=("means",)))
    assert questions[3].quantity == "sorted mean 2, feature 2" and not missing
    assert questions[3].difference == 0.3
    verdict = verdict_of_cell(
        measured,
        EXACT,
        method="cavi",
        outcome="converged",
        options=VerdictOptions(judge=("means",)),
        quantity="rate",
        entries=("red", "blue"),
    )
    assert verdict.comparisons[1].quantity == "sorted rate 1, blue"


def test_no_reference_no_verdict() -> None:
    for value in (0.0, 9.0):
        verdict = judged([value], [0.01], reference=NONE)
        assert verdict.decision == "undecided" and verdict.needs == "a reference that qualifies"
        assert "3 transitions diverged" in verdict.sentence


def test_no_figures_no_verdict() -> None:
    nothing = Measurement(None, None, "reference sd", "some draws are not finite")
    verdict = verdict_of_cell(
        {"mean_error": nothing, "sd_ratio": nothing}, EXACT, method="cavi", outcome="converged"
    )
    assert verdict.decision == "undecided"
    assert verdict.sentence == "cavi could not be compared: some draws are not finite."
    assert judged([np.nan], [0.01]).decision == "undecided"
    assert judged([0.0], [np.inf]).decision == "undecided"
    assert judged([np.nan], [0.01]).needs == ""


def test_a_figure_that_is_missing_keeps_from_passing_but_not_from_failing() -> None:
    kinds = ("means", "predictive")
    good, bad = judged([0.0], [0.01], judge=kinds), judged([9.0], [0.01], judge=kinds)
    assert good.decision == "undecided" and "predictive_distance was not measured" in good.sentence
    assert bad.decision == "fail"


def test_what_did_not_finish_fails() -> None:
    """Within the margins, on them or outside: what says that it has not converged is not relied upon."""
    for outcome in ("max_sweeps", "still_moving", "any_word_of_a_user"):
        for value, error in ((0.0, 0.01), (0.2, 0.1), (1.0, 0.01)):
            verdict = judged([value], [error], outcome=outcome)
            assert verdict.decision == "fail" and not verdict.needs
            assert f"(its outcome is '{outcome}'), and so fails: let it run longer." in verdict.sentence
            assert only_unfinished(verdict) == (value < 1)
    assert "cavi so far agrees with the exact answer" in judged([0.0], [0.01], outcome="max_sweeps").sentence
    assert judged([0.0], [0.01], reference=NONE, outcome="max_sweeps").decision == "undecided"


def test_what_cannot_tell_whether_it_finished_cannot_pass() -> None:
    for value, decision in ((0.0, "undecided"), (1.0, "fail")):
        verdict = judged([value], [0.01], outcome="undecided")
        assert verdict.decision == decision
        assert "cavi cannot tell whether it has converged" in verdict.sentence
    assert judged([0.0], [0.01], outcome="undecided").needs == "a longer run of cavi"


def test_what_sits_at_a_saddle_is_told_to_start_elsewhere() -> None:
    verdict = judged([0.0], [0.01], outcome="saddle")
    assert verdict.decision == "fail"
    assert verdict.sentence.endswith("(its outcome is 'saddle'), and so fails: start it elsewhere.")


def test_a_study_that_fails_for_want_of_an_end_says_so() -> None:
    good, short = judged([0.0], [0.01]), judged([0.0], [0.01], outcome="max_sweeps")
    far = judged([1.0], [0.01], outcome="max_sweeps")
    assert verdict_of_study([good, short], methods=["CAVI"]).sentence == (
        "CAVI says itself that it did not finish on 1 of 2 problems, and so fails there."
    )
    assert "does not agree" in verdict_of_study([short, far]).sentence


def test_draws_that_cannot_be_trusted_neither_pass_nor_fail() -> None:
    for value in (0.0, 9.0):
        verdict = judged([value], [0.01], faults=("R-hat of sorted mean 1 is 1.4, not below 1.01",))
        assert verdict.decision == "undecided" and "R-hat of sorted mean 1 is 1.4" in verdict.sentence


@pytest.mark.parametrize("error", [0.02, 0.06, 0.15])
@pytest.mark.parametrize("n_quantities", [1, 5])
def test_wrong_verdicts_are_as_rare_as_stated(n_quantities: int, error: float) -> None:
    """At the margin itself either verdict is wrong; over 1500 draws its share stays below the error rate.

    In theory it is at most 0.05/2 on either side; the test fails if the share is more than 4.5 binomial
    standard errors above (false alarm below 1e-5).
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


def test_bad_settings_get_one_sentence() -> None:
    with pytest.raises(InputError, match="margin is 0"):
        compare([Question("sorted mean 1", 0.0, 0.1, 0.0)], alpha=0.05)
    with pytest.raises(InputError, match="the error rate is 2"):
        compare([Question("sorted mean 1", 0.0, 0.1, 0.2)], alpha=2)


# other quantities


def test_standard_deviations_are_judged_by_their_ratio_up_and_down() -> None:
    """A factor of 2 is as far off as a half; the error of ln(ratio) is the relative error."""
    kinds = ("means", "sds")
    for ratio, decision in ((0.8, "pass"), (1.9, "pass"), (0.4, "fail"), (2.6, "fail"), (0.5, "undecided")):
        ratios = Measurement([1.0, ratio], [0.01, 0.02 * ratio], "ratio")
        verdict = judged([0.0, 0.0], [0.01, 0.01], judge=kinds, sd_ratio=ratios)
        assert verdict.decision == decision
        last = verdict.comparisons[-1]
        assert last.quantity == "standard deviation of sorted mean 2" and last.unit == "log ratio"
        assert (last.difference, last.standard_error) == pytest.approx((log(ratio), 0.02))
        assert last.margin == pytest.approx(log(2))
    assert (
        "is 0.40 times the reference's"
        in judged([0.0], [0.01], judge=kinds, sd_ratio=Measurement([0.4], [0.01], "ratio")).sentence
    )


def test_standard_deviations_not_judged_are_still_told() -> None:
    verdict = judged([0.0, 0.0], [0.01, 0.01], sd_ratio=Measurement([0.3, 0.6], [0.01, 0.01], "ratio"))
    assert verdict.decision == "pass"
    assert verdict.sentence.endswith(
        "0.30 to 0.60 times the reference's: up to 70 % too small (not judged). Judged: means."
    )


def test_a_standard_deviation_of_zero_fails() -> None:
    verdict = judged([0.0], [0.01], judge=("sds",), sd_ratio=Measurement([0.0], [0.0], "ratio"))
    assert verdict.decision == "fail"


@pytest.mark.parametrize(
    ("kind", "metric", "unit"),
    [("predictive", "predictive_distance", "total variation"), ("evidence", "evidence_gap", "nats")],
)
def test_only_too_large_a_distance_is_wrong(kind: str, metric: str, unit: str) -> None:
    margin = getattr(VerdictOptions(), metric)
    for value, decision in ((-0.1, "pass"), (0.2, "pass"), (1.0, "undecided"), (2.0, "fail")):
        figure = Measurement(value * margin, 0.1 * margin, unit)
        verdict = judged([0.0], [0.01], judge=("means", kind), **{metric: figure})
        assert verdict.decision == decision
        assert verdict.comparisons[-1].unit == unit


# what no correct method can show


def test_a_bound_above_the_evidence_fails_whatever_the_means_say() -> None:
    for metric in ("own_bound", "collapsed_bound", "symmetrised_bound", "iwae"):
        for excess, decision in ((-0.5, "pass"), (0.04, "pass"), (0.06, "fail")):
            bound = {metric: nats(EVIDENCE + excess, 0.01)}
            verdict = judged([0.0], [0.01], reference=exact_evidence(), **bound)
            assert verdict.decision == decision
            assert bool(verdict.impossible) == (decision == "fail")
    assert "nats above log p(x), and no bound can" in verdict.sentence


def test_the_evidence_s_own_error_counts() -> None:
    bound = {"collapsed_bound": nats(EVIDENCE + 0.3, 0.0)}
    assert judged([0.0], [0.01], reference=exact_evidence(0.1), **bound).decision == "pass"
    assert judged([0.0], [0.01], reference=exact_evidence(0.05), **bound).decision == "fail"


def test_rounding_is_no_proof() -> None:
    """With one component the ELBO is log p(x), and either may be the larger by rounding."""
    for value in (-1.0, -1e7):
        evidence = Estimate(value, 0.0, "enumeration")
        up = value * (1 - 1e-11)
        assert impossibilities({"own_bound": nats(up), "collapsed_bound": nats(up, 0.0)}, evidence) == ()
        assert impossibilities({"own_bound": nats(value * (1 - 1e-6))}, evidence)


def test_an_own_bound_above_f_needs_no_reference() -> None:
    figures = {"own_bound": nats(-18.0), "collapsed_bound": nats(-18.7, 0.01)}
    verdict = judged([0.0], [0.01], reference=NONE, **figures)
    assert verdict.decision == "fail" and "above the collapsed bound F" in verdict.sentence
    fine = {"own_bound": nats(-18.71697), "collapsed_bound": nats(-18.7, 0.01)}
    assert judged([0.0], [0.01], reference=NONE, **fine).decision == "undecided"


def test_a_bound_that_is_not_its_q_s_needs_no_reference() -> None:
    """Above or below: five errors of both together, or rounding where they are exact."""
    for own, error, wrong in (
        (-18.0, 0.01, True),
        (-18.8, 0.01, True),
        (-18.66, 0.01, False),
        (-18.7 - 1e-6, 0.0, True),
        (-18.7 - 1e-8, 0.0, False),
    ):
        figures = {"own_bound": nats(own), "recomputed_bound": nats(-18.7, error)}
        verdict = judged([0.0], [0.01], reference=NONE, **figures)
        assert verdict.decision == ("fail" if wrong else "undecided")
        if wrong:
            assert "its own bound is not that of its q" in verdict.sentence
            assert (" above " if own > -18.7 else " below ") in verdict.impossible[0]


def test_the_evidence_of_an_unqualified_reference_proves_nothing() -> None:
    doubtful = Reference("nuts", False, "it disagrees", log_evidence=Estimate(EVIDENCE, 0.0, "bridge"))
    figures = {"collapsed_bound": nats(EVIDENCE + 3.0, 0.01)}
    assert judged([0.0], [0.01], reference=doubtful, **figures).decision == "undecided"


def test_a_bound_that_falls_fails() -> None:
    for gain, decision in ((0.0, "pass"), (-1e-12, "pass"), (-1e-6, "fail")):
        figures = {"monotonicity": Measurement(gain, 0.0, "relative")}
        assert judged([0.0], [0.01], **figures).decision == decision
    strict = Measurement(-1e-12, 0.0, "relative", threshold=Threshold(-1e-13, "at least"))
    assert judged([0.0], [0.01], monotonicity=strict).decision == "fail"


def test_a_correct_bound_is_rarely_called_impossible() -> None:
    """F(q) = log p(x) is the worst case: five errors are exceeded once in 3.5 million; here never."""
    rng = np.random.default_rng(2)
    found = [
        impossibilities(
            {"collapsed_bound": nats(EVIDENCE + 0.02 * z, 0.02)}, Estimate(EVIDENCE, 0.0, "enumeration")
        )
        for z in rng.standard_normal(5000)
    ]
    assert not any(found)


def test_a_worse_optimum_is_named() -> None:
    parts = ("family", "optimum", "convergence", "Monte Carlo")
    figures = Measurement([0.1, 10.31, 0.0, 0.0], [0.0] * 4, "nats", entries=parts)
    verdict = judged([4.0], [0.01], error_decomposition=figures)
    assert verdict.decision == "fail" and "the best known bound is 10.31 nats higher" in verdict.sentence


# how many more draws


def decided(question: Question, need: Need, z: float) -> bool:
    """Whether the interval no longer straddles a limit with so many times as many draws, if nothing moves."""
    assert question.method_error is not None
    of_reference = question.standard_error**2 - question.method_error**2
    error = np.sqrt(question.method_error**2 / need.method + of_reference / need.reference)
    distance = min(abs(question.difference - limit) for limit in question.limits)
    return bool(z * error <= distance * (1 + 1e-9))


def test_the_draws_asked_for_decide_and_fewer_do_not() -> None:
    rng = np.random.default_rng(3)
    z = NormalDist().inv_cdf(1 - 0.01 / 4 / 2)
    for _ in range(300):
        error = rng.uniform(0.05, 0.5)
        question = Question("m", rng.uniform(-0.6, 0.6), error, 0.25, method_error=error * rng.uniform(0, 1))
        if decided(question, Need(), z):
            continue
        need = more_draws(question, z)
        assert decided(question, need, z)
        less = Need(max(need.method * 0.98, 1), max(need.reference * 0.98, 1))
        assert not decided(question, less, z)


def test_needs_in_words() -> None:
    z = 2.0
    half = Question("m", 0.0, 0.25, 0.25)  # two errors are twice the margin
    assert str(more_draws(half, z)) == ("about 4 times as many draws, of the method and of the reference")
    reference_s = Question("m", 0.0, 0.25, 0.25, method_error=0.01)
    assert str(more_draws(reference_s, z)) == "about 4.1 times as many reference draws"
    method_s = Question("m", 0.0, 0.25, 0.25, method_error=0.25)
    assert str(more_draws(method_s, z)) == "about 4 times as many draws of the method"
    on_it = Question("m", 0.25, 0.1, 0.25)
    assert "sits on the margin" in str(more_draws(on_it, z))
    assert str(Need()) == ""
    assert str(Need(37.2, 1)) == "about 38 times as many draws of the method"
    assert str(Need(1, 1.31)) == "about 1.4 times as many reference draws"
    assert str(Need(412.0, 2)) == (
        "about 420 times as many draws of the method, and 2 times as many reference draws"
    )


def test_the_verdict_tells_what_it_needs_and_whose_draws() -> None:
    """The method's part comes from `sorted_means`: 0.01 in the data's unit, where a reference sd is 1."""
    figures = {
        "sorted_means": Measurement([1.0], [0.01], "data"),
        "sorted_sds": Measurement([0.5], [0.01], "data"),
        "sd_ratio": Measurement([0.5], [0.01], "ratio"),
    }
    verdict = judged([0.0], [0.2], **figures)
    assert verdict.decision == "undecided"
    assert verdict.needs == "about 3.9 times as many reference draws"
    assert "It would take about 3.9 times as many reference draws." in verdict.sentence
    assert verdict.comparisons[0].needs == verdict.needs
    assert (
        judged([0.2], [0.1]).needs == "no number of draws would decide it: the difference sits on the margin"
    )
    assert judged([0.0], [0.01]).needs == ""


# sentences, studies, records


def test_sentences_have_the_numbers() -> None:
    assert judged([0.01, -0.03], [0.005, 0.005]).sentence == (
        "cavi agrees with the exact answer (by enumeration): the largest of 2 differences (sorted mean 2) is "
        "off by 0.030 posterior standard deviations, give or take 0.011, within the 0.2 that is allowed. "
        "Judged: means."
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
    verdict = verdict_of_study([passed, passed, failed, open_], methods=["CAVI"])
    assert verdict.sentence == "CAVI does not agree with the reference on 1 of 4 problems."
    both = ["CAVI", "ADVI"]
    assert verdict_of_study([passed] * 4, methods=both).sentence.startswith(
        "CAVI and ADVI agree with the reference on all 4 results"
    )
    assert verdict_of_study([passed, open_], methods=both).sentence.startswith(
        "Whether CAVI or ADVI agrees with the reference could not be decided on 1 of 2 results"
    )


def test_the_study_says_how_far_off_the_worst_is() -> None:
    good, better = judged([0.01, -0.031], [0.001, 0.001]), judged([0.02], [0.001])
    assert verdict_of_study([good, better], methods=["CAVI"]).sentence == (
        "CAVI agrees with the reference on all 2 problems: posterior means are off by at most 0.03 "
        "posterior standard deviations, within the 0.2 that is allowed. Judged: means."
    )
    assert verdict_of_study([better]).sentence.startswith("The method agrees with the reference on the one")


def test_the_study_says_means_and_widths_and_what_exceeds() -> None:
    narrow = Measurement([0.72, 1.0], [0.01, 0.01], "ratio")
    for off, kinds, means in (
        (0.07, ("means", "sds"), "are off by at most 0.07 posterior standard deviations, within the 0.2"),
        (0.42, ("means",), "are off by up to 0.42 posterior standard deviations, which exceeds the 0.2"),
    ):
        one = judged([off, 0.0], [0.001, 0.001], judge=kinds, sd_ratio=narrow)
        said = verdict_of_study([one], methods=["CAVI"], measurements=[{"sd_ratio": narrow}]).sentence
        assert f"posterior means {means} that is allowed; " in said
        assert "standard deviations are 0.72 to 1.00 times the reference's: up to 28 % too small" in said
        assert said.endswith(
            ", within the factor of 2 that is allowed. Judged: means and standard deviations."
            if "sds" in kinds
            else "(not judged). Judged: means."
        )
    gross = Measurement([0.3], [0.01], "ratio")
    one = judged([0.0], [0.001], judge=("means", "sds"), sd_ratio=gross)
    said = verdict_of_study([one], measurements=[{"sd_ratio": gross}]).sentence
    assert "up to 70 % too small, which exceeds the factor of 2 that is allowed. Judged: means and" in said


def test_the_headline_names_a_width_that_is_none_of_those_it_tells() -> None:
    alike = Measurement([1.0], [0.01], "ratio")
    likelihood = Measurement([1.5], [0.01], "ratio", entries=("the log likelihood",))
    kinds = ("means", "sds", "likelihood")
    error = Measurement(0.0, 0.001, "nats per parameter")
    measured = {"sd_ratio": alike, "likelihood_sd_ratio": likelihood, "likelihood_error": error}
    strict = VerdictOptions(judge=kinds).of_sampler()
    mean = Measurement([0.0], [0.001], "reference sd")
    one = verdict_of_cell(
        {"mean_error": mean, **measured}, EXACT, method="NUTS", outcome="sampled", options=strict
    )
    assert one.decision == "fail"
    assert "the standard deviation of the log likelihood is 1.50 times the reference's" in one.sentence
    said = verdict_of_study([one], methods=["NUTS"], measurements=[{"sd_ratio": alike}]).sentence
    assert (
        "; the standard deviation of the log likelihood is 1.50 times the reference's, which exceeds the "
        "factor of 1.25 that is allowed"
    ) in said


def test_what_was_judged_is_a_field_of_the_verdict_and_stands_in_the_headline() -> None:
    ratio = Measurement([1.0], [0.01], "ratio")
    means, both = (judged([0.0], [0.001]), judged([0.0], [0.001], judge=("means", "sds"), sd_ratio=ratio))
    assert means.judged == ("means",) and both.judged == ("means", "standard deviations")
    study = verdict_of_study([means, both], methods=["CAVI"])
    assert study.judged == both.judged
    assert study.sentence.endswith(" Judged: means and standard deviations.")
    nothing = judged([0.0], [0.01], reference=NONE)
    assert nothing.judged == () and "Judged" not in verdict_of_study([nothing]).sentence
    bad = judged([0.0], [0.01], reference=exact_evidence(), own_bound=nats(EVIDENCE + 1))
    assert bad.judged == verdict_of_study([bad]).judged == ("means",)


def test_verdicts_of_before_what_was_judged_was_kept_are_read() -> None:
    older = json.loads(dumps(judged([0.0, 0.1], [0.2, 0.1])))
    del older["judged"]
    assert loads(json.dumps(older), object) == replace(judged([0.0, 0.1], [0.2, 0.1]), judged=())


def test_a_limit_never_reads_as_if_what_exceeds_it_were_allowed() -> None:
    for value, error, how in (
        (0.01, 0.01, "within"),
        (0.9, 0.01, "which exceeds"),
        (0.2, 0.1, "may or may not"),
    ):
        sentence = judged([value], [error]).sentence
        assert how in sentence and sentence.count("the 0.2 that is allowed") == 1


def data_fit(*p_values: float) -> Measurement:
    limit = Threshold(0.01 / len(p_values), "at least")
    note = "8.5 % of the points have x at most 9.8, where it says 49 %"
    return Measurement(
        list(p_values),
        [0.0] * len(p_values),
        "p-value",
        note,
        threshold=limit,
        entries=tuple("abc")[: len(p_values)],
    )


def test_fitting_the_data_is_a_sentence_of_its_own_and_decides_nothing() -> None:
    def said(*pairs: tuple[Measurement, Measurement]) -> str:
        measured = [{"data_fit": own, "reference_data_fit": truth} for own, truth in pairs]
        cells = [
            CellRecord(
                Cell("d", "m", "cavi", i, str(i)), "ok", "", verdict=judged([0.0], [0.001]), measurements=one
            )
            for i, one in enumerate(measured)
        ]
        verdict = conclude({one.cell.key: "cavi" for one in cells}, cells)
        assert verdict.decision == "pass" and "the data" not in verdict.sentence
        return verdict.on_the_data

    fine, bad = data_fit(0.2, 0.6), data_fit(1e-9, 0.6)
    assert said((fine, fine)) == (
        "The fitted mixture fits the data, as far as they can tell (posterior predictive p = 0.4)."
    )
    assert said((bad, bad)) == (
        "The fitted mixture does not fit the data (posterior predictive p < 0.0001): 8.5 % of the points "
        "have x at most 9.8, where it says 49 %. Nor does the reference's: it is the model that does not fit."
    )
    assert said((bad, fine)).endswith("The reference's fits them: it is the method that does not.")
    many = "Fitted mixtures that fit the data: 1 of 2. The one that fits least does not fit the data (post"
    assert said((fine, fine), (bad, bad)).startswith(many)
    assert said((fine, fine), (fine, fine)).startswith("Fitted mixtures that fit the data: 2 of 2.")
    few, many_kinds = data_fit(0.008), data_fit(0.005, 0.5, 0.9)  # 0.008 and 0.015 of all checks
    assert "1 of 2. The one that fits least does not fit" in said((few, few), (many_kinds, many_kinds))
    unknown = Measurement(None, None, "p-value", "no")
    assert said((unknown, unknown)) == ""


@pytest.mark.parametrize("error", [None, float("nan"), 10.0])
def test_a_bound_whose_error_hides_all_proves_nothing_and_does_not_pass(error: float | None) -> None:
    verdict = judged([0.0], [0.01], reference=exact_evidence(), own_bound=nats(EVIDENCE + 1, error))
    assert verdict.decision == "undecided" and not verdict.impossible
    assert "standard error" in verdict.sentence and "below 0.2 nats" in verdict.needs


def test_the_study_tells_what_is_impossible() -> None:
    bad = judged([0.0], [0.01], reference=exact_evidence(), own_bound=nats(EVIDENCE + 1))
    verdict = verdict_of_study([judged([0.0], [0.01]), bad], methods=["CAVI"])
    assert verdict.decision == "fail"
    assert verdict.sentence == (
        "CAVI fails on 1 of 2 problems, and is wrong whatever the margins: its own bound lies 1 nats above "
        "log p(x), and no bound can."
    )


def test_verdicts_survive_the_store() -> None:
    for verdict in (
        judged([0.0, 0.1], [0.2, 0.1]),
        judged([0.0], [0.01], judge=("sds",), sd_ratio=Measurement([0.0], [0.0], "ratio")),
        judged([0.0], [0.01], reference=exact_evidence(), own_bound=nats(0.0)),
    ):
        back = loads(dumps(verdict), object)
        assert back == verdict and type(back.impossible) is type(back.judged) is tuple
