"""Many small tasks: a calibration by CAVI, and what the runner adds to 300 cells."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from measuring import NotRunError, Row, Target, Timing, seconds

from benchmarks import overhead

TITLE = "Many small tasks"
NOTE = """A calibration by CAVI: `elbowroom calibrate` of data sets of 100 points from two overlapping
components of the textbook model, 20 starts each, from an empty folder to the report, in a fresh process.
All starts of a batch of data sets are swept together (`hand_cavi.fit_many`). The runner:
`benchmarks/overhead.py`, whose cells return at once a result as large as CAVI's, with 10,000 draws, so that
what is left is sending, storing with checksums and fsync, reading and telling, with two workers and beside
starting up. "Of processors" counts the driver and both workers. The clock depends on how fast the disk
syncs; workers compute meanwhile."""

CALIBRATED = Target("1,000 CAVI replicates of 100 points, calibrated and reported", 10, "s")
CLOCK = Target("300 cells beside their own work, by the clock", 15, "ms a cell")
PROCESSORS = Target("300 cells beside their own work, of all processors", 15, "ms a cell")
TARGETS = (CALIBRATED, CLOCK, PROCESSORS)
CONFIG = """
name = "calibration"
[calibration]
replicates = {replicates}
points = 100
[[models]]
name = "two-overlapping"
family = "normal_known_variance"
components = 2
prior = {{ mean = 0.0, variance = 4.0, noise_variance = 1.0 }}
weights = "fixed"
[[methods]]
name = "cavi"
"""


def rows(quick: bool) -> Iterator[Row]:
    """Yield the calibration's row, then the runner's two."""
    replicates, repeats = (100, 1) if quick else (1000, 3)
    timing, before = Timing(), _processor_seconds()
    for _ in range(repeats):
        timing.seconds.append(seconds(lambda: _calibrate(replicates)))
    used = (_processor_seconds() - before) / repeats
    yield _row(
        f"calibration, {replicates:,} replicates",
        f"{timing.median:.1f} s",
        f"{used:.1f} s",
        f"{1000 * used / replicates:.1f} ms a replicate",
        CALIBRATED,
        timing.median,
    )
    cells = 150 if quick else 300
    costs = [overhead.cost(cells) for _ in range(repeats)]
    clock, processors, driver = (
        min(getattr(cost, name) for cost in costs) for name in ("clock", "processors", "driver")
    )
    what = f"runner, {cells} cells"
    yield _row(what, f"{clock:.1f} ms a cell", "", "", CLOCK, clock)
    used, own = f"{processors:.1f} ms a cell", f"the driver's: {driver:.1f} ms"
    yield _row(what, "", used, own, PROCESSORS, processors)


def _row(what: str, clock: str, processors: str, of_them: str, target: Target, value: float) -> Row:
    cells = {"what": what, "by the clock": clock, "of processors": processors, "of them": of_them}
    return Row(cells, target, value)


def _calibrate(replicates: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "calibration.toml")
        config.write_text(CONFIG.format(replicates=replicates))
        command = [sys.executable, "-m", "experiments.commands.cli", "calibrate", str(config)]
        done = subprocess.run([*command, "--output", scratch], capture_output=True, text=True)
        if "Report:" not in done.stdout:  # CAVI is not calibrated here, which is exit code 1
            raise NotRunError(f"elbowroom calibrate said: {done.stderr.strip()[-200:]}")


def _processor_seconds() -> float:
    """Return what processes that have ended have used."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
