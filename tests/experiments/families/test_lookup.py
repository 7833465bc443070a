"""A family is one file: what it offers is found by its name, and what it lacks falls back."""

import ast
from pathlib import Path

import numpy as np
import pytest

import experiments
from experiments import families
from experiments.calibration import exact
from experiments.config.plugins import names
from experiments.datasets import Dataset
from experiments.families import weights
from experiments.families.components import describe
from experiments.families.formula import formula, story_of
from experiments.families.lookup import offered
from experiments.report import densities
from experiments.report.figures.one_fit import fit_figure
from hand_cavi import DirichletWeights, FixedWeights, InputError, Mixture, NormalKnownVariance, fit
from tests.experiments.family_cases import FAMILIES, PRIORS, data_of

OFFERS = ("story", "default_prior", "moments", "cdf", "density")


class Mine(NormalKnownVariance):
    name = "mine"


class MyWeights(DirichletWeights):
    name = "my_weights"


FILE = """
from experiments.families.line import Line, symbol, vector

def story(prior):
    return [Line(symbol("mu", "k"), vector(2.5), "here"), Line(symbol("x", "i"), vector(prior.variance))]

def moments(q):
    return {"rate": 3.0 * q.mean, "sd": q.mean}
"""


def test_every_family_that_ships_has_a_file():
    assert names("families") == sorted(FAMILIES)
    for family in FAMILIES:
        assert all(callable(offered(family, what)) for what in OFFERS)


@pytest.mark.parametrize("name", ["mine", "my_module:Mine", "a.b", ""])
def test_a_family_without_a_file_offers_nothing(name):
    assert offered(name, "story") is None


def test_a_file_with_a_fault_is_no_missing_file(tmp_path, monkeypatch):
    (tmp_path / "faulty.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        offered("faulty", "story")


def test_what_a_family_of_ones_own_lacks_falls_back():
    mixture = Mixture(Mine([0.0, 1.0], 9.0), FixedWeights(), 2)
    assert story_of(mixture) == []
    assert formula(mixture, 3) == (
        "theta_k ~ Mine, c_i ~ Categorical(1/2), x_i given c_i ~ p(x given theta_{c_i}), "
        "for components k = 1, 2 and points i = 1, 2, 3."
    )
    fitted = fit(mixture, data_of("normal_gamma"), rng=1, starts=2)
    found = describe(fitted)
    error = 5 * np.sqrt(fitted.components.variance / 10_000)[:, np.newaxis]
    assert np.all(np.abs(found["mean"] - fitted.components.mean) <= error)
    assert not exact.has_marginals(mixture.components)
    assert not densities.has_ellipses(mixture) and not densities.has_mass(mixture)


def test_weights_of_ones_own_are_told_of_in_plain_text():
    mixture = Mixture(PRIORS["gamma_poisson"], MyWeights(2.0), 2)
    assert story_of(mixture) == [] and ", pi ~ MyWeights, c_i ~ Categorical(pi), " in formula(mixture, 3)
    q = MyWeights(np.array([2.0, 3.0]))
    mean, sd = weights.mean_and_sd(q)
    np.testing.assert_allclose(mean, [0.4, 0.6])
    np.testing.assert_allclose(sd, 0.2, rtol=0.03)  # of 10,000 draws; sqrt(2 x 3 / (5^2 x 6)) = 0.2


def test_a_new_family_is_one_file(tmp_path, monkeypatch):
    class New(NormalKnownVariance):
        name = "found_by_its_name"

    (tmp_path / "found_by_its_name.py").write_text(FILE)
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    mixture = Mixture(New(0.0, 9.0), FixedWeights(), 2)
    assert formula(mixture, 3).startswith("mu_k ~ 2.5, c_i ~ Categorical(1/2), x_i ~ 9, for components")
    assert [line.right.mathml for line in story_of(mixture)][::2] == ["<mn>2.5</mn>", "<mn>9</mn>"]
    fitted = fit(mixture, data_of("normal_gamma")[:, 0], rng=1, starts=2)
    np.testing.assert_array_equal(describe(fitted)["rate"], 3 * fitted.components.mean)


def test_a_family_over_a_line_that_is_not_normal_has_no_picture_of_clusters(tmp_path, monkeypatch):
    class Skewed(NormalKnownVariance):
        name = "skewed_over_a_line"

    (tmp_path / "skewed_over_a_line.py").write_text(
        "def density(prior, draws, feature, values):\n    return 1.0\n"
    )
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    x = data_of("normal_gamma")[:, :1]
    fitted = fit(Mixture(Skewed(0.0, 9.0), FixedWeights(), 2), x, rng=1, starts=2)
    assert densities.has_density(fitted.mixture) and not densities.has_clusters(fitted.mixture)
    with pytest.raises(InputError, match="no picture of skewed_over_a_line"):
        fit_figure(fitted, Dataset(x, ("x",), "forty points"), np.arange(2))


def test_nobody_else_decides_by_a_familys_name():
    """Checks restate the models on purpose, and so name them; they are a level below families besides."""
    root = Path(experiments.__file__).parent
    known = set(names("families"))
    named = {
        f"{path.relative_to(root)}, line {node.lineno}: {node.value}"
        for path in root.rglob("*.py")
        if path.relative_to(root).parts[0] not in ("families", "checks")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known
    }
    assert not named
