"""What a model's formula says of the points."""

import pytest

from experiments.families.formula import formula
from hand_cavi import FixedWeights, GammaPoisson, Mixture


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (None, "points i = 1, ..., 10."),
        (1096.0, "points i = 1, ..., 1096 in 10 rows."),
        (10.5, "points i = 1, ..., 10, each to the power of its weight."),
    ],
)
def test_weighted_rows_are_the_points_that_they_stand_for(total, said):
    assert formula(Mixture(GammaPoisson(1.0, 1.0), FixedWeights(2), 2), 10, total).endswith(said)
