"""NumPyro's methods as a study runs them; and errors planted in its models, found by another language."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.engine.store.files import write_tree
from experiments.methods import numpyro_nuts, numpyro_vi
from experiments.methods.mixture_target import MixtureTarget
from experiments.posterior.draws import as_arrays
from experiments.records import Cell, CellRecord, Problem, Told
from experiments.references import reference
from experiments.studies.judging import Case, judge_problem
from hand_cavi import DirichletWeights, FixedWeights, GammaPoisson, Mixture, NormalKnownVariance
from ppl_baselines.draws import to_datatree
from tests.experiments.fitted import result_of

pytestmark = pytest.mark.numpyro
jax = pytest.importorskip("jax")
numpyro = pytest.importorskip("numpyro")

COUNTS = Problem(
    Mixture(GammaPoisson(2.0, 0.3), FixedWeights(), 2), np.array([[1.0], [2.0], [2.0], [3.0], [9.0], [12.0]])
)
SHORT = numpyro_nuts.Settings(draws=1200, tune=500)


def exact_draws(problem, seed):
    rate = reference(problem, method="enumeration", rng=seed, n_draws=4800).draws["posterior"]["rate"].values
    return rate.reshape(4, 1200, 2, 1)


def test_nuts_tells_what_a_study_asks_and_is_compiled_once_for_data_of_one_shape():
    first = result_of("numpyro_nuts", COUNTS, SHORT)
    assert (first.outcome, first.told.sampler, first.told.language) == ("sampled", "numpyro", "numpyro")
    assert first.told.reused is False and first.seconds_compile > first.seconds_run > 0
    again = result_of("numpyro_nuts", replace(COUNTS, x=COUNTS.x + 1), SHORT)
    assert again.told.reused is True and again.seconds_compile == first.seconds_compile
    assert again.draws["posterior"]["rate"].mean() > first.draws["posterior"]["rate"].mean()
    longer = result_of("numpyro_nuts", replace(COUNTS, x=np.tile(COUNTS.x, (2, 1))), SHORT)
    assert longer.told.reused is False


@pytest.mark.parametrize("guide", ["mean_field", "laplace", "flow"])
def test_every_q_is_scored_like_any_other(guide):
    x = np.array([[-2.6], [-2.1], [-1.7], [-1.2], [1.4], [1.9], [2.3], [2.8]])
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), DirichletWeights(1.0), 2), x)
    settings = numpyro_vi.Settings(guide=guide, starts=3, steps=1500, draws=2000)
    result = result_of("numpyro_vi", problem, settings)
    stats = as_arrays(result.draws, "sample_stats")
    f = (stats["log_joint"] - stats["log_q"]).mean()
    symmetrised = (stats["log_joint"] - stats["log_q_symmetrised"]).mean()
    assert f < symmetrised <= f + np.log(2) + 1e-9
    assert abs(result.bound - f) <= 5 * np.hypot(result.bound_se, 0.03)
    told = result.told
    assert abs(told.log_mass) <= 5 * told.log_mass_se  # its density integrates to 1 beside its draws
    assert (told.step_gain is not None) == (guide == "mean_field")
    assert told.family == f"Gaussian {guide.replace('_', ' ')} in NumPyro's coordinates"
    assert told.language == "numpyro" and told.bound_of == "theta"


def test_a_flow_has_a_tenth_of_the_rates_and_a_fit_can_be_brief():
    assert numpyro_vi.Settings(guide="flow").learning_rate == 0.01
    assert numpyro_vi.Settings(guide="flow", learning_rate=0.02).learning_rate == 0.02
    assert numpyro_vi.Settings().learning_rate == 0.1
    target = MixtureTarget(COUNTS)
    settings = numpyro_vi.Settings(starts=2, steps=400)
    fitted = numpyro_vi.fit_briefly(target, settings, starts=target.starts(1), seed=2)
    assert fitted.q.sample(np.random.default_rng(0), 5)["rate"].shape == (5, 2, 1)
    assert len(fitted.trace) <= 5


# ---- errors planted in NumPyro's model ------------------------------------------------------------


def a_wrong_prior(monkeypatch, family):
    right = family.declare
    wrong = lambda prior, *sizes: right(replace(prior, rate=10 * prior.rate), *sizes)  # noqa: E731
    monkeypatch.setattr(family, "declare", wrong)


def a_wrong_likelihood(monkeypatch, family):
    right = family.log_likelihood
    monkeypatch.setattr(family, "log_likelihood", lambda *given: 0.4 * right(*given))


def a_missing_jacobian(monkeypatch, family):
    """The log rate's density is taken to be the rate's: a factor 1 / rate too much."""
    right = family.declare

    def wrong(*given):
        found = right(*given)
        numpyro.factor("no Jacobian", -jax.numpy.log(found["rate"]).sum())
        return found

    monkeypatch.setattr(family, "declare", wrong)


def cell(folder, name, tree, **told):
    path = folder / f"{name}.nc"
    write_tree(path, tree)
    record = CellRecord(Cell("d", "m", name, 1, name, name), "ok", "", "sampled", 0.0, 1.0, draws=path)
    return replace(record, told=Told(**told))


@pytest.mark.parametrize(
    "plant", [None, a_wrong_prior, a_wrong_likelihood, a_missing_jacobian], ids=lambda one: str(one)[10:30]
)
def test_a_planted_error_is_found_by_another_language(plant, monkeypatch, tmp_path):
    """PyMC's draws are exact ones here. With Gibbs the wrong cell fails; without, they are said to disagree.

    Few points, so that the prior counts: a missing Jacobian is a gamma's shape that is 1 too small.
    """
    from ppl_baselines.numpyro.families import gamma_poisson

    prior = GammaPoisson(3.0 if plant is a_missing_jacobian else 2.0, 0.3)
    problem = Problem(Mixture(prior, FixedWeights(), 2), np.array([[0.0], [1.0], [4.0]]))
    if plant is not None:
        plant(monkeypatch, gamma_poisson)
    settings = numpyro_nuts.Settings(draws=1201, tune=500)  # compiled anew, with what is planted
    monkeypatch.setattr("experiments.methods.compiled_models._kept", {})
    found = result_of("numpyro_nuts", problem, settings).draws
    rng = np.random.default_rng(1)
    stats = {"diverging": np.zeros((4, 1200), bool), "energy": rng.normal(size=(4, 1200))}
    pymc = to_datatree({"rate": exact_draws(problem, 1)}, sample_stats=stats)
    cells = (
        cell(tmp_path, "nuts", pymc, sampler="nutpie", language="pymc"),
        cell(tmp_path, "numpyro_nuts", found, sampler="numpyro", language="numpyro"),
        cell(
            tmp_path,
            "gibbs",
            to_datatree({"rate": exact_draws(problem, 2)}),
            sampler="gibbs",
            language="hand",
        ),
    )

    def judged(some, *ways):
        return judge_problem(Case(problem, some, 0, ReferenceOptions(method=ways), VerdictOptions())).verdicts

    decisions = {name: one.decision for name, one in judged(cells, "nuts", "gibbs").items()}
    if plant is None:
        assert decisions["nuts"] == decisions["numpyro_nuts"] == "pass"
        return
    assert decisions["numpyro_nuts"] == "fail" and decisions["nuts"] == "pass"
    without = judged(cells[:2], "nuts")
    assert {one.decision for one in without.values()} == {"undecided"}
    assert all("in different languages and disagree" in one.sentence for one in without.values())
