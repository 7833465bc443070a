"""Gauss quadrature from moments: the classical rules, discrete measures, and those hard to see."""

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebvander
from numpy.polynomial.legendre import leggauss

from hand_cavi.data.condense.gauss import gauss

Q = 8


def rule(t, weight, low=-1.0, high=1.0):
    """Return nodes and weights, those above zero, and the residual, for one discrete measure."""
    moments = (weight @ chebvander(t, 2 * Q - 1))[np.newaxis]
    found_t, found_weight, residual = gauss(moments, np.array([low]), np.array([high]))
    used = found_weight[0] > 0
    order = np.argsort(found_t[0][used])
    return found_t[0][used][order], found_weight[0][used][order], residual[0]


def test_the_rules_of_legendre_and_chebyshev():
    # Moments of a fine rule that integrates polynomials exactly.
    t, weight = rule(*leggauss(40))[:2]
    exact_t, exact_weight = leggauss(Q)
    np.testing.assert_allclose(t, exact_t, atol=1e-14)
    np.testing.assert_allclose(weight, exact_weight, rtol=1e-13)
    angles = (np.arange(40) + 0.5) * np.pi / 40
    t, weight = rule(np.cos(angles), np.full(40, np.pi / 40))[:2]
    np.testing.assert_allclose(t, np.cos((np.arange(Q)[::-1] + 0.5) * np.pi / Q), atol=1e-14)
    np.testing.assert_allclose(weight, np.pi / Q, rtol=1e-13)


@pytest.mark.parametrize("rank", range(1, Q + 1))
def test_few_points_are_found_again(rank):
    t = np.cos((np.arange(rank) + 0.3) * np.pi / rank)[::-1]
    weight = np.linspace(1, 2, rank)
    found_t, found_weight, residual = rule(t, weight)
    np.testing.assert_allclose(found_t, t, atol=1e-10)
    np.testing.assert_allclose(found_weight, weight, rtol=1e-10)
    assert residual < 2e-14


HARD = {
    "a sliver in the middle": lambda rng: 0.3 + 1e-3 * rng.standard_normal(5000),
    "a sliver at an end": lambda rng: -1 + 1e-3 * rng.random(5000),
    "a needle": lambda rng: 0.1 + 1e-9 * rng.standard_normal(5000),
    "a spike in a slab": lambda rng: np.r_[1e-3 * rng.standard_normal(900), rng.uniform(-1, 1, 100)],
    "a spike and strays": lambda rng: np.r_[0.5 + 3e-3 * rng.standard_normal(990), rng.uniform(-1, 1, 10)],
    "two needles": lambda rng: rng.choice([-0.5, 0.5], 5000) + 1e-6 * rng.standard_normal(5000),
    "steep": lambda rng: -1 + np.minimum(rng.exponential(0.05, 5000), 2),
    "an atom in a slab": lambda rng: np.where(rng.random(5000) < 0.99, 0.37, rng.uniform(-1, 1, 5000)),
    "heavy and light": lambda rng: np.r_[np.full(5000, -0.9), rng.uniform(0.2, 1, 20)],
}


@pytest.mark.parametrize("kind", HARD)
def test_hard_measures(kind):
    for seed in range(5):
        t = HARD[kind](np.random.default_rng(seed))
        weight = np.ones(len(t))
        found_t, found_weight, told = rule(t, weight, t.min(), t.max())
        assert (found_weight > 0).all() and t.min() <= found_t.min() and found_t.max() <= t.max()
        # Held to the points' moments here, not to what the rule says of itself.
        ours = found_weight @ chebvander(found_t, 2 * Q - 1)
        residual = np.abs(ours - weight @ chebvander(t, 2 * Q - 1)).max() / len(t)
        assert residual < 1e-13
        assert told == pytest.approx(residual, abs=1e-14)


def test_many_measures_at_once_are_each_their_own():
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (5000, 30)) ** 3
    moments = chebvander(points, 2 * Q - 1).sum(axis=1)
    low, high = points.min(axis=1), points.max(axis=1)
    t, weight, residual = gauss(moments, low, high)
    assert residual.max() < 1e-13
    some = [0, 17, 4095, 4096, 4999]
    for alone, together in zip(
        gauss(moments[some], low[some], high[some]), (t, weight, residual), strict=True
    ):
        np.testing.assert_allclose(alone, together[some], atol=1e-12)
