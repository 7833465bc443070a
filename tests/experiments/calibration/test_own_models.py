"""Calibration of a user's own model: a planted width error is found, exact methods pass, faults are told."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.calibration.own_source import OwnSource
from experiments.calibration.task import Batch, ranks_of, run_batch
from experiments.commands._json import summary
from experiments.config.options import RANKED_OF_OWN
from experiments.config.reading import load_config, parse_config
from experiments.engine import runner
from experiments.methods.own import cavi
from experiments.studies import plan_of
from hand_cavi import InputError

MODULE = "tests.experiments.calibration.own_models"
TEXT = """
name = "own"
[calibration]
{options}
{models}
{methods}
"""
MODEL = '[[models]]\nname = "{0}"\nmodel = "{1}:{0}"\n'
CAVI = '[[methods]]\nname = "cavi"\nstarts = 1\n'
NUTS = '[[methods]]\nname = "nuts"\nchains = 2\ndraws = 100\ntune = 150\n'
ADVI = '[[methods]]\nname = "fullrank_advi"\nstarts = 1\nkeep = 1\nsteps = 1000\n'


def text(*models, methods=CAVI, options=""):
    entries = "".join(MODEL.format(name, MODULE) for name in models)
    return TEXT.format(options=options, models=entries, methods=methods)


def run(content, folder):
    return runner.run(plan_of(parse_config(content)), folder=folder, workers=1, progress=False)


def ranked(problem, size, first=0, kind="cavi", settings=None):
    source = OwnSource("model", f"{MODULE}:{problem}", None, 1, RANKED_OF_OWN)
    given = settings or cavi.Settings(starts=1)
    return ranks_of(run_batch(Batch("model", kind, source, kind, given, 1, first, size, 150)).draws)


def decisions(record):
    found = {}
    for problem in record.problems:
        for one in problem.details.methods:
            found[problem.model, one.method] = one
    return found


# ---- what it is for ---------------------------------------------------------------------------------


def test_a_width_error_of_a_derivation_alone_is_found(tmp_path):
    """No PyMC anywhere: parameters and data come from `simulate`."""
    models = ("derivation_alone", "narrow_derivation_alone")
    found = decisions(run(text(*models, options="replicates = 400\nwidth_margin = 1.25"), tmp_path))
    right, narrow = (found[model, "cavi"] for model in models)
    assert right.decision == "calibrated" and right.replicates == 400
    assert [one.quantity for one in right.quantities] == ["beta[0]", "beta[1]"]
    assert narrow.decision == "over-confident"
    for one in narrow.quantities:
        assert one.width.low < 1.25 < one.width.high  # 1 / 0.8


@pytest.mark.slow
def test_a_regression_with_a_planted_width_error_is_found_and_nuts_passes(tmp_path):
    """Q = 4, with ln p(y given beta) and ln p(y, beta); margins that 200 replicates can show."""
    options = "replicates = 200\nbatch = 100\nshift_margin = 0.4\nwidth_margin = 1.5\n"
    record = run(text("too_narrow", methods=CAVI + NUTS, options=options), tmp_path)
    found = decisions(record)
    assert found["too_narrow", "nuts"].decision == "calibrated"
    assert found["too_narrow", "cavi"].decision == "over-confident"
    assert not found["too_narrow", "cavi"].failed and not found["too_narrow", "nuts"].refused
    betas = [one for one in found["too_narrow", "cavi"].quantities if one.quantity.startswith("beta")]
    assert len(betas) == 2 and all(1.1 < one.width.value < 1.45 and one.flagged for one in betas)
    assert record.verdict.decision == "pass"  # NUTS, which claims to be exact, decides
    said = summary(record)
    assert json.dumps(said) and said["models"][0]["about"] == "y_n ~ N(x_n' beta, 1), beta_d ~ N(0, 4)"


# ---- replicates -------------------------------------------------------------------------------------


def test_replicates_are_the_same_whatever_the_batch_and_have_the_priors_moments():
    whole, late = ranked("problem", 6), ranked("problem", 2, first=4)
    assert whole.quantities == ("beta[0]", "beta[1]", "log likelihood", "log joint")
    assert np.array_equal(whole.ranks[4:], late.ranks) and not whole.failed and not whole.refused
    source = OwnSource("model", f"{MODULE}:problem", None, 3, RANKED_OF_OWN)
    replicates = [source.replicate(number) for number in range(600)]
    beta = np.array([one.truth["beta"][0] for one in replicates])
    y = np.array([one.target.observed["y"] for one in replicates])
    assert np.all(np.abs(beta.mean(axis=0)) < 5 * 2 / np.sqrt(600))
    assert np.all(np.abs(beta.var(axis=0) / 4 - 1) < 5 * np.sqrt(2 / 600))
    x = replicates[0].target.problem.derivation.x
    noise = y - beta @ x.T
    assert abs(noise.var() - 1) < 5 * np.sqrt(2 / noise.size)
    assert len({id(one.target.model) for one in replicates}) == 1  # built once


def test_ranked_densities_are_those_of_the_users_model():
    source = OwnSource("model", f"{MODULE}:problem", None, 3, RANKED_OF_OWN)
    one = source.replicate(5)
    beta, y, x = one.truth["beta"][0], one.target.observed["y"], one.target.problem.derivation.x
    likelihood = -0.5 * np.sum((y - x @ beta) ** 2 + np.log(2 * np.pi))
    prior = -0.5 * np.sum(beta**2 / 4 + np.log(2 * np.pi * 4))
    np.testing.assert_allclose(one.values(one.truth)[0], [*beta, likelihood, likelihood + prior])


def test_columns_go_by_names_and_not_by_the_order_of_draws():
    source = OwnSource("model", f"{MODULE}:problem", None, 3, ("parameters",))
    one = source.replicate(0)
    both = replace(one, truth={"a": np.zeros(1), "b": np.ones(1)})
    assert both.values({"b": np.full(3, 2.0), "a": np.full(3, 1.0)})[0].tolist() == [1.0, 2.0]


@pytest.mark.slow
def test_a_pymc_model_alone_is_calibrated_by_nuts_and_advi(tmp_path):
    options = "replicates = 20\nbatch = 20\n"
    found = decisions(run(text("pymc_alone", methods=NUTS + ADVI, options=options), tmp_path))
    for one in found.values():
        assert one.replicates == 20 and not one.flagged and not one.failed


# ---- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "methods", "said"),
    [
        ("without_with_data", CAVI, "does not say where other data go; give it with_data"),
        ("without_anything_to_draw_from", CAVI, "neither a PyMC model nor simulate"),
        ("pymc_alone", CAVI, "has no derivation, which cavi needs"),
        ("derivation_alone", NUTS, "has no PyMC model, which nuts needs"),
    ],
)
def test_what_lacks_a_part_is_refused_before_anything_runs(model, methods, said):
    with pytest.raises(InputError, match=said) as error:
        plan_of(parse_config(text(model, methods=methods)))
    assert f'"{MODULE}:{model}"' in str(error.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("of_a_prior_that_sees_the_data", "uses its data elsewhere than in what it observes"),
        ("with_a_potential", 'the pm.Potential "more", from which nothing can be drawn'),
        ("observing_nothing", "observes nothing; give its data as observed="),
    ],
)
def test_a_model_that_cannot_be_simulated_is_refused_in_a_sentence(model, said):
    source = OwnSource("model", f"{MODULE}:{model}", None, 1, RANKED_OF_OWN)
    with pytest.raises(InputError, match=said):
        source.replicate(0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("points = 20", "points: is of no use here: your own model says it"),
        ('quantities = ["location"]', '"location" is not ranked of models of your own'),
    ],
)
def test_options_of_mixtures_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        parse_config(text("problem", options=options))


def test_the_example_is_laid_out_and_simulated():
    folder = Path(__file__).parents[3] / "examples" / "bring_your_own"
    plan = plan_of(load_config(folder / "calibration.toml"))
    (problem,) = plan.problems
    assert len(problem.cells) == 3 * 10 and "y_n ~ N(x_n' beta, 1/tau)" in problem.entry.about_model
    judged = {planned.cell.method for planned in problem.cells if planned.judged}
    assert judged == {"nuts"}  # which claims to be exact


def test_a_study_still_needs_both_parts():
    study = f'name = "own"\n{MODEL.format("pymc_alone", MODULE)}{NUTS}'
    with pytest.raises(InputError, match="has no derivation, which a study needs"):
        plan_of(parse_config(study))
