"""Every published answer of the gallery against `hand_cavi.fit`, and tables against what is said of them.

Seeds are fixed and nothing is drawn but starts. How far ours may be stands beside each answer, `within`: of
two Poissons one posterior standard deviation, which a Gibbs sampler gave; elsewhere what a weak prior does.
"""

import csv

import numpy as np
import pytest

from experiments.config.published import (
    exhibit_files,
    read_exhibit,
    shared_part,
    shipped_gallery,
    without_libraries,
)
from experiments.posterior.draws import as_tree
from experiments.studies.found_answers import best_number, classes_of, figures_of, misplaced
from experiments.studies.mixtures import plan
from hand_cavi import DirichletWeights, Mixture, NormalWishart, fit
from tests.gallery import likelihood

pytestmark = pytest.mark.data

GALLERY = shipped_gallery()
SHARED = shared_part(GALLERY)
without_libraries(SHARED)
EXHIBITS = {path.stem: read_exhibit(path, SHARED) for path in exhibit_files(GALLERY)}
MIXTURES = [name for name, one in EXHIBITS.items() if one.config.kind == "mixtures"]


def column(name, what="frequency"):
    with (GALLERY / "data" / f"{name}.csv").open(newline="") as file:
        return [row[what] for row in csv.DictReader(file)]


def frequencies(name):
    """Return how often 0, 1, 2, ... came."""
    found = dict(zip(map(int, column(name, "count")), map(int, column(name)), strict=True))
    return [found.get(i, 0) for i in range(max(found) + 1)]


def test_there_are_many_and_each_says_where_its_data_are_from():
    assert len(EXHIBITS) >= 12
    families = {
        one.config.models[0].mixture.components.name for one in EXHIBITS.values() if one.config.models
    }
    assert len(families) == 5
    for one in EXHIBITS.values():
        assert one.published.data and one.published.provenance and one.published.by
        for answer in one.published.answers:
            assert len(answer.within) in (0, len(answer.values))


@pytest.mark.parametrize("name", MIXTURES)
def test_ours_are_as_near_to_theirs_as_is_said(name):
    exhibit = EXHIBITS[name]
    problem = plan(exhibit.config).problems[0].content
    best = fit(
        problem.mixture, problem.x, rng=1, starts=5, tolerance=1e-9, sample_weight=problem.sample_weight
    )
    tree = as_tree(best.sample(np.random.default_rng(1), 20_000))
    for answer in exhibit.published.answers:
        if answer.figure == "log_evidence" or not answer.within:
            continue
        if answer.figure == "components":
            ours = [best_number(problem, answer.most)]
        elif answer.figure == "misplaced":
            labels = best.responsibilities(problem.x).argmax(axis=1)
            ours = [misplaced(labels, classes_of(exhibit, answer.column))]
        else:
            ours = figures_of(answer, problem, tree)[0]
        assert (np.abs(np.subtract(ours, answer.values)) <= answer.within).all(), (answer.what, ours)


def test_banknotes_are_parted_as_published_from_the_true_classes():
    """The highest bound is another optimum, as the page says."""
    exhibit = EXHIBITS["banknote"]
    problem, kind = plan(exhibit.config).problems[0].content, classes_of(exhibit, "Status")
    prior = NormalWishart(problem.x.mean(axis=0), 0.01, 8.0, np.cov(problem.x.T) / 9)
    mixture = Mixture(prior, DirichletWeights(1.0), 2)
    near = fit(mixture, problem.x, rng=1, starts=np.eye(2)[kind.astype(int)])
    highest = fit(mixture, problem.x, rng=1, starts=10)
    wrong = [misplaced(one.responsibilities(problem.x).argmax(axis=1), kind) for one in (near, highest)]
    assert wrong == [1, 17] and highest.elbo - near.elbo == pytest.approx(15, abs=1)


def test_typed_tables_have_their_published_totals():
    names = ("death-notices", "lamb-movements", "horse-kicks", "flying-bombs", "illness-spells")
    tables = {name: frequencies(name) for name in names}
    totals = {name: (sum(n), int(np.arange(len(n)) @ n)) for name, n in tables.items()}
    assert totals == {
        "death-notices": (365 + 365 + 366, 2364),
        "lamb-movements": (240, 86),
        "horse-kicks": (200, 122),
        "flying-bombs": (576, 537),
        "illness-spells": (602, totals["illness-spells"][1]),
    }
    assert sum(map(int, column("role-conflict", "answers"))) == 216
    rows = {"banknote": 200, "diabetes": 145, "thyroid": 215, "acidity": 155, "iris": 150, "wine": 178}
    for name, n in rows.items():
        assert len((GALLERY / "data" / f"{name}.csv").read_text("utf-8").splitlines()) == n + 1


def test_typed_tables_give_the_published_likelihoods():
    """By Hasselblad (1969), Goodman (1974), and Boehning, Schlattmann & Lindsay (1992)."""
    _, weight, rate = likelihood.poissons(frequencies("death-notices"), 2)
    np.testing.assert_allclose([weight[0], *rate], [0.360, 1.256, 2.663], rtol=0, atol=6e-4)
    log_likelihood, weights, rates = likelihood.poissons(frequencies("illness-spells"), 4)
    assert log_likelihood == pytest.approx(-1553.81, abs=0.005)
    np.testing.assert_allclose(weights, [0.197, 0.480, 0.269, 0.054], rtol=0, atol=6e-4)
    np.testing.assert_allclose(rates, [0.143, 2.817, 8.164, 16.156], rtol=0, atol=6e-4)
    patterns = 1.0 - np.array(list(np.ndindex(2, 2, 2, 2)))
    counts = np.array(column("role-conflict", "answers"), dtype=float)
    assert likelihood.classes(patterns, counts, 1)[0] == pytest.approx(81.084, abs=1e-3)
    assert likelihood.classes(patterns, counts, 2)[0] == pytest.approx(2.720, abs=1e-3)


def test_published_figures_that_were_computed_for_this_project_come_out_again():
    pytest.importorskip("sklearn")
    answers = {one.what: one.values for one in EXHIBITS["lamb-movements"].published.answers}
    _, weight, rate = likelihood.poissons(frequencies("lamb-movements"), 2)
    np.testing.assert_allclose(weight[0], answers["weight of the lower"][0], rtol=0, atol=6e-5)
    np.testing.assert_allclose(rate, answers["rates"], rtol=0, atol=6e-4)
    for name, k in (("galaxies", 3), ("acidity", 2)):
        x = plan(EXHIBITS[name].config).problems[0].content.x
        (means,) = (one for one in EXHIBITS[name].published.answers if one.figure == "means")
        np.testing.assert_allclose(likelihood.normals(x, k)[0][:, 0], means.values, rtol=0, atol=6e-3)


def test_data_of_scikit_learn_are_its():
    datasets = pytest.importorskip("sklearn.datasets")
    for name, load in (("iris", datasets.load_iris), ("wine", datasets.load_wine)):
        x = plan(EXHIBITS[name].config).problems[0].content.x
        np.testing.assert_allclose(x, load().data, rtol=2e-5)
