"""What a worker does: a batch of replicates by one method, from simulated data to ranks.

A method fits as it does in a study; but only its draws are wanted, so that nothing is scored, and a method
that can fit with fewer estimates of its bound does.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from experiments.calibration import exact
from experiments.calibration import ranked_quantities as quantities
from experiments.calibration.ranks import ranks_among, thinned
from experiments.calibration.simulate import replicate
from experiments.config.plugins import find
from experiments.engine.seeds import generator, integer
from experiments.methods import NotFiniteError
from experiments.methods._contract import check_fitted
from experiments.methods.mixture_target import MixtureTarget
from experiments.posterior.draws import are_independent, as_chains, flat
from experiments.records.problem import Draws, Problem
from experiments.records.result import Fitted, MethodResult
from hand_cavi import Fit, InputError, Mixture

if TYPE_CHECKING:
    import xarray as xr

FitMethod = Callable[..., Fitted]
"""A method's ``fit`` or ``fit_briefly``, see `experiments.methods`."""


@dataclass(frozen=True)
class Batch:
    """The replicates first, ..., first + size - 1 of one model, for one method of plugin `kind`.

    The mixture's components know their number of features, `points` is N, all seeds descend from `seed`, the
    truth is ranked among at most `draws` draws, and `kinds` are those of `experiments.config.options.RANKED`.
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
class Ranks:
    """What comes of a batch; its seconds are of the whole of it, compiling included.

    Attributes
    ----------
    ranks, n_draws : ndarray, shapes (R, Q) and (R,)
        Of the truth, between 0 and 1, and among how many draws; NaN and 0 for replicates that are left out.
    refused : dict of int to str
        Replicates for which the method said that it has no posterior, and why. Whether it does depends on
        the data alone, and given the data the truth is a draw from the posterior: leaving these out
        does not make the others' ranks less uniform.
    failed : dict of int to str
        Replicates that ended in an error that nobody foresaw.
    """

    quantities: tuple[str, ...]
    ranks: np.ndarray
    n_draws: np.ndarray
    refused: dict[int, str]
    failed: dict[int, str]
    seconds: float
    processor_seconds: float


def run_batch(batch: Batch) -> MethodResult:
    """Simulate, fit and rank every replicate of a batch; `ranks_of` reads what is kept of them."""
    began, processor = perf_counter(), process_time()
    method = find("methods", batch.kind)
    fit: FitMethod = getattr(method, "fit_briefly", method.fit)
    numbers = range(batch.first, batch.first + batch.size)
    names: tuple[str, ...] = ()
    rows: list[np.ndarray] = []
    n_draws = np.zeros(batch.size, dtype=int)
    refused: dict[int, str] = {}
    failed: dict[int, str] = {}
    for row, number in enumerate(numbers):
        problem = replicate(batch.mixture, batch.points, seed=batch.seed, model=batch.model, number=number)
        kinds = quantities.kinds_of(problem, batch.kinds)
        names = quantities.names_of(problem, kinds)
        rows.append(np.full(len(names), np.nan))
        try:
            rows[row], n_draws[row] = _ranks(batch, fit, number, problem, kinds)
        except (InputError, NotFiniteError) as error:
            refused[number] = str(error)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            failed[number] = f"{type(error).__name__}: {error}"
    seconds = perf_counter() - began
    import xarray as xr

    dataset = xr.Dataset(
        {"rank": (("replicate", "quantity"), np.stack(rows)), "n_draws": (("replicate",), n_draws)},
        {"replicate": list(numbers), "quantity": list(names)},
        {
            "refused": json.dumps(refused),
            "failed": json.dumps(failed),
            "seconds": seconds,
            "processor_seconds": process_time() - processor,
        },
    )
    return MethodResult(
        outcome="ranked",
        message=f"{(n_draws > 0).sum()} of {batch.size} replicates ranked",
        seconds_compile=0.0,
        seconds_run=seconds,
        draws=xr.DataTree.from_dict({"ranks": dataset}),
    )


def ranks_of(tree: "xr.DataTree") -> Ranks:
    """Return what `run_batch` has left in the group ``ranks``."""
    group = tree["ranks"]
    refused, failed = (
        {int(number): str(why) for number, why in json.loads(group.attrs[name]).items()}
        for name in ("refused", "failed")
    )
    return Ranks(
        tuple(str(name) for name in group["quantity"].to_numpy()),
        group["rank"].to_numpy(),
        group["n_draws"].to_numpy(),
        refused,
        failed,
        float(group.attrs["seconds"]),
        float(group.attrs["processor_seconds"]),
    )


def _ranks(
    batch: Batch, fit: FitMethod, number: int, problem: Problem, kinds: tuple[str, ...]
) -> tuple[np.ndarray, int]:
    """Return the ranks of the truth, shape (Q,), and among how many draws."""
    target = MixtureTarget(problem)
    starts = target.starts(integer(batch.seed, "calibration starts", batch.model, number))
    seed = integer(batch.seed, "calibration fit", batch.model, batch.method, number)
    fitted = check_fitted(fit(target, batch.settings, starts=starts, seed=seed))
    chains, independent = _chains(fitted, seed, batch.draws)
    shape = next(iter(chains.values())).shape[:2]
    values = quantities.values_of(problem, flat(chains), kinds).reshape(*shape, -1)
    if not np.isfinite(values).all():
        raise NotFiniteError("a quantity of its draws is not finite")
    kept = values.reshape(-1, values.shape[2]) if independent else thinned(values, batch.draws)
    truth = quantities.truth_of(problem)
    rng = generator(batch.seed, "calibration ranks", batch.model, batch.method, number)
    ranks = ranks_among(quantities.values_of(problem, truth, kinds)[0], kept, rng)
    if isinstance(fitted.q, Fit) and "location" in kinds and exact.has_marginals(fitted.q.components):
        sorted_truth = np.sort(quantities.locations(truth)[0], axis=0)
        cdf = exact.sorted_cdf(fitted.q.components, sorted_truth).ravel()
        ranks[: cdf.size] = cdf  # locations come first
    return ranks, len(kept)


def _chains(fitted: Fitted, seed: int, n_draws: int) -> tuple[Draws, bool]:
    """Return draws of the posterior, arrays (C, M, K, ...), and whether they are independent.

    Independent ones are `n_draws`; chains are as long as they are.
    """
    if fitted.q is not None:
        draws = fitted.q.sample(np.random.default_rng([seed, 1]), n_draws)
        return {name: values[np.newaxis] for name, values in draws.items()}, True
    assert fitted.chains is not None
    chains, independent = as_chains(fitted.chains), are_independent(fitted.chains)
    return ({name: v[:, :n_draws] for name, v in chains.items()} if independent else chains), independent
