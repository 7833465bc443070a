"""Condensed problems: the same answers, an error that is measured, and what must not be condensed."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.config.reading import parse_config
from experiments.engine.store.folder import Store
from experiments.metrics import prediction
from experiments.posterior.coclustering import some_points
from experiments.records import Condensation, Problem
from experiments.report.figures.picture import draw_rug
from experiments.studies import condensing, mixtures
from experiments.studies.condensing import condensed, log_likelihood, measured_error
from experiments.studies.mixtures import plan
from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
    log_joint,
)
from hand_cavi.data.condense import condense

N = 30_000
TEXTBOOK = Mixture(NormalKnownVariance([0.0], 25.0), FixedWeights(), 3)


def normal(seed: int = 1, sd: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    c = rng.choice(3, size=N, p=[0.5, 0.3, 0.2])
    return rng.normal(np.array([-3.0, 0.0, 4.0])[c], np.array(sd)[c])[:, np.newaxis]


def textbook() -> Problem:
    return Problem(TEXTBOOK, normal())


def test_log_likelihood_is_the_log_joint_without_the_prior():
    problem = Problem(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3), normal()[:500])
    weighted = replace(problem, sample_weight=np.random.default_rng(2).uniform(0.5, 2.0, 500))
    draws = fit(problem.mixture, problem.x, rng=1, starts=2).sample(np.random.default_rng(3), 4)
    for one in (problem, weighted):
        prior = one.mixture.components.log_density(draws).sum(axis=1) + one.mixture.weights.log_density(
            draws, 4
        )
        expected = log_joint(one.mixture, one.x, draws, one.sample_weight) - prior
        np.testing.assert_allclose(log_likelihood(one, draws), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "mixture",
    [
        TEXTBOOK,
        Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3),
        Mixture(NormalWishart([0.0], 0.1, 3.0, [[1.0]]), DirichletWeights(1.0), 3),
    ],
    ids=["textbook", "normal-gamma", "normal-wishart"],
)
def test_nodes_give_the_same_answers_as_all_points(mixture):
    """The joint density at draws that the condensing never saw; one component is 20 times sharper."""
    sd = (1.0, 1.0, 1.0) if mixture is TEXTBOOK else (1.0, 0.05, 1.0)
    problem = Problem(mixture, normal(sd=sd))
    nodes = condensed(problem, seed=1)
    assert nodes.condensation is not None and 4 * len(nodes.x) <= N
    assert nodes.sample_weight.sum() == pytest.approx(N, rel=1e-12)
    full = fit(mixture, problem.x, rng=2, starts=3, max_sweeps=200)
    draws = full.sample(np.random.default_rng(9), 20)
    error, relative = measured_error(problem, nodes, draws)
    assert relative <= condensing.TOLERANCE
    assert nodes.condensation.relative_error <= condensing.TOLERANCE
    by_points, by_nodes = (log_joint(mixture, one.x, draws, one.sample_weight) for one in (problem, nodes))
    np.testing.assert_allclose(by_nodes, by_points, rtol=condensing.TOLERANCE)


def test_the_error_is_measured_on_all_points(monkeypatch):
    """Nodes that CAVI is told to confirm though they are too coarse are found out, and not used."""
    problem = textbook()
    assert condensed(problem, seed=1).condensation.relative_error <= condensing.TOLERANCE
    right, errors = condensing.confirmed, []

    def too_coarse(*arguments):
        q = right(*arguments)[1]
        return condense(problem.x, width=6.0), q

    measure = condensing.measured_error
    monkeypatch.setattr(condensing, "confirmed", too_coarse)
    monkeypatch.setattr(condensing, "measured_error", lambda *of: errors.append(measure(*of)) or errors[-1])
    assert condensed(problem, seed=1) is problem
    assert errors[0][1] > condensing.TOLERANCE


def test_counts_and_categories_condense_to_their_distinct_rows():
    rng = np.random.default_rng(1)
    counts = Problem(
        Mixture(GammaPoisson([2.0], [0.5]), FixedWeights(), 2), rng.poisson(4.0, (N, 1)).astype(float)
    )
    pairs = Problem(
        Mixture(DirichletCategorical(np.ones((2, 3))), FixedWeights(), 2),
        rng.integers(0, 3, (N, 2)).astype(float),
    )
    for problem in (counts, pairs):
        nodes = condensed(problem, seed=1)
        rows, weight = np.unique(problem.x, axis=0, return_counts=True)
        np.testing.assert_array_equal(nodes.x, rows)
        np.testing.assert_array_equal(nodes.sample_weight, weight)
        assert nodes.condensation.exact and nodes.condensation.relative_error < 1e-13


def test_small_data_and_several_features_stay_as_they_are():
    small = Problem(TEXTBOOK, normal()[:1000])
    wide = Problem(Mixture(NormalKnownVariance([0.0, 0.0], 25.0), FixedWeights(), 2), np.tile(normal(), 2))
    assert condensed(small, seed=1) is small
    assert condensed(wide, seed=1) is wide


def test_the_truth_says_of_the_noise_what_assignments_said():
    rng = np.random.default_rng(5)
    mu, weights = np.array([[-3.0], [0.0], [4.0]]), np.array([0.5, 0.3, 0.2])
    c = rng.choice(3, size=N, p=weights)
    truth = {"mu": mu, "weights": weights, "assignments": c}
    right = condensed(Problem(TEXTBOOK, rng.normal(mu[c], 1.0), truth=truth), seed=1)
    wrong = condensed(Problem(TEXTBOOK, rng.normal(mu[c], 1.1), truth=truth), seed=1)
    assert "assignments" not in right.truth
    assert prediction.from_truth(right, rng) is not None
    assert prediction.from_truth(wrong, rng) is None


def test_points_of_the_co_clustering_are_spread_by_weight():
    """As many of the shown points lie below the median as above, though most nodes do not."""
    x = np.concatenate([np.linspace(-10, -1, 900), np.linspace(0, 1, 100)])[:, np.newaxis]
    weight = np.concatenate([np.full(900, 1.0), np.full(100, 9.0)])
    about = Condensation(1800, False, 0.0, 0.0, 5, 0.0, np.empty(0), np.empty(0))
    shown = x[some_points(Problem(TEXTBOOK, x, weight, condensation=about)), 0]
    assert abs(np.mean(shown < -0.5) - 0.5) < 0.2
    assert np.all(np.diff(shown) > 0)


CONFIG = """
name = "large"
[[datasets]]
name = "many"
source = "simulated"
n = 30000
means = [-3.0, 0.0, 4.0]
[[models]]
name = "three"
family = "normal_known_variance"
components = 3
prior = { mean = 0.0, variance = 25.0 }
[[methods]]
name = "cavi"
[[methods]]
name = "gibbs"
"""


def test_gibbs_is_given_the_points_and_the_others_the_nodes(monkeypatch):
    study = plan(parse_config(CONFIG))
    (problem,) = study.problems
    assert problem.content.condensation is not None

    def sizes(one):
        return {planned.cell.kind: len(planned.task.payload.target.problem.x) for planned in one.cells}

    assert sizes(study) == {"cavi": len(problem.content.x), "gibbs": N}
    distinct = replace(problem.content, condensation=replace(problem.content.condensation, exact=True))
    monkeypatch.setattr(mixtures, "condensed", lambda points, seed: distinct)
    assert set(sizes(plan(parse_config(CONFIG))).values()) == {len(problem.content.x)}
    never = plan(parse_config(CONFIG + '[run]\ncondense = "never"\n'))
    assert len(never.problems[0].content.x) == N
    keys = [{cell.cell.key for cell in one.cells} for one in (study, never)]
    assert not keys[0] & keys[1]


def test_the_store_keeps_what_is_known_of_it(tmp_path):
    nodes = condensed(textbook(), seed=1)
    with Store.open(tmp_path / "study") as store:
        store.put_problem("key", nodes)
        back = store.problem("key")
    np.testing.assert_array_equal(back.x, nodes.x)
    about, kept = nodes.condensation, back.condensation
    assert kept.sentence(7) == about.sentence(7) and kept.seconds == about.seconds
    np.testing.assert_array_equal(kept.counts, about.counts)
    np.testing.assert_array_equal(kept.edges, about.edges)
    assert back.n_points == N and f"stand for {N:,} points" in kept.sentence(len(back.x))


def test_pictures_show_all_points():
    nodes = condensed(textbook(), seed=1)
    x, weight = nodes.drawn
    assert weight.sum() == N
    np.testing.assert_allclose(x[:, 0] @ weight / N, textbook().x.mean(), atol=np.diff(x[:2, 0])[0] / 2)


def test_a_weighted_rug_has_its_ticks_where_the_weight_is():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    x, weight = np.arange(50.0), np.where(np.arange(50) < 5, 90.0, 10.0)
    draw_rug(axes, x, "#000000", weight, most=100)
    places = axes.patches[0].get_path().vertices[::2, 0]
    assert np.mean(places < 5) == pytest.approx(0.5, abs=0.02)
