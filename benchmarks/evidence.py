"""Are the stated errors of log p(x) honest? The sd of z-scores against enumeration, by family and weights.

    uv run python -m benchmarks.evidence [replications] [points] [row]

`row` chooses the rows to make: those whose "family weights method" contains it, such as "normal_gamma fixed".

Every replication has new data and new seeds; z is the estimate minus the exact log p(x), over the stated
standard error. An honest error gives z an sd of 1; over R replications that sd has a standard error of about
1/sqrt(2R). "Refused" counts the replications in which the method itself said not to lean on it; they are
left out of z.
"""

import sys
from time import process_time

import numpy as np

from experiments.records import Problem
from experiments.references import bridge, enumeration, importance
from experiments.references.request import Request
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
)

PRIORS = {
    "normal_known_variance": NormalKnownVariance(0.0, 9.0),
    "normal_gamma": NormalGamma(0.0, 0.2, 2.5, 1.5),
    "normal_wishart": NormalWishart([0.0, 0.0], 0.2, 5.0, [[2.0, 0.5], [0.5, 2.0]]),
    "gamma_poisson": GammaPoisson([1.0, 2.0], [0.2, 0.3]),
    "dirichlet_categorical": DirichletCategorical([[1.0, 1.0, 1.0], [1.0, 2.0, 1.0]]),
}
WEIGHTS = {"fixed": FixedWeights(), "dirichlet": DirichletWeights(1.0), "sticks": StickBreaking(1.0)}


def data(family: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return points of two components, which overlap in about half of the replications."""
    gap = rng.uniform(0, 3)
    first = rng.random((n, 1)) < 0.5
    if family == "gamma_poisson":
        return rng.poisson(np.where(first, [4 + 2 * gap, 4.0], [4.0, 4 + gap])).astype(float)
    if family == "dirichlet_categorical":
        return rng.binomial(2, np.where(first, 0.5 - gap / 7, 0.5 + gap / 7), size=(n, 2)).astype(float)
    n_features = 2 if family == "normal_wishart" else 1
    return np.where(first, -gap, gap) + rng.standard_normal((n, n_features))


def main(replications: int = 200, n_points: int = 8, row: str = "") -> None:
    """Print a Markdown table."""
    print("| family | weights | method | mean z | sd z | largest z | se, nats | refused | processor s |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    for family, prior in PRIORS.items():
        for name, weights in WEIGHTS.items():
            mixture = Mixture(prior, weights, 2)
            for method, source in (("importance", importance), ("bridge", bridge)):
                if row not in f"{family} {name} {method}":
                    continue
                z, errors, seconds = [], [], []
                for seed in range(replications):
                    rng = np.random.default_rng([seed, n_points])
                    problem = Problem(mixture, data(family, rng, n_points))
                    exact = enumeration.compute(problem, Request(rng)).log_evidence
                    began = process_time()
                    found = source.compute(problem, Request(rng))
                    seconds.append(process_time() - began)
                    if found.qualified and found.log_evidence is not None and exact is not None:
                        estimate = found.log_evidence
                        z.append((estimate.value - exact.value) / estimate.standard_error)
                        errors.append(estimate.standard_error)
                print(
                    f"| {family} | {name} | {method} | {np.mean(z):+.2f} | {np.std(z, ddof=1):.2f} "
                    f"| {np.abs(z).max():.1f} | {np.median(errors):.4f} | {replications - len(z)} "
                    f"| {np.median(seconds):.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
