"""ADVI of PyMC, or SVI of NumPyro, with a mean-field and a full-rank Gaussian on a file's rows.

    python benchmarks/peers/stochastic_fits.py pymc|numpyro mean_field|full_rank DATA.npy STARTS.npz SECONDS

STARTS holds canonical values of all starts, arrays of shape (starts, K, ...). Steps are PyMC's own, number
for number, and NumPyro's own, by `ppl_baselines`, which compiles one log density where PyMC compiles a
program for every kind. Every start takes 100 steps; the best goes on, in runs of 1,000 steps, 3,000, ...
while they may be expected to take no more than so many seconds; Adam's rate falls geometrically over a run.
Prints JSON as `scikit_learn_fits.py` does; a bound is the mean of log p - log q over fresh draws.
"""

import json
import sys
from time import perf_counter
from typing import Any

import numpy as np

SCREENING, DRAWS = 100, 400
RUNS = (1_000, 3_000, 10_000, 30_000)
RATES = (0.1, 0.0003)
PIECES = 40


def main() -> None:
    """Fit, and print."""
    language, kind, data, starts, limit = sys.argv[1:]
    x, given = np.load(data), np.load(starts)
    began = perf_counter()
    if language == "pymc":
        from ppl_baselines.pymc.build import build
        from ppl_baselines.pymc.log_density import compile_log_density
        from ppl_baselines.pymc.vi_steps import Search
    else:
        from ppl_baselines.numpyro.build import build
        from ppl_baselines.numpyro.vi import prepare
    imported = perf_counter()
    from shared_model import mixture

    compiling = perf_counter()
    model = build(mixture(x.shape[1]), x)
    search: Any = (
        Search(compile_log_density(model), kind) if language == "pymc" else prepare(model, guide=kind)
    )
    compiled = perf_counter()
    each = [{name: given[name][i] for name in given.files} for i in range(len(given[given.files[0]]))]
    told = {"import": imported - began, "compile": compiled - compiling}
    print(json.dumps({**told, "reached": course(search, search.coordinates.flat_starts(each), float(limit))}))


def course(search: Any, starts: list[np.ndarray], limit: float) -> list[list]:
    """Return what runs of more and more steps reach."""
    began = perf_counter()
    scores = []
    for number, start in enumerate(starts):
        state = search.begin(start, number)
        search.advance(state, SCREENING, RATES[0])
        scores.append(score(search, state, 50)[0])
    screening = perf_counter() - began
    step, reached = screening / SCREENING / len(starts), []
    for steps in RUNS:
        if reached and steps * step > limit:
            break
        state = search.begin(starts[int(np.nanargmax(scores))], 0)
        began = perf_counter()
        for rate in np.geomspace(*RATES, PIECES):
            search.advance(state, steps // PIECES, float(rate))
        taken = perf_counter() - began
        step = taken / steps
        bound, error = score(search, state, DRAWS)
        reached.append([f"{steps:,} steps", screening + taken, bound, error])
    return reached


def score(search: Any, state: Any, draws: int) -> tuple[float, float]:
    """Return the bound of q as it stands, and its standard error."""
    terms = search.log_weights(search.approximation(state), np.random.default_rng(1), draws)
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(draws))


if __name__ == "__main__":
    main()
