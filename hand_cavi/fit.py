"""Fitting a mixture: dispersed starts, coordinate ascent from each, the best bound wins."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.acceleration import as_acceleration
from hand_cavi.ascent.ascend import Callback, StoppingRule, as_tolerance
from hand_cavi.ascent.checkpoint import Log
from hand_cavi.ascent.condensed_fit import fit_condensed
from hand_cavi.ascent.condensing import summary_for, worth_condensing
from hand_cavi.ascent.preparing import (
    StartingData,
    assignments_from,
    hold,
    look_at,
    prepare_streamed,
    sample_of,
    summarised,
)
from hand_cavi.ascent.progress import Tell
from hand_cavi.ascent.restarts import Restarts, result_of
from hand_cavi.ascent.saddle import judged
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import InputError, Seed, as_count, as_rows, as_sample_weight, refuse_beyond_memory
from hand_cavi.mixture import Mixture
from hand_cavi.result import Fit, StartOutcome
from hand_cavi.sources import Source, as_source

__all__ = ["Fit", "StartOutcome", "fit"]

HELD = 1 << 22
"""Statistics of at most so many numbers, 32 MB, are held; those of larger data are made in every sweep."""

AUTO_MOVES = 5
"""They raised the bound on 10 of 50 data sets, for a twentieth more sweeps; more moves hardly do better."""

MOST_MOVED = 1000
"""Components among which moves are looked for unasked: there are K(K - 1)/2 pairs to merge."""


def fit(
    mixture: Mixture,
    x: ArrayLike | Source | Path | str,
    *,
    rng: Seed,
    starts: int | np.ndarray | Fit = 20,
    max_sweeps: int = 2000,
    tolerance: float = 1e-12,
    patience: int = 3,
    sample_weight: ArrayLike | None = None,
    callback: Callback | None = None,
    tolerance_nats: float = 0.0,
    moves: int | Literal["auto"] = 0,
    threads: int | None = None,
    condense: bool | Literal["auto"] = "auto",
    condense_tolerance: float | None = None,
    give_up: bool | Literal["auto"] = "auto",
    accelerate: bool | Literal["auto"] = False,
    checkpoint: Path | str | None = None,
    progress: Tell | None = None,
) -> Fit:
    """Fit a mixture by coordinate-ascent variational inference.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D), or a source of such rows
        An array or a memory map, of which large ones are never copied; the path of an .npy file, a Parquet
        file or a folder of these; a Dask array, frame or series, whose sums are taken on its workers; what
        `hand_cavi.sources.open_parquet` returns. See `hand_cavi.sources`.
    rng : numpy.random.Generator or int
        Where the starts come from; an int is a seed.
    starts : int, ndarray or Fit
        How many dispersed starts, or the responsibilities to start from: shape (N, K) for one,
        (R, N, K) for several; or a former fit to go on from.
    max_sweeps, tolerance, patience, callback, tolerance_nats
        See `hand_cavi.ascent.ascend.StoppingRule`. They hold for each ascent.
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for. Beside data of Dask's it is Dask's, cut in the same places.
    moves : int or "auto"
        How many split-and-merge moves to try, at most, on the best of the ascents; see `ascent.split_merge`.
        "auto" tries `AUTO_MOVES` where the data, or what they are condensed to, are held, and components are
        at most `MOST_MOVED`; else none.
    threads : int, optional
        Of the sweeps over large data; all that the process may use (OMP_NUM_THREADS, if set) if None. Their
        number changes no bit of the result.
    condense : bool or "auto"
        Whether sweeps run on condensed data, weighted points that stand for all (see
        `hand_cavi.data.condense`), where the data allow that and it pays; by default, from 50,000 points on,
        or 250,000 of two features that are no counts.
    condense_tolerance : float, optional
        The relative error of the bound and of the sums of statistics, measured on all the data, that
        condensing may make; where it is larger, the data are condensed more finely. If None, 1e-10, and 1e-8
        for two features that are no counts.
    give_up : bool or "auto"
        Whether a start is given up whose bound rises too slowly to reach another start's (see
        `hand_cavi.ascent.forecast`); by default, where the data are condensed or read anew in every sweep.
    accelerate : bool or "auto"
        Whether extrapolation makes the sweeps fewer, see `ascent.acceleration`; "auto" does so where that
        takes less time. Every pass over the data is a sweep, also one that was undone; a look at few rows
        for the derivative of a sweep, which is made before an extrapolation, is none.
    checkpoint : Path or str, optional
        A file in which every pass over the data is written down. The same call with the same file goes on
        from where it was interrupted, to the same result, bit for bit; see `hand_cavi.ascent.checkpoint`.
    progress : callable, optional
        Told after every sweep, or every pass that starts share, how far the fit has come; see
        `hand_cavi.ascent.progress`.

    Returns
    -------
    Fit
        From the start with the highest bound.

    Raises
    ------
    InputError
        If the data, the weights, the starts or a setting cannot be used.

    Notes
    -----
    Starts and moves choose where an ascent begins; the ascent itself is plain unless accelerated,
    and its bound never falls either way. A child of `rng` of its own draws the moves, so that asking for them
    changes no start.

    Rounding limits the bound: see `hand_cavi.numerics.coordinates`.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2)
    >>> round(fit(mixture, x, rng=1).elbo, 6)
    -18.71697
    """
    source = as_source(x, sample_weight)
    prior = mixture.components.with_features(source.n_features)
    n_statistics = prior.natural.shape[-1]
    restarts = Restarts(
        StoppingRule.of(max_sweeps, tolerance, patience, callback, tolerance_nats),
        AUTO_MOVES if moves == "auto" else as_count(moves, "moves", at_least=0),
        progress=progress,
    )
    n_threads = source.threads if threads is None else as_count(threads, "threads")
    allowed = condense_tolerance
    if allowed is not None:
        allowed = as_tolerance(allowed, "condense_tolerance")
    generator = np.random.default_rng(rng)
    condensing = _condenses(condense, source, prior)
    if give_up not in (True, False, "auto"):
        raise InputError(f'give_up is {give_up!r}; it must be True, False or "auto"')
    with (
        nullcontext()
        if checkpoint is None
        else Log.open(checkpoint, (mixture.n_components, n_statistics)) as log
    ):
        summary = summary_for(mixture, source, n_threads) if condensing else None
        held = summary is None and source.n_points * n_statistics <= HELD
        moved = (held or summary is not None) and mixture.n_components <= MOST_MOVED
        n_read = source.n_points if summary is None else len(summary.data.x)
        restarts = replace(
            restarts,
            log=log,
            n_moves=restarts.n_moves if moves != "auto" or moved else 0,
            gives_up=not held if give_up == "auto" else give_up,
            accelerates=as_acceleration(accelerate, n_read, n_statistics, mixture.n_components),
        )
        if summary is not None:
            return fit_condensed(mixture, source, summary, generator, starts, restarts, n_threads, allowed)[0]
        return (_fit_held if held else _fit_streamed)(mixture, source, generator, starts, restarts, n_threads)


def _fit_held(
    mixture: Mixture,
    source: Source,
    rng: np.random.Generator,
    starts: int | np.ndarray | Fit,
    restarts: Restarts,
    threads: int | None,
) -> Fit:
    """Fit data whose statistics are held."""
    held = source.n_points * mixture.n_components
    refuse_beyond_memory(
        held, f"the responsibilities of {source.n_points} points in {mixture.n_components} components"
    )
    whole = source.spread_out(source.n_points)
    rows = as_rows(whole.rows)
    weight = as_sample_weight(whole.weight, len(rows))
    data = hold(mixture, rows, weight, threads)
    task = replace(data.task, log=restarts.log)
    best, outcomes = restarts.run(task, assignments_from(starts, replace(data, task=task), rng))
    best, tried = restarts.moved(task, data.landmarks, best, rng)
    best = judged(task, best, task.statistics)
    return result_of(mixture, best, outcomes, data.coordinates, tried)


def _fit_streamed(
    mixture: Mixture,
    source: Source,
    rng: np.random.Generator,
    starts: int | np.ndarray | Fit,
    restarts: Restarts,
    threads: int | None,
) -> Fit:
    """Fit data that every sweep reads anew; only a sample of rows, for coordinates and starts, is held."""
    if restarts.n_moves:
        raise InputError(
            f"moves look at the responsibilities of all points, and {source.n_points} are too many to hold; "
            "leave moves at 0"
        )
    prior = mixture.components.with_features(source.n_features)
    total_weight = look_at(source, prior.check_data)
    rows, weight = sample_of(source)
    coordinates = prior.coordinates(rows, weight)
    task = replace(prepare_streamed(mixture, source, coordinates, threads), log=restarts.log)
    inner = coordinates.apply(rows)
    data = StartingData(
        task,
        coordinates,
        task.components.landmarks(inner),
        task.components.statistics(inner),
        weight,
        partial(summarised, source, task.reading),
        source.n_points,
        factor=total_weight / weight.sum(),
    )
    best, outcomes = restarts.run(task, assignments_from(starts, data, rng))
    best = judged(task, best, data.statistics)
    return result_of(mixture, best, outcomes, coordinates)


def _condenses(condense: object, source: Source, prior: ConjugateFamily) -> bool:
    if condense not in (True, False, "auto"):
        raise InputError(f'condense is {condense!r}; it must be True, False or "auto"')
    return bool(condense) and (condense is True or worth_condensing(source, prior))
