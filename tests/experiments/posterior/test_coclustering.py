"""The co-clustering matrix against the exact one, by summing over all assignments with scipy's normals."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from experiments.posterior.coclustering import CoClustering, co_clustering, difference
from experiments.posterior.draws import as_tree
from experiments.records import Problem
from experiments.references import reference
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance

EIGHT = np.array([-1.6, -1.1, -0.7, -0.2, 0.4, 0.9, 1.3, 1.8])
PROBLEM = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), EIGHT[:, np.newaxis])


def exact() -> np.ndarray:
    """P(c_i = c_j | x): the mu_k integrated out, a block of n points is N(0, I + 25 11')."""
    matrix, total = np.zeros((8, 8)), 0.0
    for c in product((0, 1), repeat=8):
        labels = np.array(c)
        log_p = 0.0
        for k in (0, 1):
            block = EIGHT[labels == k]
            if len(block):
                covariance = np.eye(len(block)) + 25 * np.ones((len(block), len(block)))
                log_p += float(multivariate_normal.logpdf(block, np.zeros(len(block)), covariance))
        matrix += np.exp(log_p) * (labels[:, np.newaxis] == labels)
        total += np.exp(log_p)
    return matrix / total


def test_against_enumeration() -> None:
    """All 28 pairs within 5 standard errors: false alarm below 1e-3 with t quantiles of 19, none expected."""
    truth = reference(PROBLEM, rng=1)
    assert truth.draws is not None
    found = co_clustering(PROBLEM, truth.draws)
    assert np.array_equal(found.points, np.arange(8))
    above = np.triu_indices(8, k=1)
    error = found.batches.std(axis=0, ddof=1)[above] / np.sqrt(len(found.batches))
    assert np.abs((found.matrix - exact())[above] / error).max() < 5
    assert error.max() < 0.02
    assert np.all(np.diagonal(found.matrix) == 1)


def test_labels_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    mu = rng.normal([[-1.0], [1.0]], 0.5, (400, 2, 1))
    switched = mu.copy()
    switched[::3] = switched[::3, ::-1]
    one, two = co_clustering(PROBLEM, as_tree({"mu": mu})), co_clustering(PROBLEM, as_tree({"mu": switched}))
    assert two.matrix == pytest.approx(one.matrix, abs=1e-12)
    assert difference(one, two).largest[0] < 1e-12


def test_differences_by_hand() -> None:
    base = np.zeros((4, 3, 3))
    moved = base.copy()
    moved[:, 0, 2] = moved[:, 2, 0] = [0.1, 0.3, 0.1, 0.3]
    found = difference(CoClustering(np.array([5, 2, 9]), moved), CoClustering(np.array([5, 2, 9]), base))
    error = np.std([0.1, 0.3, 0.1, 0.3], ddof=1) / 2
    assert found.largest == pytest.approx((0.2, error))
    assert found.mean == pytest.approx((0.2 / 3, error / 3))
    assert found.pair == (5, 9)
    assert found.noise == 0


def test_many_points_are_thinned() -> None:
    x = np.random.default_rng(3).normal(size=(1000, 1))
    problem = Problem(PROBLEM.mixture, x)
    found = co_clustering(problem, as_tree({"mu": np.random.default_rng(4).normal(size=(60, 2, 1))}))
    assert found.matrix.shape == (200, 200)
    assert np.all(np.diff(x[found.points, 0]) >= 0)
