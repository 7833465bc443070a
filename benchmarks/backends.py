"""Compile and run times of ADVI and NUTS by backend, cold and warm, on the textbook's mixture.

Every figure comes from fresh processes of one thread each: the first with an empty compile cache of its own
(cold), the second with what the first left there (warm). Importing PyMC is timed apart. Run it with::

    uv run python benchmarks/backends.py [--only TEXT]

The data are 1000 points of five components. It prints a Markdown table; figures are seconds of processor
time, called compilers included, so that other work on the machine disturbs them little. One run each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from experiments.engine.workers.environment import environment

CASES = [
    (method, backend)
    for method in ("advi", "fullrank_advi", "nuts/nutpie", "nuts/pymc")
    for backend in ("numba", "c", "jax")
    if backend == "c" or find_spec(backend)
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="measure the cases whose 'method backend' contains this")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*arguments.case)))
        return
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, one thread per process.\n", flush=True)
    print("| method | backend | import | prepare, cold | prepare, warm | cache warm? | run | notes |")
    print("|---|---|---:|---:|---:|---|---:|---|")
    for method, backend in CASES:
        if arguments.only in f"{method} {backend}":
            with tempfile.TemporaryDirectory() as cache:
                cold, warm = (in_fresh_process(method, backend, Path(cache)) for _ in range(2))
            print(
                f"| {method} | {backend} | {warm['import']:.1f} "
                f"| {cold['prepare']:.1f} | {warm['prepare']:.1f} "
                f"| {'yes' if warm['cache_warm'] else 'no'} | {warm['run']:.1f} | {warm['notes']} |",
                flush=True,
            )


def in_fresh_process(method: str, backend: str, cache: Path) -> dict:
    finished = subprocess.run(
        [sys.executable, __file__, "--case", method, backend],
        env={**os.environ, **environment(cache)},
        capture_output=True,
        text=True,
    )
    if finished.returncode != 0:
        raise SystemExit(f"{method} with {backend} failed:\n{finished.stderr}")
    return json.loads(finished.stdout.splitlines()[-1])


def processor_seconds() -> float:
    return sum(os.times()[:4])  # user and system, of this process and of the processes that it has waited for


def measure(method: str, backend: str) -> dict:
    """Prepare and run one method; all imports are timed apart."""
    from types import SimpleNamespace

    began = processor_seconds()
    import numpy as np

    from ppl_baselines import restarts
    from ppl_baselines.pymc import nuts, vi
    from ppl_baselines.pymc.build import build
    from ppl_baselines.pymc.compilation import CacheWatch
    from ppl_baselines.pymc.log_density import compile_log_density

    if method == "nuts/nutpie":
        import nutpie  # noqa: F401
    imported = processor_seconds()

    rng = np.random.default_rng(20240601)
    means = np.array([-8.0, -4.0, 0.0, 4.0, 8.0])
    x = (rng.choice(means, size=1000) + rng.normal(size=1000))[:, None]
    mixture = SimpleNamespace(
        n_components=5,
        components=SimpleNamespace(
            name="normal_known_variance", mean=np.zeros(1), variance=25.0, noise_variance=1.0
        ),
        weights=SimpleNamespace(name="fixed"),
    )
    starts = [{"mu": rng.choice(x, size=5, replace=False)} for _ in range(20)]

    preparing = processor_seconds()
    with CacheWatch() as cache:
        log_density = compile_log_density(build(mixture, x), backend)
    prepared = processor_seconds()
    if method.startswith("nuts"):
        sampled = nuts.run(log_density, starts, sampler=method.split("/")[1], seed=1)
        notes = f"4 x (1000 + 1000) draws; {int(sampled.sample_stats['diverging'].sum())} divergences"
    else:
        kind = "mean_field" if method == "advi" else "full_rank"
        result = vi.run(log_density, starts, kind=kind, seed=1)
        steps = 20 * restarts.SCREEN_STEPS + restarts.KEEP * (restarts.STEPS - restarts.SCREEN_STEPS)
        notes = (
            f"20 starts, {steps} steps; "
            f"F = {result.elbo:.2f} +- {result.elbo_se:.2f}; {result.status.name.lower()}"
        )
    return {
        "import": imported - began,
        "prepare": prepared - preparing,
        "cache_warm": cache.warm,
        "run": processor_seconds() - prepared,
        "notes": notes,
    }


if __name__ == "__main__":
    main()
