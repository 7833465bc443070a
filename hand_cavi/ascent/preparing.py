"""From the data and the prior to what the sweeps read, and where they begin."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hand_cavi.ascent.starts import propose
from hand_cavi.ascent.sweep import AnyTask, StreamedTask, Task
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import Assignments, Reading, kernel_for, summarise
from hand_cavi.inputs import InputError, as_count, as_numbers, refuse_beyond_memory
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.result import Fit
from hand_cavi.sources import Block, Source

START_ROWS = 10_000
"""Dispersed starts for data that are streamed are made from at most so many rows, evenly spaced."""

_A_START = 100  # numbers, about 1 kB: its random generator, and what is told of it
_CACHED = 1 << 14  # rows whose log h(x) the processor's cache holds


def prepare(
    mixture: Mixture,
    rows: np.ndarray,
    weight: np.ndarray,
    threads: int | None = None,
    coordinates: Coordinates | None = None,
) -> tuple[Task, Coordinates]:
    """Return the prior and the data as the sweeps read them, and the coordinates that they are in.

    Coordinates that are given are taken, else those that suit the family and the data.
    """
    prior, inner_rows, coordinates = in_coordinates(mixture, rows, weight, coordinates)
    log_base = weight @ prior.log_base(inner_rows) - weight.sum() * coordinates.log_volume
    statistics = prior.statistics(inner_rows)
    task = Task(prior, mixture.weights, statistics, weight, float(log_base), threads)
    compiled = kernel_for(len(rows), mixture.n_components) == "numba" and prior.products() is not None
    return replace(task, rows=rows, reading=Reading(prior, coordinates)) if compiled else task, coordinates


def in_coordinates(
    mixture: Mixture, rows: np.ndarray, weight: np.ndarray, coordinates: Coordinates | None = None
) -> tuple[ConjugateFamily, np.ndarray, Coordinates]:
    """Return the components' prior and the data, shape (N, D), in coordinates kind to arithmetic."""
    prior = mixture.components.with_features(rows.shape[1])
    prior.check_data(rows)
    coordinates = prior.coordinates(rows, weight) if coordinates is None else coordinates
    return _seen_from(prior, coordinates), coordinates.apply(rows), coordinates


def _seen_from(prior: ConjugateFamily, coordinates: Coordinates) -> ConjugateFamily:
    """Return the prior in coordinates; raise InputError if its normalisation is beyond float64."""
    with np.errstate(all="ignore"):
        inner = prior.seen_from(coordinates)
        numbers = (prior.natural, prior.log_z, inner.natural, inner.log_z)
    if not all(np.isfinite(each).all() for each in numbers):
        raise InputError(
            "the prior holds numbers so large, or so small, that float64 cannot hold its normalisation; "
            "state the data and the prior in other units"
        )
    return inner


def prepare_streamed(
    mixture: Mixture,
    source: Source,
    coordinates: Coordinates,
    threads: int | None = None,
    log_base: float | None = None,
) -> StreamedTask:
    """Return a task whose sweeps read the source anew, in coordinates that are given.

    The sum of w_i log h(x_i) takes a pass, if it is not known.
    """
    prior = _seen_from(mixture.components.with_features(source.n_features), coordinates)
    reading = Reading(prior, coordinates)
    known = _log_base(source, reading) if log_base is None else log_base
    return StreamedTask(prior, mixture.weights, source, reading, known, threads)


def look_at(source: Source, check: Callable[[np.ndarray], None]) -> float:
    """Read all rows once, refuse what no fit can use, and return the sum of w_i: N, if rows have no weights.

    Parameters
    ----------
    source : Source
    check : callable
        Takes rows (n, D) and raises InputError for what the family cannot have produced.

    Raises
    ------
    InputError
        Naming the first row that is not finite, or whose weight is no weight.
    """
    total = source.reduced(partial(_looked_at, check=check), math.fsum)
    if total == 0:
        raise InputError("sample_weight is zero everywhere; at least one point must count")
    return total


def _looked_at(part: Source, begins: int, *, check: Callable[[np.ndarray], None]) -> float:
    total = 0.0
    for piece in part.pieces():
        rows = np.asarray(piece.rows)
        if rows.dtype.kind == "f" and not np.isfinite(rows.sum()):  # one number clears most pieces
            finite = np.isfinite(rows)
            if not finite.all():
                row, column = np.argwhere(~finite)[0]
                raise InputError(
                    f"the data hold {rows[row, column]} in row {begins + row}, column {column} (counted from "
                    "0); remove the point or fill in the value"
                )
        check(rows)
        if piece.weight is None:
            total += len(rows)
        else:
            bad = ~(np.isfinite(piece.weight) & (piece.weight >= 0))
            if bad.any():
                row = int(np.argmax(bad))
                raise InputError(
                    f"sample_weight is {piece.weight[row]} in row {begins + row}; weights are finite and not "
                    "negative"
                )
            total += float(np.sum(piece.weight, dtype=np.float64))
        begins += len(rows)
    return total


def sample_of(source: Source, most: int = START_ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Return some rows, shape (n, D), and their weights, (n,), not all of them zero."""
    block = source.spread_out(most)
    weight = np.ones(len(block.rows)) if block.weight is None else block.weight
    return block.rows, weight if weight.any() else np.ones(len(weight))


@dataclass(frozen=True)
class StartingData[T: AnyTask]:
    """The data of a fit, as its starts see them.

    Attributes
    ----------
    task : Task or StreamedTask
    coordinates : Coordinates
        In which the task is.
    landmarks, statistics, weight : ndarray, shapes (n, anything), (n, P) and (n,)
        Of the rows from which dispersed starts are made: all, some of them, or the nodes that stand for all.
    summarised : callable
        Takes responsibilities of all points, shape (N, K), to Assignments.
    n_points : int
        N.
    factor : float
        How many points each of the n rows stands for.
    """

    task: T
    coordinates: Coordinates
    landmarks: np.ndarray
    statistics: np.ndarray
    weight: np.ndarray
    summarised: Callable[[np.ndarray], Assignments]
    n_points: int
    factor: float = 1.0


def hold(
    mixture: Mixture, rows: np.ndarray, weight: np.ndarray, threads: int | None = None
) -> StartingData[Task]:
    """Return rows (N, D) and their weights, whose statistics are held, ready to start from."""
    task, coordinates = prepare(mixture, rows, weight, threads)
    landmarks = task.components.landmarks(coordinates.apply(rows))
    summarised = partial(summarise, task.statistics, weight)
    return StartingData(task, coordinates, landmarks, task.statistics, weight, summarised, len(rows))


def assignments_from(
    starts: int | np.ndarray | Fit, data: StartingData[AnyTask], rng: np.random.Generator
) -> Iterator[tuple[str, Assignments]]:
    """Return the kind of every start, and the assignments that it begins from.

    Parameters
    ----------
    starts : int, ndarray or Fit
        How many dispersed starts; responsibilities, (N, K) or (R, N, K); or a former fit to go on from.
    data : StartingData
    rng : numpy.random.Generator
        Where dispersed starts come from.

    Raises
    ------
    InputError
        If the starts are not a number, or are for other data or another mixture.
    """
    if isinstance(starts, Fit):
        return iter([("given", begin_from(data.task, starts, data.coordinates))])
    n_components = len(data.task.weights.expected_log())
    if not isinstance(starts, int | np.integer):
        given = as_responsibilities(starts, data.n_points, n_components)
        return (("given", data.summarised(r)) for r in given)
    refuse_beyond_memory(_A_START * as_count(starts, "starts"), f"{starts} starts")
    proposed = propose(data.landmarks, n_components, rng, int(starts), data.weight)
    return ((start.kind, _scaled_summary(data, start.responsibilities)) for start in proposed)


def _scaled_summary(data: StartingData, r: np.ndarray) -> Assignments:
    summary = summarise(data.statistics, data.weight, r)
    return Assignments(summary.sums * data.factor, summary.entropy * data.factor)


def as_responsibilities(starts: np.ndarray, n_points: int, n_components: int) -> np.ndarray:
    """Return responsibilities, shape (R, N, K), of one start or several.

    Raises
    ------
    InputError
        If they are for other data, or are no responsibilities.
    """
    given = np.asarray(as_numbers(starts, "starts"), dtype=np.float64)
    if given.ndim == 2:
        given = given[np.newaxis]
    if given.ndim != 3 or len(given) == 0 or given.shape[1:] != (n_points, n_components):
        raise InputError(
            f"starts have shape {np.shape(starts)}; responsibilities of {n_points} points and "
            f"{n_components} components need ({n_points}, {n_components})"
        )
    if not (np.isfinite(given).all() and (given >= 0).all() and np.allclose(given.sum(axis=2), 1)):
        raise InputError("starts are no responsibilities; every row must be at least 0 and sum to 1")
    return given


def begin_from(task: AnyTask, former: Fit, coordinates: Coordinates) -> Assignments:
    """Return the optimal assignments at the q(theta) q(pi) of a former fit.

    Raises
    ------
    InputError
        If it was a fit of another mixture.
    """
    components, weights = former.components, former.weights
    n_components = len(former.counts)
    same = components.name == task.components.name and weights.name == task.weights.name
    if not (same and components.n_features == task.components.n_features):
        raise InputError(
            f"starts is a fit of {components.name} with {weights.name} weights to {components.n_features} "
            "features; going on from it needs the same family, weights and number of features"
        )
    inner, log_weights = components.seen_from(coordinates), weights.expected_log()
    if n_components != len(task.weights.expected_log()):
        raise InputError(
            f"starts is a fit of {n_components} components; this mixture has "
            f"{len(task.weights.expected_log())}"
        )
    return task.refreshed(inner.expected_phi, log_weights)


def summarised(source: Source, reading: Reading, r: np.ndarray) -> Assignments:
    """Return what responsibilities of all rows, shape (N, K), leave behind; statistics are not held."""
    sums, entropy, begins = np.zeros(0), 0.0, 0
    for piece in source.pieces():
        statistics = reading.statistics(piece.rows)
        part = summarise(statistics, _weight_of(piece), r[begins : begins + len(statistics)])
        sums, entropy = (part.sums if begins == 0 else sums + part.sums), entropy + part.entropy
        begins += len(statistics)
    return Assignments(sums, entropy)


def _log_base(source: Source, reading: Reading) -> float:
    """Return sum_i w_i log h(x_i) in the data's units."""
    total, mass = source.reduced(partial(_base_of, reading=reading), _added)
    return total - mass * reading.coordinates.log_volume


def _base_of(part: Source, begins: int, *, reading: Reading) -> tuple[float, float]:
    """Return sum_i w_i log h(x_i) in inner coordinates, and sum_i w_i."""
    total, mass = 0.0, 0.0
    for block in part.blocks():
        for piece in block.pieces(_CACHED):
            log_base, weight = reading.family.log_base(reading.inner(piece.rows)), piece.weight
            total += float(log_base.sum() if weight is None else weight @ log_base)
            mass += float(len(log_base) if weight is None else np.sum(weight))
    return total, mass


def _added(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(total for total, _ in parts), sum(mass for _, mass in parts)


def _weight_of(block: Block) -> np.ndarray:
    return np.ones(len(block.rows)) if block.weight is None else np.asarray(block.weight, dtype=np.float64)
