"""A study as JUnit XML, the form in which CI systems read test results.

One testcase stands for each judged cell, and for each other cell that did not end well; in a calibration, for
each judged method of a model, and for each other of which replicates failed:

    pass          nothing inside the testcase
    fail          ``failure``: the method does not agree with the reference, shows what none can, or did not
                  finish
    undecided     ``skipped``: nothing was claimed; the message says why, and what would decide it
    no result     ``error``: an exception, a crash, a time-out, numbers that overflowed, or no judgement

So a file without ``failure`` and ``error`` goes with an exit code of 0 or 3, and one with either with 1.
The structure is that of Apache Ant's task, as Jenkins, GitLab and others read it.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Collection
from pathlib import Path

from experiments.records import CellRecord, MethodCalibration, ProblemRecord, StudyRecord
from experiments.records.calibration import UNDECIDED
from experiments.verdict import only_unfinished

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}

_ILLEGAL = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, such as the control characters of a coloured message."""


def write_junit(path: Path, record: StudyRecord, judged: Collection[str]) -> None:
    """Write a study's verdicts, the whole file or none; they are about the cells with the `judged` keys.

    Raises InputError if the file cannot be written.
    """
    from experiments.engine.store.files import write_whole
    from hand_cavi import InputError

    try:
        write_whole(path, junit(record, judged).encode("utf-8"))
    except OSError as error:
        raise InputError(f'the file "{path}" cannot be written: {error.strerror}') from None


def junit(record: StudyRecord, judged: Collection[str]) -> str:
    """Return a study's verdicts as JUnit XML."""
    suites = ET.Element("testsuites", name=_legal(record.name))
    for problem in record.problems:
        if problem.details is not None:
            methods = [one for one in problem.details.methods if one.judged or one.failed]
            cases = [_case_of_ranks(record, problem, one) for one in methods]
        else:
            cells = [cell for cell in problem.cells if cell.cell.key in judged or not cell.ended_well]
            cases = [_case(record, problem, cell) for cell in cells]
        if cases:
            suites.append(_suite(record, problem, cases))
    _count(suites)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(record: StudyRecord, problem: ProblemRecord, cases: list[ET.Element]) -> ET.Element:
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    suite = ET.Element("testsuite", name=_legal(f"{problem.dataset}, {problem.model}{repeat}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in {
        "seed": str(record.seed),
        "reference": problem.reference.method,
        "reference_qualified": str(problem.reference.qualified).lower(),
        "judged": ", ".join(record.verdict.judged),
        "study_verdict": f"{record.verdict.sentence} {record.verdict.on_the_data}".strip(),
    }.items():
        ET.SubElement(properties, "property", name=name, value=_legal(value))
    suite.extend(cases)
    _count(suite)
    return suite


def _case(record: StudyRecord, problem: ProblemRecord, cell: CellRecord) -> ET.Element:
    seconds = (cell.seconds_compile or 0.0) + (cell.seconds_run or 0.0)
    case = _testcase(record, problem, cell.cell.method, seconds)
    verdict = cell.verdict
    if not cell.ended_well:
        kind = cell.status if cell.status != "ok" else "not judged"
        message = cell.message if cell.status != "ok" else problem.reference.reason
        ET.SubElement(case, "error", type=_legal(kind), message=_legal(message)).text = _legal(cell.traceback)
        if cell.printed:
            ET.SubElement(case, "system-out").text = _legal(cell.printed)
    elif verdict is None or verdict.decision in ("undecided", "none"):
        message = verdict.sentence if verdict else "no verdict was due: this run is the reference"
        ET.SubElement(case, "skipped", message=_legal(message))
    elif verdict.decision == "fail":
        kind = "unfinished" if only_unfinished(verdict) else "outside the margin"
        kind = "impossible" if verdict.impossible else kind
        failure = ET.SubElement(case, "failure", type=kind, message=_legal(verdict.sentence))
        failure.text = _legal("\n".join(_lines(cell)))
    return case


def _case_of_ranks(record: StudyRecord, problem: ProblemRecord, one: MethodCalibration) -> ET.Element:
    case = _testcase(record, problem, one.method, one.processor_seconds)
    if one.failed:
        said = "; ".join(f"{number} replicates failed: {why}" for why, number in one.failed.items())
        ET.SubElement(case, "error", type="failed", message=_legal(said))
    elif one.flagged:
        failure = ET.SubElement(case, "failure", type=one.decision, message=_legal(one.sentence))
        failure.text = _legal("\n".join(f"{q.decision}: {q.quantity}" for q in one.quantities))
    elif one.decision == UNDECIDED:
        ET.SubElement(case, "skipped", message=_legal(one.sentence))
    return case


def _testcase(record: StudyRecord, problem: ProblemRecord, method: str, seconds: float) -> ET.Element:
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    return ET.Element(
        "testcase",
        classname=_legal(f"{record.name}.{problem.dataset}.{problem.model}"),
        name=_legal(f"{method}{repeat}"),
        time=f"{seconds:.3f}",
    )


def _lines(cell: CellRecord) -> list[str]:
    """Return every comparison of a failed cell, one a line."""
    assert cell.verdict is not None
    return [
        f"{one.decision}: {one.quantity}: {one.difference:.4g} {one.unit}, "
        f"interval [{one.low:.4g}, {one.high:.4g}]"
        for one in cell.verdict.comparisons
    ]


def _count(element: ET.Element) -> None:
    """Write an element's totals: testcases by how they ended, and their seconds."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for attribute, kind in _COUNTED.items():
        element.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _legal(text: str) -> str:
    """Return text as XML can hold it; what it cannot becomes a question mark."""
    return _ILLEGAL.sub("?", text)
