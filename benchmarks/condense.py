"""How few do condensed data become, how fast, and how wrong are sums over them? A Markdown table.

    uv run python benchmarks/condense.py [--quick]

Seconds are processor time of one thread, numba loaded, the best of three passes; and wall time of two
threads, which is worth something on a machine that nobody else uses. The time of the nodes is apart.

The mixture has three overlapping components, and cells have the width that `width_for` says. Errors are
relative to sums of absolute values: the largest of the K x P sums of r T(x), and that of the sum of
ln sum_k exp rho_k(x), the data's part of the bound; the full sums are the compiled sweep's over all N
points. "Rough cells" are those whose nodes miss a moment by more than 1e-13 of the cell's weight.
"""

import sys
from time import perf_counter, process_time

import numpy as np

from hand_cavi import NormalGamma
from hand_cavi.data.condense import Grid, sum_cells
from hand_cavi.data.condense.cells import CellSums
from hand_cavi.data.condense.gauss import gauss
from hand_cavi.data.condense.sharpness import width_for
from hand_cavi.data.kernels import refresh

DISTRIBUTIONS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "uniform": lambda rng, n: rng.uniform(-3, 3, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "three clusters": lambda rng, n: rng.choice([-2.0, 0.0, 3.0], n) + 0.7 * rng.standard_normal(n),
    "30 % at one value": lambda rng, n: np.where(rng.random(n) < 0.3, 0.37, rng.standard_normal(n)),
    "rounded to 0.01": lambda rng, n: np.round(rng.standard_normal(n), 2),
    "90 % in a needle": lambda rng, n: rng.standard_normal(n) * np.where(rng.random(n) < 0.9, 1e-3, 1),
}
MEAN, SD, WEIGHT = np.array([-2.0, 0.0, 3.0]), np.array([0.7, 1.0, 1.5]), np.array([0.3, 0.4, 0.3])
REPEATS = 3


def best(clock, call):
    """Return the shortest time of some calls, and the last result."""
    shortest, result = np.inf, None
    for _ in range(REPEATS):
        began = clock()
        result = call()
        shortest = min(shortest, clock() - began)
    return shortest, result


def rough_cells(sums: CellSums) -> int:
    """Return how many cells' nodes miss a moment by more than 1e-13."""
    full = sums.n_kept == 0
    ends = [sums.grid.position(end[full])[1] for end in (sums.low, sums.high)]
    return int((gauss(sums.moments[full], *ends)[2] > 1e-13).sum())


def assignments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return the sums of r T(x), their scale, the sum of ln sum exp rho, and its scale."""
    family = NormalGamma(0.0, 1.0, 2.0, 2.0)
    posterior = NormalGamma(MEAN[:, None], np.full(3, 1e4), np.full(3, 5e3), 5e3 * SD[:, None] ** 2)
    statistics, phi, log_weights = family.statistics(x[:, None]), posterior.expected_phi, np.log(WEIGHT)
    done = refresh(statistics, weight, phi, log_weights)
    bound = done.entropy + float(np.sum(done.sums * phi) + done.sums[:, -1] @ log_weights)
    scale = np.abs(statistics * weight[:, None]).sum(axis=0)
    return done.sums, scale, bound, float(np.sum(done.sums * np.abs(phi)))


def row(name: str, n: int, rng: np.random.Generator) -> None:
    """Print a line of the table."""
    x = DISTRIBUTIONS[name](rng, n)
    grid = Grid(0.0, width_for(MEAN, SD, np.log(WEIGHT)))
    sum_cells(grid, x[:1000])
    one, sums = best(process_time, lambda: sum_cells(grid, x, threads=1))
    two, _ = best(perf_counter, lambda: sum_cells(grid, x, threads=2))
    if sums is None:
        print(f"| {n:,} | {name} | too many | | {one:.3f} | {two:.3f} | | | | |", flush=True)
        return
    nodes, data = best(process_time, sums.condensed)
    full, short = assignments(x, np.ones(n)), assignments(data.x[:, 0], data.weight)
    error = np.max(np.abs(full[0] - short[0]) / full[1])
    print(
        f"| {n:,} | {name} | {len(sums.cell):,} | {len(data.x):,} | {one:.3f} | {two:.3f} | {nodes:.3f} | "
        f"{rough_cells(sums)} | {error:.0e} | {abs(full[2] - short[2]) / full[3]:.0e} |",
        flush=True,
    )


def main() -> None:
    """Print a Markdown table."""
    sizes = (10**4, 10**5) if "--quick" in sys.argv[1:] else (10**3, 10**5, 10**7)
    print("| N | data | cells | nodes | s, 1 thread | s, 2 threads | s, nodes | rough cells | sums | bound |")
    print("|---:|:---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for n in sizes:
        for name in DISTRIBUTIONS:
            row(name, n, np.random.default_rng(0))


if __name__ == "__main__":
    main()
