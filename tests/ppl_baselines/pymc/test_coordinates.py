"""Variables between bounds: read off a PyMC model, with its own density; bounds that move are refused."""

import numpy as np
import pymc as pm
import pytest

from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc.coordinates import coordinates_of


def model_of():
    with pm.Model() as model:
        pm.Uniform("u", -1, [2, 3])
        pm.TruncatedNormal("above", 0, 1, lower=0.5)
        pm.TruncatedNormal("below", 0, 1, upper=-0.5)
        pm.TruncatedNormal("free", 0, 2)
    return model


def test_bounds_are_read_off_the_model():
    model = model_of()
    coordinates = coordinates_of(model)
    u = np.random.default_rng(0).normal(size=(4, 5))
    theta = coordinates.constrain(u)
    assert (theta["u"] > -1).all() and (theta["u"] < [2, 3]).all()
    assert (theta["above"] > 0.5).all() and (theta["below"] < -0.5).all()
    backward = model.rvs_to_transforms[model["u"]].backward
    np.testing.assert_allclose(theta["u"][0], backward(u[0, :2], *model["u"].owner.inputs).eval(), rtol=1e-13)


def test_bounds_that_depend_on_others_are_refused():
    with pm.Model() as model:
        top = pm.HalfNormal("top")
        pm.Uniform("below_it", 0, top)
    with pytest.raises(UnavailableError, match="bounds of 'below_it' depend"):
        coordinates_of(model)
