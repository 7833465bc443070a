"""Calibration around one's own data: exact methods pass, planted errors are found, and what is refused."""

import numpy as np
import pytest

from experiments.calibration.own_source import OwnSource
from experiments.calibration.simulate import simulate
from experiments.calibration.task import Batch, ranks_of, run_batch
from experiments.commands._json import summary
from experiments.config.options import RANKED, RANKED_OF_OWN, CalibrationOptions
from experiments.config.reading import parse_config
from experiments.engine import runner
from experiments.methods import cavi
from experiments.methods.own import cavi as own_cavi
from experiments.references import gibbs
from experiments.report import write_report
from experiments.studies import around, plan_of
from experiments.studies.around import AroundMixture, AroundOwn, Posterior
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance
from tests.experiments.calibration.test_methods import results
from tests.experiments.calibration.test_own_models import MODULE, text

X = np.array([1.2, 0.4, 2.1, 1.7, 0.9, 1.4, 0.6, 2.4])[:, np.newaxis]
ONE = Mixture(NormalKnownVariance([0.0], 9.0), FixedWeights(), 1)
STUDY = """
name = "around"
[calibration]
around = "data"
replicates = 24
quantities = ["location", "log_likelihood"]
[[datasets]]
name = "drawn"
source = "simulated"
n = 12
means = [-2.0, 2.0]
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 9.0 }
[[methods]]
name = "cavi"
starts = 2
"""


def ranked(source, size, settings, seed=1):
    return ranks_of(run_batch(Batch("model", "cavi", source, "cavi", settings, seed, 0, size, 150)).draws)


def of_one_component(**changes):
    fields = {"model": "one", "dataset": "x", "mixture": ONE, "x": X, "sample_weight": None, "points": 8}
    return AroundMixture(**{**fields, "seed": 1, "kinds": RANKED, **changes})


def test_truths_are_drawn_from_the_posterior_given_the_data_and_new_points_from_them():
    """One component: the posterior is normal, with mean 9 sum x / 73 and variance 9 / 73."""
    replicates = [of_one_component().replicate(number) for number in range(500)]
    mu = np.array([one.truth["mu"][0, 0, 0] for one in replicates])
    mean, variance = 9 * X.sum() / 73, 9 / 73
    assert abs(mu.mean() - mean) < 5 * np.sqrt(variance / 400)
    assert abs(mu.var() / variance - 1) < 5 * np.sqrt(2 / 400)
    assert all(np.array_equal(one.problem.x[:8], X) for one in replicates)
    noise = np.concatenate([one.problem.x[8:, 0] - m for one, m in zip(replicates, mu, strict=True)])
    assert abs(noise.var() - 1) < 5 * np.sqrt(2 / noise.size) and len(replicates[0].problem.x) == 16


def test_an_exact_posterior_is_calibrated_around_the_data():
    found = ranked(of_one_component(), 500, cavi.Settings(starts=1))
    assert found.quantities == ("sorted mean 1", "log likelihood", "log joint")
    assert not any(one.flagged for one in results(found))


def test_truths_that_come_from_elsewhere_than_the_posterior_are_found(monkeypatch):
    """From the prior: then the data are not from the truth, and ranks pile up at both ends."""

    def from_the_prior(self):
        problems = (simulate(self.mixture, 1, np.random.default_rng([9, i])) for i in range(200))
        return Posterior({"mu": np.stack([one.truth["mu"] for one in problems])}, 4000.0)

    monkeypatch.setattr(AroundMixture, "_posterior", from_the_prior)
    monkeypatch.setattr(around, "_posteriors", {})
    found = ranked(of_one_component(), 200, cavi.Settings(starts=1))
    assert results(found)[0].decision == "over-confident" and results(found)[0].width.value > 1.5


def test_no_more_replicates_than_the_posterior_draws_are_worth():
    posterior = Posterior({"mu": np.zeros((100, 1, 1))}, 80.0)
    assert posterior.draw(19)["mu"].shape == (1, 1)
    with pytest.raises(InputError, match="worth 80 independent ones, enough for 20 replicates"):
        posterior.draw(20)


def test_a_posterior_that_does_not_qualify_is_not_drawn_from(monkeypatch):
    monkeypatch.setattr(gibbs, "MAX_ROUNDS", 1)
    monkeypatch.setattr(gibbs, "DRAWS", 10)
    monkeypatch.setattr(around, "_posteriors", {})
    with pytest.raises(
        InputError, match="there is no posterior to draw parameters from: .*effective sample size"
    ):
        of_one_component(seed=2).replicate(0)


def test_a_study_around_a_data_set_says_what_its_ranks_are_about(tmp_path):
    record = runner.run(plan_of(parse_config(STUDY)), folder=tmp_path / "s", workers=1, progress=False)
    (model,) = (problem.details for problem in record.problems)
    (method,) = model.methods
    assert model.model == "two on drawn" and method.replicates == 24 and not method.failed
    assert [one.quantity for one in method.quantities] == ["sorted mean 1", "sorted mean 2", "log likelihood"]
    said = summary(record)
    assert said["around"] == "data" and said["points"] is None
    page = write_report(record, tmp_path / "r").html.read_text()
    assert "What the ranks are about" in page and "drawn from the posterior given the data, 24 times" in page
    assert "12 new points simulated" in page


@pytest.mark.slow
def test_a_width_error_of_a_users_model_is_found_around_its_data():
    """The right derivation is exact given the data and new ones; too narrow by 0.8 is found."""
    settings = own_cavi.Settings(starts=1)
    found = {}
    for problem in ("problem", "too_narrow"):
        source = AroundOwn(OwnSource("model", f"{MODULE}:{problem}", None, 1, RANKED_OF_OWN))
        ranks = ranked(source, 300, settings)
        assert not ranks.failed and not ranks.refused
        found[problem] = {one.quantity: one for one in results(ranks)}
    assert not any(one.flagged for one in found["problem"].values())
    for quantity in ("beta[0]", "beta[1]"):
        assert found["too_narrow"][quantity].decision == "over-confident"
        assert 1.1 < found["too_narrow"][quantity].width.value < 1.45


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (STUDY.replace('around = "data"', ""), "a calibration simulates its own data"),
        (STUDY.replace("[[datasets]]", "[[unused]]"), "datasets: give at least one"),
        (STUDY.replace("components = 2", 'components = 2\ndatasets = ["other"]'), 'no data set "other"'),
    ],
)
def test_data_sets_are_wanted_around_data_and_only_there(content, said):
    with pytest.raises(InputError, match=said):
        parse_config(content)


@pytest.mark.parametrize(
    ("model", "said"),
    [("derivation_alone", "needs a PyMC model, from which NUTS"), ("pymc_alone", "give it with_data")],
)
def test_an_own_model_that_cannot_be_calibrated_around_its_data_is_refused(model, said):
    methods = '[[methods]]\nname = "nuts"\n' if model == "pymc_alone" else '[[methods]]\nname = "cavi"\n'
    with pytest.raises(InputError, match=said):
        plan_of(parse_config(text(model, methods=methods, options='around = "data"')))


def test_a_prior_that_sees_the_data_is_refused_around_them_too():
    source = AroundOwn(OwnSource("m", f"{MODULE}:of_a_prior_that_sees_the_data", None, 1, RANKED_OF_OWN))
    with pytest.raises(InputError, match="uses its data elsewhere than in what it observes"):
        source.replicate(0)


def test_the_default_is_the_prior():
    assert CalibrationOptions().around == "prior"
