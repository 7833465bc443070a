"""A study whose workers are killed at random, and what came of it, beside an undisturbed one.

    uv run python -m benchmarks.soak [--cells 300] [--seconds 180] [--every 5] [--on local|dask] [--seed 1]

While the run goes on, every few seconds a random process that works for it is ended by SIGKILL. In the end
every cell must be done or recorded with its reason; what is done must equal, bit for bit, what an
undisturbed run of the same configuration gives. Prints what it found as Markdown; exit code 1 if anything is
not so.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import xarray as xr

from experiments.engine import runner
from experiments.records import CellRecord, StudyRecord

_METHOD = """
[[methods]]
name = "{name}"
kind = "{kind}"
draws = {draws}
"""
_HEAD = """
name = "soak"
seed = 7
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }
"""
_DATA = """
[[datasets]]
name = "points-{number}"
source = "simulated"
n = 200
means = [-2.0, 2.0]
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=300, help="three methods on a third as many problems")
    parser.add_argument("--seconds", type=float, default=180, help="how long workers are killed")
    parser.add_argument("--every", type=float, default=5, help="seconds between two kills")
    parser.add_argument("--on", default="local", help="the executor: local, or dask")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of victims")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "soak.toml").write_text(configuration(arguments.cells // 3))
        undisturbed = carry_out(folder, "undisturbed", "local")
        kills = disturb(folder, arguments)
        disturbed = runner.load(folder / "disturbed" / "soak")
        again = carry_out(folder, "disturbed", "local")
        sys.exit(tell(undisturbed, disturbed, again, kills))


def configuration(problems: int) -> str:
    """Return a study of three methods, deterministic ones, on so many data sets."""
    data = "".join(_DATA.format(number=number) for number in range(problems))
    methods = [("cavi", "cavi", 500), ("gibbs", "gibbs", 500), ("cavi again", "cavi", 1000)]
    return (
        _HEAD
        + data
        + "".join(
            _METHOD.format(name=name.replace(" ", "-"), kind=kind, draws=draws)
            for name, kind, draws in methods
        )
    )


def command(folder: Path, output: str, on: str) -> list[str]:
    run = [sys.executable, "-m", "experiments.commands.cli", "run", str(folder / "soak.toml")]
    return [*run, "--output", str(folder / output), "--on", on, "--workers", "2"]


def carry_out(folder: Path, output: str, on: str) -> StudyRecord:
    """Run the study in peace, and return its record."""
    subprocess.run(command(folder, output, on), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return runner.load(folder / output / "soak")


def disturb(folder: Path, arguments: argparse.Namespace) -> int:
    """Run the study, ending one of its workers now and then; return how often."""
    chance, kills = random.Random(arguments.seed), 0
    process = psutil.Popen(
        command(folder, "disturbed", arguments.on), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + arguments.seconds
    while process.poll() is None:
        time.sleep(arguments.every)
        if time.monotonic() < end and (victims := workers_of(process)):
            try:
                chance.choice(victims).kill()
                kills += 1
            except psutil.NoSuchProcess:
                continue
    return kills


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that work for a run, on this machine: its own workers, or those of Dask's."""
    found = []
    for child in process.children(recursive=True):
        try:
            if "experiments.engine.workers.worker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def tell(undisturbed: StudyRecord, disturbed: StudyRecord, again: StudyRecord, kills: int) -> int:
    """Print what came of it; return 1 if a cell is lost, or not what it should be."""
    truth, cells, repaired = (by_place(record) for record in (undisturbed, disturbed, again))
    statuses = Counter(cell.status for cell in cells.values())
    unjudged = sum(not p.reference.qualified for p in disturbed.problems)
    unequal = [place for place, cell in cells.items() if cell.status == "ok" and not same(cell, truth[place])]
    left = [place for place, cell in repaired.items() if not same(cell, truth[place])]
    silent = [place for place, cell in cells.items() if cell.status != "ok" and not cell.message]
    print(f"| {len(cells)} cells, {kills} workers killed | |")
    print("| --- | ---: |")
    for status, count in statuses.items():
        print(f"| {status} | {count} |")
    print(f"| problems without a reference | {unjudged} |")
    print(f"| done, and not equal to the undisturbed run | {len(unequal)} |")
    print(f"| not done, and no reason | {len(silent)} |")
    print(f"| after running again: not equal, or not done | {len(left)} |")
    return int(bool(unequal or silent or left or statuses["missing"]))


def by_place(record: StudyRecord) -> dict[tuple[str, str], CellRecord]:
    return {
        (cell.cell.dataset, cell.cell.method): cell for problem in record.problems for cell in problem.cells
    }


def same(a: CellRecord, b: CellRecord) -> bool:
    """Whether two cells have the same draws and bound, bit for bit."""
    if a.status != b.status or a.bound != b.bound or a.draws is None or b.draws is None:
        return False
    ours, theirs = (xr.load_dataset(cell.draws, group="posterior") for cell in (a, b))
    return all(np.array_equal(ours[name], theirs[name]) for name in theirs.data_vars)


if __name__ == "__main__":
    main()
