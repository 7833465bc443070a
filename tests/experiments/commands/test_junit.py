"""JUnit XML: the structure that CI systems read, the rule of what is what, and the exit codes beside it."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.commands._junit import junit
from experiments.commands._study import _make_way
from experiments.records import (
    Cell,
    CellRecord,
    Comparison,
    Measurement,
    Problem,
    ProblemRecord,
    Reference,
    StudyRecord,
    Verdict,
)
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance

CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "property": [],
    "testcase": ["skipped", "error", "failure"],
    "skipped": [],
    "error": [],
    "failure": [],
}
"""Which elements hold which, in this order: the common part of the schemas of Ant, Jenkins and pytest."""

REQUIRED = {
    "testsuites": ["name", "tests", "failures", "errors", "skipped", "time"],
    "testsuite": ["name", "tests", "failures", "errors", "skipped", "time"],
    "property": ["name", "value"],
    "testcase": ["classname", "name", "time"],
    "skipped": ["message"],
    "error": ["type", "message"],
    "failure": ["type", "message"],
}


def hold_to_the_structure(element: ET.Element) -> None:
    """Check elements, their order, their attributes, and that the counts are true."""
    tags = [child.tag for child in element]
    allowed = CHILDREN[element.tag]
    assert set(tags) <= set(allowed) and tags == sorted(tags, key=allowed.index)
    assert set(REQUIRED.get(element.tag, ())) <= set(element.attrib)
    if element.tag == "testcase":
        assert len(tags) <= 1 and float(element.attrib["time"]) >= 0
    if element.tag.startswith("testsuite"):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[attribute]) == sum(case.find(tag) is not None for case in cases)
        seconds = sum(float(case.attrib["time"]) for case in cases)
        assert float(element.attrib["time"]) == pytest.approx(seconds, abs=2e-3)
    for child in element:
        hold_to_the_structure(child)


def study(*verdicts, status="ok", message="Made up.", traceback=""):
    """Return a study of one problem whose cells have these verdicts, and the cells' keys."""
    cells = tuple(
        CellRecord(
            Cell("eight", "two", f"method-{i}", 1, f"key-{i}"),
            status,
            message,
            seconds_compile=0.25,
            seconds_run=1.0,
            verdict=verdict,
            measurements={"own_bound": Measurement(1.0, 0.0)} if status == "ok" else {},
            traceback=traceback,
        )
        for i, verdict in enumerate(verdicts)
    )
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
    problem = ProblemRecord(
        "eight",
        "two",
        1,
        "About the data.",
        "About the model.",
        "",
        Problem(mixture, np.zeros((8, 1))),
        Reference("enumeration", True, "Exact."),
        cells,
    )
    whole = StudyRecord("textbook", Path("unused"), Verdict("none", "", 0.25), (problem,), "", 1, {}, {})
    return whole, {cell.cell.key for cell in cells}


def verdict(decision, sentence="A sentence.", **others):
    comparison = Comparison("sorted mean 1", 0.3, 0.01, 0.27, 0.33, decision)
    return Verdict(decision, sentence, 0.25, (comparison,), **others)


def parsed(record, judged):
    text = junit(record, judged)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites')
    root = ET.fromstring(text)
    hold_to_the_structure(root)
    return root


def test_every_decision_has_its_element():
    record, judged = study(verdict("pass"), verdict("fail"), verdict("undecided"), verdict("none"), None)
    cases = list(parsed(record, judged).iter("testcase"))
    assert [[child.tag for child in case] for case in cases] == [
        [],
        ["failure"],
        ["skipped"],
        ["skipped"],
        ["skipped"],
    ]
    (failure,) = cases[1]
    assert failure.get("message") == "A sentence." and failure.get("type") == "outside the margin"
    assert failure.text == "fail: sorted mean 1: 0.3 reference sd, interval [0.27, 0.33]"
    assert cases[0].get("name") == "method-0" and cases[0].get("time") == "1.250"
    assert cases[0].get("classname") == "textbook.eight.two"


def test_every_suite_has_the_headline():
    record, judged = study(verdict("pass"))
    whole = Verdict("pass", "Means and widths.", 0.25, on_the_data="The fitted mixture fits.")
    found = parsed(replace(record, verdict=whole), judged).iter("property")
    assert {one.get("name"): one.get("value") for one in found}["study_verdict"] == (
        "Means and widths. The fitted mixture fits."
    )


def test_what_is_impossible_has_a_type_of_its_own():
    record, judged = study(verdict("fail", impossible=("a bound above the evidence",)))
    failure = next(parsed(record, judged).iter("failure"))
    assert failure.get("type") == "impossible"


@pytest.mark.parametrize("status", ["failed", "crashed", "timed_out", "not_finite"])
def test_a_cell_without_a_result_is_an_error_judged_or_not(status):
    record, judged = study(None, status=status, message="It died.", traceback="Traceback: boom")
    for keys in (judged, set()):
        error = next(parsed(record, keys).iter("error"))
        assert (error.get("type"), error.get("message")) == (status, "It died.")
        assert error.text == "Traceback: boom"


def test_cells_that_are_not_judged_and_ended_well_are_left_out():
    record, _ = study(verdict("fail"), verdict("pass"))
    root = parsed(record, {"key-1"})
    assert [case.get("name") for case in root.iter("testcase")] == ["method-1"]
    assert root.get("failures") == "0"
    assert parsed(record, set()).get("tests") == "0"


def test_what_xml_cannot_hold_is_replaced():
    record, judged = study(verdict("fail", "\x1b[31mred\x00 < & \" ' \ud800 µ≤"))
    failure = next(parsed(record, judged).iter("failure"))
    assert failure.get("message") == "?[31mred? < & \" ' ? µ≤"


def test_an_old_file_is_removed_before_a_run_and_a_folder_refused(tmp_path):
    path = tmp_path / "new" / "verdicts.xml"
    _make_way(path, None)
    assert not path.parent.exists()  # it is made when the file is written
    path.parent.mkdir()
    path.write_text("<testsuites/>")
    _make_way(path, None)
    assert not path.exists()
    with pytest.raises(InputError, match="is a folder"):
        _make_way(tmp_path, None)
