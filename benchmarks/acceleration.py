"""How many sweeps does acceleration save, and does it end at plain CAVI's optimum? Ratios within one run.

    uv run python benchmarks/acceleration.py [ROW ...] [--sets 50] [--points 500] [--starts 3]
    uv run python benchmarks/acceleration.py [ROW ...] --auto [--sets 200] [--starts 3]

Data: K clusters of equal chance in a row, 1.5 to 2.5 standard deviations apart; categories: four features of
three, every cluster's chances drawn at random. Every data set is fitted from the same dispersed starts
(k-means++, random, splitting) with and without acceleration. A count of sweeps is that of the passes over the
data, extrapolations that were undone among them, up to the first after which the bound is within
1e-10 max(1, |bound|) of the better of both ends; looks at the data for the derivative of a sweep, one before
most extrapolations, are not among them, but their time is. Times are the process's own, up to that sweep.

With --auto: may `accelerate="auto"` be the default of `hand_cavi.fit`? K is drawn from 2 to 5, there are just
so many points that "auto" accelerates (250 P), and all else is `fit`'s default. Counted are ends lower, and
higher, than plain sweeps from the same start by more than 1e-9 max(1, |bound|); and the same of the best of
the starts, which is what a user gets.
"""

import argparse
from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    StickBreaking,
    fit,
)
from hand_cavi.ascent.acceleration import WORTH_EXTRAPOLATING
from hand_cavi.ascent.starts import propose

ROWS = {
    "normal_gamma+dirichlet": (NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0)),
    "normal_known_variance+fixed": (NormalKnownVariance(0.0, 25.0), FixedWeights()),
    "normal_gamma+stick_breaking": (NormalGamma(0.0, 0.1, 2.0, 1.0), StickBreaking(1.0)),
    "gamma_poisson+dirichlet": (GammaPoisson(1.0, 0.1), DirichletWeights(1.0)),
    "normal_wishart+dirichlet": (NormalWishart([0.0, 0.0], 0.1, 4.0, 1.0), DirichletWeights(1.0)),
    "dirichlet_categorical+dirichlet": (DirichletCategorical(np.ones((4, 3))), DirichletWeights(1.0)),
}


def data(family: str, n_components: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n points of overlapping clusters, shape (n, D)."""
    separation = rng.uniform(1.5, 2.5)
    cluster = rng.integers(0, n_components, n)
    if family == "gamma_poisson":  # the square root of a count has standard deviation 1/2
        return rng.poisson((1 + separation / 2 * cluster) ** 2).astype(float)[:, np.newaxis]
    if family == "dirichlet_categorical":
        cumulative = rng.dirichlet(np.ones(3), (n_components, 4)).cumsum(axis=2)[cluster, :, :2]
        return (rng.random((n, 4, 1)) > cumulative).sum(axis=2).astype(float)
    x = rng.standard_normal((n, 2 if family == "normal_wishart" else 1))
    x[:, 0] += separation * cluster
    return x


def ascent(mixture: Mixture, x: np.ndarray, start: np.ndarray, accelerate: bool) -> np.ndarray:
    """Return the bound after each sweep and the seconds until then, shape (sweeps, 2)."""
    began, trace = process_time(), []
    fit(
        mixture,
        x,
        rng=0,
        starts=start,
        max_sweeps=30_000,
        tolerance=3e-15,
        patience=20,
        callback=lambda info: trace.append((info.elbo, process_time() - began)),
        accelerate=accelerate,
    )
    return np.array(trace)


def compare(mixture: Mixture, x: np.ndarray, start: np.ndarray) -> tuple[list[float], list[float], float]:
    """Return sweeps and seconds, plain and accelerated, and the gain of the end's bound, relative."""
    both = [ascent(mixture, x, start, accelerate) for accelerate in (False, True)]
    best = max(trace[:, 0].max() for trace in both)
    size = max(1.0, abs(best))
    sweeps, seconds = [], []
    for trace in both:
        there = trace[:, 0] >= best - 1e-10 * size
        sweeps.append(int(there.argmax()) + 1 if there.any() else np.inf)
        seconds.append(trace[int(there.argmax()), 1] if there.any() else np.inf)
    difference = (both[1][:, 0].max() - both[0][:, 0].max()) / size
    if abs(difference) > 1e-9:  # two optima: nothing to compare
        return [np.nan] * 2, [np.nan] * 2, difference
    return sweeps, seconds, difference


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield, for every target's model and K, the medians over data sets, from a k-means++ start each."""
    for model, row, n_components in (
        ("normal_gamma", "normal_gamma+dirichlet", (2, 3, 4, 5)),
        ("textbook", "normal_known_variance+fixed", (3, 4, 5)),
    ):
        components, weights = ROWS[row]
        for k in n_components:
            found = []
            for seed in range(5 if quick else 50):
                x = data(components.name, k, 500, np.random.default_rng([k, seed]))
                start = propose(x, k, np.random.default_rng(seed), 1)[0].responsibilities
                found.append(compare(Mixture(components, weights, k), x, start))
            sweeps = np.array([one[0] for one in found])
            differences = np.array([one[2] for one in found])
            yield {
                "model": model,
                "K": k,
                "plain": np.nanmedian(sweeps[:, 0]),
                "accelerated": np.nanmedian(sweeps[:, 1]),
                "share": np.nanmedian(sweeps[:, 1] / sweeps[:, 0]),
                "lower": int(np.sum(differences < -1e-9)),
                "higher": int(np.sum(differences > 1e-9)),
                "sets": len(found),
            }


def differences(row: str, n_sets: int, n_starts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much "auto" ends higher than plain sweeps, relative, and the share of sweeps it needs.

    Both have shape (sets, starts + 1): from every start, and of the best of them. The share of the latter is
    that of all sweeps together.
    """
    components, weights = ROWS[row]
    gains, shares = np.empty((n_sets, n_starts + 1)), np.empty((n_sets, n_starts + 1))
    for seed in range(n_sets):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(2, 6))
        x = data(components.name, k, WORTH_EXTRAPOLATING * n_statistics(row), rng)
        mixture = Mixture(components, weights, k)
        ends = np.array(
            [
                [
                    (found.elbo, found.sweeps)
                    for found in (fit(mixture, x, rng=0, starts=r, accelerate=how) for how in (False, "auto"))
                ]
                for r in (start.responsibilities for start in propose(x, k, rng, n_starts))
            ]
        )
        elbo = np.concatenate([ends[:, :, 0], ends[:, :, 0].max(axis=0, keepdims=True)])
        sweeps = np.concatenate([ends[:, :, 1], ends[:, :, 1].sum(axis=0, keepdims=True)])
        gains[seed] = (elbo[:, 1] - elbo[:, 0]) / np.maximum(1.0, np.abs(elbo[:, 0]))
        shares[seed] = sweeps[:, 1] / sweeps[:, 0]
    return gains, shares


def n_statistics(row: str) -> int:
    """Return P, for the number of features that `data` has."""
    components = ROWS[row][0]
    n_features = data(components.name, 1, 1, np.random.default_rng(0)).shape[1]
    return components.with_features(n_features).natural.size


def auto(rows: list[str], n_sets: int, n_starts: int) -> None:
    """Print whether "auto" ever ends lower, as a Markdown table."""
    print("| model | N | starts: lower | higher | of | best start: lower | higher | of | worst | sweeps |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        gains, shares = differences(row, n_sets, n_starts)
        single, best = gains[:, :-1], gains[:, -1]
        print(
            f"| {row} | {WORTH_EXTRAPOLATING * n_statistics(row)} | {np.sum(single < -1e-9)} "
            f"| {np.sum(single > 1e-9)} | {single.size} | {np.sum(best < -1e-9)} | {np.sum(best > 1e-9)} "
            f"| {best.size} | {gains.min():.1e} | {np.median(shares[:, -1]):.2f} |",
            flush=True,
        )


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; each may end in :K")
    parser.add_argument("--auto", action="store_true", help="whether it may be fit's default")
    parser.add_argument("--sets", type=int, help="data sets a row: 50, or 200 with --auto")
    parser.add_argument("--points", type=int, default=500, help="N")
    parser.add_argument("--starts", type=int, default=3, help="of each data set")
    options = parser.parse_args()
    n_sets = options.sets or (200 if options.auto else 50)
    if options.auto:
        auto(options.rows or list(ROWS), n_sets, options.starts)
        return
    print("| model | K | start | sweeps: median | worst | seconds: median | ended lower | higher | of |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for row in options.rows or ROWS:
        name, _, only = row.partition(":")
        components, weights = ROWS[name]
        family = components.name
        for k in [int(only)] if only else [2, 3, 4, 5]:
            found: dict[str, list[tuple[list[float], list[float], float]]] = {}
            for seed in range(n_sets):
                x = data(family, k, options.points, np.random.default_rng([k, seed]))
                mixture = Mixture(components, weights, k)
                for start in propose(x, k, np.random.default_rng(seed), options.starts):
                    found.setdefault(start.kind, []).append(compare(mixture, x, start.responsibilities))
            for kind, values in found.items():
                sweeps, seconds = (np.array([v[i][0] / v[i][1] for v in values]) for i in (0, 1))
                difference = np.array([v[2] for v in values])
                print(
                    f"| {name} | {k} | {kind} | {np.nanmedian(sweeps):.1f} | {np.nanmin(sweeps):.1f} "
                    f"| {np.nanmedian(seconds):.1f} | {np.sum(difference < -1e-9)} "
                    f"| {np.sum(difference > 1e-9)} | {len(values)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
