"""The cell that is the reference is judged by a sampler of another language; and what if they disagree.

The problem has two points, so that enumeration draws from its very posterior; "NUTS" are such draws, right or
with an error planted, and so is the Gibbs that decides between two that disagree: no sampler runs.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.commands._json import summary
from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.engine.store.files import write_tree
from experiments.records import Cell, CellRecord, Problem, ProblemRecord, StudyRecord, Told
from experiments.references import reference
from experiments.report.conclusions.not_drawn import not_drawn
from experiments.report.outcomes import outcomes_of
from experiments.report.style.palette import method_styles
from experiments.report.tables.methods import verdict_table
from experiments.report.view import glance
from experiments.studies.judging import Case, judge_problem
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from ppl_baselines.draws import to_datatree

PROBLEM = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), np.array([[-2.0], [2.0]]))


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    """Return a function that makes the cell of a sampler: draws from this or another posterior."""
    folder = tmp_path_factory.mktemp("draws")

    def made(name, language, seed, *, prior_variance=25.0, noise_variance=1.0, shift=0.0, **told):
        mixture = Mixture(NormalKnownVariance(0.0, prior_variance, noise_variance), FixedWeights(), 2)
        exact = reference(Problem(mixture, PROBLEM.x), method="enumeration", rng=seed, n_draws=4800)
        rng = np.random.default_rng(seed)
        stats = {"diverging": np.zeros((4, 1200), bool), "energy": rng.normal(size=(4, 1200))}
        if name == "gibbs":
            stats = {}
        mu = exact.draws["posterior"]["mu"].values.reshape(4, 1200, 2, 1) + shift
        path = folder / f"{name}-{len(list(folder.iterdir()))}.nc"
        write_tree(path, to_datatree({"mu": mu}, sample_stats=stats))
        cell = CellRecord(Cell("d", "m", name, 1, name, name), "ok", "", "sampled", 0.0, 1.0, draws=path)
        return replace(cell, told=Told(**{"sampler": "nuts", "language": language, **told}))

    return made


def judged(*cells, method="nuts"):
    return judge_problem(Case(PROBLEM, cells, 0, ReferenceOptions(method=method), VerdictOptions()))


@pytest.fixture(scope="module")
def agreeing(sampler):
    cells = sampler("nuts", "pymc", 1), sampler("numpyro_nuts", "numpyro", 2)
    return cells, judged(*cells)


def test_the_reference_is_judged_by_the_sampler_of_another_language(agreeing):
    found = agreeing[1]
    assert (found.reference_cell, found.second_cell) == ("nuts", "numpyro_nuts")
    assert {key: one.decision for key, one in found.verdicts.items()} == {
        "nuts": "pass",
        "numpyro_nuts": "pass",
    }
    said = found.verdicts["nuts"].sentence
    assert said.startswith("NUTS agrees with the run of NumPyro NUTS, a sampler in another language:"), said
    assert found.measurements["nuts"]["mean_error"].value is not None


@pytest.mark.parametrize(
    "second",
    [{"language": "pymc"}, {"language": ""}, {"language": "numpyro", "warm_start": "cavi"}],
    ids=["of the same language", "that tells no language", "that cannot serve"],
)
def test_by_no_other(sampler, second):
    found = judged(sampler("nuts", "pymc", 1), sampler("numpyro_nuts", seed=2, **second))
    assert found.reference_cell == "nuts" and found.second_cell is None
    assert set(found.verdicts) == {"numpyro_nuts"}


PLANTED = {
    "a prior variance a tenth of what it should be": {"prior_variance": 2.5},
    "a noise variance that is twice too large": {"noise_variance": 2.0},
}


@pytest.mark.parametrize(
    ("wrong", "planted"), list(zip(("nuts", "numpyro_nuts"), PLANTED.values(), strict=True)), ids=PLANTED
)
def test_where_two_languages_disagree_and_nobody_can_tell_none_is_leant_on(sampler, planted, wrong):
    first = sampler("nuts", "pymc", 1, **(planted if wrong == "nuts" else {}))
    second = sampler("numpyro_nuts", "numpyro", 2, **(planted if wrong != "nuts" else {}))
    found = judged(first, second)
    assert not found.reference.qualified and found.reference_cell is None and found.second_cell is None
    for verdict in found.verdicts.values():
        assert verdict.decision == "undecided"
        assert "NUTS and NumPyro NUTS are in different languages and disagree" in verdict.sentence
        assert "nothing here tells which of them is wrong" in verdict.sentence


@pytest.mark.parametrize(
    ("wrong", "planted"), list(zip(("numpyro_nuts", "nuts"), PLANTED.values(), strict=True)), ids=PLANTED
)
def test_gibbs_tells_which_is_wrong(sampler, planted, wrong):
    """A third implementation: the wrong one fails, whichever it is, and the other one passes."""
    first = sampler("nuts", "pymc", 1, **(planted if wrong == "nuts" else {}))
    second = sampler("numpyro_nuts", "numpyro", 2, **(planted if wrong != "nuts" else {}))
    third = sampler("gibbs", "hand_cavi", 3, sampler="gibbs")
    verdicts = judged(first, second, third, method=("nuts", "gibbs")).verdicts
    right = "nuts" if wrong == "numpyro_nuts" else "numpyro_nuts"
    assert verdicts[wrong].decision == "fail", verdicts[wrong].sentence
    assert verdicts[right].decision == "pass", verdicts[right].sentence


def test_three_that_all_disagree_leave_none(sampler):
    first = sampler("nuts", "pymc", 1)
    second = sampler("numpyro_nuts", "numpyro", 2, prior_variance=2.5)
    third = sampler("gibbs", "hand_cavi", 3, sampler="gibbs", shift=1.0)
    found = judged(first, second, third, method=("gibbs", "nuts"))
    assert not found.reference.qualified
    assert {one.decision for one in found.verdicts.values()} == {"undecided"}


# ---- what is said of it ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record(agreeing):
    cells, found = agreeing
    kept = tuple(
        replace(one, measurements=found.measurements[one.cell.key], verdict=found.verdicts[one.cell.key])
        for one in cells
    )
    about = ("d", "m", 1, "data", "model", "", PROBLEM, found.reference, kept)
    return ProblemRecord(*about, reference_cell=found.reference_cell, second_cell=found.second_cell)


def test_the_page_says_by_what_the_reference_was_tested(record):
    view = glance(record, method_styles(["nuts", "numpyro_nuts"]))
    said = " ".join(not_drawn(view))
    assert "nothing here tests" not in said
    assert (
        "The reference is the run of NUTS itself, which is judged against that of NumPyro NUTS, in another "
        "language." in said
    )
    alone = replace(record, second_cell=None)
    assert "nothing here tests NUTS" in " ".join(
        not_drawn(glance(alone, method_styles(["nuts", "numpyro_nuts"])))
    )
    table = verdict_table(view)
    assert [column.name for column in table.columns[1:]] == ["NUTS, against NumPyro NUTS", "NumPyro NUTS"]
    assert [one.decision for one in outcomes_of(record)] == ["pass", "pass"]


def test_json_says_it_too(record):
    study = StudyRecord("s", Path("s"), record.cells[0].verdict, (record,), "", 1, {}, {})
    cells = json.loads(json.dumps(summary(study)))["cells"]
    assert [one["judged_against"] for one in cells] == ["numpyro_nuts", "reference"]
    alone = replace(study, problems=(replace(record, second_cell=None),))
    assert [one["judged_against"] for one in summary(alone)["cells"]] == [None, "reference"]
