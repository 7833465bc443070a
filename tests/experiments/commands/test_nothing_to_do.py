"""A study that is complete, run again: nothing heavy is imported, no array is read, nothing is drawn."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {"pymc", "pytensor", "nutpie", "numba", "arviz", "matplotlib", "jinja2", "xarray", "pandas", "h5py"}
HEAVY |= {"h5netcdf", "scipy.stats", "scipy.optimize", "experiments.metrics", "experiments.report.pages"}
STUDY = """
name = "eight"
seed = 1
[[datasets]]
name = "points"
source = "simulated"
n = 8
means = [-2.0, 2.0]
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }
[[methods]]
name = "cavi"
starts = 2
"""


def loaded_by(code: str, folder: Path) -> tuple[str, set[str]]:
    """Return what a fresh interpreter prints, and the modules that it then holds."""
    say = "import atexit, sys; atexit.register(lambda: print('loaded', *sys.modules, file=sys.stderr))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"{say}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=True)
    first, *modules = done.stderr.splitlines()[-1].split()
    assert first == "loaded"
    return done.stdout, set(modules)


def elbowroom(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """Run the command line."""
    line = f"sys.argv = {['elbowroom', *arguments]}; from experiments.commands.cli import main; main()"
    return loaded_by(line, folder)


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> tuple[Path, str]:
    """Return where a study has been run, and what was said of it."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "eight.toml").write_text(STUDY)
    return folder, elbowroom(folder, "run", "eight.toml", "--workers", "1")[0]


def test_a_fit_loads_what_it_needs_and_no_more(tmp_path):
    (tmp_path / "x.csv").write_text("x\n" + "\n".join(str(i % 7 + i % 3 * 20.5) for i in range(200)))
    said, modules = elbowroom(tmp_path, "fit", "x.csv", "--components", "2", "--starts", "3")
    assert "ELBO" in said and not modules & (HEAVY | {"pyarrow"})


def report_files(folder: Path) -> dict[str, int]:
    study = folder / "studies" / "eight"
    paths = [path for path in study.rglob("*") if path.is_file() and not path.name.startswith("study.")]
    return {str(path.relative_to(study)): path.stat().st_mtime_ns for path in paths}


def test_running_again_says_the_same_and_loads_nothing_heavy(complete):
    folder, said = complete
    before = report_files(folder)
    again, modules = elbowroom(folder, "run", "eight.toml")
    assert again == said and "log evidence" in said
    assert modules & HEAVY == set()
    assert report_files(folder) == before  # draws, data, figures and pages


def test_reporting_again_says_the_same_and_loads_nothing_heavy(complete):
    folder, said = complete
    before = report_files(folder)
    again, modules = elbowroom(folder, "report", "eight")
    assert again == said and modules & HEAVY == set() and report_files(folder) == before


def test_json_comes_without_drawing(complete):
    folder, _ = complete
    before = report_files(folder)
    text, modules = elbowroom(folder, "report", "eight", "--json")
    (cell,) = json.loads(text)["cells"]
    assert cell["condensed"] is None and cell["log_evidence"] is not None and len(cell["measurements"]) > 20
    assert "matplotlib" not in modules and report_files(folder) == before


def test_what_is_taken_away_is_drawn_again_and_nothing_is_computed(complete):
    folder, said = complete
    study = folder / "studies" / "eight"
    (study / "report.html").unlink()
    before = report_files(folder)
    assert elbowroom(folder, "report", "eight", "--problem", "two")[0].startswith(said)
    assert (study / "problems" / "points-two.html").is_file()
    draws = {name for name in before if name.startswith(("draws", "data"))}
    after = report_files(folder)
    assert draws and all(after[name] == before[name] for name in draws)


@pytest.mark.parametrize(
    ("config", "cells"), [("experiments/config/default.toml", 8), ("configs/calibration.toml", None)]
)
def test_planning_a_study_loads_nothing_heavy(config, cells, tmp_path):
    code = (
        "from pathlib import Path; from experiments.config.reading import load_config;"
        "from experiments.studies import plan_of; import experiments.engine.runner;"
        f"print(len(plan_of(load_config(Path({str(ROOT / config)!r}))).cells))"
    )
    said, modules = loaded_by(code, tmp_path)
    assert cells is None or int(said) == cells
    assert modules & HEAVY == set()
