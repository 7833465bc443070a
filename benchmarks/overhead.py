"""What the runner itself costs: cells that do nothing, their time, and the memory of the driver.

    uv run python -m benchmarks.overhead [--cells 1000] [--on local|serial|dask]

Each cell is a task that returns at once a result as large as CAVI's: 10,000 draws of two components, and
their log densities. Its problem's judge reads them. What is left is sending, storing, reading and telling.
Prints milliseconds for each cell, by the clock and of processors, and the driver's memory.
"""

import argparse
import math
import resource
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import xarray as xr

from experiments.engine import runner
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.store.files import read_tree
from experiments.engine.workers.interface import Task
from experiments.engine.workers.memory import size
from experiments.records import Judgement, MethodResult, Reference, Verdict
from experiments.records.study import Cell, CellRecord, ProblemEntry

PER_PROBLEM = 100
DRAWS = 10_000
FEW = 100
"""Cells whose time is taken off: that of starting up."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds a cell beside starting up, and the bytes that the driver held after few and after all.

    `processors` are those of the driver and all workers, `driver` its own.
    """

    clock: float
    processors: float
    driver: float
    held: tuple[int, int]


@cache
def result() -> MethodResult:
    """Return a result as large as CAVI's."""
    rng = np.random.default_rng(1)
    axes = ("chain", "draw")
    names = ("log_joint", "log_q", "log_q_symmetrised")
    posterior = xr.Dataset({"mu": ((*axes, "component", "feature"), rng.random((1, DRAWS, 2, 1)))})
    stats = xr.Dataset({name: (axes, rng.random((1, DRAWS))) for name in names})
    posterior, stats = (one.assign_coords(chain=[0], draw=np.arange(DRAWS)) for one in (posterior, stats))
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    return MethodResult("converged", "", 0.0, 0.0, tree)


def nothing(payload: object) -> MethodResult:
    """Return what a method returns, without having done anything."""
    return result()


def no_judgement(records: tuple[CellRecord, ...]) -> Judgement:
    """Read all draws, and return a judgement of nothing."""
    for one in records:
        if one.draws is not None:
            read_tree(one.draws)
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
        return Task(name, "benchmarks.overhead:no_judgement", records, name, 60.0)

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


def cost(cells: int, on: str = "local") -> Cost:
    """Run few cells, and then all of them; first some more few, so that all is imported."""
    _run(PER_PROBLEM // 10, on)
    runs = [_run(FEW, on), _run(cells, on)]
    each = [1000 * (all_ - few) / (cells - FEW) for few, all_ in zip(*(run[:3] for run in runs), strict=True)]
    return Cost(each[0], each[1], each[2], (runs[0][3], runs[1][3]))


def _run(cells: int, on: str) -> tuple[float, float, float, int]:
    """Return seconds, those of all processors and of the driver's, and the bytes that it holds at the end."""
    with tempfile.TemporaryDirectory() as scratch:
        clock, before = time.perf_counter(), _processor_seconds()
        runner.run(plan(cells), folder=Path(scratch), workers=2, progress=False, on=on)
        seconds, after = time.perf_counter() - clock, _processor_seconds()
    own, others = (b - a for a, b in zip(before, after, strict=True))
    return seconds, own + others, own, psutil.Process().memory_info().rss


def _processor_seconds() -> tuple[float, float]:
    """Return what this process has used, and what those that it started and that have ended have."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return each[0].ru_utime + each[0].ru_stime, each[1].ru_utime + each[1].ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--on", default="local")
    arguments = parser.parse_args()
    found = cost(arguments.cells, arguments.on)
    print(
        f"{arguments.cells} cells on {arguments.on}: {found.clock:.1f} ms a cell beside starting up; of "
        f"processors {found.processors:.1f} ms, {found.driver:.1f} ms of them the driver's"
    )
    few, all_ = map(size, found.held)
    print(f"the driver held {few} after {FEW} cells, {all_} after {arguments.cells}")


if __name__ == "__main__":
    main()
