"""BayesPy's Gaussian mixture, timed; a script of its own, because BayesPy lives in an environment of its own.

    uv run --isolated --no-project --with bayespy benchmarks/peers/bayespy_sweep.py DATA.npy K ITERATIONS

It prints JSON: seconds of every iteration after the first, and the versions.
"""

import json
import sys
from time import perf_counter

import bayespy
import numpy as np
from bayespy.inference import VB
from bayespy.nodes import Categorical, Dirichlet, Gaussian, Mixture, Wishart


def main() -> None:
    """Iterate on the data of a file, and print the times."""
    x, n_components, iterations = np.load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    n_points, n_features = x.shape
    weights = Dirichlet(np.ones(n_components))
    assignments = Categorical(weights, plates=(n_points,))
    mean = Gaussian(np.zeros(n_features), 0.04 * np.eye(n_features), plates=(n_components,))
    precision = Wishart(n_features + 1.0, np.eye(n_features), plates=(n_components,))
    data = Mixture(assignments, Gaussian, mean, precision)
    np.random.seed(0)  # noqa: NPY002  (BayesPy draws from numpy's global state)
    assignments.initialize_from_random()
    data.observe(x)
    inference = VB(data, mean, precision, assignments, weights)
    inference.update(repeat=1, verbose=False, tol=0)
    times = []
    for _ in range(iterations):
        began = perf_counter()
        inference.update(repeat=1, verbose=False, tol=0)
        times.append(perf_counter() - began)
    rising = bool(np.all(np.diff(inference.L[: inference.iter]) > 0))
    versions = {"bayespy": bayespy.__version__, "numpy": np.__version__}
    print(json.dumps({"seconds": times, "rising": rising, "versions": versions}))


if __name__ == "__main__":
    main()
