"""Fitting a mixture: dispersed starts, coordinate ascent from each, the best bound wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.annealing import annealed, as_temperatures
from hand_cavi.cavi import AnyTask, Ascent, Callback, State, StoppingRule, ascend
from hand_cavi.coordinates import Coordinates
from hand_cavi.inputs import InputError, Seed, as_count, as_rows, as_sample_weight
from hand_cavi.kernels import Assignments, summarise
from hand_cavi.mixture import Mixture
from hand_cavi.moves import MoveOutcome, improve
from hand_cavi.preparing import (
    as_responsibilities,
    begin_from,
    prepare,
    prepare_streamed,
    sample_of,
    scaled_to,
    starting_points,
    summarised,
)
from hand_cavi.result import Fit, StartOutcome
from hand_cavi.sources import Source, as_source, look_at

__all__ = ["Fit", "StartOutcome", "fit"]

HELD = 1 << 22
"""Statistics of at most so many numbers, 32 MB, are held; those of larger data are made in every sweep."""


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
    annealing: ArrayLike | None = None,
    moves: int = 0,
    threads: int | None = None,
) -> Fit:
    """Fit a mixture by coordinate-ascent variational inference.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D), or a source of such rows
        An array or a memory map, of which large ones are never copied; the path of an .npy file; a Dask
        array; what `hand_cavi.sources.open_parquet` returns. See `hand_cavi.sources`.
    rng : numpy.random.Generator or int
        Where the starts come from; an int is a seed.
    starts : int, ndarray or Fit
        How many dispersed starts, or the responsibilities to start from: shape (N, K) for one,
        (R, N, K) for several; or a former fit to go on from.
    max_sweeps, tolerance, patience, callback, tolerance_nats
        See `hand_cavi.cavi.StoppingRule`. They hold for each ascent.
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for.
    annealing : array_like, shape (H,), optional
        Temperatures of the H hot sweeps before each ascent, such as ``numpy.geomspace(10, 1, 30)``; see
        `hand_cavi.annealing`.
    moves : int
        How many split-and-merge moves to try, at most, on the best of the ascents; see `hand_cavi.moves`.
    threads : int, optional
        Of the sweeps over large data; all that the process may use (OMP_NUM_THREADS, if set) if None. Their
        number changes no bit of the result.

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
    Starts, hot sweeps and moves choose where an ascent begins; the ascent itself is plain, and its bound
    never falls. A child of `rng` of its own draws the moves, so that asking for them changes no start.

    Rounding limits the bound: see `hand_cavi.coordinates`.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2)
    >>> round(fit(mixture, x, rng=1).elbo, 6)
    -18.71697
    """
    climb = Climb(
        StoppingRule(
            as_count(max_sweeps, "max_sweeps"),
            _as_tolerance(tolerance, "tolerance"),
            as_count(patience, "patience"),
            callback,
            _as_tolerance(tolerance_nats, "tolerance_nats"),
        ),
        as_temperatures(annealing),
        as_count(moves, "moves", at_least=0),
    )
    n_threads = None if threads is None else as_count(threads, "threads")
    source = as_source(x, sample_weight)
    prior = mixture.components.with_features(source.n_features)
    generator = np.random.default_rng(rng)
    if source.n_points * prior.natural.shape[-1] <= HELD:
        return _fit_held(mixture, source, generator, starts, climb, n_threads)
    return _fit_streamed(mixture, source, generator, starts, climb, n_threads)


@dataclass(frozen=True)
class Climb:
    """How every start goes up: hot sweeps, ascent, moves."""

    rule: StoppingRule
    temperatures: np.ndarray
    n_moves: int

    def up(
        self, task: AnyTask, begun: Iterable[tuple[str, Assignments]]
    ) -> tuple[Ascent, list[StartOutcome]]:
        """Ascend from every start, told by its kind and assignments; return the best, and all outcomes."""
        best: Ascent | None = None
        outcomes: list[StartOutcome] = []
        for kind, assignments in begun:
            state = annealed(task, State(task.components, task.weights, assignments), self.temperatures)
            ascent = ascend(task, state, self.rule)
            outcomes.append(StartOutcome(kind, ascent.elbo, len(ascent.infos), ascent.status))
            if best is None or ascent.elbo > best.elbo:
                best = ascent
        assert best is not None
        return best, outcomes


def _fit_held(
    mixture: Mixture,
    source: Source,
    rng: np.random.Generator,
    starts: int | np.ndarray | Fit,
    climb: Climb,
    threads: int | None,
) -> Fit:
    """Fit data whose statistics are held."""
    whole = source.spread_out(source.n_points)
    rows = as_rows(whole.rows)
    weight = as_sample_weight(whole.weight, len(rows))
    task, coordinates = prepare(mixture, rows, weight, threads)
    landmarks = task.components.landmarks(coordinates.apply(rows))
    begun: Iterable[tuple[str, Assignments]]
    if isinstance(starts, Fit):
        begun = [("given", begin_from(task, starts, coordinates))]
    else:
        points = starting_points(mixture, landmarks, weight, rng, starts)
        begun = ((p.kind, summarise(task.statistics, weight, p.responsibilities)) for p in points)
    best, outcomes = climb.up(task, begun)
    tried: tuple[MoveOutcome, ...] = ()
    if climb.n_moves:
        best, tried = improve(task, landmarks, best, climb.rule, climb.n_moves, rng.spawn(1)[0])
    return result_of(mixture, best, outcomes, coordinates, tried)


def _fit_streamed(
    mixture: Mixture,
    source: Source,
    rng: np.random.Generator,
    starts: int | np.ndarray | Fit,
    climb: Climb,
    threads: int | None,
) -> Fit:
    """Fit data that every sweep reads anew; only a sample of rows, for coordinates and starts, is held."""
    if climb.n_moves:
        raise InputError(
            f"moves look at the responsibilities of all points, and {source.n_points} are too many to hold; "
            "leave moves at 0"
        )
    prior = mixture.components.with_features(source.n_features)
    look_at(source, prior.check_data)
    rows, weight = sample_of(source)
    coordinates = prior.coordinates(rows, weight)
    task = prepare_streamed(mixture, source, coordinates, threads)
    begun: Iterable[tuple[str, Assignments]]
    if isinstance(starts, Fit):
        begun = [("given", begin_from(task, starts, coordinates))]
    elif isinstance(starts, int | np.integer):
        inner = coordinates.apply(rows)
        points = starting_points(mixture, task.components.landmarks(inner), weight, rng, starts)
        statistics, factor = task.components.statistics(inner), source.total_weight / weight.sum()
        begun = (
            (p.kind, scaled_to(summarise(statistics, weight, p.responsibilities), factor)) for p in points
        )
    else:
        given = as_responsibilities(starts, source.n_points, mixture.n_components)
        begun = (("given", summarised(source, task.reading, r)) for r in given)
    best, outcomes = climb.up(task, begun)
    return result_of(mixture, best, outcomes, coordinates)


def result_of(
    mixture: Mixture,
    best: Ascent,
    outcomes: Sequence[StartOutcome],
    coordinates: Coordinates,
    moves: tuple[MoveOutcome, ...] = (),
) -> Fit:
    """State the best ascent in the data's units."""
    return Fit(
        mixture=mixture,
        components=best.state.components.seen_from(coordinates.inverse),
        weights=best.state.weights,
        elbo_terms=best.infos[-1].after_assignments,
        half_step_trace=np.array([[i.after_globals.total, i.after_assignments.total] for i in best.infos]),
        status=best.status,
        starts=ranked(outcomes),
        counts=best.state.assignments.sums[:, -1],
        moves=moves,
        _coordinates=coordinates,
    )


def ranked(outcomes: Sequence[StartOutcome]) -> tuple[StartOutcome, ...]:
    """Return the outcomes, the best bound first."""
    return tuple(sorted(outcomes, key=lambda outcome: -outcome.elbo))


def _as_tolerance(tolerance: float, name: str) -> float:
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"{name} is {tolerance!r}; it must be finite and not negative")
    return float(tolerance)
