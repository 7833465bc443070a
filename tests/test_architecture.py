"""The arrows between the packages: experiments -> ppl_baselines, experiments -> hand_cavi, and no other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "hand_cavi": {
        "ppl_baselines",
        "experiments",
        "pymc",
        "pytensor",
        "arviz",
        "matplotlib",
        "xarray",
        "pydantic",
    },
    "ppl_baselines": {"hand_cavi", "experiments", "matplotlib", "pydantic"},
    "experiments": {"tests", "benchmarks"},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_arrow_points_back(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = [(path.name, name) for path in files for name in imports(path) if name in FORBIDDEN[package]]
    assert not wrong


def test_only_the_report_draws():
    drawing = ROOT / "experiments" / "report"
    wrong = [
        path.relative_to(ROOT)
        for path in (ROOT / "experiments").rglob("*.py")
        if drawing not in path.parents and "matplotlib" in set(imports(path))
    ]
    assert not wrong


HEAVY = {"pymc", "pytensor", "nutpie", "numba", "arviz", "matplotlib", "xarray", "pandas", "pyarrow", "scipy"}


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("hand_cavi", HEAVY | {"sklearn", "experiments"}),
        ("ppl_baselines", HEAVY | {"numpy", "hand_cavi"}),
        ("experiments.commands.cli", HEAVY | {"numpy", "pydantic", "typer"}),
        ("experiments.commands._app", HEAVY | {"numpy", "pydantic", "rich", "hand_cavi"}),
    ],
)
def test_importing_loads_nothing_heavy(package, absent):
    assert loaded_by(f"import {package}") & absent == set()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["fit", "--help"]])
def test_asking_for_help_loads_nothing_heavy(arguments):
    absent = HEAVY | {"numpy", "rich", "hand_cavi", "ppl_baselines"}
    ask = f"sys.argv = {['elbowroom', *arguments]}; from experiments.commands.cli import main; main()"
    assert loaded_by(ask) & absent == set()


def loaded_by(code):
    """Return the top-level modules that a fresh interpreter holds after running the code."""
    say = "import atexit, sys; atexit.register(lambda: print('loaded', *sys.modules, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{say}; {code}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    last = done.stderr.splitlines()[-1].split()
    assert last[0] == "loaded"
    return {module.partition(".")[0] for module in last[1:]}
