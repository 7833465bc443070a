"""Priors and data that a family must refuse, in one sentence that says what, where and how to mend it."""

import numpy as np
import pytest

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    GammaPoisson,
    InputError,
    Mixture,
    NormalGamma,
    NormalWishart,
    fit,
    log_joint,
)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: NormalGamma(0.0, 0.0, 1.0, 1.0), "precision_scale is 0.0"),
        (lambda: NormalGamma(0.0, 1.0, -1.0, 1.0), "shape is -1.0"),
        (lambda: NormalGamma(0.0, 1.0, 1.0, [1.0, 0.0]), "rate is"),
        (lambda: NormalGamma([0.0, 1.0], 1.0, 1.0, [1.0, 2.0, 3.0]), "do not fit"),
        (lambda: NormalGamma(0.0, [1.0, 2.0], 1.0, 1.0), "do not fit"),
        (lambda: NormalGamma(np.nan, 1.0, 1.0, 1.0), "mean is nan"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 1.0, np.eye(2)), "degrees_of_freedom is 1; .* more than 1"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 3.0, [[1.0, 2.0], [2.0, 1.0]]), "not positive definite"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 3.0, [[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 3.0, np.zeros((2, 2))), "not positive definite"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 3.0, np.eye(3)), "do not fit"),
        (lambda: NormalWishart([0.0, 0.0], 1.0, 3.0, [1.0, 2.0]), "do not fit"),
        (lambda: NormalWishart(0.0, 1.0, 3.0, -1.0), "not positive definite"),
        (lambda: GammaPoisson(0.0, 1.0), "shape is 0.0"),
        (lambda: GammaPoisson(1.0, np.inf), "rate is inf"),
        (lambda: GammaPoisson([1.0, 2.0], [1.0, 2.0, 3.0]), "do not fit"),
        (lambda: DirichletCategorical([1.0]), "at least two"),
        (lambda: DirichletCategorical(1.0), "at least two"),
        (lambda: DirichletCategorical([1.0, 0.0]), "above zero"),
    ],
)
def test_bad_priors(make, says):
    with pytest.raises(InputError, match=says):
        make()


@pytest.mark.parametrize(
    ("prior", "x", "says"),
    [
        (GammaPoisson(1.0, 1.0), [[1.0, 2.0], [0.0, -3.0]], "-3 in row 1, column 1 .* not negative"),
        (GammaPoisson(1.0, 1.0), [1.0, 2.5], "2.5 in row 1, column 0 .* whole numbers"),
        (GammaPoisson([1.0, 1.0], 1.0), [1.0, 2.0], "2 features but the data have 1"),
        (DirichletCategorical([1.0, 1.0]), [[0, 1], [1, 2]], "2 in row 1, column 1 .* categories 0 to 1"),
        (DirichletCategorical([1.0, 1.0]), [0, 0.5], "0.5 in row 1, column 0"),
        (DirichletCategorical([1.0, 1.0]), [0, -1], "-1 in row 1"),
        (DirichletCategorical(np.ones((2, 2))), np.zeros((4, 3)), "2 features but the data have 3"),
        (NormalGamma([0.0, 0.0], 1.0, 1.0, 1.0), np.zeros((4, 3)), "2 features but the data have 3"),
        (NormalWishart([0.0, 0.0], 1.0, 3.0, np.eye(2)), np.zeros((4, 3)), "2 features but the data have 3"),
        (NormalWishart(0.0, 1.0, 1.5, 1.0), np.zeros((4, 3)), "3 features needs more than 2"),
    ],
)
def test_bad_data(prior, x, says):
    mixture = Mixture(prior, DirichletWeights(1.0), 2)
    with pytest.raises(InputError, match=says):
        fit(mixture, x, rng=0)
    with pytest.raises(InputError, match=says):
        log_joint(mixture, x, {})


def test_bad_new_points():
    result = fit(Mixture(GammaPoisson(1.0, 1.0), DirichletWeights(1.0), 2), [1.0, 2.0, 8.0], rng=0)
    with pytest.raises(InputError, match="0.5 in row 0"):
        result.log_predictive([0.5])
