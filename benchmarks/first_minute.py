"""The first minute: the default study and a small fit, from nothing, with what each second goes to.

    uv run python benchmarks/first_minute.py [--store FILE]

Clones the last commit into a scratch folder with a home, an environment and caches of its own, but for uv's
cache of packages, from which alone everything is installed; no file of bytecode is there. Rows go to the
store (default .benchmarks/first_minute.jsonl), one line of JSON each; a table is printed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree, which
from statistics import median
from time import perf_counter, time

import numpy as np
from document import table
from inside_first_minute import SLOW
from measuring import NotRunError, Row, Target

ROOT = Path(__file__).parents[1]
INSIDE = ROOT / "benchmarks" / "inside_first_minute.py"
TARGETS = (
    Target("elbowroom run, fresh clone and environment, packages in uv's cache", 75, "s"),
    Target("elbowroom run, compile cache warm, store empty", 40, "s"),
    Target("graphs compiled for one model structure, two workers, fresh", 2, "(one)"),
    Target("judging five-clusters, reference included, within the fresh run", 8, "s"),
    Target("elbowroom fit of 200 points, whole process, median", 0.6, "s"),
)
UNSET = re.compile(
    "PYTHON|ELBOWROOM_|NUMBA_|PYTENSOR_|JAX_|MPL|XDG_|VIRTUAL_ENV|UV_PROJECT|UV_COMPILE|.*_NUM_THREADS"
)


@dataclass
class Fresh:
    """A clone with a home of its own."""

    folder: Path

    def __post_init__(self) -> None:
        if which("uv") is None:
            raise NotRunError("uv is not on the path")
        cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True).stdout.strip()
        self.clone, self.studies = self.folder / "clone", self.folder / "studies"
        kept = {name: value for name, value in os.environ.items() if not UNSET.match(name)}
        home = {"HOME": str(self.folder / "home"), "UV_CACHE_DIR": cache, "UV_OFFLINE": "1"}
        self.environment = {**kept, **home, "UV_PYTHON": os.path.realpath(sys.executable)}
        (self.folder / "home").mkdir()
        cloned = subprocess.run(["git", "clone", "--quiet", ROOT, self.clone], capture_output=True, text=True)
        if cloned.returncode:
            raise NotRunError(f"git does not clone: {last(cloned.stderr)}")

    @property
    def bin(self) -> Path:
        """Where the clone's commands are."""
        return self.clone / ".venv" / "bin"

    def study(self) -> dict:
        """Run the default study; return when it began, when all was installed, and when it ended."""
        rmtree(self.studies, ignore_errors=True)
        command, said = ["uv", "run", "elbowroom", "run", "--output", str(self.studies)], []
        began = installed = time()
        process = subprocess.Popen(
            command, cwd=self.clone, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert process.stderr is not None
        with process:
            for line in process.stderr:
                said.append(line)
                if line.startswith("Installed "):
                    installed = time()
        if process.returncode:
            if any("network was disabled" in line for line in said):
                raise NotRunError("uv's cache lacks packages; `uv sync` in this repository puts them there")
            raise NotRunError(f"uv run: {last(''.join(said))}")
        return {
            "began": began,
            "installed": installed,
            "ended": time(),
            **self.inside("course", self.study_at),
        }

    @property
    def study_at(self) -> str:
        """The folder of the study."""
        return str(next(self.studies.iterdir()))

    def inside(self, *arguments: str, **variables: str) -> dict:
        """Return what `inside_first_minute.py` prints, run by the clone's Python."""
        command = [str(self.bin / "python"), str(INSIDE), *arguments]
        environment = self.environment | variables
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.clone, env=environment)
        if done.returncode:
            raise NotRunError(last(done.stderr))
        return json.loads(done.stdout.splitlines()[-1])

    def fits(self, repeats: int) -> tuple[list[float], dict[str, float]]:
        """Return the seconds of `elbowroom fit` after one to warm up, and those of its largest imports."""
        data = self.folder / "data.csv"
        x = np.random.default_rng(0).normal(np.repeat([-3.0, 3.0], 100))
        data.write_text("x\n" + "".join(f"{value:.6f}\n" for value in x))
        command = [str(self.bin / "elbowroom"), "fit", str(data), "--components", "2"]
        taken = []
        for _ in range(repeats + 1):
            began = perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
            taken.append(perf_counter() - began)
            if done.returncode:
                raise NotRunError(f"elbowroom fit: {last(done.stderr)}")
        traced = [str(self.bin / "python"), "-X", "importtime", *command]
        told = subprocess.run(traced, capture_output=True, text=True, env=self.environment).stderr
        return taken[1:], imports(told)


def last(text: str) -> str:
    """Return the last line that is not empty."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()


def imports(told: str) -> dict[str, float]:
    """Return the seconds of every package from what `-X importtime` tells, its modules added up."""
    spent: Counter[str] = Counter()
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", told):
        spent[name.split(".")[0]] += int(own) / 1e6
    return dict(spent.most_common())


def phases(run: dict) -> dict[str, float]:
    """Return the wall seconds of a run of the study by what they went to, one after the other.

    From the first judge's start on, cells that still run are within judging.
    """
    starts = [since for _, since, _ in run["tasks"]]
    judged = [(since, ended) for label, since, ended in run["tasks"] if label.startswith("judging")]
    begins, judging = min(starts), min(since for since, _ in judged)
    return {
        "install": run["installed"] - run["began"],
        "start, plan, first worker": begins - run["installed"],
        "methods": judging - begins,
        "judging": max(ended for _, ended in judged) - judging,
        "report, printing": run["ended"] - max(ended for _, ended in judged),
    }


def judging_slow(run: dict) -> float:
    """Return the wall seconds of judging the slow problem."""
    return next(ended - since for label, since, ended in run["tasks"] if label.startswith(f"judging {SLOW}"))


def compilations(run: dict) -> dict[str, int]:
    """Return how many cells found nothing compiled, by model structure."""
    return dict(Counter(cell["structure"] for cell in run["cells"] if cell["cache"] == "cold"))


def seconds_of(run: dict) -> str:
    """Return what the workers' seconds went to."""
    spent: Counter[str] = Counter()
    for cell in run["cells"]:
        if cell["compile"]:
            spent[f"compiling for {cell['method']}"] += cell["compile"]
        spent["fits" if cell["method"] == "cavi" or "advi" in cell["method"] else "sampling"] += cell["run"]
        spent["imports, scoring, handing over"] += cell["whole"] - cell["compile"] - cell["run"]
    return told(spent)


def told(spent: dict[str, float], digits: int = 1) -> str:
    """Return names with seconds."""
    return ", ".join(f"{name} {seconds:.{digits}f}" for name, seconds in spent.items())


def row(what: str, value: float, goes_to: str, target: Target | None = None, form: str = ".1f") -> Row:
    """Return a row of the table."""
    return Row({"what": what, "s": f"{value:{form}}", "goes to, s": goes_to}, target, value)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows; no size is smaller, but `quick` leaves out what takes a second run of the study."""
    with tempfile.TemporaryDirectory(prefix="first-minute-") as folder:
        fresh = Fresh(Path(folder))
        run = fresh.study()
        whole = run["ended"] - run["began"]
        yield row("elbowroom run, all fresh", whole, told(phases(run)), TARGETS[0])
        yield row("... its workers", sum(cell["whole"] for cell in run["cells"]), seconds_of(run))
        graphs = compilations(run)
        counted = ", ".join(f"{name} {number}" for name, number in graphs.items())
        yield row(
            "graphs compiled for a structure", max(graphs.values(), default=0), counted, TARGETS[2], ".0f"
        )
        yield row("judging five-clusters, all fresh", judging_slow(run), "two judges at a time", TARGETS[3])
        alone = fresh.inside("judging", fresh.study_at)
        whole = alone.pop("whole")
        yield row("... alone, bytecode there", whole + alone["import"], told(alone))
        if not quick:
            run = fresh.study()
            whole = run["ended"] - run["began"]
            yield row("elbowroom run, caches warm", whole, told(phases(run)), TARGETS[1])
            yield row("... its workers", sum(cell["whole"] for cell in run["cells"]), seconds_of(run))
            yield row("... judging five-clusters", judging_slow(run), "two judges at a time")
        caches = {"ELBOWROOM_CACHE": folder, "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor"}
        bare = fresh.inside("compiling", PYTHONPYCACHEPREFIX=f"{folder}/bytecode", **caches)
        yield row("one compilation alone, no bytecode", sum(bare.values()), told(bare))
        warm = fresh.inside("compiling", PYTHONPYCACHEPREFIX=f"{folder}/bytecode", **caches)
        yield row("... bytecode and cache there", sum(warm.values()), told(warm))
        taken, spent = fresh.fits(3 if quick else 11)
        largest = told(dict(list(spent.items())[:6]), 3)
        goes_to = f"best {min(taken):.2f}; imports {sum(spent.values()):.2f} when traced: {largest}"
        yield row("elbowroom fit, 200 points", median(taken), goes_to, TARGETS[4], ".2f")


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, default=ROOT / ".benchmarks" / "first_minute.jsonl")
    arguments = parser.parse_args()
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    found = []
    try:
        for one in rows(quick=False):
            kept = {} if one.target is None else {"target": str(one.target), "met": one.target.met(one.value)}
            found.append({**one.cells, "target": kept.get("target", "")})
            with arguments.store.open("a") as file:
                file.write(json.dumps({**one.cells, "value": one.value, **kept}) + "\n")
    except NotRunError as why:
        raise SystemExit(f"not run: {why}") from None
    print(table(found))


if __name__ == "__main__":
    main()
