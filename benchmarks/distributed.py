"""A fit to 10^8 points: in memory, and by one and two workers of Dask that read a folder of Parquet files.

    uv run python -m benchmarks.distributed [--points 100000000] [--folder DIR]

Points of one column are condensed: two passes over the data. Points of two columns are not: every sweep is a
pass. Prints seconds (the median of three, the files in the page cache, the cluster running, compiled code
loaded by a fit before), ratios to one worker, and how far the result is from that in memory, as Markdown.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.engine.workers.distributed import HERE, connected
from hand_cavi import DirichletWeights, Fit, Mixture, NormalGamma, fit
from hand_cavi.sources import Source, on_workers, open_parquet

_FILES = 10
_ROW_GROUP = 1 << 20
_REPEATS = 3
_CASES = {"one column, condensed": (["a"], True, 2000), "two columns, 3 sweeps": (["a", "b"], False, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=100_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are kept; a temporary one if left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        written(folder, arguments.points)
        print(f"| {arguments.points:,} points | seconds | to one worker | bound | counts | nodes or parts |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, (columns, condense, sweeps) in _CASES.items():
            case(f"{name}", open_parquet(folder, columns), condense, sweeps)


def written(folder: Path, n_points: int) -> None:
    """Write the points, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    centres = np.array([[-6.0, 0.0], [-2.0, 3.0], [0.0, -3.0], [3.0, 0.0], [6.0, 4.0]])
    for number in range(_FILES):
        if (path := folder / f"{number}.parquet").exists():
            continue
        rng = np.random.default_rng(number)
        n = n_points // _FILES
        x = rng.standard_normal((n, 2)) + centres[rng.integers(0, 5, n)]
        table = pa.table({"a": x[:, 0], "b": x[:, 1]})
        pq.write_table(table, path, row_group_size=_ROW_GROUP, compression="NONE")


def case(name: str, here: Source, condense: bool, sweeps: int) -> None:
    n = here.n_features
    mixture = Mixture(NormalGamma(np.zeros(n), 0.1, 2.0, np.full(n, 2.0)), DirichletWeights(1.0), 5)

    def timed(data: object) -> tuple[float, Fit]:
        seconds = []
        for _ in range(_REPEATS + 1):  # the first loads what is compiled
            begun = time.perf_counter()
            found = fit(mixture, data, rng=1, starts=2, max_sweeps=sweeps, condense=condense)
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds[1:]), found

    whole = here.spread_out(here.n_points).rows
    seconds, wanted = timed(whole)
    del whole
    rows = [("in memory, one thread", seconds, wanted, "")]
    rows.append(("this process reads the files", *timed(here), ""))
    spread = on_workers(here)
    for n_workers in (1, 2):
        with connected(HERE, n_workers):
            rows.append((f"{n_workers} worker{'s' * (n_workers > 1)}", *timed(spread), len(spread.parts)))
    one = rows[2][1]
    for words, seconds, found, parts in rows:
        bound = abs(found.elbo - wanted.elbo) / abs(wanted.elbo)
        counts = np.max(np.abs(found.counts - wanted.counts)) / here.n_points
        nodes = f"{found.condensed.n_nodes} nodes" if found.condensed else ""
        note = ", ".join(word for word in (nodes, f"{parts} parts" if parts else "") if word)
        ratio = f"{seconds / one:.2f}"
        print(
            f"| {name}: {words} | {seconds:.1f} | {ratio} | {bound:.0e} | {counts:.0e} | {note} |", flush=True
        )


if __name__ == "__main__":
    main()
