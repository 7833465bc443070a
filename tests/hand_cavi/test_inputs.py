"""Bad input gets one sentence that names what, where and how to mend it."""

import numpy as np
import pytest

from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, fit

MIXTURE = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
X = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ([], "no points"),
        (np.empty((3, 0)), "no features"),
        (["a", "b"], "real numbers"),
        ([1 + 2j], "real numbers"),
        ([1.0, np.nan], "nan in row 1"),
        ([[1.0, 2.0], [np.inf, 2.0]], "inf in row 1, column 0"),
        (np.zeros((2, 2, 2)), "3 axes"),
        ([[1.0, 2.0], [3.0]], "real numbers"),
    ],
)
def test_data(x, says):
    with pytest.raises(InputError, match=says):
        fit(MIXTURE, x, rng=0)


@pytest.mark.parametrize("k", [0, -1, 2.0, 2.5, True, "2"])
def test_number_of_components(k):
    with pytest.raises(InputError, match="n_components"):
        Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), k)


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        ({"mean": 0.0, "variance": 0.0}, "variance is 0.0"),
        ({"mean": 0.0, "variance": -1.0}, "variance is -1.0"),
        ({"mean": 0.0, "variance": np.nan}, "variance"),
        ({"mean": np.inf, "variance": 1.0}, "mean is inf"),
        ({"mean": 0.0, "variance": 1.0, "noise_variance": 0.0}, "noise_variance is 0.0"),
        ({"mean": 0.0, "variance": [1.0, 2.0]}, "do not fit"),
        ({"mean": "zero", "variance": 1.0}, "mean cannot be read"),
    ],
)
def test_priors(prior, says):
    with pytest.raises(InputError, match=says):
        NormalKnownVariance(**prior)


def test_prior_of_another_dimension():
    mixture = Mixture(NormalKnownVariance([0.0, 0.0], 1.0), FixedWeights(), 2)
    with pytest.raises(InputError, match="2 features but the data have 3"):
        fit(mixture, np.zeros((4, 3)), rng=0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"starts": 0}, "starts is 0"),
        ({"starts": np.ones((3, 3))}, r"need \(3, 2\)"),
        ({"starts": np.ones((3, 2))}, "sum to 1"),
        ({"starts": -np.ones((3, 2))}, "at least 0"),
        ({"max_sweeps": 0}, "max_sweeps is 0"),
        ({"patience": 1.5}, "patience is 1.5"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"sample_weight": [1.0, 2.0]}, "sample_weight has shape"),
        ({"sample_weight": [1.0, -2.0, 1.0]}, "sample_weight is -2.0 in row 1"),
        ({"sample_weight": [0.0, 0.0, 0.0]}, "zero everywhere"),
    ],
)
def test_settings(settings, says):
    with pytest.raises(InputError, match=says):
        fit(MIXTURE, X, rng=0, **settings)


def test_new_points_of_another_dimension():
    result = fit(MIXTURE, X, rng=0)
    with pytest.raises(InputError, match="2 features"):
        result.responsibilities(np.zeros((2, 2)))
