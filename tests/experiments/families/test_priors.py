"""Priors scaled to the data: another unit of x changes nothing but the unit."""

import numpy as np
import pytest

from experiments.families.priors import family_prior, weights_prior
from hand_cavi import InputError, Mixture, fit
from tests.experiments.family_cases import FAMILIES, data_of

UNITS = np.array([60.0, 0.001])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_default_prior_fits_and_says_what_was_chosen(family):
    x = data_of(family)
    prior, about = family_prior(family, x, 2, {})
    assert prior.n_features == 2 and " = " in about
    weights, said = weights_prior("dirichlet", {})
    assert said == "concentration = 1"
    slack = 6 if family == "dirichlet_categorical" else 2  # categories overlap
    assert fit(Mixture(prior, weights, 2), x, rng=1, starts=3).counts == pytest.approx([20, 20], abs=slack)


@pytest.mark.parametrize("family", ["normal_gamma", "normal_wishart"])
def test_another_unit_changes_nothing_but_the_unit(family):
    x = data_of(family)
    weights, _ = weights_prior("dirichlet", {})
    elbos = []
    for data in (x, x * UNITS + 7.0):
        prior, _ = family_prior(family, data, 2, {})
        elbos.append(fit(Mixture(prior, weights, 2), data, rng=1, starts=4).elbo)
    assert elbos[1] == pytest.approx(elbos[0] - len(x) * np.log(UNITS).sum(), rel=1e-9)


@pytest.mark.parametrize("k", [1, 4])
def test_the_expected_covariance_is_the_data_shared_among_components(k):
    x = data_of("normal_wishart")
    expected = x.var(axis=0) / k  # D = 2: K^(2/D) = K
    wishart, _ = family_prior("normal_wishart", x, k, {})
    degrees = float(wishart.degrees_of_freedom) - 2 - 1  # the mean of an inverse Wishart: W^-1 / (nu - D - 1)
    np.testing.assert_allclose(np.diag(wishart.scale_inverse) / degrees, expected)
    gamma, _ = family_prior("normal_gamma", x, k, {})
    np.testing.assert_allclose(gamma.rate / (float(gamma.shape) - 1), expected)


def test_with_one_feature_both_normal_priors_are_the_same():
    x = data_of("normal_gamma")[:, :1]
    wishart, gamma = (family_prior(name, x, 3, {})[0] for name in ("normal_wishart", "normal_gamma"))
    assert float(wishart.degrees_of_freedom) == 2 * float(gamma.shape)
    assert wishart.scale_inverse.item() == pytest.approx(2 * gamma.rate.item())


def test_constant_columns_and_single_points_have_a_prior():
    for x in (np.array([[1.0, 5.0], [2.0, 5.0]]), np.array([[3.0, 3.0]])):
        for family in ("normal_known_variance", "normal_gamma", "normal_wishart"):
            prior, about = family_prior(family, x, 2, {})
            assert np.isfinite(prior.natural).all()
    assert "(1 where a column is constant)" in about
    assert np.isfinite(family_prior("gamma_poisson", np.zeros((3, 1)), 2, {})[0].natural).all()


def test_what_is_given_is_kept_and_not_spoken_of():
    x = data_of("gamma_poisson")
    prior, about = family_prior("gamma_poisson", x, 2, {"shape": 3.0})
    np.testing.assert_array_equal(prior.shape, [3.0, 3.0])
    assert about == "rate = 1 / the data's mean"
    assert family_prior("gamma_poisson", x, 2, {"shape": 3.0, "rate": 1.0})[1] == ""
    assert weights_prior("fixed", {})[1] == ""


@pytest.mark.parametrize(
    ("family", "given", "complaint"),
    [
        ("normal_gamma", {"raet": 1.0}, 'no field "raet"; did you mean "rate"?'),
        ("normal_wishart", {"scale_inverse": [[1.0, 2.0], [2.0, 1.0]]}, "prior: .*not positive definite"),
        ("normal_wishart", {"mean": [1.0, 2.0, 3.0]}, "do not fit"),
        ("no_such", {}, 'unknown family "no_such"'),
    ],
)
def test_bad_fields_are_refused(family, given, complaint):
    with pytest.raises(InputError, match=complaint):
        family_prior(family, data_of("normal_gamma"), 2, given)


def test_data_beyond_float64_are_refused():
    with pytest.raises(InputError, match="rescale"):
        family_prior("normal_wishart", np.array([[1e300], [-1e300]]), 2, {})
