"""Exact methods are calibrated, mean field is not where components overlap; and all families run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from experiments.calibration import exact, verdict
from experiments.calibration import ranked_quantities as quantities
from experiments.calibration.simulate import MixtureSource, replicate, simulate
from experiments.calibration.task import Batch, Ranks, ranks_of, run_batch
from experiments.config.options import RANKED as KINDS
from experiments.config.options import CalibrationOptions
from experiments.engine.store.files import read_tree, write_tree
from experiments.methods import cavi, cavi_lr, gibbs
from experiments.records import QuantityCalibration
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
from tests.experiments.engine.runner_methods import Settings
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of

OPTIONS = CalibrationOptions()
SETTINGS = {
    "cavi": cavi.Settings(starts=2, tolerance=1e-8),
    "gibbs": gibbs.Settings(chains=2, draws=150, tune=60),
}


def textbook(k: int, variance: float = 2.0) -> Mixture:
    return Mixture(NormalKnownVariance([0.0], variance), FixedWeights(), k)


def batch(mixture: Mixture, kind: str, size: int, points: int = 12, seed: int = 1, first: int = 0) -> Batch:
    return Batch(
        model="model",
        method=kind,
        source=MixtureSource("model", mixture, points, seed, KINDS),
        kind=kind,
        settings=SETTINGS[kind],
        seed=seed,
        first=first,
        size=size,
        draws=80,
    )


def ranked(given: Batch) -> Ranks:
    return ranks_of(run_batch(given).draws)


def results(found: Ranks) -> list[QuantityCalibration]:
    level = verdict.test_level(OPTIONS, len(found.quantities))
    return [
        verdict.quantity_result(name, found.ranks[:, q], level, OPTIONS)
        for q, name in enumerate(found.quantities)
    ]


# ---- truth: whose posterior is exact, and whose is not -------------------------------------------


def test_cavi_of_one_component_is_exact_and_passes() -> None:
    found = ranked(batch(textbook(1), "cavi", 400, points=5))
    assert found.quantities == ("sorted mean 1", "log likelihood", "log joint")
    assert not found.refused and not found.failed
    assert verdict.decision_of(results(found)) == "calibrated"


@pytest.mark.slow
def test_gibbs_is_not_flagged_where_components_overlap() -> None:
    found = ranked(batch(textbook(2), "gibbs", 150))
    assert not any(one.flagged for one in results(found))
    assert 10 < found.n_draws.mean() <= 80


def test_mean_field_is_over_confident_where_components_overlap() -> None:
    found = ranked(batch(textbook(2), "cavi", 200, points=20))
    judged = {one.quantity: one for one in results(found)}
    assert verdict.decision_of(list(judged.values())) == "over-confident"
    assert judged["sorted mean 1"].width.value > 1.1 and judged["sorted mean 2"].width.value > 1.1
    assert judged["log joint"].shift.value < 0  # draws stay too close to the best fit


def test_a_wrong_prior_variance_is_flagged() -> None:
    """CAVI of one component is exact under its own prior; data from another prior's means show it."""
    rng = np.random.default_rng(1)
    ranks = []
    for number in range(300):
        problem = replicate(textbook(1, 9.0), 2, seed=1, model="wide", number=number)
        wrong = fit(textbook(1, 0.5), problem.x, rng=rng, starts=1)
        ranks.append(exact.sorted_cdf(wrong.components, problem.truth["mu"])[0, 0])
    level = verdict.test_level(OPTIONS, 1)
    assert verdict.quantity_result("f", np.array(ranks), level, OPTIONS).decision == "over-confident"


# ---- simulation ----------------------------------------------------------------------------------


def test_simulated_data_have_the_moments_of_the_prior() -> None:
    mixture = textbook(2, 4.0)
    problems = [simulate(mixture, 2, np.random.default_rng([1, i])) for i in range(2000)]
    mu = np.array([problem.truth["mu"][:, 0] for problem in problems])
    x = np.array([problem.x[:, 0] for problem in problems])
    assert kstest(mu[:, 0] / 2, "norm").pvalue > 1e-4
    assert abs(x.var() - 5.0) < 5 * 5 * np.sqrt(2 / 4000) * 1.5
    same = np.array([np.ptp(problem.truth["assignments"]) == 0 for problem in problems])
    assert abs(same.mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)
    together = (x[same, 0] - x[same, 1]).var()  # twice the noise variance
    assert abs(together - 2.0) < 4 * 2 * np.sqrt(2 / same.sum())


def test_a_replicate_is_the_same_whatever_the_batch_and_the_method() -> None:
    first = replicate(textbook(2), 10, seed=3, model="a", number=7)
    again = replicate(textbook(2), 10, seed=3, model="a", number=7)
    other = replicate(textbook(2), 10, seed=3, model="a", number=8)
    assert np.array_equal(first.x, again.x) and not np.array_equal(first.x, other.x)
    whole = ranked(batch(textbook(2), "cavi", 6))
    late = ranked(batch(textbook(2), "cavi", 2, first=4))
    assert np.array_equal(whole.ranks[4:], late.ranks)


@pytest.mark.parametrize("kind", ["cavi", "cavi_lr"])
@pytest.mark.parametrize("family", ["normal_gamma", "gamma_poisson"])
def test_replicates_fitted_together_are_ranked_as_alone(
    kind: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranks, and what is refused and why, are the same; so they are where fitting together breaks off.

    Of one start: which of two ends that are alike but for their labels is the best, rounding decides.
    """
    mixture = Mixture(PRIORS[family], WEIGHTS["dirichlet"], 2)
    source = MixtureSource("model", mixture, 12, 1, KINDS)
    method = {"cavi": cavi, "cavi_lr": cavi_lr}[kind]
    settings = method.Settings(starts=1, max_sweeps=40)
    given = Batch("model", kind, source, kind, settings, seed=1, first=0, size=12, draws=80)
    together = ranked(given)
    calls = []

    def broken(targets: list, *rest: object, **options: object) -> list:
        calls.append(len(targets))
        raise ArithmeticError("one of them is beyond float64")

    monkeypatch.setattr(method, "fit_together", broken)
    alone = ranked(given)
    assert calls == [12]
    assert (together.refused, together.failed) == (alone.refused, alone.failed)
    np.testing.assert_array_equal(together.n_draws, alone.n_draws)
    np.testing.assert_allclose(together.ranks, alone.ranks, rtol=1e-9)


@pytest.mark.parametrize(
    ("kind", "refused", "failed"),
    [("overflow", "the loss became infinite", None), ("wrong", None, "ValueError: it did not work")],
)
def test_what_is_left_out_is_kept_with_its_reason(
    tmp_path: Path, kind: str, refused: str, failed: str
) -> None:
    """Through the file in which a study keeps it, and back."""
    kind = f"tests.experiments.engine.runner_methods:{kind}"
    given = replace(batch(textbook(2), "cavi", 3, first=5), kind=kind, settings=Settings())
    result = run_batch(given)
    write_tree(tmp_path / "batch.nc", result.draws)
    found = ranks_of(read_tree(tmp_path / "batch.nc"))
    assert result.message == "0 of 3 replicates ranked"
    assert found.refused == ({number: refused for number in (5, 6, 7)} if refused else {})
    assert found.failed == ({number: failed for number in (5, 6, 7)} if failed else {})
    assert np.isnan(found.ranks).all() and found.ranks.shape == (3, len(found.quantities))
    assert not found.n_draws.any() and found.seconds == result.seconds_run


# ---- quantities and exact ranks ------------------------------------------------------------------


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_ranked_and_labels_do_not_matter(family: str, weights: str) -> None:
    n_features = data_of(family).shape[1]
    mixture = Mixture(PRIORS[family].with_features(n_features), WEIGHTS[weights], 2)
    found = ranked(batch(mixture, "cavi", 2, points=15))
    assert not found.failed and not found.refused
    assert np.all((found.ranks > 0) & (found.ranks < 1))
    assert found.ranks.shape[1] == len(set(found.quantities))
    problem = replicate(mixture, 15, seed=1, model="model", number=0)
    kinds = tuple(kind for kind in quantities.kinds_of(problem) if kind != "log_joint")
    theta = {name: values[np.newaxis] for name, values in problem.truth.items() if name != "assignments"}
    turned = {name: values[:, ::-1] for name, values in theta.items()}
    if weights == "stick_breaking":  # its prior, and so the log joint, knows an order
        np.testing.assert_allclose(
            quantities.values_of(problem, turned, kinds), quantities.values_of(problem, theta, kinds)
        )
    else:
        for asked in (kinds, ("log_joint",)):
            np.testing.assert_allclose(
                quantities.values_of(problem, turned, asked), quantities.values_of(problem, theta, asked)
            )


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_ranks_are_those_among_many_draws(family: str) -> None:
    x = data_of(family)
    fitted = fit(Mixture(PRIORS[family], FixedWeights(), 3), x, rng=1, starts=2)
    draws = np.sort(quantities.locations(fitted.components.sample(np.random.default_rng(1), 20_000)), axis=1)
    where = np.quantile(draws, 0.3, axis=0)
    share = (draws <= where).mean(axis=0)
    ranks = exact.sorted_cdf(fitted.components, where)
    assert exact.has_marginals(fitted.components)
    assert np.abs(ranks - share).max() < 4.5 * np.sqrt(0.21 / 20_000)


def test_at_least_adds_up_all_cases() -> None:
    chances = np.array([0.2, 0.5, 0.9])
    none = 0.8 * 0.5 * 0.1
    one = 0.2 * 0.5 * 0.1 + 0.8 * 0.5 * 0.1 + 0.8 * 0.5 * 0.9
    assert exact.at_least(1, chances) == pytest.approx(1 - none)
    assert exact.at_least(2, chances) == pytest.approx(1 - none - one)
    assert exact.at_least(3, chances) == pytest.approx(0.2 * 0.5 * 0.9)
