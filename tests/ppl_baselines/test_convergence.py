import numpy as np
import pytest

from ppl_baselines.convergence import Status, change, judge


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
    assert judge(*change(log_weights), tolerance=0.05) is status


def test_the_change_is_told_with_its_error():
    rise, error = change(checkpoints(np.repeat([-20.0, -19.0], 10)))
    assert rise == 0 and error < 1e-12
    rise, error = change(checkpoints(np.r_[np.full(15, -20.0), np.full(5, -19.0)]))
    assert rise == pytest.approx(1) and error < 1e-12
    rise, error = change(checkpoints(np.full(40, -20.0), wandering=1.0))
    assert abs(rise) < 4 * error and error == pytest.approx(np.sqrt(2 / 10), rel=0.5)


def test_every_outcome_has_a_message():
    assert len({status.message for status in Status}) == len(Status)
