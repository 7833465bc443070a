"""The log density of a PyMC model without constraints: value, derivatives, other data. Nothing compiled."""

import numpy as np
import pytest

from ppl_baselines.data import as_data
from ppl_baselines.pymc import compilation
from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.log_density import compile_log_density
from tests.ppl_baselines.conftest import PLAIN, log_joint, textbook


@pytest.fixture(scope="module")
def prepared(x, module_monkeypatch):
    module_monkeypatch.setattr(compilation, "mode", lambda backend: PLAIN)
    return compile_log_density(build(textbook(2), x))


@pytest.fixture(scope="module")
def module_monkeypatch():
    with pytest.MonkeyPatch.context() as patched:
        yield patched


def test_it_is_the_log_joint_density_with_its_derivatives(prepared, mixture, x):
    u = np.array([0.4, -1.3])
    value, gradient = prepared.value_and_gradient(u)
    assert value == pytest.approx(log_joint(mixture, x, {"mu": u.reshape(1, 2, 1)})[0], rel=1e-12)
    h = 1e-4

    def at(*shifts):
        return log_joint(mixture, x, {"mu": (u + h * np.array(shifts)).reshape(1, 2, 1)})[0]

    numeric = [(at(1, 0) - at(-1, 0)) / (2 * h), (at(0, 1) - at(0, -1)) / (2 * h)]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6)
    found = prepared.hessian(u)
    second = [(at(1, 0) - 2 * at(0, 0) + at(-1, 0)) / h**2, (at(0, 1) - 2 * at(0, 0) + at(0, -1)) / h**2]
    np.testing.assert_allclose(np.diag(found), second, rtol=1e-5)
    crossed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h**2)
    assert found[0, 1] == found[1, 0] == pytest.approx(crossed, rel=1e-5)


def test_other_data_are_taken_without_compiling(prepared, mixture, x):
    weight = np.array([2.0, 1.0, 0.5])
    other = prepared.with_data(as_data(x[:3], weight))
    assert other.function is prepared.function
    u = np.array([0.4, -1.3])
    value = other.loaded().value_and_gradient(u)[0]
    assert value == pytest.approx(log_joint(mixture, x[:3], {"mu": u.reshape(1, 2, 1)}, weight)[0])
    assert prepared.with_data(as_data(x)).loaded().value_and_gradient(u)[0] != pytest.approx(value)
