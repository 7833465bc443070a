"""How data are condensed for a fit: which cells it asks for, and the nodes that they give.

How narrow the cells must be depends on the sharpest component, which is not known before: a fit to a few rows
makes a guess, and the posterior that is found tells whether it was right (`ascent.condensed_fit`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hand_cavi.ascent.ascend import StoppingRule, ascend
from hand_cavi.ascent.preparing import look_at, prepare, sample_of
from hand_cavi.ascent.starts import propose
from hand_cavi.ascent.sweep import State
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.condense import (
    CellSums,
    Condensed,
    Grid,
    PlaneGrid,
    PlaneSums,
    merged,
    sum_cells,
    unique_rows,
    united,
    width_for_components,
)
from hand_cavi.data.condense.merging import AnyGrid, Sums
from hand_cavi.data.condense.plane_sharpness import Peaks
from hand_cavi.data.kernels import summarise
from hand_cavi.inputs import InputError
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.sources import Source

WORTH_CONDENSING, WORTH_IN_THE_PLANE = 50_000, 250_000
"""Points from which data are condensed if nobody says otherwise; of two features that are no counts."""

MOST_IN_THE_PLANE = 64
"""Components of two features, all pairs of which are looked at for the width of cells."""

_PILOT_ROWS, _PILOT_SWEEPS = 2000, 30


def worth_condensing(source: Source, prior: ConjugateFamily) -> bool:
    """Return whether there are so many points that data are condensed unasked."""
    in_the_plane = source.n_features == 2 and not prior.discrete
    return source.n_points >= (WORTH_IN_THE_PLANE if in_the_plane else WORTH_CONDENSING)


@dataclass(frozen=True)
class Summary:
    """Condensed data, with what it takes to condense them more finely.

    Attributes
    ----------
    data : Condensed
    sums : CellSums, PlaneSums or None
        None where the data are their distinct points, which nothing can refine.
    """

    data: Condensed
    sums: CellSums | PlaneSums | None


def summary_for(mixture: Mixture, source: Source, threads: int | None = None) -> Summary | None:
    """Condense data as finely as a fit of this mixture needs, by a guess that the fit has to confirm.

    Parameters
    ----------
    mixture : Mixture
    source : Source
    threads : int, optional

    Returns
    -------
    Summary or None
        None if the family's data cannot be condensed, or if that would not pay.

    Raises
    ------
    InputError
        If the data hold what no fit can use.
    """
    prior = mixture.components.with_features(source.n_features)
    if prior.discrete:
        return _distinct(source, prior)
    if prior.n_features > 2 or (prior.n_features == 2 and mixture.n_components > MOST_IN_THE_PLANE):
        return None
    rows, weight = sample_of(source, _PILOT_ROWS)
    if not np.isfinite(rows).all():
        return None  # another look at the data says where
    state, coordinates = _pilot(mixture, rows, weight)
    origin = np.median(rows, axis=0)
    grid: Grid | PlaneGrid = Grid(float(origin[0]), 1.0)
    if prior.n_features == 2:
        peaks = _peaks(state)
        if not peaks.usable:
            return None
        frame = coordinates.scale[:, np.newaxis] * peaks.frame()
        grid = PlaneGrid(tuple(origin.tolist()), tuple(frame.ravel().tolist()), 1.0)
    return summary_of(grid.of_width(_width(state, coordinates, grid)), source, threads)


def finer_for(summary: Summary, state: State, coordinates: Coordinates) -> Grid | PlaneGrid | None:
    """Return the cells that the posterior asks for, if those that there are, are wider."""
    if summary.sums is None:
        return None
    grid = summary.sums.grid
    width = _width(state, coordinates, grid, summary.sums)
    return None if width > 0.75 * grid.width else grid.of_width(width)


def _width(
    state: State, coordinates: Coordinates, grid: Grid | PlaneGrid, sums: CellSums | PlaneSums | None = None
) -> float:
    """Return the width of a grid's cells that a posterior asks for."""

    def share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        outer = coordinates.inverse
        assert isinstance(sums, CellSums)
        return sums.share(outer.apply(low), outer.apply(high))

    if isinstance(grid, PlaneGrid):
        frame = grid.of_width(1.0).edges / coordinates.scale[:, np.newaxis]
        return _peaks(state).seen(frame).width()
    log_weights = state.weights.expected_log()
    width = width_for_components(state.components, log_weights, share=None if sums is None else share)
    return width * float(coordinates.scale[0])


def _peaks(state: State) -> Peaks:
    return Peaks.of(state.components, state.weights.expected_log())


def summary_of(grid: Grid | PlaneGrid, source: Source, threads: int | None) -> Summary | None:
    """Return the data condensed to the cells of a grid, or None if that would not pay."""
    most = grid.most_cells(source.n_points)
    of_part = partial(_cells_of, grid=grid, most=most, threads=threads)
    sums = source.reduced(of_part, partial(_merged, most=most))
    if sums is None:
        return None
    _refuse_no_weight(sums.cell)
    data = sums.condensed()
    return Summary(data, sums) if data.pays else None


def _cells_of[S: Sums](
    part: Source, begins: int, *, grid: AnyGrid[S], most: int, threads: int | None
) -> S | None:
    return sum_cells(grid, _blocks(part), most_cells=most, threads=threads, part_from=begins)


def _merged[S: Sums](parts: Sequence[S | None], *, most: int) -> S | None:
    """Return the sums of several parts, or None if these, or they together, have too many cells."""
    there = [part for part in parts if part is not None]
    whole = merged(there) if len(there) == len(parts) else None
    return whole if whole is not None and len(whole.cell) <= most else None


def _distinct(source: Source, prior: ConjugateFamily) -> Summary | None:
    data = source.reduced(_distinct_of, united)
    if data is None or not data.pays:
        return None
    _refuse_no_weight(data.x)
    try:
        prior.check_data(data.x)
    except InputError:
        look_at(source, prior.check_data)  # which names the row of the data
        raise
    return Summary(data, None)


def _refuse_no_weight(found: np.ndarray) -> None:
    if len(found) == 0:
        raise InputError("sample_weight is zero everywhere; at least one point must count")


def _distinct_of(part: Source, begins: int) -> Condensed | None:
    return unique_rows(_blocks(part), part_from=begins)


def _blocks(source: Source) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    for block in source.blocks():
        yield block.rows, block.weight


def _pilot(mixture: Mixture, rows: np.ndarray, weight: np.ndarray) -> tuple[State, Coordinates]:
    """Return a rough posterior, from a few rows, and the coordinates that it is in."""
    task, coordinates = prepare(mixture, rows, weight)
    start = propose(coordinates.apply(rows), mixture.n_components, np.random.default_rng(0), 1, weight)[0]
    begun = State(task.components, task.weights, summarise(task.statistics, weight, start.responsibilities))
    return ascend(task, begun, StoppingRule(_PILOT_SWEEPS, 1e-6, 1)).state, coordinates
