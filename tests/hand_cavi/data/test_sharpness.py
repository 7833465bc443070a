"""The width that a mixture asks for: where its sum of exponentials vanishes, and what follows."""

import numpy as np
import pytest

from hand_cavi import InputError, NormalGamma, NormalKnownVariance, NormalWishart
from hand_cavi.data.condense import Grid, sum_cells
from hand_cavi.data.condense.sharpness import (
    TOLERANCE,
    _cancellations,
    width_for,
    width_for_components,
    width_for_sd,
)


@pytest.mark.parametrize(
    ("sd", "log_weight"), [([1.0, 1.0], [0.0, -1.0]), ([0.3, 2.0], [0.0, 1.0]), ([1, 50], [0, 0])]
)
def test_two_components_cancel_there(sd, log_weight):
    mean, sd, log_weight = np.array([-1.0, 2.5]), np.array(sd, dtype=float), np.array(log_weight)
    z = _cancellations(mean, sd, log_weight)
    assert len(z) >= 2
    terms = np.exp(log_weight - ((z[:, np.newaxis] - mean) / sd) ** 2 / 2) / sd
    np.testing.assert_array_less(np.abs(terms.sum(axis=1)), 1e-12 * np.abs(terms).sum(axis=1))


def test_equal_sds_by_hand():
    # Poles at distance pi tau^2 / Delta, weight near them of order one.
    near, distance, sd = lambda low, high: np.ones_like(low), 9.0, 2.0
    expected = 2 * np.pi * sd**2 / distance / np.sinh(np.log(1 / TOLERANCE) / 16)
    assert width_for([0, distance], [sd, sd], share=near) == pytest.approx(expected, rel=1e-12)


def test_of_posteriors():
    mean, sd, log_weight = np.array([-1.0, 0.2, 1.5]), np.array([0.5, 0.2, 0.8]), np.log([0.2, 0.5, 0.3])
    shape = np.full(3, 1e9)  # posteriors so narrow that E ln precision = ln E precision
    gamma = NormalGamma(
        mean[:, np.newaxis], np.full(3, 1e12), shape, shape[:, np.newaxis] * sd[:, np.newaxis] ** 2
    )
    expected = width_for(mean, sd, log_weight)
    assert width_for_components(gamma, log_weight) == pytest.approx(expected, rel=1e-6)
    scale = 1 / (1e9 * sd**2)
    wishart = NormalWishart(
        mean[:, np.newaxis], np.full(3, 1e12), np.full(3, 1e9), (1 / scale)[:, np.newaxis, np.newaxis]
    )
    assert width_for_components(wishart, log_weight) == pytest.approx(expected, rel=1e-6)
    known = NormalKnownVariance(mean[:, np.newaxis], np.full(3, 1e-12), 0.04)
    expected = width_for(mean, np.full(3, 0.2), log_weight)
    assert width_for_components(known, log_weight) == pytest.approx(expected, rel=1e-6)


def test_units_and_order_do_not_matter():
    rng = np.random.default_rng(0)
    mean, sd, log_weight = rng.normal(0, 4, 6), rng.gamma(2.0, size=6), rng.normal(size=6)
    width = width_for(mean, sd, log_weight)
    order = rng.permutation(6)
    assert width_for(mean[order], sd[order], log_weight[order]) == pytest.approx(width, rel=1e-9)
    assert width_for(1000 * mean + 7, 1000 * sd, log_weight) == pytest.approx(1000 * width, rel=1e-9)
    assert width_for(mean, sd, log_weight + 5) == pytest.approx(width, rel=1e-9)


def test_what_asks_for_nothing():
    assert width_for([3.0], [0.5]) == 0.5  # one component: ln of its density is a polynomial
    assert width_for([3.0, 3.0], [0.5, 0.5]) == 0.5  # twice the same
    assert width_for([0.0, 1e6], [1.0, 1.0]) == 1.0  # no points between


def test_the_points_share_counts():
    mean, sd = [0.0, 30.0], [1.0, 1.0]
    clustered = np.r_[np.random.default_rng(1).standard_normal(1000), [30.0]]
    stray = np.r_[clustered, np.full(100, 15.0)]
    widths = [width_for(mean, sd, share=sum_cells(Grid(0.0, 0.4), x).share) for x in (clustered, stray)]
    assert widths[0] == 1.0 and widths[1] < 0.2


@pytest.mark.parametrize("n_moments", [8, 16, 24, 32])
def test_the_estimate_is_about_right(n_moments):
    """The error of the mean of ln sum exp rho is below 1e-13, and five times the width does not do."""
    rng, n = np.random.default_rng(2), 20_000
    width = width_for_sd(1.0, n_moments=n_moments)
    at_width, too_wide = [], []
    for distance in (2.0, 4.0, 8.0):
        x = distance / 2 * rng.choice([-1, 1], n) + rng.standard_normal(n)
        f = lambda x, slope=distance: np.logaddexp(slope * x / 2, -slope * x / 2)  # noqa: E731
        for factor, errors in ((1, at_width), (5, too_wide)):
            data = sum_cells(Grid(0.1, factor * width, n_moments), x).condensed()
            errors.append(abs(data.weight @ f(data.x[:, 0]) / f(x).sum() - 1))
    assert max(at_width) < 1e-13
    assert max(too_wide) > 1e-13


def test_bad_input():
    with pytest.raises(InputError, match="do not fit"):
        width_for([0.0, 1.0], [1.0])
    with pytest.raises(InputError, match="sd is"):
        width_for([0.0, 1.0], [1.0, 0.0])
    with pytest.raises(InputError, match="log_weight is"):
        width_for([0.0], [1.0], [-np.inf])
