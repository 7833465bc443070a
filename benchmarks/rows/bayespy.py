"""Against BayesPy, in an environment of its own."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import numpy as np
from measuring import (
    ALL_THREADS,
    NotRunError,
    Row,
    Target,
    Timing,
    clusters,
    ms,
    our_sweeps,
    power,
    thread_variables,
)

from hand_cavi import DirichletWeights, Mixture, NormalWishart

TITLE = "Against BayesPy, per iteration"
NOTE = """The same data and K. BayesPy's mixture has independent normal and Wishart factors for a
component's mean and precision, ours a Normal-Wishart; both have Dirichlet weights and compute their bound
in every iteration. BayesPy runs as `benchmarks/peers/bayespy_sweep.py` in an environment that uv makes for
it; its processes and ours take turns; the ratio is of medians."""

PEER = Path(__file__).parents[1] / "peers" / "bayespy_sweep.py"
TARGETS = (Target("D = 2, K = 5, N = 10^5, against BayesPy", 80, "times", at_least=True),)
D, K = 2, 5


def rows(quick: bool) -> Iterator[Row]:
    """Yield the row of BayesPy and ours."""
    if which("uv") is None:
        raise NotRunError("uv, which makes BayesPy's environment, is not on the path")
    n_points = 10**4 if quick else 10**5
    x, start = clusters(n_points, K, D)
    mixture = Mixture(NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D)), DirichletWeights(1.0), K)
    theirs, alone, together, versions = Timing(), Timing(), Timing(), {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.npy"
        np.save(file, x)
        for _ in range(2):
            found = bayespy(file, 6)
            versions = found["versions"]
            theirs.seconds += found["seconds"]
            alone.seconds += our_sweeps(mixture, x, start, 1, 200)
            together.seconds += our_sweeps(mixture, x, start, ALL_THREADS, 200)
    name = f"BayesPy {versions['bayespy']} with numpy {versions['numpy']}"
    table = {name: theirs, "ours, 1 thread": alone, f"ours, all threads ({ALL_THREADS})": together}
    for name, timing in table.items():
        ratio = theirs.median / timing.median
        yield Row(
            {
                "N": power(n_points),
                "D": str(D),
                "K": str(K),
                "iteration": name,
                "ms, median": ms(timing.median),
                "ms, best": ms(timing.best),
                "times faster": "" if timing is theirs else f"{ratio:.0f}",
                "by the best": "" if timing is theirs else f"{theirs.best / timing.best:.0f}",
            },
            TARGETS[0] if timing is together else None,
            ratio if timing is together else None,
        )


def bayespy(file: Path, iterations: int) -> dict:
    """Return what the peer prints."""
    command = ["uv", "run", "--isolated", "--no-project", "--with", "bayespy", str(PEER)]
    done = subprocess.run(
        [*command, str(file), str(K), str(iterations)],
        capture_output=True,
        text=True,
        env=thread_variables(ALL_THREADS),
        timeout=300,
    )
    if done.returncode != 0:
        raise NotRunError(f"BayesPy: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    found = json.loads(done.stdout.splitlines()[-1])
    if not found["rising"]:
        raise NotRunError("BayesPy's bound does not rise, so that it does not do the same work")
    return found
