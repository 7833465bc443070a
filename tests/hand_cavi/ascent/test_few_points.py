"""What is said before a fit to few points counts points, not rows."""

import numpy as np
import pytest

from hand_cavi.ascent.cautions import on_few_points


@pytest.mark.parametrize(
    ("x", "weight", "said"),
    [
        ([1.0, 2.0], None, "2 points for 3 components; at least 1 must stay empty"),
        ([1.0, 2.0], [1.0, 0.5], "1.5 points for 3 components; at least 2 must stay empty"),
        ([1.0, 2.0], [5.0, 5.0], "10 points with 2 different values for 3 components"),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 0.0], "10 points with 2 different values for 3 components"),
        ([3.0] * 20, None, "20 points with 1 value for 3 components; more than 1 cannot be told apart"),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 1.0], ""),
    ],
)
def test_weights_count_as_points(x, weight, said):
    weights = None if weight is None else np.array(weight)
    found = on_few_points(np.array(x)[:, np.newaxis], 3, weights)
    assert found.startswith(said) and bool(found) == bool(said)
