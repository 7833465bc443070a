"""The leaderboard against computations by hand, and against what it must not do: rank what is noise."""

from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from experiments.records import Cell, CellRecord, Measurement, ProblemRecord, Reference, StudyRecord, Verdict
from experiments.studies.leaderboard import QUANTITIES, compared, holm, losses_of, p_value, ranking

NAMED = {quantity.name: quantity for quantity in QUANTITIES}


def by_dataset(values):
    return {f"d{i}": {"p": value} for i, value in enumerate(values)}


def test_a_paired_difference_is_by_signed_ranks_over_data_sets():
    """Of five differences one is negative, the smallest: 2 (1 + 1) of 2^5 signs are as far out."""
    a, b = [1.0, 4.0, 2.5, 8.0, 3.0], [0.5, 3.0, 2.6, 6.8, 2.2]
    found = compared(by_dataset(a), by_dataset(b))
    differences = [0.5, 1.0, -0.1, 1.2, 0.8]
    assert (found.mean, found.n) == (pytest.approx(0.68), 5)
    assert found.standard_error == pytest.approx(sqrt(sum((d - 0.68) ** 2 for d in differences) / 4 / 5))
    assert found.p_value == pytest.approx(4 / 32)
    pairs = [(x + y) / 2 for i, x in enumerate(differences) for y in differences[i:]]
    assert found.median == pytest.approx(np.median(pairs))
    assert p_value([0.0, 0.0, 0.0]) == 1.0


def test_one_data_set_on_which_all_fails_hides_nothing():
    losses = {"good": by_dataset(range(12)), "worse": by_dataset([*(i + 0.5 for i in range(11)), 1e6])}
    assert [(one.method, one.rank) for one in ranking(losses)] == [("good", 1), ("worse", 2)]


def test_only_common_problems_count_and_two_data_sets_are_too_few():
    a = {"x": {"p": 1.0, "q": 3.0}, "y": {"p": 2.0}, "z": {"p": 5.0}, "w": {"p": 0.0}}
    b = {"x": {"p": 0.0, "q": 1.0}, "y": {"p": 0.0}, "z": {"p": 0.0}, "v": {"p": 0.0}}
    found = compared(a, b)
    assert (found.mean, found.n) == (pytest.approx((1.5 + 2 + 5) / 3), 3)
    assert compared({"x": a["x"], "y": a["y"]}, b) is None


def test_holm_is_holms():
    """Thresholds 0.05/4, 0.05/3, 0.05/2, 0.05; it stops at the first that fails."""
    assert holm({"a": 0.01, "b": 0.012, "c": 0.03, "d": 0.04}, 0.05) == ["a", "b"]
    assert holm({"a": 0.013, "b": 0.001}, 0.05) == ["b", "a"] and holm({"a": 0.06}, 0.05) == []
    assert holm({"a": 0.02, "b": 0.0126, "c": 0.9, "d": 0.9}, 0.05) == []


def test_ranks_are_of_what_differs_beyond_its_error():
    """One method is worse by 1 +- 0.05, two are alike: by 0.01 +- 0.2."""
    rng = np.random.default_rng(1)
    base = rng.gamma(2.0, 5.0, size=12)  # data sets differ far more than methods do
    losses = {
        "good": by_dataset(base),
        "alike": by_dataset(base + 0.01 + rng.normal(0, 0.2, 12)),
        "worse": by_dataset(base + 1 + rng.normal(0, 0.05, 12)),
    }
    first, second, third = ranking(losses)
    assert {first.method, second.method} == {"good", "alike"} and first.tied and second.tied
    assert (first.rank, second.rank, third.rank) == (1, 1, 3) and third.method == "worse" and not third.tied
    assert set(third.better) == {"good", "alike"} and third.from_first.median == pytest.approx(1, abs=0.3)
    assert first.mean == pytest.approx(np.mean([v["p"] for v in losses[first.method].values()]))
    assert first.from_first is None and first.n == 12
    few = ranking(losses | {"few": by_dataset([0.0, 0.0])})
    assert (few[-1].method, few[-1].rank, few[-1].tied) == ("few", None, False)
    assert [one.rank for one in few[:3]] == [1, 1, 3]


def test_noise_is_ranked_no_more_often_than_is_said():
    """Four equal methods on 15 data sets, 200 times: false findings in at most 5 %, binomially 20 of 200."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(200):
        losses = {name: by_dataset(rng.normal(size=15)) for name in "abcd"}
        wrong += any(place.rank > 1 for place in ranking(losses))
    assert wrong <= 20


def cell(method, seconds=(1.0, 9.0), status="ok", key="", **measured):
    measurements = {name: Measurement(value, None) for name, value in measured.items()}
    verdict = Verdict("pass", "", 0.25)
    about = Cell("data", "model", method, 1, key or method, method)
    return CellRecord(
        about, status, "", seconds_compile=seconds[0], seconds_run=seconds[1], measurements=measurements,
        verdict=verdict,
    )  # fmt: skip


def record(name, *cells, reference="nuts", reference_cell=None):
    truth = Reference(reference, True, "")
    problem = ProblemRecord(
        "data", "model", 1, "", "", "", None, truth, cells, reference_cell=reference_cell
    )  # fmt: skip
    return StudyRecord(name, Path(), Verdict("pass", "", 0.25), (problem,), "", 1, {}, {})


def test_losses_are_what_the_page_says():
    one = cell(
        "cavi", mean_error=[[0.3], [-0.4]], parameter_error=[0.0], sd_ratio=[0.5, 2.0],
        parameter_sd_ratio=[1.0], evidence_gap=0.7, held_out=-0.02,
    )  # fmt: skip
    found = {name: losses_of([record("a", one)], quantity) for name, quantity in NAMED.items()}
    by_name = {name: losses["cavi"]["a"]["data model 1"] for name, losses in found.items()}
    assert by_name["Mean error"] == pytest.approx(sqrt((0.09 + 0.16) / 3))
    assert by_name["Width"] == pytest.approx(2 * log(2) / 3)
    assert by_name["Evidence gap"] == 0.7 and by_name["Prediction"] == 0.02 and by_name["Cost"] == 1.0
    bare = cell("gibbs", mean_error=None, sd_ratio=[0.0, 1.0], evidence_gap=float("nan"))
    for name in ("Mean error", "Width", "Evidence gap", "Prediction"):
        assert losses_of([record("a", bare)], NAMED[name]) == {}


def test_no_sampler_is_ranked_on_a_reference_that_is_itself_but_for_its_cost():
    nuts, other = cell("nuts", mean_error=[0.0]), cell("gibbs", mean_error=[0.1])
    assert set(losses_of([record("a", nuts, other, reference_cell="nuts")], NAMED["Mean error"])) == {"gibbs"}
    assert set(losses_of([record("a", nuts, other)], NAMED["Mean error"])) == {
        "gibbs"
    }  # a longer run of NUTS
    exact = record("a", nuts, other, reference="enumeration")
    assert set(losses_of([exact], NAMED["Mean error"])) == {"nuts", "gibbs"}
    assert set(losses_of([record("a", nuts, reference_cell="nuts")], NAMED["Cost"])) == {"nuts"}
    failed = cell("gibbs", status="failed", mean_error=[0.1])
    assert losses_of([record("a", failed)], NAMED["Mean error"]) == {}
