"""Our CAVI on a file's rows, by its defaults and with larger tolerances.

    python benchmarks/peers/our_fits.py DATA.npy SECONDS

Prints JSON as `scikit_learn_fits.py` does; "compile" is what the first fits of few points take, which load
the compiled loop.
"""

import json
import sys
from time import perf_counter

import numpy as np

TOLERANCES = (1e-12, 1e-9, 1e-7, 1e-5)  # the first is the default


def main() -> None:
    """Fit, and print."""
    x = np.load(sys.argv[1])
    began = perf_counter()
    from hand_cavi import fit

    imported = perf_counter()
    from shared_model import N_INIT, as_normal_wishart, bound_of, data, mixture

    model = mixture(x.shape[1])
    small = data(50_000, x.shape[1])
    loading = perf_counter()
    fit(model, small, rng=0, starts=1, max_sweeps=2, condense=False)
    fit(model, small, rng=0, starts=1, max_sweeps=2)
    loaded = perf_counter()
    reached = []
    for tolerance in TOLERANCES:
        began_fit = perf_counter()
        found = fit(model, x, rng=0, starts=N_INIT, tolerance=tolerance)
        taken = perf_counter() - began_fit
        setting = f"tol {tolerance:.0e}, {len(found.half_step_trace)} sweeps"
        reached.append([setting, taken, *bound_of(x, as_normal_wishart(found.components), found.weights)])
    print(json.dumps({"import": imported - began, "compile": loaded - loading, "reached": reached}))


if __name__ == "__main__":
    main()
