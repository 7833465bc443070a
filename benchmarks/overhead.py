"""What the runner itself costs: cells that do nothing, their seconds and the memory of the driver.

    uv run python -m benchmarks.overhead [--cells 1000] [--on local|serial|dask]

Each cell is a task that returns an empty result at once; all that is left is sending, storing and telling.
Prints seconds for each cell, and the driver's memory after the first hundred and after the last.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import xarray as xr

from experiments.engine import runner
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.workers.interface import Task
from experiments.engine.workers.memory import size
from experiments.records import Judgement, MethodResult, Reference, Verdict
from experiments.records.study import Cell, CellRecord, ProblemEntry

PER_PROBLEM = 100


def nothing(payload: object) -> MethodResult:
    """Return what a method returns, without having done anything."""
    draws = xr.Dataset({"mu": (("chain", "draw"), np.zeros((1, 1)))})
    return MethodResult("converged", "", 0.0, 0.0, xr.DataTree.from_dict({"posterior": draws}))


def no_judgement(payload: object) -> Judgement:
    """Return a judgement of nothing."""
    return Judgement(Reference("none", False, "nothing is judged here"))


def plan(cells: int) -> Plan:
    """Return so many cells that do nothing, in problems of a hundred."""
    problems = [problem(p, min(PER_PROBLEM, cells - p)) for p in range(0, cells, PER_PROBLEM)]
    return Plan("mixtures", "overhead", "", 1, tuple(problems), conclude, "studies", None, ())


def conclude(records: object) -> Verdict:
    """Return no verdict."""
    return Verdict("none", "", math.nan)


def problem(first: int, count: int) -> PlannedProblem:
    planned = []
    for number in range(first, first + count):
        key = f"{number:064d}"
        task = Task(key, "benchmarks.overhead:nothing", None, f"cell {number}", 60.0)
        planned.append(PlannedCell(Cell("none", "none", f"m{number}", 1, key), task, False))
    name = f"judge-{first}"

    def judge(records: tuple[CellRecord, ...]) -> Task:
        return Task(name, "benchmarks.overhead:no_judgement", None, name, 60.0)

    entry = ProblemEntry(
        key=name,
        dataset="none",
        model="none",
        repeat=1,
        about_data="",
        about_model="",
        unit="",
        cells=tuple(one.cell for one in planned),
        has_content=False,
    )
    return PlannedProblem(entry, tuple(planned), None, judge)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--on", default="local")
    arguments = parser.parse_args()
    seconds, memory = [], []
    for cells in (100, arguments.cells):
        with tempfile.TemporaryDirectory() as scratch:
            began = time.perf_counter()
            runner.run(plan(cells), folder=Path(scratch), workers=2, progress=False, on=arguments.on)
            seconds.append(time.perf_counter() - began)
            memory.append(psutil.Process().memory_info().rss)
    each = (seconds[1] - seconds[0]) / (arguments.cells - 100)
    print(f"{arguments.cells} cells on {arguments.on}: {1000 * each:.1f} ms a cell beside starting up")
    print(f"the driver held {size(memory[0])} after 100 cells, {size(memory[1])} after {arguments.cells}")


if __name__ == "__main__":
    main()
