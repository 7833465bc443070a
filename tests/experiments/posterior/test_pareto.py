"""How heavy the tail of importance weights is, and the log of their mean."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.posterior.pareto import is_flat, log_mean, most_k_hat, pareto_k_hat


def test_k_hat_has_the_right_sign() -> None:
    """Target N(0, 4), proposal N(0, 1): true k 3/4; the other way round the weights are bounded, k < 0.

    The weight is w(x) = exp(3 x^2 / 8) / 2 with x ~ N(0, 1), so that P(w > t) falls like t^(-4/3).
    """
    rng = np.random.default_rng(7)
    narrow, wide = rng.normal(size=20_000), rng.normal(0, 2, size=20_000)
    heavy = pareto_k_hat(norm.logpdf(narrow, 0, 2) - norm.logpdf(narrow))
    light = pareto_k_hat(norm.logpdf(wide) - norm.logpdf(wide, 0, 2))
    n_tail = np.ceil(3 * np.sqrt(20_000))
    shrunk = (n_tail * 0.75 + 10 * 0.5) / (n_tail + 10)  # by the fit's prior
    assert heavy[0] == pytest.approx(shrunk, abs=4.5 * heavy[1])  # false alarm 7e-6 over seeds
    assert 0.5 < heavy[0] < 1 and heavy[1] < 0.1
    assert light[0] < 0


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.8])
def test_k_hat_of_pareto_weights_and_its_error(shape: float) -> None:
    """w = U^-k has exactly this shape. 100 replications of 5,000 weights.

    The fit's prior, worth 10 points at 1/2, is allowed for. The spread over replications is known to 7 %;
    the stated error has 4.5 of these.
    """
    rng = np.random.default_rng(1)
    found = np.array([pareto_k_hat(-shape * np.log(rng.random(5000))) for _ in range(100)])
    values, stated = found.T
    n_tail = np.ceil(3 * np.sqrt(5000))
    expected = (n_tail * shape + 10 * 0.5) / (n_tail + 10)
    assert abs(values.mean() - expected) < 4.5 * values.std() / 10 + 0.01
    assert abs(values.std() / stated.mean() - 1) < 4.5 * 0.071


def test_fifty_draws_have_a_tail_and_twenty_four_have_none() -> None:
    weights = np.random.default_rng(1).exponential(size=50)
    value, error = pareto_k_hat(np.log(weights))
    assert -0.5 < value < 1.5 and 0 < error < 1
    assert np.isnan(pareto_k_hat(np.log(weights[:24]))).all()
    assert not is_flat(np.log(weights))


def test_weights_whose_tail_is_equal_have_none() -> None:
    equal = np.full(1000, -3.0) + 1e-12 * np.arange(1000)
    bounded = np.minimum(np.random.default_rng(2).normal(size=1000), 0.5)  # a third of them at the bound
    for log_weights in (equal, bounded):
        assert is_flat(log_weights)
        assert np.isnan(pareto_k_hat(log_weights)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_have_the_heaviest_tail(bad: float) -> None:
    log_weights = np.append(np.zeros(999), bad)
    assert pareto_k_hat(log_weights)[0] == np.inf
    assert not is_flat(log_weights)
    value, error = log_mean(log_weights)
    assert np.isnan(value) and error == np.inf


def test_weights_that_are_all_zero_say_nothing() -> None:
    nothing = np.full(100, -np.inf)
    assert pareto_k_hat(nothing)[0] == np.inf
    assert not is_flat(nothing)
    assert log_mean(nothing) == (-np.inf, np.inf)
    some = np.append(np.zeros(99), -np.inf)
    assert log_mean(some)[0] == pytest.approx(np.log(0.99))


def test_the_log_of_a_mean_and_its_error() -> None:
    weights = np.random.default_rng(8).random(500) + 0.5
    value, error = log_mean(np.log(weights) - 5000)
    assert value == pytest.approx(np.log(weights.mean()) - 5000)
    assert error == pytest.approx(weights.std(ddof=1) / weights.mean() / np.sqrt(500))
    assert log_mean(np.zeros(1))[1] == np.inf


def test_the_log_mean_of_weights() -> None:
    """log E[w] of log-normal weights, s = 0.5: z-scores of 400 replications, sd 1 +- 4.5 errors."""
    rng = np.random.default_rng(3)
    found = np.array([log_mean(1000 + 0.5 * rng.standard_normal(1000)) for _ in range(400)])
    z = (found[:, 0] - 1000 - 0.125) / found[:, 1]
    assert abs(z.std() - 1) < 4.5 / np.sqrt(800)
    assert abs(z.mean()) < 4.5 / np.sqrt(400)


def test_the_threshold_grows_with_the_draws() -> None:
    assert most_k_hat(100) == pytest.approx(0.5)
    assert most_k_hat(10**6) == 0.7
