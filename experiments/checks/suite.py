"""Running all checks, and telling causes from consequences."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from experiments.checks import (
    ascent,
    definition,
    elbo,
    factor_density,
    fixed_point,
    overflow,
    stationarity,
    symmetry,
)
from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.log_joint import as_log_joint, takes
from experiments.checks.probe import probe
from experiments.checks.results import Decision, Fault, Report, Result
from experiments.checks.sequential_test import FALSE_ALARM_RATE
from experiments.checks.setup import Setup, set_up
from hand_cavi import InputError
from hand_cavi.inputs import Seed

CHECKS: dict[str, Callable[[Setup, np.random.Generator], list[Result]]] = {
    "density": factor_density.run,
    "definition": definition.run,
    "elbo": elbo.run,
    "ascent": ascent.run,
    "stationarity": stationarity.run,
    "symmetry": symmetry.run,
    "fixed_point": fixed_point.run,
    "overflow": overflow.run,
}
"""By name, the most direct first."""

SIZES = (1000, 4000, 16000, 64000)


def check(
    derivation: object,
    data: object,
    log_joint: object,
    *,
    rng: Seed,
    states: int = 4,
    sizes: Sequence[int] = SIZES,
) -> Report:
    """Hold a hand-derived mean-field model against its joint density.

    Parameters
    ----------
    derivation : Derivation, or a class of one
        See `hand_cavi.derivation.Derivation`. A class is called with the data.
    data : object
        Handed to `derivation` if that is a class, and to `log_joint` if that takes two arguments; None if
        neither needs it.
    log_joint : callable or pymc.Model
        Takes values by name, arrays with a leading axis of draws (S, ...), and returns ln p(x, z), shape
        (S,). A function of two arguments gets the data as well. Of a PyMC model, see `from_pymc`.
    states : int
        At how many random states to look.
    sizes : sequence of int
        Draws of the samples, smallest first; see `experiments.checks.sequential_test`.

    Raises
    ------
    InputError
        If the derivation or the log joint density cannot be checked: a method is missing or fails, a shape
        is wrong, something is nan, a state is changed in place, a sampler ignores its generator, or names do
        not match.
    """
    began = time.perf_counter()
    generator = np.random.default_rng(rng)
    if isinstance(derivation, type) and (data is not None or takes(derivation)):
        derivation = derivation() if data is None else derivation(data)
    guarded = GuardedDerivation.of(derivation, as_log_joint(log_joint, data))
    probe(guarded, generator)
    setup = set_up(guarded, generator, states, tuple(sizes))
    results: list[Result] = []
    for run in CHECKS.values():
        try:
            results += run(setup, generator.spawn(1)[0])
        except InputError:
            if not any(result.decision is Decision.FAILED for result in results):
                raise
            break  # what is wrong has been found; a consequence of it stopped this check
    return Report(tuple(results), tuple(faults(results)), FALSE_ALARM_RATE, time.perf_counter() - began)


def faults(results: Sequence[Result]) -> list[Fault]:
    """Return the faults that explain the failed results, causes before consequences: see docs/checks.md."""
    failed = [result for result in results if result.decision is Decision.FAILED]
    sampled = [result for result in failed if result.check == "density"]
    direct = sampled or [result for result in failed if result.check in ("definition", "elbo")]
    sentences: dict[tuple[str, str], list[str]] = {}
    for result in direct or failed:
        sentences.setdefault((result.check, result.factor), []).append(result.sentence)
    return [
        # of the bound the total comes first, and a term says more
        Fault(check, factor, said[1] if check == "elbo" and len(said) > 1 else said[0])
        for (check, factor), said in sentences.items()
    ]
