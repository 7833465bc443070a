"""How fast is a sweep? Ratios against plain numpy and scikit-learn, in one run, their repeats taking turns.

    uv run python benchmarks/kernel.py [--quick] [--processor-time]

A sweep's time is the difference of a long and a short run, over the difference in sweeps, so that starting
and reading the data do not count. The peers do the same work: equal data, K and numbers of sweeps. On a
machine that others use, processor time is the fairer measure; set OMP_NUM_THREADS=1 then, and expect no gain
from two threads.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)
from hand_cavi.kernels import refresh, refresh_plain

sys.path.insert(0, str(Path(__file__).parent))
from cavi import plain_numpy  # noqa: E402

REPEATS = 3

clock = process_time if "--processor-time" in sys.argv[1:] else perf_counter

Run = Callable[[int], object]  # does so many sweeps


def in_turns(runs: dict[str, Run], few: int, many: int) -> dict[str, float]:
    """Return seconds a sweep of each, the best of the repeats; who takes turns shares the machine's moods."""
    best = {name: {few: np.inf, many: np.inf} for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            for sweeps in (few, many):
                began = clock()
                run(sweeps)
                best[name][sweeps] = min(best[name][sweeps], clock() - began)
    return {name: (times[many] - times[few]) / (many - few) for name, times in best.items()}


def clusters(rng: np.random.Generator, n_points: int, n_components: int, n_features: int) -> np.ndarray:
    """Return overlapping clusters, shape (N, D)."""
    centres = rng.normal(0, 5, (n_components, n_features))
    return centres[rng.integers(0, n_components, n_points)] + rng.standard_normal((n_points, n_features))


def ours(mixture: Mixture, x: np.ndarray, start: np.ndarray, threads: int, sweeps: int) -> None:
    """Sweep with hand_cavi."""
    fit(
        mixture,
        x,
        rng=0,
        starts=start,
        max_sweeps=sweeps,
        tolerance=0.0,
        patience=sweeps + 1,
        threads=threads,
    )


def scikit_learn(kind: str, n_components: int, x: np.ndarray, sweeps: int) -> None:
    """Sweep with scikit-learn's BayesianGaussianMixture."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    model = BayesianGaussianMixture(
        n_components=n_components,
        covariance_type=kind,
        weight_concentration_prior_type="dirichlet_distribution",
        init_params="random",
        tol=0.0,
        max_iter=sweeps,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x)


def compare(n_points: int, n_components: int, n_features: int, few: int, many: int) -> None:
    """Print the rows of one shape."""
    rng = np.random.default_rng(0)
    K, D = n_components, n_features
    x = clusters(rng, n_points, K, D)
    start = rng.dirichlet(np.ones(K), n_points)
    runs: dict[str, Run] = {}
    families = {
        "full": NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D)),
        "diag": NormalGamma(np.zeros(D), 1.0, 1.0, 1.0),
    }
    if D == 1:
        families = {"known variance": NormalKnownVariance(0.0, 25.0)}
        runs["known variance, plain numpy"] = partial(plain_numpy, x[:, 0], start, 25.0)
    for kind, prior in families.items():
        weights = FixedWeights() if D == 1 else DirichletWeights(1.0)
        mixture = Mixture(prior, weights, K)
        for threads in (1, 2):
            runs[f"{kind}, hand_cavi, {threads} thread(s)"] = partial(ours, mixture, x, start, threads)
        if D > 1:
            runs[f"{kind}, scikit-learn"] = partial(scikit_learn, kind, K, x)
    seconds = in_turns(runs, few, many)
    for name, value in seconds.items():
        kind = name.split(",")[0]
        peer = next(n for n in seconds if n.startswith(kind) and "hand_cavi" not in n)
        ratio = "" if name == peer else f"{seconds[peer] / value:.1f}"
        nanoseconds = value / n_points / K * 1e9
        print(
            f"| {n_points:,} | {D} | {K} | {name} | {value * 1e3:.1f} | {nanoseconds:.2f} | {ratio} |",
            flush=True,
        )


def kernel_alone(n_points: int, n_components: int, n_features: int) -> None:
    """Print the compiled kernel's time beside its definition's, and beside numpy's exp of as many numbers."""
    rng = np.random.default_rng(0)
    prior = NormalWishart(np.zeros(n_features), 1.0, n_features + 1.0, np.eye(n_features))
    statistics = prior.statistics(clusters(rng, n_points, n_components, n_features))
    weight = np.ones(n_points)
    natural = 0.1 * rng.standard_normal((n_components, statistics.shape[1]))
    arguments = statistics, weight, natural, np.zeros(n_components)
    few_numbers = -rng.random(4096)

    def repeat(call: Callable[[], object], times: int) -> None:
        for _ in range(times):
            call()

    exps = n_points * n_components // len(few_numbers)
    seconds = in_turns(
        {
            "1 thread": partial(repeat, partial(refresh, *arguments, 1)),
            "2 threads": partial(repeat, partial(refresh, *arguments, 2)),
            "plain": partial(repeat, partial(refresh_plain, *arguments)),
            "numpy's exp": lambda times: repeat(partial(np.exp, few_numbers), times * exps),
        },
        1,
        3,
    )
    figures = " | ".join(f"{value / n_points / n_components * 1e9:.2f}" for value in seconds.values())
    print(f"| {n_points:,} | {n_features} | {n_components} | {figures} |", flush=True)


def main() -> None:
    """Print Markdown tables."""
    n_points = 100_000 if "--quick" in sys.argv[1:] else 1_000_000
    print("The kernel alone, Normal-Wishart statistics, ns per point and component:\n")
    print("| N | D | K | 1 thread | 2 threads | plain numpy, blocked | numpy's exp alone |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for D, K in ((1, 5), (1, 20), (2, 5), (10, 10)):
        kernel_alone(n_points, K, D)
    print("\nWhole sweeps:\n")
    print("| N | D | K | sweep | ms | ns per point and component | times faster |")
    print("|---:|---:|---:|:---|---:|---:|---:|")
    compare(n_points, 5, 1, 2, 6)
    compare(n_points, 20, 1, 1, 4)
    compare(n_points, 5, 2, 1, 4)
    compare(n_points, 10, 10, 1, 3)


if __name__ == "__main__":
    main()
