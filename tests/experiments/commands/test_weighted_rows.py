"""A row of weight 162 is 162 points: what `fit`, `choose` and a page say of a table of frequencies."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.families.summary import Summary
from experiments.records import Problem
from experiments.records.problem import as_count
from experiments.report import write_report
from experiments.studies.condensing import condensed
from hand_cavi import DirichletWeights, GammaPoisson, Mixture
from hand_cavi.sources import as_source
from tests.experiments.commands.test_fit_defaults import DEATHS, TEXTBOOK, found, write
from tests.experiments.report.test_cautions import study

TABLE = ["table.csv", "--column", "a", "--weight-column", "b"]
COUNTS = ["--family", "gamma_poisson", "--components", 2]
VALUES = np.arange(10)
MIXTURE = Mixture(GammaPoisson(1.0, 0.5), DirichletWeights(1.0), 2)


@pytest.fixture
def table(here):
    """The same data as ten rows with weights, and as 1,096 rows."""
    write(here / "table.csv", VALUES, DEATHS)
    write(here / "long.csv", np.repeat(VALUES, DEATHS))


def test_json_tells_points_and_rows(table, elbowroom):
    few = ["--starts", 2]
    for command, more in (("fit", ["--sds", "mean-field"]), ("choose", ["--folds", 0])):
        weighted, _ = found(elbowroom, command, *TABLE, *COUNTS, *few, *more)
        long, _ = found(elbowroom, command, "long.csv", *COUNTS, *few, *more)
        assert (weighted["n"], weighted["rows"]) == (1096, 10)
        assert (long["n"], long["rows"]) == (1096, 1096)


@pytest.mark.parametrize("kind", [TABLE, ["long.csv"]])
def test_weighted_counts_are_pointed_to_their_family(table, elbowroom, kind):
    _, err = found(elbowroom, "fit", *kind, "--components", 1)
    assert "whole numbers from 0 to 9, 10 different ones in a column" in err


def test_the_scatter_about_components_is_that_of_points(here, elbowroom):
    """Rows alone would scatter with variance 250.5, were they points."""
    write(here / "table.csv", [-20.0, 0.0, 1.0, 20.0], [1, 500, 500, 1])
    asked = [*TABLE, *TEXTBOOK, "--components", 1, "--prior", "mean=0", "--prior", "variance=25"]
    _, err = found(elbowroom, "fit", *asked)
    assert "noise variance" not in err
    write(here / "table.csv", [-20.0, 0.0, 1.0, 20.0], [500, 1, 1, 500])
    _, err = found(elbowroom, "fit", *asked)
    variance = np.var(np.repeat([-20.0, 0.0, 1.0, 20.0], [500, 1, 1, 500]), ddof=1)
    assert f"with variance {variance:.3g};" in err


def test_a_page_tells_points_and_rows(tmp_path):
    x, weight = VALUES[:, np.newaxis].astype(float), np.array(DEATHS, dtype=float)
    problem = Problem(MIXTURE, x, weight)
    assert problem.n_points == 1096
    paths = write_report(study(tmp_path, problem, ("cavi",)), tmp_path)
    assert "1096 in 10 rows" in paths.html.read_text() and "1096 in 10 rows" in paths.markdown.read_text()
    assert replace(problem, sample_weight=weight + 0.25).n_points == 1098.5


def test_condensed_rows_stand_for_their_points():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.poisson(2, 15_000), rng.poisson(9, 15_000)])[:, np.newaxis].astype(float)
    weight = rng.integers(1, 4, len(x)).astype(float)
    nodes = condensed(Problem(MIXTURE, x, weight), seed=1)
    assert nodes.condensation is not None and nodes.n_points == weight.sum()
    assert f"stand for {int(weight.sum()):,} points" in nodes.condensation.sentence(len(nodes.x))


def test_a_summary_holds_the_sum_of_weights():
    assert Summary.of(as_source(VALUES.astype(float), np.array(DEATHS))).total_weight == 1096
    assert Summary.of(VALUES[:, np.newaxis]).total_weight == 10


@pytest.mark.parametrize(("total", "count"), [(3.0, 3), (3 - 1e-12, 3), (2.5, 2.5), (1 / 3, 0.333333)])
def test_points_are_whole_where_weights_are(total, count):
    assert as_count(total) == count and isinstance(as_count(total), type(count))
