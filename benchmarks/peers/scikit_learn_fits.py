"""scikit-learn's BayesianGaussianMixture on a file's rows, to its own convergence and beyond.

    python benchmarks/peers/scikit_learn_fits.py DATA.npy SECONDS

Its default tolerance first, then smaller ones, while they may be expected to take no more than so many
seconds. Prints JSON: seconds of the import, and for every tolerance its name, seconds, and the bound of its
q on our scale with its standard error.
"""

import json
import sys
import warnings
from time import perf_counter

import numpy as np

TOLERANCES = (1e-3, 1e-5, 1e-7, 1e-9)  # the first is its default


def main() -> None:
    """Fit with every tolerance, and print."""
    x, limit = np.load(sys.argv[1]), float(sys.argv[2])
    began = perf_counter()
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture  # noqa: F401

    imported = perf_counter() - began
    from shared_model import N_INIT, K, bound_of

    from examples.audit.scikit_learn import Machine

    warnings.simplefilter("ignore", ConvergenceWarning)
    machine = Machine(x, K, "full", process=False, documented=True)
    reached, taken = [], 0.0
    for tolerance in TOLERANCES:
        if taken > limit / 3:
            break
        machine.model.set_params(tol=tolerance, n_init=N_INIT, max_iter=10_000)
        began = perf_counter()
        machine.model.fit(x)
        taken = perf_counter() - began
        setting = f"tol {tolerance:.0e}, {machine.model.n_iter_} iterations"
        reached.append([setting, taken, *bound_of(x, *machine.posteriors())])
    print(json.dumps({"import": imported, "compile": 0.0, "reached": reached}))


if __name__ == "__main__":
    main()
