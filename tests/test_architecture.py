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


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("hand_cavi", ["pymc", "pytensor", "matplotlib", "arviz", "xarray", "pandas", "numba"]),
        ("ppl_baselines", ["pymc", "pytensor", "hand_cavi"]),
        ("experiments.cli", ["pymc", "pytensor", "matplotlib", "arviz", "xarray", "pandas"]),
    ],
)
def test_importing_loads_nothing_heavy(package, absent):
    code = f"import sys, {package}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
