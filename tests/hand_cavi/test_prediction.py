"""Prediction from a fit: against the family's own predictive, and against draws from q."""

import numpy as np
import pytest
from scipy import stats

from hand_cavi import InputError, fit
from tests.hand_cavi.cases import PAIRS, make

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)


def fitted(family, weights, k=3, seed=110):
    mixture, x = make(family, weights, k, 40, seed)
    return fit(mixture, x, rng=seed + 1, starts=2, max_sweeps=30), x


@pairs
def test_predictive_is_the_family_s_own_mixed_by_the_weights(family, weights):
    result, x = fitted(family, weights)
    mixed = np.exp(result.components.log_predictive(x)) @ result.weights.mean()
    np.testing.assert_allclose(result.log_predictive(x), np.log(mixed), rtol=1e-9, atol=1e-9)
    assert result.score(x) == pytest.approx(np.mean(np.log(mixed)), rel=1e-9)


@pairs
def test_predict_is_the_most_responsible(family, weights):
    result, x = fitted(family, weights)
    label = result.predict(x)
    r = result.responsibilities(x)
    assert label.shape == (len(x),)
    assert label.dtype.kind == "i"
    np.testing.assert_array_equal(r[np.arange(len(x)), label], r.max(axis=1))


@pairs
def test_new_data_have_the_predictive_density(family, weights):
    """For points y from p, E[q(y) / p(y)] = 1 for any density q; p is the predictive, q nearly the same.

    q is another fit's predictive, and the mean lies within 5 standard errors: a false alarm has chance
    below 1e-6 a pair. The labels' shares are tested by chi-squared at a level of 1e-6.
    """
    result, x = fitted(family, weights)
    other = fit(result.mixture, x[: len(x) * 9 // 10], rng=0, starts=1, max_sweeps=30)
    y, label = result.sample_labelled(112, 20_000)
    assert y.shape == (20_000, x.shape[1])
    ratio = np.exp(other.log_predictive(y) - result.log_predictive(y))
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(len(ratio)) + 1e-12
    share = result.weights.mean() / result.weights.mean().sum()
    expected = share * len(y)
    assert np.all(expected > 5)
    assert stats.chisquare(np.bincount(label, minlength=3), expected).pvalue > 1e-6


@pytest.mark.parametrize("family", ["normal_gamma D=1", "normal_wishart D=1"])
def test_new_data_against_the_distribution_function(family):
    """Kolmogorov and Smirnov against the mixture of Student's t, at a level of 1e-6."""
    result, _ = fitted(family, "dirichlet", k=2)
    q = result.components
    if family.startswith("normal_gamma"):
        nu, rate, beta = 2 * q.shape, q.rate[:, 0] / q.shape, q.precision_scale
    else:
        nu, rate = q.degrees_of_freedom, q.scale_inverse[:, 0, 0] / q.degrees_of_freedom
        beta = q.precision_scale
    width = np.sqrt(rate * (beta + 1) / beta)

    def distribution(y):
        return stats.t.cdf(np.asarray(y)[:, None], nu, q.mean[:, 0], width) @ result.weights.mean()

    y = result.sample_data(113, 20_000)[:, 0]
    assert stats.kstest(y, distribution).pvalue > 1e-6


def test_new_data_in_blocks_are_the_same_in_kind(monkeypatch):
    """Points are drawn block by block; far from 0 they come back in the data's own units."""
    monkeypatch.setattr("hand_cavi.result._BLOCK", 64)
    result, _ = fitted("normal_wishart D=3", "dirichlet")
    y = result.sample_data(114, 500)
    assert np.isfinite(result.log_predictive(y)).all()
    np.testing.assert_array_equal(y, result.sample_data(114, 500))
    assert len(np.unique(y[:, 0])) == 500


def test_bad_requests():
    result, _ = fitted("normal_gamma D=2", "dirichlet")
    with pytest.raises(InputError, match="n is 0"):
        result.sample_data(0, 0)
    for method in (result.predict, result.score):
        with pytest.raises(InputError, match="3 features"):
            method(np.zeros((2, 3)))
