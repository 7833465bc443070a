"""Components without points, and overlapping ones, are told of every method and of the reference alike."""

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from experiments.commands._json import summary
from experiments.commands._terminal import print_study
from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.engine.store.files import write_tree
from experiments.methods import cavi, cavi_lr, gibbs
from experiments.records import Cell, CellRecord, Problem, ProblemRecord, StudyRecord, Verdict
from experiments.report import write_report
from experiments.studies.judging import Case, judge_problem
from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalKnownVariance
from tests.experiments.fitted import result_of

EMPTY = "component 2 holds no points: its figures are the prior's"
RNG = np.random.default_rng(0)
TWO = np.concatenate([RNG.normal(-6, 1, 10), RNG.normal(6, 1, 10)])
SETTINGS = {
    "cavi": cavi.Settings(starts=5),
    "cavi_lr": cavi_lr.Settings(starts=5),  # a normal distribution of ADVI's coordinates
    "gibbs": gibbs.Settings(draws=500),
}


def study(folder, problem: Problem, methods=tuple(SETTINGS)) -> StudyRecord:
    """Return the study of one problem by some methods, judged."""
    cells = []
    for name in methods:
        found = result_of(name, problem, SETTINGS[name], starts=5)
        write_tree(folder / f"{name}.nc", found.draws)
        cell = CellRecord(Cell("data", "model", name, 1, name, name), "ok", "", found.outcome, 0.0, 1.0)
        cells.append(replace(cell, draws=folder / f"{name}.nc", told=found.told, bound=found.bound))
    options = ReferenceOptions(method="gibbs"), VerdictOptions()
    found = judge_problem(Case(problem, tuple(cells), 0, *options))
    cells = [
        replace(
            cell, measurements=found.measurements[cell.cell.key], verdict=found.verdicts.get(cell.cell.key)
        )
        for cell in cells
    ]
    one = ProblemRecord("data", "model", 1, "", "", "", problem, found.reference, tuple(cells))
    one = replace(one, reference_cell=found.reference_cell)
    return StudyRecord("s", folder, Verdict("none", "None.", 0.25), (one,), "", 0, {}, {})


def markdown(record):
    return write_report(record, record.folder).markdown.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Twenty points in two groups, K = 3: the posterior leaves a component empty at 99 % of its draws."""
    mixture = Mixture(NormalKnownVariance(0.0, 400.0), DirichletWeights(0.05), 3)
    return study(tmp_path_factory.mktemp("sparse"), Problem(mixture, TWO[:, np.newaxis]))


def test_an_empty_component_is_told_of_every_method(sparse):
    page = markdown(sparse)
    whole = f"CAVI, CAVI + linear response, Gibbs and the reference: {EMPTY}."
    conclusion, forest, weights = (line for line in page.splitlines() if whole in line)
    assert "numbered from left to right" in conclusion
    assert "Posterior means and intervals" in forest and "Weights and intervals" in weights
    table = page[page.index("components sorted draw by draw") :]
    assert (
        "</sup> a component holds no points: sorting mixes the prior's figures in" in table.split("\n\n")[2]
    )


def test_it_is_a_footnote_of_each_figure_by_component(sparse):
    page = markdown(sparse)
    table = page[page.index("components relabelled by allocation probabilities") :]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:5]
    for row in rows:
        first, second, third = row.split("|")[2:5]
        assert "<sup>a</sup>" in second and "<sup>" not in first + third
    assert "<sup>a</sup> holds no points: the figures are the prior's" in table


def test_it_stands_in_the_json_and_on_the_terminal(sparse):
    for cell in json.loads(json.dumps(summary(sparse)))["cells"]:
        assert cell["cautions"] == [EMPTY]
        assert cell["measurements"]["reference_occupation"]["note"] == EMPTY
        assert cell["measurements"]["occupation"]["value"][1] < 0.5
    shown = StringIO()
    print_study(sparse, report="", console=Console(width=200, file=shown))
    assert f"Caution: CAVI, CAVI + linear response, Gibbs and the reference: {EMPTY}." in shown.getvalue()


def test_overlap_is_told_of_each_method_in_the_words_that_hold_for_it(tmp_path):
    """Only where q has assignments beside theta are standard deviations too small because of them."""
    x = np.concatenate([RNG.normal(0, 1, 20), RNG.normal(2.5, 1, 20)])[:, np.newaxis]
    problem = Problem(Mixture(NormalKnownVariance(0.0, 9.0), FixedWeights(), 2), x)
    record = study(tmp_path, problem, ("cavi", "gibbs"))
    page = markdown(record)
    assert "- CAVI: components 1 and 2 overlap: their mean-field standard deviations are too small." in page
    said = "components 1 and 2 overlap: which points are whose is in doubt, and with it who is who in a draw"
    assert f"- Gibbs and the reference: {said}." in page
    assert "overlaps others" in page and "holds no points" not in page
