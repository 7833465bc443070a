"""Condensed coordinate ascent to convergence, on data too large to sweep over."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import Row, Target, Timing, power, seconds, spaced

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance, Status, fit
from hand_cavi.result import Fit

TITLE = "Condensed data, to convergence"
NOTE = """D = 1, one start. Components are four standard deviations apart; 20 of them from one start overlap
heavily: several share what one could hold. Plain sweeps are the default, accelerated ones are asked for;
"below" is how far the bound is from the better of both, relative. A fit that has not converged has no figure
to judge.
The time is that of one call of `fit`: finding a start, the pass over the data that condenses them, all
sweeps, and the last pass that computes bound and sums anew on the full data. Imports are done, and compiled
code is loaded from a warm cache by a small fit before. 10^7 points are an array in memory, 10^8 a memory map
of a file of 0.8 GB that has been read once. Times are the median of the repeats."""

K = 20
WHAT = "condensed CAVI, D = 1, K = 20, heavy overlap, N = 10^7, one start, to convergence"
TARGETS = (
    Target(f"{WHAT}: known variance", 0.5, "s"),
    Target(f"{WHAT}: known variance, accelerated", 0.5, "s"),
    Target(f"{WHAT}: Normal-Gamma, accelerated", 0.5, "s"),
    Target("the same of known variance, N = 10^8 from a memory map", 5.0, "s"),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every family and size."""
    textbook = Mixture(NormalKnownVariance(0.0, 100.0), FixedWeights(), K)
    unknown = Mixture(NormalGamma(0.0, 0.01, 2.0, 2.0), DirichletWeights(1.0), K)
    small = next(chunks(10**5, 10**5))
    for mixture in (textbook, unknown):
        fit(mixture, small, rng=0, starts=1, max_sweeps=50)
    n_points = 10**6 if quick else 10**7
    x = np.concatenate(list(chunks(n_points, 10**6)))
    for mixture, targets in ((textbook, TARGETS[:2]), (unknown, (None, TARGETS[2]))):
        yield from both(mixture, x, targets)
    del x
    n_points *= 10
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.npy"
        on_disk = np.lib.format.open_memmap(file, "w+", np.float64, (n_points, 1))
        begins = 0
        for chunk in chunks(n_points, 10**6):
            on_disk[begins : begins + len(chunk)] = chunk
            begins += len(chunk)
        on_disk.flush()
        del on_disk
        mapped = np.load(file, mmap_mode="r")
        mapped.sum()
        yield row("memory map", *timed(mapped, textbook, 2), TARGETS[3])


def both(mixture: Mixture, x: np.ndarray, targets: tuple[Target | None, Target]) -> Iterator[Row]:
    """Yield the rows of plain and of accelerated sweeps."""
    runs = [timed(x, mixture, 3, accelerate) for accelerate in (False, True)]
    best = max(found.elbo for _, found in runs)
    for accelerate, (timing, found), target in zip((False, True), runs, targets, strict=True):
        yield row("array in memory", timing, found, target, accelerate, (best - found.elbo) / abs(best))


def timed(x: np.ndarray, mixture: Mixture, repeats: int, accelerate: bool = False) -> tuple[Timing, Fit]:
    """Fit so often, and return the times and the last fit."""
    timing, fits = Timing(), []
    for _ in range(repeats):
        timing.seconds.append(
            seconds(lambda: fits.append(fit(mixture, x, rng=0, starts=1, accelerate=accelerate)))
        )
    return timing, fits[-1]


def row(
    kind: str,
    timing: Timing,
    found: Fit,
    target: Target | None,
    accelerate: bool = False,
    below: float | None = None,
) -> Row:
    """Return the row of a fit."""
    cells = {
        "N": power(found.condensed.n_points) if found.condensed else "",
        "K": str(len(found.counts)),
        "family": type(found.mixture.components).__name__,
        "from": kind,
        "sweeps are": "accelerated" if accelerate else "plain",
        "nodes": f"{found.condensed.n_nodes:,}" if found.condensed else "none",
        "sweeps": str(len(found.half_step_trace)),
        "ended": found.status.name.lower().replace("_", " "),
        "below": "" if below is None else f"{below:.0e}",
        "s, median": f"{timing.median:.3f}",
        "s, best": f"{timing.best:.3f}",
    }
    if target is not None and found.status is not Status.CONVERGED:
        return Row(cells, target, why="it had not converged when sweeps ended")
    return Row(cells, target, timing.median)


def chunks(n_points: int, size: int) -> Iterator[np.ndarray]:
    """Yield the points, shape (n, 1) at a time."""
    rng = np.random.default_rng(0)
    for begins in range(0, n_points, size):
        yield spaced(min(size, n_points - begins), K, 1, rng)
