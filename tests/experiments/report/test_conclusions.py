"""What the report concludes in words, for every combination of figures; nothing is drawn here."""

import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.records import (
    Cell,
    CellRecord,
    Comparison,
    Estimate,
    Measurement,
    Problem,
    ProblemRecord,
    Reference,
    Threshold,
    Told,
    Verdict,
)
from experiments.report.conclusions import conclusions
from experiments.report.figures.chains import rank_histograms
from experiments.report.figures.ladder import rungs_of
from experiments.report.metric_tables import metric_tables
from experiments.report.style.palette import method_styles
from experiments.report.tables.log_evidence import decomposition_table, opinions_table
from experiments.report.tables.log_evidence import said as quality_said
from experiments.report.view import look_at
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance

EXACT = Reference("enumeration", True, "summed", log_evidence=Estimate(-15.67, 0.0, "enumeration"))
NONE = Reference("none", False, "NUTS did not qualify")


def cell(method, status="ok", outcome="converged", kind="", **figures):
    """Return a cell whose figures are (value, standard error)."""
    kind = kind or method
    told = Told(bound_of="theta and assignments" if kind == "cavi" else "theta")
    measured = {name: Measurement(*pair) for name, pair in figures.items()}
    verdict = Verdict("pass", "fine", 0.25)
    identity = Cell("d", "m", method, 1, f"key of {method}", kind)
    return CellRecord(identity, status, "", outcome, measurements=measured, verdict=verdict, told=told)


def view(*cells, reference=EXACT, n_components=2, reference_cell=None):
    """Return a view without draws."""
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)
    problem = Problem(mixture, np.zeros((8, 1)))
    record = ProblemRecord("d", "m", 1, "", "", "", problem, reference, cells, reference_cell=reference_cell)
    return look_at(record, method_styles([one.cell.method for one in cells]))


def said(*cells, **more):
    """Return what is concluded and what is not, each as one text."""
    drawn, not_drawn = conclusions(view(*cells, **more)).values()
    return " ".join(drawn), " ".join(not_drawn)


# docs/mathematics.md, 4 and 11: close together, the best mean-field F merges both components.
CAVI = cell(
    "cavi", own_bound=(-16.85, 0.0), collapsed_bound=(-16.384, 0.006), symmetrised_bound=(-15.789, 0.004)
)
ADVI = cell(
    "advi", own_bound=(-16.13, 0.01), collapsed_bound=(-16.132, 0.01), symmetrised_bound=(-16.130, 0.01)
)


def test_who_wins_on_f_who_after_symmetrisation_and_why():
    drawn, not_drawn = said(CAVI, ADVI)
    assert (
        "On F, ADVI is highest (−16.132 nats); after symmetrisation, CAVI is highest (−15.789 nats)." in drawn
    )
    assert "ADVI is above CAVI on F, by 0.252 nats, and below it after symmetrisation, by 0.341" in drawn
    assert "gives CAVI back 0.595 nats (of at most ln K! = 0.693)" in drawn
    assert "ADVI 0.002, since its q has merged its components" in drawn
    assert "Do not compare the methods' own bounds" in not_drawn
    assert "components overlap (in the q of CAVI and ADVI)" in not_drawn


@pytest.mark.parametrize(
    ("methods", "warned"),
    [
        ([("plain", "cavi"), ("advi", "advi")], True),
        ([("cavi", "cavi"), ("cavi_other", "advi")], True),
        ([("plain", "cavi"), ("cavi", "cavi")], False),
        ([("cavi_other", "advi"), ("fullrank_advi", "fullrank_advi")], False),
    ],
)
def test_own_bounds_of_two_sorts_are_not_to_be_compared_whatever_the_methods_are_called(methods, warned):
    cells = [cell(name, kind=kind, own_bound=(-16.9, 0.0)) for name, kind in methods]
    assert ("Do not compare the methods' own bounds" in said(*cells)[1]) == warned


def test_bounds_within_their_errors_are_not_ranked():
    near = cell("advi", collapsed_bound=(-16.379, 0.006), symmetrised_bound=(-15.785, 0.004))
    drawn, _ = said(CAVI, near)
    assert "CAVI and ADVI reach the same F, and the same after symmetrisation" in drawn
    assert "highest" not in drawn


def test_one_winner_on_both_scales_needs_no_reason():
    worse = cell("advi", collapsed_bound=(-17.0, 0.006), symmetrised_bound=(-16.4, 0.004))
    drawn, _ = said(CAVI, worse)
    assert "On F, CAVI is highest (−16.384 nats), and so after symmetrisation (−15.789 nats)" in drawn
    assert "Renaming" not in drawn


@pytest.mark.parametrize(
    ("ratios", "error", "words"),
    [
        (
            [0.92, 0.89],
            0.005,
            "its standard deviations are 8 to 11 % too small. Use CAVI's means, not its intervals",
        ),
        ([1.20, 1.20], 0.005, "its standard deviations are 20 % too large."),
        ([0.90, 1.20], 0.005, "some are too small (by up to 10 %), others too large (by up to 20 %)."),
        ([0.90, 1.00], 0.005, "1 of its 2 standard deviations are too small, by up to 10 %."),
        ([0.99, 1.01], 0.005, "its standard deviations are right to within 5 %."),
        ([0.92, 0.89], 0.100, "whether its standard deviations are right to within 5 % cannot be told."),
        ([0.50, 0.50], np.nan, "whether its standard deviations are right to within 5 % cannot be told."),
    ],
)
def test_widths_are_judged_with_their_errors(ratios, error, words):
    drawn, _ = said(cell("cavi", mean_error=([0.02, 0.01], [0.01, 0.01]), sd_ratio=(ratios, [error, error])))
    assert "CAVI: its means agree with the reference (the largest difference is 0.020 ± 0.010" in drawn
    assert words in drawn
    assert ("Use CAVI's means" in drawn) == ("too small" in words and "large" not in words)


@pytest.mark.parametrize(
    ("error", "words"),
    [(0.05, "do not agree with the reference: one is off by 0.50"), (0.2, "cannot be told: the largest")],
)
def test_means_that_are_off_are_not_recommended(error, words):
    drawn, _ = said(
        cell("cavi", mean_error=([0.5, 0.0], [error, error]), sd_ratio=([0.8, 0.8], [0.01, 0.01]))
    )
    assert words in drawn and "Use its means" not in drawn


@pytest.mark.parametrize(("means", "error"), [([0.1, 0.2], np.nan), ([0.1, np.nan], 0.01)])
def test_means_of_which_something_is_unknown_are_not_said_to_agree(means, error):
    drawn, _ = said(cell("cavi", mean_error=(means, [error, error])))
    assert "whether its means agree with the reference cannot be told" in drawn


def test_a_bound_with_an_unknown_error_is_not_called_impossible():
    drawn, not_drawn = said(cell("mine", own_bound=(EXACT.log_evidence.value + 1, None)))
    assert "Do not use" not in drawn + not_drawn


def test_without_a_reference_nothing_is_called_right():
    drawn, not_drawn = said(CAVI, ADVI, reference=NONE)
    assert "nothing here says which method is right" in not_drawn
    assert not re.search("agree|exact|least room", drawn)


def test_an_unqualified_log_evidence_is_no_evidence():
    doubtful = replace(EXACT, qualified=False)
    drawn, not_drawn = said(CAVI, reference=doubtful)
    assert "exact" not in drawn and "no reference" in not_drawn


def test_opinions_that_disagree_are_named_unless_they_distrust_themselves():
    far = Estimate(-15.2, 0.01, "bridge")
    _, not_drawn = said(CAVI, reference=replace(EXACT, opinions=(far,)))
    assert "Do not rely on log p(x): enumeration says −15.670000 and bridge says −15.200 ± 0.010" in not_drawn
    hollow = replace(far, quality={"k_hat": 0.9, "k_hat_limit": 0.7})
    assert "rely" not in said(CAVI, reference=replace(EXACT, opinions=(hollow,)))[1]
    near = Estimate(-15.665, 0.01, "bridge")
    assert "rely" not in said(CAVI, reference=replace(EXACT, opinions=(near,)))[1]


def test_figures_of_trust_have_true_minus_signs_and_only_numbers_are_told():
    told = quality_said({"k_hat": -0.528, "runs": 1200, "terms": float("inf"), "r_hat": True})
    assert told == "k-hat −0.53, 1,200 runs"


def test_a_bound_above_the_evidence_is_called_impossible():
    _, not_drawn = said(cell("cavi", own_bound=(-15.0, 0.0)))
    assert "its own bound is 0.670000 nats above log p(x), and no correct bound is" in not_drawn
    assert "above log p(x)" not in said(cell("advi", own_bound=(-15.66, 0.01)))[1]  # within its error


def test_failures_and_unfinished_runs_are_told():
    _, not_drawn = said(cell("nuts", status="timed_out"), cell("advi", outcome="max_steps"))
    assert "Nothing can be said about NUTS: it ran out of time." in not_drawn
    assert "ADVI stopped before it had converged (max steps)" in not_drawn


def test_a_run_that_is_the_reference_is_not_tested_by_it():
    nuts = cell("nuts")
    nuts.measurements["mean_error"] = Measurement(None, None, "reference sd", "a note of any words")
    reference = Reference("nuts", True, "qualified")
    again = cell("nuts again", kind="nuts")
    _, not_drawn = said(nuts, again, reference=reference, reference_cell="key of nuts")
    assert "The reference is the run of NUTS itself: nothing here tests NUTS." in not_drawn
    assert "nothing here tests" not in said(nuts, again, reference=reference)[1]


def test_untrusted_importance_weights_are_told_and_drawn_hollow():
    bad = cell("cavi", importance_evidence=(-15.7, 0.01))
    limit = Threshold(0.7, "at most", "Vehtari et al. (2024)")
    bad.measurements["k_hat"] = Measurement(
        [0.2, 0.9], [0.1, 0.1], threshold=limit, entries=("p/q", "p/q_sym")
    )
    drawn, not_drawn = said(bad)
    assert "can be had" not in drawn and "CAVI (k-hat 0.90)" in not_drawn
    (rung,) = rungs_of(view(bad).entries[0])
    assert not rung.trusted
    (bounds,) = metric_tables(view(bad))
    shown = {row.head: row.entries[0].plain for row in bounds.rows}
    assert "above" not in shown["k-hat: p/q"] and shown["k-hat: p/q_sym"].endswith("(above)")
    assert not any(mark in text for mark in "✓✗?" for text in shown.values())  # these are verdicts' alone
    assert bounds.rows[-1].entries[-1].plain == "≤ 0.700 (Vehtari et al. (2024))"


def test_no_figures_at_all_end_in_no_sentence_and_no_table():
    empty = view(cell("mine"), reference=NONE)
    assert conclusions(empty)["What the figures say"] == []
    assert metric_tables(empty) == []
    assert opinions_table(empty) is None and decomposition_table(empty) is None


def test_rank_histograms_are_level_for_one_distribution_and_not_for_two():
    rng = np.random.default_rng(5)
    values = rng.standard_normal((4, 2000))
    level = rank_histograms(values)
    np.testing.assert_allclose(level.sum(axis=1), 1.0)
    # Each share has sd below sqrt(.05 * .95 / 2000) = 0.005; 80 of them lie within 5 sds.
    assert np.abs(level - 0.05).max() < 0.025
    assert rank_histograms(values + np.array([[0.0], [0.0], [0.0], [3.0]]))[3, -1] > 0.15


def test_agreeing_with_the_reference_and_fitting_the_data_are_two_sentences():
    limit, note = Threshold(0.01, "at least"), "8.5 % of the points have x at most 9.8, where it says 49 %"
    one = cell("cavi", mean_error=([0.02, 0.01], [0.01, 0.01]))
    for name, p in (("data_fit", 1e-9), ("reference_data_fit", 0.3)):
        kinds = ("each feature",)
        one.measurements[name] = Measurement([p], [0.0], "p-value", note, threshold=limit, entries=kinds)
    drawn, _ = said(one)
    assert "CAVI: its means agree with the reference" in drawn
    assert f"CAVI's mixture does not fit the data (posterior predictive p < 0.0001): {note}." in drawn
    assert "The reference's mixture fits the data, as far as they can tell" in drawn


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ("pass", "its means agree with the reference"),
        ("undecided", "whether its means agree with the reference cannot be told"),
        ("fail", "its means do not agree with the reference"),
    ],
)
def test_what_is_said_of_means_is_what_the_verdict_says(decision, words):
    """0.198 ± 0.023 is within 0.25 by two standard errors; a verdict on many figures asks for more."""
    one = cell("cavi", mean_error=([0.05, 0.198], [0.023, 0.023]), sd_ratio=([0.9, 0.9], [0.001, 0.001]))
    first = Comparison("sorted mean 1", 0.05, 0.023, 0.0, 0.1, "pass")
    second = replace(first, quantity="sorted mean 2", difference=0.198, decision=decision)
    other = replace(first, quantity="sorted weight 1", difference=0.3, decision="fail")
    judged = Verdict(decision, "said", 0.25, (first, second, other))
    drawn, _ = said(replace(one, verdict=judged))
    assert words in drawn and ("not its intervals" in drawn) == (decision == "pass")


def test_nothing_is_concluded_from_draws_that_cannot_be_trusted():
    one = cell("gibbs", mean_error=([0.05, 0.1], [0.01, 0.01]), sd_ratio=([0.9, 0.9], [0.001, 0.001]))
    assert "Gibbs: its means agree" in said(one)[0]
    untrusted = Verdict("undecided", "Nothing can be said about Gibbs: its draws cannot be trusted.", 0.25)
    assert "Gibbs" not in said(replace(one, verdict=untrusted))[0]
