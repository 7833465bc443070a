"""NUTS on ten million points, condensed, and what it would take on the points themselves."""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from measuring import ALL_THREADS, NotRunError, Row, Target, in_new_process, power

TITLE = "NUTS on condensed data"
NOTE = """The textbook mixture, K = 5 overlapping components, 2 chains of 500 + 500 draws with nutpie,
begun at the true means. Each row is a process of its own; the time runs from the points in memory to the
draws: condensing, writing the model, compiling, sampling. Importing PyMC and nutpie is not in it and is
told apart; the warm row finds what the cold one compiled. The direct row is NUTS on so many points
themselves, and the last is that row's sampling multiplied by the ratio of the points: an extrapolation, and
a kind one, as it takes memory for granted."""

K, WIDTH = 5, 0.4
TARGETS = (Target("condensed NUTS, N = 10^7, K = 5, 2 x (500 + 500), compile included, warm cache", 10, "s"),)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the cold row, the warm one, and the direct one."""
    from experiments.engine.workers.environment import environment

    n_points, few = (10**5, 10**3) if quick else (10**7, 10**4)
    with tempfile.TemporaryDirectory() as cache:
        told = environment(Path(cache))
        for state in ("cold", "warm"):
            found = in_new_process(__file__, "condensed", str(n_points), env=told)
            target = TARGETS[0] if state == "warm" else None
            yield Row(cells(n_points, f"condensed, {state} cache", found), target, found["total"])
        found = in_new_process(__file__, "direct", str(few), env=told)
        yield Row(cells(few, "direct", found))
        seconds = found["sample"] * n_points / few
        yield Row({"N": power(n_points), "points": "direct, extrapolated", "sample, s": f"{seconds:.0f}"})


def cells(n_points: int, name: str, found: dict) -> dict[str, str]:
    """Return a run's cells."""
    return {
        "N": power(n_points),
        "points": name,
        "of the likelihood": f"{found['nodes']:,}",
        "import, s": f"{found['import']:.1f}",
        "condense, s": f"{found['condense']:.2f}",
        "compile, s": f"{found['compile']:.1f}",
        "sample, s": f"{found['sample']:.1f}",
        "all but import, s": f"{found['total']:.1f}",
        "divergences": str(found["divergences"]),
        "largest R-hat": f"{found['r_hat']:.3f}",
    }


def measure(kind: str, n_points: int) -> dict:
    """Sample in this process."""
    rng = np.random.default_rng(0)
    means = 2.5 * np.arange(K) - 5.0
    x = (means[rng.integers(0, K, n_points)] + rng.standard_normal(n_points))[:, np.newaxis]
    began = perf_counter()
    import arviz as az
    import nutpie  # noqa: F401

    from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
    from hand_cavi.data.condense import condense
    from ppl_baselines.pymc import nuts
    from ppl_baselines.pymc.build import build
    from ppl_baselines.pymc.log_density import compile_log_density

    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), K)
    imported = perf_counter()
    points, weight = x, None
    if kind == "condensed":
        data = condense(x, width=WIDTH)
        if data is None:
            raise NotRunError(f"condensing {n_points} points does not pay, it says")
        points, weight = data.x, data.weight
    condensed = perf_counter()
    log_density = compile_log_density(build(mixture, points, sample_weight=weight))
    compiled = perf_counter()
    start = {"mu": means[:, np.newaxis]}
    drawn = nuts.run(log_density, [start], seed=1, chains=2, draws=500, tune=500, cores=min(2, ALL_THREADS))
    sampled = perf_counter()
    return {
        "nodes": len(points),
        "import": imported - began,
        "condense": condensed - imported,
        "compile": compiled - condensed,
        "sample": sampled - compiled,
        "total": sampled - imported,
        "divergences": int(drawn.sample_stats["diverging"].sum()),
        "r_hat": float(az.rhat(drawn, var_names=["mu"])["mu"].max()),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
