"""The rows of `guard.py`, run with the packages of one commit on PYTHONPATH.

    python benchmarks/guard_rows.py prepare FOLDER          # what rows read: a file, and a small study
    python benchmarks/guard_rows.py once ROW FOLDER TIMES   # for counting instructions
    python benchmarks/guard_rows.py serve ROW FOLDER        # for times: a line in, the seconds of a run out

Only names that users call are used, so that the same rows run on old commits too.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from runpy import run_module
from time import perf_counter
from typing import Any

SMALL = os.environ.get("ELBOWROOM_KERNEL") == "numpy"
"""Whether instructions are counted, which takes fifty times as long as running them."""

STUDY = """
name = "guard"
[[datasets]]
name = "two"
source = "simulated"
n = 8
means = [-2.0, 2.0]
noise_variance = 1.0
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 9.0, noise_variance = 1.0 }
weights = "fixed"
[[methods]]
name = "cavi"
starts = 2
[reference]
method = "enumeration"
draws = 500
"""

CLI = [sys.executable, "-m", "experiments.commands.cli"]
Run = Callable[[int], object]


def sweeps(family: str, weights: str, *, condense: bool = False) -> Run:
    """Return what runs so many sweeps and half-steps, from one start."""
    import numpy as np

    import hand_cavi as h

    rng, n, k = np.random.default_rng(0), 1_000 if SMALL else 200_000, 5
    which = rng.integers(0, k, n)[:, np.newaxis]
    x: Any = rng.standard_normal((n, 1)) + 3.0 * which
    two = rng.standard_normal((n, 2)) + 3.0 * which
    cases = {
        "normal_known_variance": (h.NormalKnownVariance(0.0, 25.0), x),
        "normal_gamma": (h.NormalGamma(0.0, 0.1, 2.0, 2.0), x),
        "normal_wishart": (h.NormalWishart(np.zeros(2), 0.1, 4.0, 4 * np.eye(2)), two),
        "gamma_poisson": (h.GammaPoisson(1.0, 0.1), rng.poisson(1.0 + 4 * which).astype(float)),
        "dirichlet_categorical": (
            h.DirichletCategorical(np.full((2, 4), 0.7)),
            rng.integers(0, 4, (n, 2)).astype(float),
        ),
    }
    priors = {"fixed": h.FixedWeights(), "dirichlet": h.DirichletWeights(1.0)}
    prior, data = cases[family]
    if condense:
        data = np.concatenate([data] * (60_000 // n + 1)) + rng.standard_normal((n * (60_000 // n + 1), 1))
    mixture = h.Mixture(prior, priors.get(weights) or h.StickBreaking(1.0), k)

    def run(times: int) -> object:
        ends = {"max_sweeps": times, "tolerance": 0.0, "patience": times + 1}
        return h.fit(mixture, data, rng=0, starts=1, condense=condense, threads=1, **ends)

    return run


def small_fits() -> Run:
    """Return what fits two hundred points from five starts, so many times."""
    import numpy as np

    import hand_cavi as h

    x = np.random.default_rng(0).normal(np.repeat([-3.0, 3.0], 100))[:, np.newaxis]
    mixture = h.Mixture(h.NormalGamma(0.0, 0.1, 2.0, 2.0), h.DirichletWeights(1.0), 3)
    return lambda times: [h.fit(mixture, x, rng=seed, starts=5, max_sweeps=40) for seed in range(times)]


def judging(folder: Path) -> Run:
    """Return what judges the small study so many times."""
    from experiments.config.reading import parse_config
    from experiments.engine.store.folder import Store
    from experiments.studies import plan_of
    from experiments.studies.judging import judge_problem

    (problem,) = plan_of(parse_config(STUDY)).problems
    with Store.open(folder / "guard", writable=False) as store:
        records = [store.cell(planned.cell.key) for planned in problem.cells]
    case = problem.judge(tuple(one for one in records if one is not None)).payload
    return lambda times: [judge_problem(case) for _ in range(times)]


def command(folder: Path) -> Run:
    """Return what runs `elbowroom fit` on a small file: in this process, or each time in one of its own."""
    arguments = ["fit", str(folder / "data.csv"), "--components", "2"]
    if not SMALL:
        whole = [*CLI, *arguments]
        return lambda times: [
            subprocess.run(whole, check=True, capture_output=True) for _ in range(max(times, 1))
        ]

    def run(times: int) -> None:
        if times:
            sys.argv = ["elbowroom", *arguments]
            run_module("experiments.commands.cli", run_name="__main__")

    return run


SWEEPS = {
    "sweeps, normal_known_variance, fixed": ("normal_known_variance", "fixed"),
    "sweeps, normal_gamma, dirichlet": ("normal_gamma", "dirichlet"),
    "sweeps, normal_wishart, dirichlet": ("normal_wishart", "dirichlet"),
    "sweeps, gamma_poisson, stick_breaking": ("gamma_poisson", "stick_breaking"),
    "sweeps, dirichlet_categorical, dirichlet": ("dirichlet_categorical", "dirichlet"),
}
ROWS: dict[str, tuple[Callable[[Path], Run], int, int]] = {
    **{
        name: (lambda folder, case=case: sweeps(*case), 10, 210 if SMALL else 30)
        for name, case in SWEEPS.items()
    },
    "sweeps on nodes": (lambda folder: sweeps("normal_gamma", "dirichlet", condense=True), 10, 410),
    "fits of 200 points": (lambda folder: small_fits(), 1, 5),
    "judging a small study": (judging, 1, 2),
    "elbowroom fit, whole command": (command, 0, 1),
}
"""By name: from the folder to what runs, and the two numbers of times whose difference is counted."""


def prepare(folder: Path) -> None:
    """Write what rows read."""
    import numpy as np

    x = np.random.default_rng(0).normal(np.repeat([-3.0, 3.0], 100))
    (folder / "data.csv").write_text("x\n" + "".join(f"{value:.6f}\n" for value in x))
    from experiments.config.reading import parse_config
    from experiments.engine.runner import run
    from experiments.studies import plan_of

    run(plan_of(parse_config(STUDY)), folder=folder / "guard", progress=False, on="serial")
    fit = ["fit", str(folder / "data.csv"), "--components", "2"]
    subprocess.run([*CLI, *fit], check=True, capture_output=True)  # for its bytecode


def main() -> None:
    """Do what is asked on the command line."""
    what, *given = sys.argv[1:]
    if what == "prepare":
        prepare(Path(given[0]))
        return
    make, _, many = ROWS[given[0]]
    run = make(Path(given[1]))
    if what == "once":
        run(int(given[2]))
        return
    run(many)
    print("ready", flush=True)
    for _ in sys.stdin:
        began = perf_counter()
        run(many)
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
