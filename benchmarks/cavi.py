"""How fast is CAVI on the textbook mixture? Ratios against the plain loop of the textbook, in one run.

    uv run python benchmarks/cavi.py

The peer is the algorithm as teaching code has it: full (N, K) arrays, numpy, one start, no named terms.
"""

from time import perf_counter

import numpy as np

from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit


def plain_numpy(x: np.ndarray, phi: np.ndarray, sigma2: float, sweeps: int) -> float:
    """Run the textbook's sweeps with its bound, and return the bound."""
    bound = -np.inf
    for _ in range(sweeps):
        s2 = 1 / (1 / sigma2 + phi.sum(axis=0))
        m = s2 * (phi * x[:, None]).sum(axis=0)
        log_phi = x[:, None] * m - (m**2 + s2) / 2
        log_phi -= log_phi.max(axis=1, keepdims=True)
        phi = np.exp(log_phi)
        phi /= phi.sum(axis=1, keepdims=True)
        bound = 0.5 * (np.log(s2 / sigma2) + 1 - (m**2 + s2) / sigma2).sum()
        bound -= len(x) * np.log(phi.shape[1]) + len(x) / 2 * np.log(2 * np.pi)
        bound -= 0.5 * (phi * ((x[:, None] - m) ** 2 + s2)).sum()
        bound -= (phi * np.log(np.where(phi > 0, phi, 1))).sum()
    return float(bound)


def fastest(call, repeats: int = 5) -> float:
    """Return the shortest of a few wall times, in seconds."""
    times = []
    for _ in range(repeats):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return min(times)


def main() -> None:
    """Print a Markdown table."""
    rng = np.random.default_rng(0)
    print("| N | K | plain numpy, ms a sweep | hand_cavi, ms a sweep | ratio |")
    print("|---:|---:|---:|---:|---:|")
    for n_points, n_components in [(1_000, 5), (100_000, 5), (1_000_000, 5), (1_000_000, 20)]:
        mu = rng.normal(0, 5, n_components)
        x = mu[rng.integers(0, n_components, n_points)] + rng.standard_normal(n_points)
        phi = rng.dirichlet(np.ones(n_components), n_points)
        mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)
        few, many = 2, 7

        def ours(sweeps, mixture=mixture, x=x, phi=phi):
            fit(mixture, x, rng=0, starts=phi, max_sweeps=sweeps, tolerance=0.0, patience=sweeps + 1)

        def theirs(sweeps, x=x, phi=phi):
            plain_numpy(x, phi, 25.0, sweeps)

        a, b = (
            (fastest(lambda: f(many), 3) - fastest(lambda: f(few), 3)) / (many - few) * 1e3  # noqa: B023
            for f in (theirs, ours)
        )
        print(f"| {n_points:,} | {n_components} | {a:.2f} | {b:.2f} | {a / b:.2f} |")
    x = np.concatenate([rng.normal(centre, 1, 200) for centre in (-6, -3, 0, 3, 6)])
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 5)
    seconds = fastest(lambda: fit(mixture, x, rng=0, starts=20))
    print(f"\nN = 1000, K = 5, 20 starts to convergence: {seconds:.2f} s")


if __name__ == "__main__":
    main()
