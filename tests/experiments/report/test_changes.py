"""Two studies side by side: what is matched, what differs, what is only noise, and what is said of it."""

import json
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from experiments.commands.report import report
from experiments.records import Measurement, StudyRecord
from experiments.report.changes import changes_between
from experiments.report.pages.compared import write_comparison
from hand_cavi import InputError
from tests.experiments.report.factory import study
from tests.experiments.report.test_kinds_of_study import calibration
from tests.experiments.report.test_page import sentences
from tests.experiments.report.test_report import Page


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> StudyRecord:
    return study(tmp_path_factory.mktemp("study"))


def with_cavi(record: StudyRecord, **changes) -> StudyRecord:
    """Return the study with another first cell, CAVI's on eight points."""
    first, *others = record.problems
    cells = (replace(first.cells[0], **changes), *first.cells[1:])
    return replace(record, problems=(replace(first, cells=cells), *others))


def with_figure(record: StudyRecord, value: float, error: float | None) -> StudyRecord:
    figures = dict(record.problems[0].cells[0].measurements)
    figures["collapsed_bound"] = Measurement(value, error, "nats")
    return with_cavi(record, measurements=figures)


def test_a_study_is_as_itself(record):
    found = changes_between(record, record)
    assert found.mark == "pass" and found.word == "the same" and found.compared > 100
    assert found.sentence == (
        f"All 8 verdicts stayed as they were; none of {found.compared} figures differs beyond the stated "
        "errors; settings, code and data are the same."
    )


def test_a_verdict_that_is_worse_stands_first_in_the_headline(record):
    verdict = replace(record.problems[0].cells[0].verdict, decision="fail")
    found = changes_between(record, with_cavi(record, verdict=verdict))
    assert found.mark == "fail" and found.word == "worse"
    assert found.sentence.startswith(
        "1 of 8 verdicts changed (CAVI on eight points, textbook: pass, now fail); none of "
    )
    assert found.pairs[0] == found.changed[0]
    back = changes_between(with_cavi(record, verdict=verdict), record)
    assert back.mark == "undecided" and back.word == "changed"


def test_figures_differ_beyond_their_errors_or_not_at_all(record):
    """With errors of 0.1 two are 0.14 apart by noise, and the furthest of 200 by 3.7 times that."""
    before = with_figure(record, -16.0, 0.1)
    near, far = (with_figure(record, value, 0.1) for value in (-15.6, -15.3))
    assert changes_between(before, near).figures == []
    (one,) = changes_between(before, far).figures
    assert (one.what, one.before, one.after) == ("F, collapsed bound", (-16.0, 0.1), (-15.3, 0.1))
    assert one.apart == pytest.approx(0.7 / np.hypot(0.1, 0.1))


def test_figures_seldom_seem_to_differ_where_none_does(record):
    """At most 5 % of pairs of runs may show any: 200 normal figures of the same mean, 400 times."""
    rng, false = np.random.default_rng(8), 0
    empty = replace(record, problems=record.problems[:1])
    for _ in range(400):
        pair = []
        for _ in range(2):
            noise = Measurement(rng.standard_normal(200).tolist(), [1.0] * 200)
            pair.append(with_cavi(empty, measurements={"my_own": noise}))
        false += any(one.what.startswith("my own") for one in changes_between(*pair).figures)
    assert false <= 33  # binomial(400, 0.05) is above 33 with a chance of 0.2 %


def test_an_exact_figure_that_differs_at_all_differs_and_one_without_an_error_stands_apart(record):
    exact = changes_between(with_figure(record, -16.0, 0.0), with_figure(record, -16.001, 0.0))
    assert [one.apart for one in exact.figures] == [inf]
    unknown = changes_between(with_figure(record, -16.0, None), with_figure(record, -17.0, None))
    assert unknown.figures == [] and [one.what for one in unknown.without_errors] == ["F, collapsed bound"]


def test_times_are_not_compared(record):
    slow = with_cavi(record, seconds_run=1000.0)
    assert changes_between(record, slow).mark == "pass"


def test_settings_are_matched_by_name_wherever_they_stand(record):
    first = 'seed = 1\n[[methods]]\nname = "cavi"\nstarts = 5\n[[methods]]\nname = "nuts"\ndraws = 100\n'
    second = 'seed = 1\n[[methods]]\nname = "smc"\ndraws = 9\n[[methods]]\nname = "cavi"\nstarts = 20\n'
    found = changes_between(replace(record, config=first), replace(record, config=second)).settings
    assert [(one.name, one.before, one.after) for one in found] == [
        ("methods[cavi].starts", "5", "20"),
        ("methods[nuts]", "there", ""),
        ("methods[smc]", "", "there"),
    ]


def test_versions_and_machine_are_told(record):
    other = replace(record, versions=record.versions | {"numpy": "3.0.0"})
    (one,) = changes_between(record, other).versions
    assert (one.name, one.before, one.after) == ("numpy", "2.5.0", "3.0.0")


def test_other_points_are_other_data(record):
    first, second = record.problems
    moved = replace(first.problem, x=first.problem.x + 1)
    found = changes_between(record, replace(record, problems=(replace(first, problem=moved), second)))
    assert found.other_data == ["eight points, textbook"] and found.sentence.endswith("1 data set differs.")


def test_what_only_one_has_is_listed(record):
    first, second = record.problems
    fewer = replace(record, problems=(replace(first, cells=first.cells[:2]),))
    found = changes_between(record, fewer)
    assert found.only_before == [
        "full-rank ADVI and NUTS on eight points, textbook",
        "five clusters, textbook",
    ]
    assert found.only_after == [] and len(found.pairs) == 2
    apart = changes_between(replace(record, problems=(first,)), replace(record, problems=(second,)))
    assert apart.mark == "none" and apart.sentence.startswith("The two have no problem and method")


def test_calibrations_are_compared_too(tmp_path):
    record = calibration(tmp_path)
    assert changes_between(record, record).mark == "pass"
    assert changes_between(record, record).compared > 2


def test_the_page_says_it_once_and_needs_nothing(record, tmp_path):
    verdict = replace(record.problems[0].cells[0].verdict, decision="fail")
    changed = with_cavi(with_figure(record, -10.0, 0.01), verdict=verdict)
    found = changes_between(record, replace(changed, config="seed = 3\n", problems=changed.problems[:1]))
    paths = write_comparison(found, tmp_path / "new")
    page = Page(html := paths.html.read_text(encoding="utf-8"))
    assert not page.unbalanced and not page.open and found.sentence in page.text
    for words in ("F, collapsed bound", "Only before (a made-up study)", "five clusters, textbook", "seed"):
        assert words in page.text and words in paths.markdown.read_text(encoding="utf-8")
    told = sentences(html)
    assert len(told) == len(set(told))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.fixture
def stored(record, tmp_path, monkeypatch):
    """Two folders that look like studies, whose records are made up."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "study.sqlite").touch()
    verdict = replace(record.problems[0].cells[0].verdict, decision="fail")
    records = dict(zip(folders, (record, with_cavi(record, verdict=verdict)), strict=True))
    monkeypatch.setattr(
        "experiments.engine.runner.load", lambda folder: replace(records[folder], folder=tmp_path / "none")
    )
    return folders


def test_the_command_says_what_changed_and_where_the_page_is(stored, tmp_path, capsys):
    report(stored)
    said = capsys.readouterr().out
    assert "1 of 8 verdicts changed (CAVI on eight points, textbook: pass, now fail)" in said
    page = tmp_path / "b" / "compared-with-a made-up study" / "comparison.html"
    assert f"Report: {page}" in said and page.is_file()
    report(stored, json=True, output=tmp_path / "c")
    document = json.loads(capsys.readouterr().out)
    assert document["report"] == str(tmp_path / "c" / "comparison.html")
    assert [one["changed"] for one in document["verdicts"]] == [True, *[False] * 7]


@pytest.mark.parametrize(
    ("which", "options", "words"),
    [
        ((0, 0), {}, "named twice"),
        ((0, 1, 0), {}, "3 studies were named"),
        ((0, 1), {"problem": ["x"]}, "--problem is for the report of one study"),
        ((0,), {"output": Path("x")}, "1 study was named"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(stored, which, options, words):
    with pytest.raises(InputError, match=words):
        report([stored[i] for i in which], **options)
