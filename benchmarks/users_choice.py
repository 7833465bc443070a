"""What a user would pick instead, on the same data and model to the same answer: seconds to 0.1 nats.

    uv run python benchmarks/users_choice.py 1|2 [--quick]     # one feature, or two

Every tool is a process of its own, in an environment of its own where it is no dependency here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from time import perf_counter
from typing import NoReturn

import numpy as np
from document import table
from measuring import ALL_THREADS, NotRunError, Row, in_new_process, power, thread_variables
from shared_model import N_INIT, K, Reached, best_of, data, mixture, quickest_within

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / "peers"
PATIENCE = 200  # seconds
NOTE = f"""The same data, K = {K} clusters of unequal sizes, six standard deviations from one to the next,
the same Normal-Wishart prior of components (of one feature it is a Normal-Gamma) and Dirichlet prior of
weights; {N_INIT} starts for everybody. Each tool is run to its own end, by its default tolerance, and
with others, larger ones for us and smaller ones for the rest. The last column is the quickest of these
runs that ends within 0.1 nats of the best bound that any tool reached, or says never. Seconds of running
are those of all starts together; imports and compiling are apart. Bounds are on one scale, E_q[ln p(x,
theta, pi) - ln q(theta, pi)] with the assignments summed out and every constant: of our q and scikit-
learn's the bound in closed form (its reading is that of `examples/audit`) and what its q(c) costs by 100
draws, of the Gaussians of ADVI and SVI by 400 draws. BayesPy is held against its own best bound: its mean
and precision have independent priors, which is another model. It starts from k-means, as scikit-learn
does by itself, whose time is counted. SVI and ADVI screen {N_INIT} starts by 100 steps each, with Adam at
rates that fall from 0.1 to 0.0003, kinder than their defaults; their own end is that of 1,000 steps.
ADVI's steps are PyMC's own on this project's one compiled log density, which its later rows find in the
cache. All use {ALL_THREADS} threads where they can; numpy's parts use one."""


@dataclass(frozen=True)
class Tool:
    """One of those that are compared, and what it found; `why` where it could not be run."""

    name: str
    imports: float = 0.0
    compiles: float = 0.0
    reached: tuple[Reached, ...] = ()
    why: str = ""


def rows(n_features: int, quick: bool) -> Iterator[Row]:
    """Yield the rows of all tools for two sizes."""
    with tempfile.TemporaryDirectory() as folder:
        for n_points in (10**3, 10**4) if quick else (10**4, 10**5):
            limit = 2.0 if quick else 16.0 if n_points == 10**4 else 25.0
            tools = list(measured(Path(folder), n_points, n_features, limit))
            same_model = [one.reached for one in tools if one.name != "BayesPy"]
            for one in tools:
                own = one.name == "BayesPy"
                best = best_of([one.reached] if own and one.reached else same_model)
                yield row(one, n_points, n_features, best)


def row(tool: Tool, n_points: int, n_features: int, best: float) -> Row:
    """Return the row of a tool beside the best bound."""
    cells = {"N": power(n_points), "D": str(n_features), "tool": tool.name}
    if not tool.reached:
        return Row({**cells, "seconds to within 0.1 nats": f"not run: {tool.why}"})
    first, found = tool.reached[0], quickest_within(tool.reached, best)
    last = tool.reached[-1]
    never = f"never: {best - last.bound:.2g} below after {last.seconds:.2g} s ({last.setting})"
    within = never if found is None else f"{found.seconds:.2g} ({found.setting})"
    return Row(
        {
            **cells,
            "import, s": f"{tool.imports:.1f}",
            "compile, s": f"{tool.compiles:.1f}",
            "own end, s": f"{first.seconds:.2g} ({first.setting})",
            "below the best, nats": f"{max(best - first.bound, 0.0):.2g}",
            "seconds to within 0.1 nats": within,
        }
    )


def measured(folder: Path, n_points: int, n_features: int, limit: float) -> Iterator[Tool]:
    """Yield every tool."""
    x = data(n_points, n_features)
    file, labels, starts, seconds = folder / "x.npy", folder / "labels.npy", folder / "starts.npz", str(limit)
    np.save(file, x)
    yield tool("ours", alone("our_fits.py", str(file), seconds))
    yield tool("scikit-learn", alone("scikit_learn_fits.py", str(file), seconds))
    try:
        taken = k_means(x, labels, starts)
    except ImportError:
        yield tool("others", lambda: absent("scikit-learn, which makes their starts, is not installed"))
        return
    asked = "bayespy_fits.py", str(file), str(labels), str(K), seconds
    yield tool("BayesPy", outside(["bayespy"], *asked), taken)
    for kind in ("mean_field", "full_rank"):
        name, given = kind.replace("_", " "), (kind, str(file), str(starts), seconds)
        jax = ["numpyro>=0.22,<0.23", "jax>=0.8,<0.13", "scipy>=1.15"]
        yield tool(f"NumPyro SVI, {name}", outside(jax, "stochastic_fits.py", "numpyro", *given), taken)
        yield tool(f"PyMC ADVI, {name}", alone("stochastic_fits.py", "pymc", *given, cache=folder), taken)


def k_means(x: np.ndarray, labels: Path, starts: Path) -> float:
    """Write the assignments of every start, and canonical values after one update; return the seconds."""
    from sklearn.cluster import KMeans

    began = perf_counter()
    found = [KMeans(K, n_init=1, random_state=seed).fit(x).labels_ for seed in range(N_INIT)]
    taken = perf_counter() - began
    np.save(labels, np.array(found))
    model = mixture(x.shape[1])
    statistics, weights = model.components.statistics(x), model.weights.for_components(K)
    sums = [np.eye(K)[one].T @ statistics for one in found]
    each = [
        {**model.components.updated(s).mean_draw(), **weights.updated(s[:, -1]).mean_draw()} for s in sums
    ]
    np.savez(starts, **{name: np.stack([one[name] for one in each]) for name in each[0]})
    return taken


def tool(name: str, run: Callable[[], dict], before: float = 0.0) -> Tool:
    """Return what a tool found, or why it did not; `before` are seconds that its starts took."""
    print(f"   {name}", file=sys.stderr, flush=True)
    try:
        found = run()
    except NotRunError as why:
        return Tool(name, why=str(why))
    except subprocess.TimeoutExpired:
        return Tool(name, why=f"it took more than {PATIENCE} s")
    reached = (Reached(setting, before + seconds, *of) for setting, seconds, *of in found["reached"])
    return Tool(name, found["import"], found["compile"], tuple(reached))


def alone(file: str, *arguments: str, cache: Path | None = None) -> Callable[[], dict]:
    """Return a run of a peer in a process of its own; PyMC's compiled code goes to the cache, if given."""
    flags = {} if cache is None else {"PYTENSOR_FLAGS": f"base_compiledir={cache}/pytensor"}
    return lambda: in_new_process(str(PEERS / file), *arguments, timeout=PATIENCE, env=flags)


def outside(packages: Sequence[str], file: str, *arguments: str) -> Callable[[], dict]:
    """Return a run of a peer in an environment that uv makes."""

    def run() -> dict:
        if which("uv") is None:
            absent("uv, which makes its environment, is not on the path")
        wanted = [part for package in packages for part in ("--with", package)]
        done = subprocess.run(
            ["uv", "run", "--isolated", "--no-project", *wanted, str(PEERS / file), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**thread_variables(ALL_THREADS), "PYTHONPATH": f"{ROOT / 'benchmarks'}{os.pathsep}{ROOT}"},
        )
        if done.returncode:
            absent((done.stderr.strip().splitlines() or ["it failed"])[-1])
        return json.loads(done.stdout.splitlines()[-1])

    return run


def absent(why: str) -> NoReturn:
    """Say that it cannot be run."""
    raise NotRunError(why)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", type=int, choices=(1, 2))
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script")
    arguments = parser.parse_args()
    found = []
    for one in rows(arguments.features, arguments.quick):
        found.append(one.cells)
        print(" | ".join(one.cells.values()), file=sys.stderr, flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
