"""Bounds on log p(x) where data say that their parameters come from the model's own prior, and only there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.calibration.simulate import simulate
from experiments.commands._json import summary
from experiments.config.reading import parse_config
from experiments.datasets import simulated_family
from experiments.engine import runner
from experiments.records import Problem
from experiments.references import log_evidence
from experiments.references._bracket import bracket_of
from experiments.report import write_report
from experiments.studies import plan_of
from hand_cavi import InputError, Mixture
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS

STUDY = """
name = "bracket"
[[datasets]]
name = "drawn"
source = "simulated"
n = 12
components = 2
prior_variance = 9.0
[[datasets]]
name = "given"
source = "simulated"
n = 12
means = [-2.0, 2.0]
[[models]]
name = "right"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 9.0 }
"""
METHODS = """
[[methods]]
name = "cavi"
starts = 2
"""
OTHERS = """
[[models]]
name = "wider"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }
[[models]]
name = "sticks"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 9.0 }
weights = { name = "stick_breaking", concentration = 1.0 }
"""


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_bracketed(family, weights):
    """Each figure is beyond 7 nats on the wrong side with a chance of 1e-3 at most, of 30 in all."""
    mixture = Mixture(PRIORS[family], WEIGHTS[weights], 2)
    problem = simulate(mixture, 7, np.random.default_rng([3, FAMILIES.index(family)]))
    bracket = bracket_of(problem, 200, 1)
    exact = log_evidence(mixture, problem.x, method="enumeration", rng=1).value
    assert bracket.lower.value - 7 < exact < bracket.upper.value + 7
    assert abs(bracket.upper.value - bracket.lower.value) < 7
    assert bracket == bracket_of(problem, 200, 1) != bracket_of(problem, 200, 2)


def test_there_is_none_without_an_exact_draw():
    problem = simulate(Mixture(PRIORS["gamma_poisson"], WEIGHTS["fixed"], 2), 8, np.random.default_rng(1))
    assert bracket_of(problem, 50, 1) is not None and bracket_of(problem, 0, 1) is None
    assert bracket_of(Problem(problem.mixture, problem.x, truth=problem.truth), 50, 1) is None
    assert bracket_of(problem, 10**8, 1) is None  # would take for ever


def test_the_truth_counts_as_a_draw_only_under_the_prior_that_it_came_from():
    problems = plan_of(parse_config(STUDY + OTHERS + METHODS)).problems
    drawn = {(one.entry.dataset, one.entry.model) for one in problems if one.content.truth_from_prior}
    assert len(problems) == 6 and drawn == {("drawn", "right")}


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bracket")
    return runner.run(plan_of(parse_config(STUDY + METHODS)), folder=folder, workers=1, progress=False)


def test_a_study_has_it_where_the_data_set_says_so(record):
    found = {(one.dataset, one.model): one for one in record.problems}
    having = {pair for pair, one in found.items() if one.reference.bracket is not None}
    assert having == {("drawn", "right")}
    said = {(cell["dataset"], cell["model"]): cell for cell in summary(record)["cells"]}
    json.dumps(said["drawn", "right"])
    bracket, exact = said["drawn", "right"]["evidence_bracket"], said["drawn", "right"]["log_evidence"]
    assert said["given", "right"]["evidence_bracket"] is None
    assert bracket["temperatures"] == 2000 and bracket["chains"] == 16
    assert bracket["lower"] == pytest.approx(exact, abs=0.3) == bracket["upper"]
    (cell,) = found["drawn", "right"].cells
    gap = cell.measurements["largest_gap"]
    assert gap.value == pytest.approx(bracket["upper"] - said["drawn", "right"]["elbo_symmetrised"])
    (other,) = found["given", "right"].cells
    assert other.measurements["largest_gap"].value is None


def test_the_report_shows_it_on_the_ladder_and_in_the_table(record, tmp_path):
    drawn = next(one for one in record.problems if one.dataset == "drawn")
    page = write_report(replace(record, problems=(drawn,)), tmp_path).html.read_text()
    assert page.count("at most, annealing from the truth") >= 1
    assert "all from one exact draw" in page and "lean on no sampler" in page


def test_weights_are_drawn_from_a_prior_that_is_given_as_a_table():
    settings = simulated_family.Settings(
        family="gamma_poisson",
        n=5,
        prior={"shape": [2.0, 2.0], "rate": [0.3, 0.3]},
        components=3,
        weights={"name": "dirichlet", "concentration": 0.5},
    )
    shares = np.array(
        [simulated_family.load(settings, np.random.default_rng(i)).truth["weights"] for i in range(400)]
    )
    variance = (1 / 3) * (2 / 3) / (3 * 0.5 + 1)  # of a Dirichlet
    assert np.all(np.abs(shares.mean(axis=0) - 1 / 3) < 5 * np.sqrt(variance / 400))
    assert np.all(np.abs(shares.var(axis=0) / variance - 1) < 0.3)
    drawn = simulated_family.load(settings, np.random.default_rng(1)).drawn_from
    assert drawn.weights.name == "dirichlet" and drawn.n_components == 3


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        ({"concentration": 1.0}, "weights: a prior needs a name"),
        ({"name": "dirichlett", "concentration": 1.0}, 'unknown weights "dirichlett"'),
        ({"name": "dirichlet", "alpha": 1.0}, "weights: got an unexpected keyword argument 'alpha'"),
        ({"name": "dirichlet", "concentration": -1.0}, "concentration"),
    ],
)
def test_a_prior_of_weights_that_is_none_is_refused(weights, what):
    settings = simulated_family.Settings(
        family="gamma_poisson", n=5, prior={"shape": [2.0], "rate": [0.3]}, components=2, weights=weights
    )
    with pytest.raises(InputError, match=what):
        simulated_family.load(settings, np.random.default_rng(1))
