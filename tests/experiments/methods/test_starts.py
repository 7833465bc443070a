"""Every method starts from the same dispersed points."""

import numpy as np
import pytest

from experiments.methods.starts import Starts
from experiments.records import Problem
from hand_cavi import fit
from tests.hand_cavi.cases import FAMILIES, make


@pytest.mark.parametrize("family", FAMILIES)
def test_they_are_the_starts_of_hand_cavi(family):
    mixture, x = make(family, "fixed", 3, 30, seed=0)
    given = Starts(Problem(mixture, x), seed=1).responsibilities(4)
    ours, own = fit(mixture, x, rng=9, starts=given), fit(mixture, x, rng=1, starts=4)
    assert ours.elbo == own.elbo


def test_more_starts_change_none_of_the_first():
    mixture, x = make("normal_known_variance D=1", "fixed", 3, 30, seed=0)
    starts = Starts(Problem(mixture, x), seed=1)
    assert np.array_equal(starts.responsibilities(2), starts.responsibilities(6)[:2])


def test_parameters_are_one_update_from_the_responsibilities():
    """By the textbook's formula, far from 0 and with weights on the points."""
    mixture, x = make("normal_known_variance D=1", "fixed", 3, 30, seed=0)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(x))
    starts = Starts(Problem(mixture, x + 1e5, weight), seed=1)
    prior = mixture.components
    for r, point in zip(starts.responsibilities(4), starts.parameters(4), strict=True):
        precision = 1 / prior.variance + (weight @ r) / prior.noise_variance
        information = prior.mean / prior.variance + r.T @ (weight * (x[:, 0] + 1e5)) / prior.noise_variance
        np.testing.assert_allclose(point["mu"][:, 0], information / precision, rtol=1e-9)


def test_starts_are_dispersed():
    mixture, x = make("normal_known_variance D=1", "fixed", 2, 200, seed=3)
    points = Starts(Problem(mixture, x), seed=4).parameters(6)
    assert np.ptp(points[0]["mu"]) > 1  # k-means++ finds both clumps, at -1.5 and 1.5
    assert len({float(point["mu"][0, 0]) for point in points}) == 6
