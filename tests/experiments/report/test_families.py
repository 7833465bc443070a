"""The whole way without workers, for every family: CAVI, the judge, formulas, figures, the page."""

import re
import xml.etree.ElementTree as ET
from dataclasses import fields, replace

import numpy as np
import pytest

from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.families.formula import formula, story_of
from experiments.methods import cavi
from experiments.posterior.draws import location, location_entries, location_word, permuted
from experiments.records import Cell, CellRecord, Problem, ProblemRecord, StudyRecord, Verdict
from experiments.references.nuts import examine
from experiments.relabel import named, pivot_of
from experiments.report import write_report
from experiments.report.densities import component_densities, normal_components
from experiments.report.pages import mixtures as page
from experiments.studies.judging import Case, judge_problem
from hand_cavi import Mixture, NormalGamma, NormalWishart, fit
from ppl_baselines.draws import to_datatree
from tests.experiments.family_cases import CALLED, CASES, FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.fitted import result_of

N_SMALL = 8


def problem_of(family, weights="dirichlet", n=N_SMALL, k=2):
    prior = PRIORS[family]
    return Problem(Mixture(prior, WEIGHTS[weights], k), data_of(family, n))


def judged(tmp_path, problem, name="d", method="cavi"):
    settings = cavi.Settings(starts=4, draws=1000)
    result = result_of("cavi", problem, settings, starts=5, seed=6)
    path = tmp_path / f"{name}-{method}.nc"
    result.draws.to_netcdf(path, engine="h5netcdf")
    cell = CellRecord(
        Cell(name, "m", method, 1, f"{name}-{method}"),
        "ok",
        result.message,
        result.outcome,
        0.0,
        result.seconds_run,
        result.bound,
        0.0,
        result.info,
        result.trace,
        path,
        told=result.told,
    )
    case = Case(problem, (cell,), 7, ReferenceOptions(draws=2000), VerdictOptions())
    verdict = judge_problem(case)
    key = cell.cell.key
    cell = replace(cell, measurements=verdict.measurements[key], verdict=verdict.verdicts[key])
    return ProblemRecord(
        name,
        "m",
        1,
        "Made.",
        formula(problem.mixture, len(problem.x)),
        "",
        problem,
        verdict.reference,
        (cell,),
    )


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_cavi_is_judged_against_enumeration(tmp_path, family, weights):
    record = judged(tmp_path, problem_of(family, weights))
    (cell,) = record.cells
    assert record.reference.method == "enumeration" and record.reference.qualified
    measured = cell.measurements
    evidence = record.reference.log_evidence.value
    assert cell.bound <= evidence + 1e-9
    bound, error = measured["collapsed_bound"].value, measured["collapsed_bound"].standard_error
    assert cell.bound - 5 * error <= bound <= evidence + 5 * error
    assert measured["symmetrised_bound"].value <= evidence + 5 * error
    entries = 6 if family == "dirichlet_categorical" else 2
    for name in ("sorted_means", "component_sds", "mean_error"):
        assert np.shape(measured[name].value) == (2, entries)
    compared = [one.quantity for one in cell.verdict.comparisons]
    assert compared[-3:] == ["log likelihood", "predictive distance", "mean co-clustering difference"]
    of_locations = [name for name in compared if f"sorted {CALLED[family]}" in name]
    others = len(measured["parameter_error"].value)
    assert len(of_locations) == 2 * 2 * entries  # means and sds
    assert len(compared) == 2 * 2 * entries + 2 * others + 3
    word = CALLED[family]
    last = "feature 2 = 2" if entries == 6 else "feature 2"
    assert of_locations[-1] == f"standard deviation of sorted {word} 2, {last}"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_has_formulas_and_figures(tmp_path, family):
    flat = judged(tmp_path, problem_of(family, "stick_breaking"))
    names = ("eruption", "waiting")
    record = StudyRecord(
        "s", tmp_path, Verdict("none", "None.", 0.25), (replace(flat, features=names),), "", 1, {}, {}
    )
    html = write_report(record, tmp_path / "r").html.read_text(encoding="utf-8")
    assert "could not be drawn" not in html
    pictures = {path.stem.partition("-")[2].partition("-")[2] for path in (tmp_path / "r/figures").iterdir()}
    wanted = {"fit", "forest", "weights", "posterior", "ladder", "trace", "wall-time", "sd-ratio", "k-hat"}
    assert pictures == wanted | {"co-clustering", CASES[family].picture} - {None}
    assert html.count("<math>") == 3 * len(story_of(flat.problem.mixture))
    assert "1: waiting" in html if family != "dirichlet_categorical" else "1: waiting = 2" in html


def test_more_than_two_features_are_drawn_in_pairs(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((8, 4)) + np.where(np.arange(8) < 4, -4.0, 4.0)[:, np.newaxis]
    for prior in (NormalWishart(np.zeros(4), 0.1, 6.0, np.eye(4)), NormalGamma(np.zeros(4), 0.1, 2.0, 1.0)):
        mixture = Mixture(prior.with_features(4), WEIGHTS["dirichlet"], 2)
        record = judged(tmp_path, Problem(mixture, x), prior.name)
        study = StudyRecord("s", tmp_path, Verdict("none", "None.", 0.25), (record,), "", 1, {}, {})
        html = write_report(study, tmp_path / prior.name).html.read_text(encoding="utf-8")
        assert "two features at a time" in html and "could not be drawn" not in html


def test_one_feature_of_unknown_variance_has_the_pictures_of_one(tmp_path):
    mixture = Mixture(NormalWishart(0.0, 0.1, 3.0, 1.0).with_features(1), WEIGHTS["dirichlet"], 2)
    record = judged(tmp_path, Problem(mixture, data_of("normal_gamma", 8)[:, :1]))
    study = StudyRecord("s", tmp_path, Verdict("none", "None.", 0.25), (record,), "", 1, {}, {})
    write_report(study, tmp_path / "r")
    pictures = {path.stem.partition("-")[2].partition("-")[2] for path in (tmp_path / "r/figures").iterdir()}
    assert {"clusters", "density", "forest", "weights", "posterior"} <= pictures


def test_a_study_over_k_has_its_own_section(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "FIGURES", ())  # the problems' own figures take long
    records = []
    for k in (1, 2, 3):
        problem = problem_of("normal_gamma", "dirichlet", k=k)
        record = judged(tmp_path, problem, f"d{k}")
        cell = replace(
            record.cells[0],
            told=replace(
                record.cells[0].told, held_out=-3.0 - k, held_out_se=0.2, starts=3, starts_at_best=None
            ),
        )
        records.append(replace(record, dataset="d", model=f"m-K{k}", series="m", cells=(cell,)))
    study = StudyRecord("s", tmp_path, Verdict("none", "None.", 0.25), tuple(records), "", 1, {}, {})
    paths = write_report(study, tmp_path / "r")
    html, markdown = paths.html.read_text(encoding="utf-8"), paths.markdown.read_text(encoding="utf-8")
    assert "How many components? d, m" in html and "How many components? d, m" in markdown
    rows = [line for line in markdown.splitlines() if line.startswith(("| 1 |", "| 2 |", "| 3 |"))]
    assert [row.split("|")[5].strip() for row in rows] == [f"−{3 + k}.00 ± 0.20" for k in (1, 2, 3)]
    assert {row.split("|")[6].strip() for row in rows} == {"–"}  # how many starts ended there is not told
    occupied = [record.cells[0].told.occupied for record in records]
    assert [row.split("|")[7].strip() for row in rows] == [str(n) for n in occupied]
    assert "decides)" in markdown and "by the bounds of CAVI" in markdown
    assert (tmp_path / "r/figures/choice-1-choosing.png").is_file()
    alone = replace(study, problems=tuple(records[:1]))
    assert "How many components?" not in write_report(alone, tmp_path / "r1").html.read_text(encoding="utf-8")


# formulas


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_model_has_formulas_in_both_forms(family, weights):
    mixture = Mixture(PRIORS[family], WEIGHTS[weights], 3)
    text = formula(mixture, 10)
    assert text.endswith("points i = 1, ..., 10.") and "theta" not in text and "(c_i" not in text
    lines = story_of(mixture)
    assert len(lines) >= 3
    for line in lines:
        for side in (line.left, line.right):
            ET.fromstring(f"<mrow>{side.mathml}</mrow>")  # well-formed
    shown = " ".join(re.sub(r"<[^>]+>", " ", line.right.mathml) for line in lines)
    for law in {"fixed": ["1 / 3"], "dirichlet": ["Dirichlet", "1.5"], "stick_breaking": ["Beta", "1.2"]}[
        weights
    ]:
        assert law in " ".join(shown.split())


def test_the_plain_formulas_of_some_models():
    wishart = Mixture(PRIORS["normal_wishart"], WEIGHTS["dirichlet"], 2)
    assert formula(wishart, 5) == (
        "Lambda_k ~ Wishart(W, 5) with W^-1 = [2, 0.5; 0.5, 1], mu_k given Lambda_k ~ N((0, 1), (0.1 "
        "Lambda_k)^-1), pi ~ Dirichlet(1.5, 1.5), c_i ~ Categorical(pi), x_i given c_i ~ N(mu_{c_i}, "
        "Lambda_{c_i}^-1), for components k = 1, 2 and points i = 1, ..., 5."
    )
    poisson = Mixture(PRIORS["gamma_poisson"], WEIGHTS["stick_breaking"], 3)
    assert formula(poisson, 5) == (
        "rate_kd ~ Gamma((1, 2), rate (0.2, 0.3)), v_k ~ Beta(1, 1.2) but v_3 = 1, pi_k = v_k prod_{j<k} "
        "(1 - v_j), c_i ~ Categorical(pi), x_id given c_i ~ Poisson(rate_{c_i,d}), for components k = 1, 2, "
        "3, features d = 1, 2 and points i = 1, ..., 5."
    )


# locations, relabelling, densities


def test_locations_have_names():
    draws = {"precision": np.ones((5, 2, 3)), "weights": np.ones((5, 2)), "mu": np.ones((5, 2, 3))}
    assert location(draws).shape == (5, 2, 3) and location_word(draws) == "mean"
    assert location_entries(draws) == ("feature 1", "feature 2", "feature 3")
    categories = {"probability": np.arange(5 * 2 * 2 * 3.0).reshape(5, 2, 2, 3)}
    np.testing.assert_array_equal(location(categories)[0, 0], np.arange(6))
    assert location_entries(categories)[3] == "feature 2 = 0" and location_word(categories) == "probability"
    assert location_entries({"rate": np.ones((4, 5, 2, 1))}) == ("",)  # chains, draws, components, features


@pytest.mark.parametrize("family", FAMILIES)
def test_relabelling_undoes_switched_labels_of_every_parameter(family):
    problem = problem_of(family, n=40)
    q = fit(problem.mixture, problem.x, rng=1)
    draws = q.sample(2, 200)
    tree = to_datatree({name: values[np.newaxis] for name, values in draws.items()})
    pivot = pivot_of(problem, tree)
    expected = named(problem, draws, pivot)
    rng = np.random.default_rng(3)
    switched = permuted(draws, rng.permuted(np.tile([0, 1], (200, 1)), axis=1))
    found = named(problem, switched, pivot)
    for name in draws:
        np.testing.assert_array_equal(found[name], expected[name])
    centre = problem.x[:, 0] @ pivot / pivot.sum(axis=0)
    assert centre[0] < centre[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gate_looks_at_every_parameter(family):
    problem = problem_of(family, n=40)
    draws = fit(problem.mixture, problem.x, rng=1).sample(2, 2000)
    chains = {name: values.reshape(4, 500, *values.shape[1:]) for name, values in draws.items()}
    noise = np.random.default_rng(1).standard_normal((4, 500))
    stats = {"diverging": np.zeros((4, 500), bool), "energy": noise}
    quality, faults = examine(problem, to_datatree(chains, sample_stats=stats))
    assert quality["r_hat"] < 1.02 and quality["ess_bulk"] > 300 and not any("finite" in f for f in faults)
    stuck = {name: values.copy() for name, values in chains.items()}
    stuck["weights"][0] = stuck["weights"][0, :1]  # one chain whose weights never move
    quality, faults = examine(problem, to_datatree(stuck, sample_stats=stats))
    assert any("weights of component" in fault or "log likelihood" in fault for fault in faults)


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_show_the_predictive_distribution(family):
    """Against q's closed-form predictive; draws of q, so within Monte-Carlo error of 20,000 draws."""
    whole = problem_of(family, n=40)
    x = whole.x[:, :1] if not CASES[family].discrete else whole.x
    prior = PRIORS[family]
    if not CASES[family].discrete:  # of the first feature alone
        values = {field.name: np.asarray(getattr(prior, field.name)) for field in fields(prior)}
        prior = replace(prior, **{name: v[(slice(1),) * v.ndim] for name, v in values.items()})
    q = fit(Mixture(prior, WEIGHTS["dirichlet"], 2), x, rng=1)
    draws = q.sample(4, 20_000)
    if not CASES[family].discrete:
        grid = np.linspace(*np.percentile(x, [5, 95]), 21)
        found = component_densities(q.mixture, draws, grid).sum(axis=0)
        np.testing.assert_allclose(found, np.exp(q.log_predictive(grid)), rtol=0.05, atol=2e-4)
        return
    values = np.arange(3.0) if family == "dirichlet_categorical" else np.arange(40.0)
    margins = [component_densities(q.mixture, draws, values, d).sum(axis=0) for d in range(2)]
    pairs = np.array([[a, b] for a in values for b in values])
    joint = np.exp(q.log_predictive(pairs)).reshape(len(values), len(values))
    np.testing.assert_allclose(margins[0], joint.sum(axis=1), atol=2e-3)
    np.testing.assert_allclose(margins[1], joint.sum(axis=0), atol=2e-3)


@pytest.mark.parametrize("family", ["normal_known_variance", "normal_gamma", "normal_wishart"])
def test_ellipses_are_about_the_components(family):
    problem = problem_of(family, n=200)
    q = fit(problem.mixture, problem.x, rng=1)
    draws = q.sample(4, 4000)
    weights, means, covariances = normal_components(q.mixture, draws)
    left = means[:, 0].argmin()
    np.testing.assert_allclose(means[left], problem.x[:100].mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.diag(covariances[left]), 0.5, atol=0.12)
    assert weights.sum() == pytest.approx(1)
