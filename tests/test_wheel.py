"""The wheel alone: what it holds, and that examples can be written and used from it in an empty folder."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from experiments.config.shipped import examples

ROOT = Path(__file__).parent.parent
PACKAGES = ("hand_cavi", "ppl_baselines", "experiments")

EVERY_EXAMPLE = """
import sys
import experiments
from experiments.commands.cli import main
from experiments.config.reading import load_config
from experiments.config.shipped import examples
from experiments.studies import plan_of

print(experiments.__file__)
for name, one in examples().items():
    sys.argv = ["elbowroom", "init", name, "--example", name]
    try:
        main()
    except SystemExit as end:
        assert not end.code, name
    if one.files[0].suffix == ".toml" and name not in ("ten-million", "languages"):  # slow; an extra
        print(len(plan_of(load_config(f"{name}/{one.files[0].name}")).cells), "cells")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the tree as it is."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder to be in, and the environment in which the wheel's packages are found before all others."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("bare")
    zipfile.ZipFile(wheel).extractall(site)

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(site)}  # before all else
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run, folder, site


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(ROOT).as_posix() for path in files if path.suffix not in (".pyc", ".nbi", ".nbc")
    }
    assert not wanted - names
    shipped = {file.name for one in examples().values() for file in one.files}
    assert shipped <= {Path(name).name for name in names if name.startswith("experiments/shipped/")}
    assert "experiments/constraints.txt" in names


def test_examples_are_written_and_used_from_the_wheel_alone(installed):
    run, folder, site = installed
    said = run("-c", EVERY_EXAMPLE)
    assert said.startswith(str(site))
    assert said.count("cells") == 7  # six comparisons and a calibration
    assert (folder / "normal-2" / "normal-2.txt").is_file() and not list(site.rglob("normal-2/*"))
    command = ("-m", "experiments.commands.cli")
    assert "Nothing wrong was found" in run(*command, "check", "normal/normal.py:Derivation")


def test_each_example_has_the_files_that_it_names_and_says_what_it_is():
    found = examples()
    assert {"galaxies", "eight-points", "normal-2", "calibration", "normal", "two_coins"} <= set(found)
    for name, one in found.items():
        assert one.files[0].stem == name and one.about.endswith(".") and len(one.about) > 20
        assert one.files[0].name in one.command
        if one.files[0].suffix == ".toml":
            data = tomllib.loads(one.files[0].read_text("utf-8")).get("datasets", [])
            assert {one["path"] for one in data if "path" in one} <= {file.name for file in one.files}
