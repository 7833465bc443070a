"""What belongs beside a fit's figures: empty components and overlapping ones."""

import numpy as np
import pytest

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance, fit
from hand_cavi.ascent.cautions import doubt, occupied, on_empty, on_overlap, overlapping
from hand_cavi.linear_response import linear_response

RNG = np.random.default_rng(2)
NEAR = np.concatenate([RNG.normal(0, 1, 200), RNG.normal(3, 1, 300)])


def test_words():
    assert on_empty([True, False, True]) == "component 2 holds no points: its figures are the prior's"
    assert on_empty([False, True, False]).startswith("components 1 and 3 hold no points: their figures")
    assert on_empty([True, True]) == on_overlap([False, False]) == ""
    assert on_overlap([True, True, True]).startswith("components 1 to 3 overlap: their mean-field")
    assert on_overlap([True, True, False, True]).startswith("components 1, 2 and 4 overlap")
    assert on_overlap([False, True]).startswith("component 2 overlaps others: its mean-field standard")


def test_doubt_is_the_block_of_counts_in_linear_response():
    """d S_k / d E[ln pi_k] by central differences of the responsibilities, over N_k."""
    weight = RNG.uniform(0.5, 2, len(NEAR))
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2)
    found = fit(mixture, NEAR, rng=1, starts=3, sample_weight=weight)
    log_r, step = np.log(found.responsibilities(NEAR)), 1e-5
    for k in range(2):
        counts = []
        for sign in (1, -1):
            pushed = np.exp(log_r + sign * step * (np.arange(2) == k))
            counts.append(weight @ (pushed[:, k] / pushed.sum(axis=1)))
        slope = (counts[0] - counts[1]) / (2 * step) / found.counts[k]
        assert doubt(found, NEAR, weight)[k] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(("apart", "told"), [(3.0, True), (8.0, False)])
def test_overlap_is_told_where_linear_response_widens(apart, told):
    x = np.concatenate([RNG.normal(0, 1, 300), RNG.normal(apart, 1, 300)])
    found = fit(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), FixedWeights(), 2), x, rng=1, starts=3)
    wider = linear_response(found, x).sds()["mu"].ravel() / np.sqrt(
        found.components.rate.ravel() / (found.components.shape - 1) / found.components.precision_scale
    )
    assert overlapping(found, x).tolist() == [told, told]
    assert (wider > 1.05).tolist() == [told, told]


def test_an_empty_component_has_the_priors_figures_and_no_doubt():
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 4)
    start = np.repeat(np.eye(4)[[0, 1]], 5, axis=0)
    x = np.repeat([-30.0, 30.0], 5) + np.arange(10) / 10
    found = fit(mixture, x, rng=1, starts=start)
    empty = ~occupied(found)
    assert empty.sum() == 2 and (doubt(found, x)[empty] == 0).all()
    np.testing.assert_allclose(found.components.variance[empty], 25.0, rtol=1e-6)
