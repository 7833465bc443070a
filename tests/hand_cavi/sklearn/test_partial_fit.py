"""Batches: what `partial_fit` shares with `fit`, and how close it comes to it."""

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from hand_cavi import InputError
from hand_cavi.estimators import BayesianMixture

FAITHFUL = np.loadtxt(Path(__file__).parents[1] / "faithful.csv", delimiter=",", skiprows=1)
SETTLED = {"tol": 1e-11, "max_iter": 5000, "random_state": 0}


def batches(n=100, seed=121):
    order = np.random.default_rng(seed).permutation(len(FAITHFUL))
    return [FAITHFUL[order[i : i + n]] for i in range(0, len(order) - n + 1, n)]


def exact_bound(result, x):
    """The bound of all rows at a result's factors, assignments at their optimum."""
    rho = result.components.expected_log_likelihood(x) + result.weights.expected_log()
    divergence = result.components.kl(result.mixture.components).sum() + result.weights.kl(
        result.mixture.weights
    )
    return np.logaddexp.reduce(rho, axis=1).sum() - divergence


def test_the_first_batch_is_fitted_as_fit_does():
    model = BayesianMixture(n_components=2, random_state=0)
    first, second = batches()
    whole, part = clone(model).fit(first), clone(model).partial_fit(first)
    assert part.lower_bounds_ == whole.lower_bounds_ and part.converged_
    np.testing.assert_array_equal(part.predict_proba(FAITHFUL), whole.predict_proba(FAITHFUL))
    went_on = [m.partial_fit(second) for m in (whole, part)]
    np.testing.assert_array_equal(went_on[0].means_, went_on[1].means_)
    assert part.n_iter_ == 2 and not part.converged_
    np.testing.assert_allclose(
        part.mean_prior_, first.mean(axis=0), rtol=1e-12
    )  # the first batch's, for good
    assert clone(model).fit(first).lower_bound_ == part.fit(first).lower_bound_  # starts afresh


def test_the_same_data_again_and_again_reach_the_fit_s_optimum():
    """All rows in every batch, and their number told: steps without noise, whose bound is exact."""
    optimum = BayesianMixture(n_components=2, **SETTLED).fit(FAITHFUL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = BayesianMixture(n_components=2, random_state=0, max_iter=1)
        for _ in range(60):
            model.partial_fit(FAITHFUL, n_points=len(FAITHFUL))
            assert model.lower_bound_ == pytest.approx(exact_bound(model.result_, FAITHFUL), rel=1e-11)
    assert -1e-9 <= optimum.lower_bound_ - model.lower_bound_ < 0.05
    np.testing.assert_allclose(model.means_, optimum.means_, rtol=1e-2)


def test_batches_come_close_to_the_fit():
    """Forty passes in four batches: below the optimum by less than a nat of 1,200, priors alike."""
    prior = {"mean_prior": FAITHFUL.mean(axis=0), "covariance_prior": np.cov(FAITHFUL.T)}
    optimum = BayesianMixture(n_components=2, **prior, **SETTLED).fit(FAITHFUL)
    model = BayesianMixture(n_components=2, **prior, **SETTLED)
    for seed in range(40):
        for batch in batches(68, seed):
            model.partial_fit(batch, n_points=len(FAITHFUL))
    assert 0 <= optimum.lower_bound_ - exact_bound(model.result_, FAITHFUL) < 1
    assert model.degrees_of_freedom_.sum() == pytest.approx(2 * 2 + len(FAITHFUL))


def test_certainty_is_that_of_the_points_seen_or_told():
    first, second = batches()
    model = BayesianMixture(random_state=0).partial_fit(first).partial_fit(second)
    assert model.degrees_of_freedom_ == pytest.approx([2 + 200])
    told = BayesianMixture(random_state=0).partial_fit(first, n_points=1e4)
    assert told.degrees_of_freedom_ == pytest.approx([2 + 1e4])
    np.testing.assert_allclose(told.means_, first.mean(axis=0, keepdims=True), rtol=1e-9)


def test_a_batch_s_weights_repeat_its_rows():
    first, second = batches()
    weight = np.random.default_rng(122).integers(0, 4, len(second))
    model = BayesianMixture(n_components=2, random_state=0)
    weighted = clone(model).partial_fit(first).partial_fit(second, sample_weight=weight)
    repeated = clone(model).partial_fit(first).partial_fit(np.repeat(second, weight, axis=0))
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-12)
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-12)


@pytest.mark.parametrize("bad", [0, -1.0, np.nan, np.inf])
def test_bad_numbers_of_points(bad):
    with pytest.raises(InputError, match="n_points is"):
        BayesianMixture().partial_fit(FAITHFUL, n_points=bad)
