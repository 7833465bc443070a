"""`import elbowroom`: names alone, each found where it lies, with a sentence where an extra is missing."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import elbowroom
from experiments.checks.loading import skeleton

ROOT = Path(__file__).parents[2]
EXTRAS = (
    "typer rich pydantic pymc pytensor arviz nutpie numba xarray h5netcdf pandas pyarrow matplotlib sklearn"
)


def promised():
    """Return the names of the imports for type checkers, with their modules."""
    tree = ast.parse((ROOT / "elbowroom" / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = (node for node in block.body if isinstance(node, ast.ImportFrom))
    return {alias.name: node.module for node in imports for alias in node.names}


def test_every_name_is_what_the_type_checker_is_told():
    assert {*promised(), "__version__"} == set(elbowroom.__all__) == set(dir(elbowroom))
    for name, module in promised().items():
        assert getattr(elbowroom, name) is getattr(__import__(module, fromlist=[name]), name)


def test_compare_goes_by_the_name_of_its_package_too():
    import experiments

    assert experiments.compare is elbowroom.compare
    with pytest.raises(AttributeError, match="no attribute 'compares'"):
        _ = experiments.compares


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert elbowroom.__version__ == version("elbowroom")


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'fits'"):
        _ = elbowroom.fits


def without_extras(tmp_path, code):
    """Run code where nothing but numpy and scipy can be imported."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules |= dict.fromkeys({EXTRAS.split()!r})\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
    )


def test_without_extras_it_fits_checks_and_says_what_else_needs(tmp_path):
    code = """
import sys
import elbowroom
from elbowroom.testing import assert_derivation
prior = elbowroom.NormalKnownVariance(mean=0.0, variance=25.0)
mixture = elbowroom.Mixture(prior, elbowroom.FixedWeights(), n_components=2)
print(elbowroom.fit(mixture, [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8], rng=1).elbo)
assert_derivation("my_model.py:Derivation")
for name in ("compare", "calibrate", "choose", "load", "relabel", "log_evidence", "BayesianMixture"):
    try:
        getattr(elbowroom, name)
    except ImportError as error:
        print(error)
sys.argv = ["elbowroom", "--version"]
from elbowroom import __main__
__main__.main()
"""
    (tmp_path / "my_model.py").write_text(skeleton())
    done = without_extras(tmp_path, code)
    assert done.returncode == 0, done.stderr
    elbo, *said, version = done.stdout.splitlines()
    assert float(elbo) == pytest.approx(-18.716970286055, abs=1e-9)  # docs/mathematics.md, 11
    assert len(said) == 7
    for name, sentence in zip(("compare", "calibrate", "choose", "load"), said, strict=False):
        assert sentence.startswith(f"elbowroom.{name} needs ")
    assert all(
        sentence.endswith('install it with: pip install "elbowroom[compare]"') for sentence in said[:6]
    )
    assert "elbowroom[sklearn]" in said[6]
    assert version == f"elbowroom {elbowroom.__version__}"


def test_the_wheel_has_every_package_and_the_plugin_for_pytest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {"hand_cavi", "ppl_baselines", "experiments", "elbowroom"}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages
    assert set(project["tool"]["mypy"]["packages"]) == packages | {"benchmarks"}
    assert all((ROOT / package / "py.typed").is_file() for package in packages)
    plugins = project["project"]["entry-points"]["pytest11"]
    assert plugins == {"elbowroom.pytest_plugin": "elbowroom.pytest_plugin"}


@pytest.mark.parametrize("asked", [["--version"], ["--version", "run"]])
def test_the_command_says_its_version(asked):
    done = subprocess.run([sys.executable, "-m", "elbowroom", *asked], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"elbowroom {elbowroom.__version__}\n")


def test_every_command_has_a_short_help(elbowroom):
    from experiments.commands._app import app

    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert len(commands) >= 14
    for command in commands:
        assert elbowroom(command, "-h") == elbowroom(command, "--help")
    assert elbowroom("-h")[1] == elbowroom("--help")[1]


def test_shells_are_told_how_to_complete(elbowroom, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # there need be no shell around
    code, script, _ = elbowroom("--show-completion", "bash")
    assert code == 0 and "_elbowroom_completion" in script
    for name, value in {
        "_ELBOWROOM_COMPLETE": "complete_bash",
        "COMP_WORDS": "elbowroom va",
        "COMP_CWORD": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert elbowroom()[1].split() == ["validate"]
