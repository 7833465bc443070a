"""Metrics against closed forms and known answers; what does not exist is None with a reason."""

import numpy as np
import pytest
import xarray as xr

from experiments.metrics import METRICS, Context, measure_all, names
from experiments.posterior.draws import as_chains, mean_and_error, sd_and_error
from experiments.posterior.symmetrised import log_q_symmetrised
from experiments.records import Draws, Estimate, Measurement, MethodResult, Problem, Reference, Told
from experiments.references import reference
from experiments.verdict.impossible_bounds import impossibilities
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit, log_joint
from ppl_baselines.draws import to_datatree
from tests.experiments.fitted import context_for

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, np.newaxis]
PROBLEM = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), EIGHT)
NONE = Reference("none", False, "none was asked for")


@pytest.fixture(scope="module")
def exact() -> Reference:
    return reference(PROBLEM, rng=1)


def cavi_tree(n: int = 4000, *, symmetrised: bool = True, seed: int = 3) -> xr.DataTree:
    q = fit(PROBLEM.mixture, EIGHT, rng=2)
    draws = q.sample(seed, n)
    columns = {"log_joint": log_joint(PROBLEM.mixture, EIGHT, draws), "log_q": q.log_density(draws)}
    if symmetrised:
        columns["log_q_symmetrised"] = log_q_symmetrised(q, draws, PROBLEM.mixture)
    return tree_of(draws["mu"][np.newaxis], {name: c[np.newaxis] for name, c in columns.items()})


def nuts_tree(rng: np.random.Generator, correlation: float = 0.0) -> xr.DataTree:
    """Four AR(1) chains of 1000 draws with known mean and sd."""
    noise = rng.standard_normal((4, 1000, 2, 1))
    for t in range(1, 1000):
        noise[:, t] = correlation * noise[:, t - 1] + np.sqrt(1 - correlation**2) * noise[:, t]
    stats = {"diverging": np.zeros((4, 1000), bool), "energy": rng.standard_normal((4, 1000))}
    return tree_of(np.array([[-1.9], [2.1]]) + 0.5 * noise, stats)


def tree_of(mu: np.ndarray, stats: Draws) -> xr.DataTree:
    return to_datatree({"mu": mu}, sample_stats=stats)


def context_of(tree: xr.DataTree, truth: Reference = NONE, bound: float | None = None) -> Context:
    result = MethodResult("converged", "", 2.0, 0.5, tree, bound, None if bound is None else 0.0)
    return context_for(PROBLEM, result, truth)


def number(measurement: Measurement) -> tuple[float, float]:
    assert isinstance(measurement.value, float) and isinstance(measurement.standard_error, float)
    return measurement.value, measurement.standard_error


def test_every_file_is_a_metric_with_a_description() -> None:
    assert set(names()) >= {
        "calibration",
        "co_clustering",
        "collapsed_bound",
        "component_means",
        "component_sds",
        "cost_to_accuracy",
        "error_decomposition",
        "ess_per_second",
        "evidence_gap",
        "held_out",
        "importance_evidence",
        "iwae",
        "k_hat",
        "mean_error",
        "monotonicity",
        "own_bound",
        "predictive_distance",
        "recomputed_bound",
        "sd_ratio",
        "share_at_best",
        "step_gain",
        "density_mass",
        "update_gain",
        "sorted_means",
        "sorted_sds",
        "symmetrised_bound",
        "symmetry_gain",
        "wall_time",
    }
    assert all(METRICS[name].about.endswith((".", ").")) for name in names())


def test_an_approximation(exact: Reference) -> None:
    """The figures of docs/mathematics.md, 11, within 4.5 standard errors: false alarm 2e-5 over seeds."""
    measured = measure_all(context_of(cavi_tree(), exact, bound=-18.716970286055))
    assert number(measured["own_bound"]) == (-18.716970286055, 0.0)
    for name, value in (("collapsed_bound", -18.685226), ("symmetrised_bound", -17.992079)):
        found, error = number(measured[name])
        assert 0 < error < 0.02
        assert abs(found - value) < 4.5 * error
    gap, error = number(measured["evidence_gap"])
    assert abs(gap - (-17.990121876653 + 17.992079)) < 4.5 * error
    assert measured["wall_time"].value == [2.0, 0.5]
    assert measured["ess_per_second"].value is None
    assert "independent" in measured["ess_per_second"].note


def test_a_sampler_has_no_bounds_but_an_effective_sample_size(exact: Reference) -> None:
    measured = measure_all(context_of(nuts_tree(np.random.default_rng(4)), exact))
    for name in ("own_bound", "collapsed_bound", "symmetrised_bound", "evidence_gap"):
        assert measured[name].value is None
        assert measured[name].standard_error is None
        assert "a sampler" in measured[name].note
    per_second = measured["ess_per_second"].value
    assert isinstance(per_second, float)
    assert 0.7 * 4000 < per_second * 0.5 < 1.3 * 4000
    assert isinstance(measured["sorted_means"].value, list)


def test_the_errors_of_chains_know_their_correlation() -> None:
    """AR(1) with coefficient 0.9: the variance of a mean is (1 + 0.9)/(1 - 0.9) = 19 times as large."""
    free = measure_all(context_of(nuts_tree(np.random.default_rng(5), 0.0)))["component_means"]
    tied = measure_all(context_of(nuts_tree(np.random.default_rng(5), 0.9)))["component_means"]
    ratio = np.array(tied.standard_error) / np.array(free.standard_error)
    assert np.all((ratio**2 > 19 / 1.8) & (ratio**2 < 19 * 1.8))


def test_sorting_and_naming_see_through_switched_labels() -> None:
    tree = nuts_tree(np.random.default_rng(6))
    mu = tree["posterior"]["mu"].to_numpy().copy()
    mu[:, ::2] = mu[:, ::2, ::-1]
    switched = tree_of(mu, as_chains(tree, "sample_stats"))
    one, two = measure_all(context_of(tree)), measure_all(context_of(switched))
    for name in ("sorted_means", "sorted_sds"):
        assert two[name].value == pytest.approx(one[name].value)
    for name in ("component_means", "component_sds"):
        assert sorted(two[name].value or []) == pytest.approx(sorted(one[name].value or []))
    assert one["sorted_means"].value == pytest.approx([-1.9, 2.1], abs=0.05)
    assert one["sorted_sds"].value == pytest.approx([0.5, 0.5], abs=0.03)


def test_mean_error_is_in_reference_sds() -> None:
    """By hand: both means shifted by 0.25, the reference's sd 0.5."""
    rng = np.random.default_rng(7)
    truth = np.array([[-3.0], [3.0]]) + 0.5 * rng.standard_normal((1, 20_000, 2, 1))
    shifted = np.array([[-2.75], [3.25]]) + 0.5 * rng.standard_normal((1, 5000, 2, 1))
    perfect = Reference("enumeration", True, "", to_datatree({"mu": truth}), Estimate(0.0, 0.0, ""))
    measured = measure_all(context_of(to_datatree({"mu": shifted}), perfect))["mean_error"]
    value, error = np.array(measured.value), np.array(measured.standard_error)
    by_hand = np.sqrt(1 / 5000 + 1 / 20_000 + (0.5**2 / 2) / 20_000)
    assert error == pytest.approx(np.full(2, by_hand), rel=0.05)
    assert np.all(np.abs(value - 0.5) < 4.5 * error)  # false alarm 1.4e-5
    assert measured.unit == "reference sd"


def test_several_features_are_nested() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(10, 3))
    problem = Problem(Mixture(NormalKnownVariance(0.0, 4.0), FixedWeights(), 2), x)
    tree = to_datatree({"mu": rng.normal(size=(1, 50, 2, 3))})
    measured = measure_all(context_for(problem, MethodResult("", "", None, None, tree), NONE))
    assert np.shape(measured["sorted_means"].value) == (2, 3)
    assert np.shape(measured["component_sds"].standard_error) == (2, 3)
    assert measured["wall_time"].value is None


def test_what_does_not_exist_says_why(exact: Reference) -> None:
    measured = measure_all(context_of(cavi_tree(100), NONE))
    for name in ("mean_error", "evidence_gap"):
        assert measured[name].value is None
        assert "none was asked for" in measured[name].note
    unaveraged = measure_all(context_of(cavi_tree(100, symmetrised=False), exact))
    assert unaveraged["collapsed_bound"].value is not None
    assert unaveraged["evidence_gap"].value is None
    assert "ln 2! = F + 0.69" in unaveraged["symmetrised_bound"].note


def test_what_is_not_finite_is_no_figure(exact: Reference) -> None:
    tree = cavi_tree(100)
    tree["sample_stats"]["log_joint"][0, 3] = -np.inf
    measured = measure_all(context_of(tree, exact))
    assert measured["collapsed_bound"].value is None
    assert "1.0%" in measured["collapsed_bound"].note
    tree["posterior"]["mu"][0, 5, 1, 0] = np.nan
    measured = measure_all(context_of(tree, exact))
    assert all(measured[name].value is None for name in ("sorted_means", "sorted_sds", "mean_error"))


def test_stated_errors_are_the_spread_over_replications() -> None:
    """Z-scores of 400 replications have sd 1 +- 0.16: 4.5 standard errors, false alarm 1.4e-5."""
    rng = np.random.default_rng(9)
    z = []
    for _ in range(400):
        values = 3 + 2 * rng.standard_normal((1, 200))
        mean, error = mean_and_error(values, independent=True)
        sd, sd_error = sd_and_error(values, independent=True)
        z.append([(mean - 3) / error, (sd - 2) / sd_error])
    spread = np.std(z, axis=0)
    assert np.all(np.abs(spread - 1) < 4.5 / np.sqrt(2 * 400))


@pytest.mark.parametrize("n_draws", [2, 99, 100])
def test_few_draws_have_no_error_that_could_prove_a_bound_wrong(exact: Reference, n_draws: int) -> None:
    """By two draws of a right q, F was above log p(x) by many of its errors in some seeds."""
    stated = ("collapsed_bound", "symmetrised_bound", "iwae", "importance_evidence", "symmetry_gain")
    stated += ("recomputed_bound", "update_gain")
    for seed in range(20):
        tree, told = cavi_tree(n_draws, seed=seed), Told(bound_of="theta and assignments", elbo_left=0.0)
        result = MethodResult("converged", "", 2.0, 0.5, tree, -18.716970286055, 0.0, told=told)
        context = context_for(PROBLEM, result, exact)
        measured = {name: METRICS[name](context) for name in ("own_bound", *stated)}
        for name in stated:
            assert (measured[name].value is None) == (n_draws < 100), name
            assert n_draws >= 100 or "too few; a figure needs 100" in measured[name].note
        assert impossibilities(measured, exact.log_evidence) == ()


def test_the_sd_of_the_log_likelihood_is_that_of_correlated_draws(exact: Reference) -> None:
    """Against the same sd over another, by the joint density less the prior's; a q has none."""
    tree = nuts_tree(np.random.default_rng(1))
    found = METRICS["likelihood_sd_ratio"](context_of(tree, exact))
    values = [
        log_joint(PROBLEM.mixture, EIGHT, {"mu": as_chains(one)["mu"].reshape(-1, 2, 1)})
        for one in (tree, exact.draws)
    ]
    priors = [
        PROBLEM.mixture.components.with_features(1)
        .log_density({"mu": as_chains(one)["mu"].reshape(-1, 2, 1)})
        .sum(axis=1)
        for one in (tree, exact.draws)
    ]
    own, truth = (value - prior for value, prior in zip(values, priors, strict=True))
    assert found.value[0] == pytest.approx(own.std(ddof=1) / truth.std(ddof=1), rel=0.02)
    assert METRICS["likelihood_sd_ratio"](context_of(cavi_tree(), exact)).note.startswith("what it is of a q")
