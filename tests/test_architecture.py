"""Who may import whom: between the three packages, and inside each from the top floor down.

Imports inside functions count, and so do the "module:function" strings of tasks and the f-strings by which
modules are found. Only what a configuration names (`experiments.config.plugins`) is found upwards: methods,
data sets, metrics and references stand above the reader of their names.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.config import plugins

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
        "elbowroom",
    },
    "ppl_baselines": {"hand_cavi", "experiments", "matplotlib", "pydantic", "elbowroom"},
    "experiments": {"tests", "benchmarks", "elbowroom"},
    "elbowroom": {"tests", "benchmarks"},
}


FLOORS = (
    ("hand_cavi", "ppl_baselines"),
    ("records",),
    ("config",),
    ("families", "posterior", "engine", "verdict"),
    ("checks", "datasets", "relabel"),
    ("methods",),
    ("references", "calibration"),
    ("metrics",),
    ("studies",),
    ("report", "benchmarks", "custom"),
    ("commands", "interactive"),
)
"""The folders of `experiments`, and what stands beside it, from the ground up: an import points down."""

FLOORS_OF_HAND_CAVI = (
    ("inputs",),
    ("numerics", "derivation", "sources"),
    ("conjugate",),
    ("families", "weights", "data"),
    ("mixture", "elbo"),
    ("result",),
    ("ascent",),
    ("fit", "gibbs", "linear_response", "mixture_derivation"),
    ("sklearn", "fit_many"),
    ("estimators",),
)


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


def modules():
    """Return the files of the packages and of the benchmarks by module name."""
    found = {}
    for package in ("hand_cavi", "ppl_baselines", "experiments", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def named(path):
    """Yield every module that a file names: in imports, in names of functions, in f-strings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            yield str(node.values[0].value).removesuffix(".")
        elif isinstance(node, ast.Constant) and re.fullmatch(r"[a-z_]+(\.[a-z_]+)+:\w+", str(node.value)):
            yield node.value.partition(":")[0]


def place_of(module, depth):
    """Return the folder or file, `depth` names down, in which a module lies; None outside of the tree."""
    while module not in MODULES:
        module, dot, _ = module.rpartition(".")
        if not dot:
            return None
    parts = module.split(".")
    return parts[depth] if len(parts) > depth else None


def arrows(package, depth):
    """Return the pairs (from, to) of places that imports join, with an example of each."""
    found = {}
    for module, path in MODULES.items():
        if not package or module.split(".")[0] == package:
            here = place_of(module, depth) if package else room_of(module)
            for name in named(path):
                there = place_of(name, depth) if package else room_of(name)
                inside = not package or name.split(".")[0] == package
                if inside and here and there and here != there:
                    found.setdefault((here, there), f"{module} -> {name}")
    return found


def room_of(module):
    """Return the folder of `experiments` in which a module lies, or the package beside it."""
    top = module.split(".")[0]
    return place_of(module, 1) if top == "experiments" else place_of(module, 0)


@pytest.mark.parametrize(
    ("package", "depth", "floors", "most_arrows"),
    [(None, 0, FLOORS, 109), ("hand_cavi", 1, FLOORS_OF_HAND_CAVI, 80)],
)
def test_every_import_points_down(package, depth, floors, most_arrows):
    level = {room: number for number, rooms in enumerate(floors) for room in rooms}
    found = arrows(package, depth)
    rooms = {room for pair in found for room in pair}
    assert rooms == set(level)
    upwards = {pair: example for pair, example in found.items() if level[pair[0]] <= level[pair[1]]}
    assert not upwards
    assert len(found) <= most_arrows


def test_there_are_few_places_and_few_floors():
    assert len({room for rooms in FLOORS for room in rooms}) <= 21
    assert len({room for rooms in FLOORS_OF_HAND_CAVI for room in rooms}) <= 19
    assert longest_way(arrows(None, 0)) <= 10 and longest_way(arrows("hand_cavi", 1)) <= 10


def longest_way(found):
    """Return how many places the longest way down leads through."""
    below = {}
    for here, there in found:
        below.setdefault(here, set()).add(there)

    def depth(room):
        return 1 + max((depth(other) for other in below.get(room, ())), default=0)

    return max(map(depth, below))


def test_no_two_files_share_a_name():
    """But those that mirror a family, a method, a reference, a relabelling, a kind of study, a command.

    And the languages, whose folders have the same names for the same things.
    """
    mirrored = {"__init__", "mixtures", "own", "calibration", "check", "choose", "calibrate"}
    mirrored |= {path.stem for path in (ROOT / "hand_cavi" / "families").glob("*.py")}
    mirrored |= {path.stem for path in (ROOT / "ppl_baselines" / "numpyro").rglob("*.py")}
    for kind in ("methods", "own methods", "references"):
        mirrored |= set(plugins.names(kind))
    mirrored |= {path.stem for path in (ROOT / "experiments" / "relabel").glob("*.py")}
    for package in ("hand_cavi", "ppl_baselines", "experiments"):
        stems = [path.stem for path in (ROOT / package).rglob("*.py") if path.stem not in mirrored]
        assert sorted(stems) == sorted(set(stems)), package


def test_no_file_is_long_without_a_reason():
    """A file of `experiments` with more than 300 lines says in its docstring why it is one."""
    long = [path for path in (ROOT / "experiments").rglob("*.py") if len(path.read_text().splitlines()) > 300]
    assert not [
        path for path in long if "300 lines" not in (ast.get_docstring(ast.parse(path.read_text())) or "")
    ]


def test_only_the_report_draws():
    drawing = ROOT / "experiments" / "report"
    wrong = [
        path.relative_to(ROOT)
        for path in (ROOT / "experiments").rglob("*.py")
        if drawing not in path.parents and "matplotlib" in set(imports(path))
    ]
    assert not wrong


HEAVY = {
    *("pymc", "pytensor", "nutpie", "numba", "arviz", "matplotlib", "xarray", "pandas", "pyarrow", "scipy"),
    *("jax", "numpyro"),
}


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("elbowroom", HEAVY | {"numpy", "hand_cavi", "ppl_baselines", "experiments"}),
        ("elbowroom.pytest_plugin", HEAVY | {"numpy", "hand_cavi", "ppl_baselines", "experiments"}),
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


def test_fitting_a_small_file_loads_nothing_heavy(tmp_path):
    file = tmp_path / "small.csv"
    file.write_text("x\n" + "\n".join(str(centre + i / 7) for centre in (-3, 4) for i in range(20)))
    arguments = ["elbowroom", "fit", str(file), "--components", "2"]
    ask = f"sys.argv = {arguments}; from experiments.commands.cli import main; main()"
    assert loaded_by(ask) & (HEAVY | {"rich", "filelock"}) == set()


def loaded_by(code):
    """Return the top-level modules that a fresh interpreter holds after running the code."""
    say = "import atexit, sys; atexit.register(lambda: print('loaded', *sys.modules, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{say}; {code}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    last = done.stderr.splitlines()[-1].split()
    assert last[0] == "loaded"
    return {module.partition(".")[0] for module in last[1:]}
