import numpy as np
import pytest

from ppl_baselines.convergence import Status, judge


def checkpoints(bounds, wandering=0.0, spread=1.0):
    """Log weights on 400 common draws around given bounds."""
    rng = np.random.default_rng(5)
    common = spread * rng.normal(size=400)
    return [bound + wandering * rng.normal() + common for bound in bounds]


@pytest.mark.parametrize(
    ("log_weights", "status"),
    [
        (checkpoints(np.full(20, -17.0)), Status.CONVERGED),
        # Draws in common: what they share, however wide, does not make a flat bound uncertain.
        (checkpoints(np.full(20, -17.0), spread=50.0), Status.CONVERGED),
        (checkpoints(np.linspace(-30, -17, 20)), Status.STILL_MOVING),
        (checkpoints(np.linspace(-17, -30, 20)), Status.STILL_MOVING),
        (checkpoints(np.full(20, -17.0), wandering=1.0), Status.UNDECIDED),
        (checkpoints(np.full(7, -17.0)), Status.UNDECIDED),
    ],
    ids=["flat", "flat, wide draws", "rising", "falling", "wandering", "too few checkpoints"],
)
def test_the_end_is_named(log_weights, status):
    assert judge(log_weights, tolerance=0.05) is status


def test_every_outcome_has_a_message():
    assert len({status.message for status in Status}) == len(Status)
