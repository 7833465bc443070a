"""What a worker does: a batch of replicates by one method, from simulated data to places."""

from dataclasses import dataclass, field
from time import perf_counter, process_time

import numpy as np
from pydantic import BaseModel

from experiments.calibration import exact, quantities
from experiments.calibration.fitters import Posterior, posterior
from experiments.calibration.ranks import place_among, thinned
from experiments.calibration.simulate import replicate
from experiments.engine.seeds import generator, integer
from experiments.methods import NotFiniteError
from experiments.records import Problem
from hand_cavi import InputError, Mixture


@dataclass(frozen=True)
class Batch:
    """Some replicates of one model, for one method.

    Attributes
    ----------
    model, method : str
        Their names in the calibration; all seeds descend from these.
    mixture : Mixture
        Its components know their number of features.
    points : int
        N.
    kind : str
        The method's plugin.
    settings : BaseModel
        The plugin's `Settings`.
    seed : int
        The root seed.
    first, size : int
        The replicates first, ..., first + size - 1.
    draws : int
        Among how many draws the truth is ranked, at most.
    kinds : tuple of str
        What is ranked, see `quantities.KINDS`.
    """

    model: str
    method: str
    mixture: Mixture
    points: int
    kind: str
    settings: BaseModel
    seed: int
    first: int
    size: int
    draws: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """What comes of a batch.

    Attributes
    ----------
    quantities : tuple of str
        What a reader calls them.
    places : ndarray, shape (R, Q)
        Between 0 and 1; NaN in the rows of replicates that are left out.
    ranked : ndarray, shape (R,)
        Among how many draws; 0 where left out.
    refused : dict of int to str
        Replicates for which the method said that it has no posterior, and why. Whether it does depends on
        the data alone, and given the data the truth is a draw from the posterior: leaving these out
        does not make the others' places less uniform.
    failed : dict of int to str
        Replicates that ended in an error that nobody foresaw.
    seconds, processor_seconds : float
        Of the whole batch, compiling included.
    """

    quantities: tuple[str, ...]
    places: np.ndarray
    ranked: np.ndarray
    refused: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    processor_seconds: float = 0.0


def run_batch(batch: Batch) -> Places:
    """Simulate, fit and rank every replicate of a batch."""
    began, processor = perf_counter(), process_time()
    names: tuple[str, ...] = ()
    rows: list[np.ndarray | None] = []
    ranked = np.zeros(batch.size, dtype=int)
    refused: dict[int, str] = {}
    failed: dict[int, str] = {}
    for row, number in enumerate(range(batch.first, batch.first + batch.size)):
        problem = replicate(batch.mixture, batch.points, seed=batch.seed, model=batch.model, number=number)
        kinds = quantities.kinds_of(problem, batch.kinds)
        names = quantities.names_of(problem, kinds)
        places = None
        try:
            places, ranked[row] = _places(batch, number, problem, kinds)
        except (InputError, NotFiniteError) as error:
            refused[number] = str(error)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            failed[number] = f"{type(error).__name__}: {error}"
        rows.append(places)
    nothing = np.full(len(names), np.nan)
    return Places(
        names,
        np.stack([nothing if row is None else row for row in rows]),
        ranked,
        refused,
        failed,
        perf_counter() - began,
        process_time() - processor,
    )


def _places(batch: Batch, number: int, problem: Problem, kinds: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """Return the places of the truth, shape (Q,), and among how many draws."""
    fitted = posterior(
        batch.kind,
        problem,
        batch.settings,
        starts_seed=integer(batch.seed, "calibration starts", batch.model, number),
        seed=integer(batch.seed, "calibration fit", batch.model, batch.method, number),
        n_draws=batch.draws,
    )
    values = _values(problem, fitted, kinds)
    if not np.isfinite(values).all():
        raise NotFiniteError("a quantity of its draws is not finite")
    kept = values.reshape(-1, values.shape[2]) if fitted.independent else thinned(values, batch.draws)
    truth = quantities.truth_of(problem, kinds)
    rng = generator(batch.seed, "calibration ranks", batch.model, batch.method, number)
    places = place_among(truth, kept, rng)
    if fitted.mean_field is not None and "location" in kinds:
        components = fitted.mean_field.components
        if exact.has_marginals(components):
            theta = {name: v[np.newaxis] for name, v in problem.truth.items() if name != "assignments"}
            sorted_truth = np.sort(quantities.locations(theta)[0], axis=0)
            cdf = exact.sorted_cdf(components, sorted_truth).ravel()
            places[: cdf.size] = cdf  # locations come first
    return places, len(kept)


def _values(problem: Problem, fitted: Posterior, kinds: tuple[str, ...]) -> np.ndarray:
    """Return the quantities of every draw, shape (C, M, Q)."""
    shape = next(iter(fitted.draws.values())).shape[:2]
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in fitted.draws.items()}
    return quantities.values_of(problem, flat, kinds).reshape(*shape, -1)
