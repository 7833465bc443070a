"""What a worker does: a batch of replicates by one method, from simulated data to ranks.

A method fits as it does in a study; but only its draws are wanted, so that nothing is scored, and a method
that can fit with fewer estimates of its bound does.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from experiments.calibration.ranks import ranks_among, thinned
from experiments.calibration.source import Replicate, Source
from experiments.config.plugins import find
from experiments.engine.seeds import generator, integer
from experiments.methods import NotFiniteError
from experiments.methods._contract import check_fitted
from experiments.posterior.draws import are_independent, as_chains, flat
from experiments.records.problem import Draws
from experiments.records.result import Fitted, MethodResult
from experiments.records.target import StartingPoints, Target
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

FitMethod = Callable[..., Fitted]
"""A method's ``fit`` or ``fit_briefly``, see `experiments.methods`."""


@dataclass(frozen=True)
class Batch:
    """The replicates first, ..., first + size - 1 of one model, for one method of plugin `kind`.

    All seeds descend from `seed`, and the truth is ranked among at most `draws` draws.
    """

    model: str
    method: str
    source: Source
    kind: str
    settings: BaseModel
    seed: int
    first: int
    size: int
    draws: int


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
    method = find(batch.source.package, batch.kind)
    fit: FitMethod = getattr(method, "fit_briefly", method.fit)
    numbers = range(batch.first, batch.first + batch.size)
    replicates: Iterable[Replicate] = map(batch.source.replicate, numbers)
    fits: Iterable[Fitted | Exception | None] = repeat(None)
    if together := getattr(method, "fit_together", None):
        replicates = list(replicates)
        fits = _together(batch, together, numbers, replicates)
    names: tuple[str, ...] = ()
    rows: list[np.ndarray] = []
    n_draws = np.zeros(batch.size, dtype=int)
    refused: dict[int, str] = {}
    failed: dict[int, str] = {}
    for row, (number, replicate, fitted) in enumerate(zip(numbers, replicates, fits, strict=False)):
        names = replicate.names
        rows.append(np.full(len(names), np.nan))
        try:
            rows[row], n_draws[row] = _ranks(batch, fit, number, replicate, fitted)
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


def _together(
    batch: Batch,
    fit: Callable[..., list[Fitted | Exception]],
    numbers: range,
    replicates: Sequence[Replicate],
) -> Sequence[Fitted | Exception | None]:
    """Return what fitting all at once gave for each; None where that broke off, and each must go alone."""
    targets = [replicate.target for replicate in replicates]
    starts = [_starts(batch, number, target) for number, target in zip(numbers, targets, strict=True)]
    try:
        return fit(targets, batch.settings, starts=starts, seeds=[_seed(batch, number) for number in numbers])
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return [None] * len(numbers)


def _starts(batch: Batch, number: int, target: Target) -> StartingPoints:
    return target.starts(integer(batch.seed, "calibration starts", batch.model, number))


def _seed(batch: Batch, number: int) -> int:
    return integer(batch.seed, "calibration fit", batch.model, batch.method, number)


def _ranks(
    batch: Batch, fit: FitMethod, number: int, replicate: Replicate, found: Fitted | Exception | None
) -> tuple[np.ndarray, int]:
    """Return the ranks of the truth, shape (Q,), and among how many draws.

    What has been `found` is ranked, or raised; without, the replicate is fitted.
    """
    if isinstance(found, Exception):
        raise found
    target, seed = replicate.target, _seed(batch, number)
    if found is None:
        found = fit(target, batch.settings, starts=_starts(batch, number, target), seed=seed)
    fitted = check_fitted(found)
    chains, independent = _chains(fitted, seed, batch.draws)
    shape = next(iter(chains.values())).shape[:2]
    values = replicate.values(flat(chains)).reshape(*shape, -1)
    if not np.isfinite(values).all():
        raise NotFiniteError("a quantity of its draws is not finite")
    kept = values.reshape(-1, values.shape[2]) if independent else thinned(values, batch.draws)
    rng = generator(batch.seed, "calibration ranks", batch.model, batch.method, number)
    ranks = ranks_among(replicate.values(replicate.truth)[0], kept, rng)
    exact = replicate.exact_ranks(fitted.q)
    ranks[: exact.size] = exact
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
