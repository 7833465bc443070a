"""Fifty components of twenty features: time per N K D^2 beside that of ten features, and memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import (
    ALL_THREADS,
    NotRunError,
    Row,
    Target,
    in_new_process,
    in_turns,
    ms,
    our_sweeps,
    power,
    spaced,
)
from rows import memory

from hand_cavi import DirichletWeights, Mixture, NormalWishart

TITLE = "Fifty components, twenty features"
NOTE = """Normal-Wishart, Dirichlet weights, sweeps over every point, one start. Both numbers of features
take turns in one process; medians. A sweep's products are 4 N K P operations for P = D + D (D + 1) / 2 + 2
statistics, so that what is per N K D^2 would fall from 10 to 20 features by an eighth, were they all there is
to do. Memory is measured as under "Peak memory beside the data", by five sweeps; what it grows by is what a
fit of four times the points takes more. On one thread the sums stand in the way: those of 50 components of 20
features, 0.7 MB, do not stay in the nearest cache while rows are added, those of 10 features mostly do."""
K, FEATURES = 50, (10, 20)
TARGETS = (
    Target("K = 50, D = 20, N = 10^5: time per N K D^2, of that of D = 10, 1 thread", 1.0, "times"),
    Target("the same, all threads", 1.0, "times"),
    Target("K = 50, D = 20: peak memory beside the data, N = 10^5", 100, "MB"),
    Target("K = 50, D = 20: what it grows by to N = 4 10^5", 10, "MB"),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield rows of times, then of memory."""
    n_points = 10**4 if quick else 10**5
    cases = []
    for D in FEATURES:
        prior = NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D))
        cases.append((D, Mixture(prior, DirichletWeights(1.0), K), spaced(n_points, K, D)))
    for threads, target in zip(sorted({1, ALL_THREADS}), TARGETS, strict=False):
        runs = {
            str(D): lambda m=mixture, x=x, t=threads: our_sweeps(m, x, 1, t, 8) for D, mixture, x in cases
        }
        timings = in_turns(runs, 3)
        each = {D: timings[str(D)].median / (n_points * K * D**2) * 1e9 for D in FEATURES}
        for D in FEATURES:
            ratio = each[D] / each[FEATURES[0]]
            yield Row(
                {
                    "N": power(n_points),
                    "K": str(K),
                    "D": str(D),
                    "threads": str(threads),
                    "ms a sweep, median": ms(timings[str(D)].median),
                    "best": ms(timings[str(D)].best),
                    "ns per N K D^2": f"{each[D]:.4f}",
                    "of D = 10": f"{ratio:.2f}",
                },
                target if D == FEATURES[-1] else None,
                ratio if D == FEATURES[-1] else None,
            )
    yield from of_memory(n_points)


def of_memory(n_points: int) -> Iterator[Row]:
    """Yield the rows of memory for so many points, and four times as many."""
    D, before = FEATURES[-1], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for times, target in zip((1, 4), TARGETS[2:], strict=True):
            file = Path(folder) / f"{times}.npy"
            np.save(file, spaced(times * n_points, K, D))
            cells = {"N": power(times * n_points), "K": str(K), "D": str(D)}
            try:
                found = in_new_process(str(memory.__file__), str(file), str(K), "direct")["megabytes"]
            except NotRunError as why:
                yield Row({**cells, "beside the data, MB": f"not run: {why}"}, target, why=str(why))
                return
            yield Row({**cells, "beside the data, MB": f"{found:.1f}"}, target, found - before)
            before = found
