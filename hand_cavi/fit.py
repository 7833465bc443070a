"""Fitting a mixture: dispersed starts, coordinate ascent from each, the best bound wins."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.acceleration import as_choice_to_leap
from hand_cavi.annealing import annealed, as_temperatures
from hand_cavi.cavi import Ascent, Callback, StoppingRule, Task, ascend, init
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.coordinates import Coordinates
from hand_cavi.inputs import InputError, Seed, as_count, as_rows, as_sample_weight
from hand_cavi.mixture import Mixture
from hand_cavi.moves import MoveOutcome, improve
from hand_cavi.result import Fit, StartOutcome
from hand_cavi.starts import Start, propose

__all__ = ["Fit", "StartOutcome", "fit"]


def fit(
    mixture: Mixture,
    x: ArrayLike,
    *,
    rng: Seed,
    starts: int | np.ndarray = 20,
    max_sweeps: int = 2000,
    tolerance: float = 1e-12,
    patience: int = 3,
    sample_weight: ArrayLike | None = None,
    callback: Callback | None = None,
    tolerance_nats: float = 0.0,
    annealing: ArrayLike | None = None,
    moves: int = 0,
    threads: int | None = None,
    accelerate: bool | Literal["auto"] = False,
) -> Fit:
    """Fit a mixture by coordinate-ascent variational inference.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D)
    rng : numpy.random.Generator or int
        Where the starts come from; an int is a seed.
    starts : int or ndarray
        How many dispersed starts, or the responsibilities to start from: shape (N, K) for one,
        (R, N, K) for several.
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
    accelerate : bool or "auto"
        Whether leaps make the sweeps fewer, see `hand_cavi.acceleration`; "auto" leaps where that takes less
        time. Every pass over the data is a sweep, also one that was undone.

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
    Starts, hot sweeps and moves choose where an ascent begins; the ascent itself is plain unless accelerated,
    and its bound never falls either way. A child of `rng` of its own draws the moves, so that asking for them
    changes no start.

    Rounding limits the bound: see `hand_cavi.coordinates`.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2)
    >>> round(fit(mixture, x, rng=1).elbo, 6)
    -18.71697
    """
    rows = as_rows(x)
    weight = as_sample_weight(sample_weight, len(rows))
    rule = StoppingRule(
        as_count(max_sweeps, "max_sweeps"),
        _as_tolerance(tolerance, "tolerance"),
        as_count(patience, "patience"),
        callback,
        _as_tolerance(tolerance_nats, "tolerance_nats"),
    )
    temperatures = as_temperatures(annealing)
    n_moves = as_count(moves, "moves", at_least=0)
    n_threads = None if threads is None else as_count(threads, "threads")
    task, coordinates = prepare(mixture, rows, weight, n_threads)
    leaping = as_choice_to_leap(accelerate, len(rows), task, mixture.n_components)
    landmarks = task.components.landmarks(coordinates.apply(rows))
    generator = np.random.default_rng(rng)
    proposals = starting_points(mixture, landmarks, weight, generator, starts)

    outcomes: list[StartOutcome] = []
    best: Ascent | None = None
    for start in proposals:
        state = annealed(task, init(task, start.responsibilities), temperatures)
        ascent = ascend(task, state, rule, leaping)
        outcomes.append(outcome(start, ascent))
        if best is None or ascent.elbo > best.elbo:
            best = ascent
    assert best is not None
    tried: tuple[MoveOutcome, ...] = ()
    if n_moves:
        best, tried = improve(task, landmarks, best, rule, n_moves, generator.spawn(1)[0], leaping)
    return Fit(
        mixture=mixture,
        components=best.state.components.seen_from(coordinates.inverse),
        weights=best.state.weights,
        elbo_terms=best.infos[-1].after_assignments,
        half_step_trace=np.array([[i.after_globals.total, i.after_assignments.total] for i in best.infos]),
        status=best.status,
        starts=ranked(outcomes),
        counts=best.state.assignments.sums[:, -1],
        moves=tried,
        _coordinates=coordinates,
    )


def outcome(start: Start, ascent: Ascent) -> StartOutcome:
    """Return what is reported of an ascent from a start."""
    return StartOutcome(start.kind, ascent.elbo, len(ascent.infos), ascent.status)


def ranked(outcomes: Sequence[StartOutcome]) -> tuple[StartOutcome, ...]:
    """Return the outcomes, the best bound first."""
    return tuple(sorted(outcomes, key=lambda outcome: -outcome.elbo))


def prepare(
    mixture: Mixture, rows: np.ndarray, weight: np.ndarray, threads: int | None = None
) -> tuple[Task, Coordinates]:
    """Return the prior and the data as the sweeps read them, and the coordinates that they are in."""
    prior, inner_rows, coordinates = in_coordinates(mixture, rows, weight)
    log_base = weight @ prior.log_base(inner_rows) - weight.sum() * coordinates.log_volume
    statistics = prior.statistics(inner_rows)
    return Task(prior, mixture.weights, statistics, weight, float(log_base), threads), coordinates


def in_coordinates(
    mixture: Mixture, rows: np.ndarray, weight: np.ndarray
) -> tuple[ConjugateFamily, np.ndarray, Coordinates]:
    """Return the components' prior and the data, shape (N, D), in coordinates kind to arithmetic."""
    prior = mixture.components.with_features(rows.shape[1])
    prior.check_data(rows)
    coordinates = prior.coordinates(rows, weight)
    return prior.seen_from(coordinates), coordinates.apply(rows), coordinates


def starting_points(
    mixture: Mixture,
    landmarks: np.ndarray,
    weight: np.ndarray,
    rng: np.random.Generator,
    starts: int | np.ndarray,
) -> list[Start]:
    """Return so many dispersed starts, or those that are given, checked."""
    n_components = mixture.n_components
    if isinstance(starts, int | np.integer):
        number = as_count(starts, "starts")
        return propose(landmarks, n_components, rng, number, weight)
    given = np.asarray(starts, dtype=np.float64)
    if given.ndim == 2:
        given = given[np.newaxis]
    if given.ndim != 3 or len(given) == 0 or given.shape[1:] != (len(landmarks), n_components):
        raise InputError(
            f"starts have shape {np.shape(starts)}; responsibilities of {len(landmarks)} points and "
            f"{n_components} components need ({len(landmarks)}, {n_components})"
        )
    if not (np.isfinite(given).all() and (given >= 0).all() and np.allclose(given.sum(axis=2), 1)):
        raise InputError("starts are no responsibilities; every row must be at least 0 and sum to 1")
    return [Start("given", r) for r in given]


def _as_tolerance(tolerance: float, name: str) -> float:
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"{name} is {tolerance!r}; it must be finite and not negative")
    return float(tolerance)
