"""What the rows of the table share: who takes turns on the clock, the data, and what a row is.

Letters: N points, D features, K components.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from hand_cavi import Mixture, fit

ALL_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
DIRECT = False
"""The value of `condense` with which `fit` reads every point in every sweep."""


class NotRunError(Exception):
    """Why a row has no figure: one clause."""


@dataclass(frozen=True)
class Target:
    """What is promised of one figure.

    Attributes
    ----------
    what : str
        Names the figure, and is its key.
    bound : float
    unit : str
    at_least : bool
        Whether the figure has to reach the bound, or to stay under it.
    """

    what: str
    bound: float
    unit: str
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Return whether a measured figure keeps the promise."""
        return value >= self.bound if self.at_least else value < self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'under'} {self.bound:g} {self.unit}".strip()


@dataclass(frozen=True)
class Row:
    """One row: its cells by column, and the figure that is held to a target, if any, or why there is none."""

    cells: Mapping[str, str]
    target: Target | None = None
    value: float | None = None
    why: str = ""


@dataclass
class Timing:
    """Seconds, one for every repeat."""

    seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The shortest."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.seconds)


def in_turns(runs: Mapping[str, Callable[[], list[float]]], repeats: int) -> dict[str, "Timing | Difference"]:
    """Time each once, then each again: those who take turns share the machine's moods.

    A run returns times in seconds, or is a `Difference`, which keeps its own.
    """
    timings = {name: run if isinstance(run, Difference) else Timing() for name, run in runs.items()}
    for _ in range(repeats):
        for name, run in runs.items():
            timed = run()
            if not isinstance(run, Difference):
                timings[name].seconds.extend(timed)
    return timings


def seconds(call: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    began = perf_counter()
    call()
    return perf_counter() - began


@dataclass
class Difference:
    """A sweep of one who only takes a number of sweeps: a long run less a short one, by the sweep."""

    run: Callable[[int], object]
    few: int
    many: int
    short: Timing = field(default_factory=Timing)
    long: Timing = field(default_factory=Timing)

    def __call__(self) -> list[float]:
        """Run both."""
        self.short.seconds.append(seconds(lambda: self.run(self.few)))
        self.long.seconds.append(seconds(lambda: self.run(self.many)))
        return []

    @property
    def best(self) -> float:
        """The shortest long run less the shortest short one."""
        return self._positive(self.long.best - self.short.best)

    @property
    def median(self) -> float:
        """The same of the middle ones."""
        return self._positive(self.long.median - self.short.median)

    def _positive(self, difference: float) -> float:
        if difference <= 0:
            raise NotRunError(
                "a long run took no longer than a short one: the machine is too busy to measure"
            )
        return difference / (self.many - self.few)


def our_sweeps(
    mixture: Mixture,
    x: np.ndarray,
    starts: np.ndarray | int,
    threads: int,
    sweeps: int,
    kernel: str = "numba",
) -> list[float]:
    """Return the times of `fit`'s sweeps over all points, but for the first, from its callback."""
    ends: list[float] = []
    with environment(ELBOWROOM_KERNEL=kernel):
        fit(
            mixture,
            x,
            rng=0,
            starts=starts,
            max_sweeps=sweeps,
            tolerance=0.0,
            patience=sweeps + 1,
            threads=threads,
            callback=lambda info: ends.append(perf_counter()),
            **direct(),
        )
    return list(np.diff(ends))


def direct() -> dict:
    """Return the argument that keeps `fit` from condensing the data, where it knows one."""
    return {"condense": DIRECT} if "condense" in signature(fit).parameters else {}


def clusters(
    n_points: int, n_components: int, n_features: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return overlapping clusters, shape (N, D), and responsibilities to start from, shape (N, K)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 5, (n_components, n_features))
    x = centres[rng.integers(0, n_components, n_points)] + rng.standard_normal((n_points, n_features))
    return x, rng.dirichlet(np.ones(n_components), n_points)


def spaced(
    n_points: int, n_components: int, n_features: int, rng: int | np.random.Generator = 0
) -> np.ndarray:
    """Return clusters along the diagonal, each four standard deviations from the next, shape (N, D)."""
    rng = np.random.default_rng(rng)
    x = rng.standard_normal((n_points, n_features))
    centres = 4 / np.sqrt(n_features) * (np.arange(n_components) - (n_components - 1) / 2)
    x += centres[rng.integers(0, n_components, n_points)][:, np.newaxis]
    return x


@contextmanager
def environment(**variables: str):
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextmanager
def blas_threads(number: int):
    """Let BLAS use so many threads for a while."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(number):
        yield


def thread_variables(number: int) -> dict[str, str]:
    """Return the environment in which a new process uses so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(number))}


def in_new_process(file: str, *arguments: str, timeout: float = 300, env: dict | None = None) -> dict:
    """Run one of these files as a script, and return the JSON of the last line that it prints."""
    here = Path(__file__).parent
    paths = {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    done = subprocess.run(
        [sys.executable, file, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {}), **paths},
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NotRunError(last[-1])
    return json.loads(done.stdout.splitlines()[-1])


def ms(value: float) -> str:
    """Return seconds as milliseconds, to three figures."""
    return f"{value * 1e3:.3g}" if value < 1 else f"{value * 1e3:.0f}"


def power(number: int) -> str:
    """Return 10^n for powers of ten from 10^5 on, otherwise the number."""
    exponent = len(str(number)) - 1
    return f"10^{exponent}" if exponent >= 5 and number == 10**exponent else f"{number:,}"
