"""BayesPy's Gaussian mixture on a file's rows, in an environment of its own, to its own end and beyond.

    uv run --isolated --no-project --with bayespy benchmarks/peers/bayespy_fits.py X.npy STARTS.npy K SECONDS

STARTS has an assignment of every point for each start, shape (starts, N). BayesPy's mean and precision have
independent priors, so that its model is not quite the others'; its bound is its own. Prints JSON as
`scikit_learn_fits.py` does: a start ends when its bound rises by less than a tolerance, relative, the first
of which is BayesPy's default; seconds are those of all starts, the bound is the best one's.
"""

import json
import sys
from time import perf_counter

import numpy as np

TOLERANCES = (1e-5, 1e-7, 1e-9, 1e-11)
PRIOR = {"mean": 0.3, "precision": 0.4, "nu": 1.7, "scale": 1.3, "concentration": 1.3}


def main() -> None:
    """Iterate from every start, and print."""
    x, starts = np.load(sys.argv[1]), np.load(sys.argv[2])
    n_components, limit = int(sys.argv[3]), float(sys.argv[4])
    began = perf_counter()
    import bayespy  # noqa: F401
    import bayespy.inference
    import bayespy.nodes  # noqa: F401

    imported = perf_counter() - began
    ends = [course(x, start, n_components, limit / len(starts)) for start in starts]
    reached = []
    for number in range(min(map(len, ends))):
        iterations, seconds, bounds = zip(*(end[number] for end in ends), strict=True)
        setting = f"tol {TOLERANCES[number]:.0e}, {iterations[int(np.argmax(bounds))]} iterations"
        reached.append([setting, sum(seconds), max(bounds)])
    print(json.dumps({"import": imported, "compile": 0.0, "reached": reached}))


def course(
    x: np.ndarray, start: np.ndarray, n_components: int, limit: float
) -> list[tuple[int, float, float]]:
    """Return iterations, seconds and bound when the bound rose by less than each tolerance."""
    from bayespy.inference import VB
    from bayespy.nodes import Categorical, Dirichlet, Gaussian, Mixture, Wishart

    began, d = perf_counter(), x.shape[1]
    weights = Dirichlet(np.full(n_components, PRIOR["concentration"]))
    assignments = Categorical(weights, plates=(len(x),))
    mean = Gaussian(np.full(d, PRIOR["mean"]), PRIOR["precision"] * np.eye(d), plates=(n_components,))
    precision = Wishart(d + PRIOR["nu"], PRIOR["scale"] * np.eye(d), plates=(n_components,))
    y = Mixture(assignments, Gaussian, mean, precision)
    y.observe(x)
    assignments.initialize_from_value(start)
    engine = VB(y, mean, precision, weights, assignments, autosave_filename="never-written.hdf5")
    found: list[tuple[int, float, float]] = []
    before = -np.inf
    while len(found) < len(TOLERANCES) and (not found or perf_counter() - began < limit):
        engine.update(mean, precision, weights, assignments, repeat=1, verbose=False, tol=0)
        now = float(engine.L[engine.iter - 1])
        while len(found) < len(TOLERANCES) and now - before < TOLERANCES[len(found)] * abs(now):
            found.append((int(engine.iter), perf_counter() - began, now))
        before = now
    return found


if __name__ == "__main__":
    main()
