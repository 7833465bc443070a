"""Fitting condensed data, and holding the result against the data themselves.

MixtureAscent runs on a few hundred weighted points (`data.condense`), however many they stand for. How narrow
the cells must be depends on the sharpest component, which is not known before: a fit to a few rows makes a
guess, and the posterior that is found tells whether it was right. Then one pass over all the data at that
posterior,

    S_k = sum_i w_i r_ik T(x_i),    H[q(c)],    sum_i w_i log h(x_i),

gives the true sums and the true bound, and so the error that condensing has made. Where it is larger than
asked for, cells are made half as wide, and ascent goes on from where it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hand_cavi.ascent.ascend import MixtureAscent, StoppingRule, ascend
from hand_cavi.ascent.preparing import (
    StartingData,
    assignments_from,
    look_at,
    prepare,
    prepare_streamed,
    sample_of,
    summarised,
)
from hand_cavi.ascent.restarts import Restarts, result_of
from hand_cavi.ascent.saddle import judged
from hand_cavi.ascent.starts import propose
from hand_cavi.ascent.sweep import AnyTask, State, StreamedTask
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.condense import (
    MOST_CELLS,
    CellSums,
    Condensed,
    Grid,
    merged,
    sum_cells,
    unique_rows,
    united,
    width_for_components,
)
from hand_cavi.data.kernels import kernel_for, summarise
from hand_cavi.elbo import ElboTerms, with_assignments
from hand_cavi.inputs import InputError
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.result import CondensingReport, Fit, Status
from hand_cavi.sources import Source

WORTH_CONDENSING = 50_000
"""Points from which data are condensed if nobody says otherwise."""

TOLERANCE = 1e-10
"""Relative error of the bound and of the sums that is allowed."""

_PILOT_ROWS, _PILOT_SWEEPS = 2000, 30
_REFINEMENTS = 4


@dataclass(frozen=True)
class Summary:
    """Condensed data, with what it takes to condense them more finely.

    Attributes
    ----------
    data : Condensed
    sums : CellSums or None
        None where the data are their distinct points, which nothing can refine.
    """

    data: Condensed
    sums: CellSums | None


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
    if prior.n_features > 1:
        return None
    rows, weight = sample_of(source, _PILOT_ROWS)
    if not np.isfinite(rows).all():
        return None  # another look at the data says where
    width = _width(*_pilot(mixture, rows, weight))
    return _summary(Grid(float(np.median(rows)), width), source, threads)


def confirmed(
    mixture: Mixture, source: Source, rng: np.random.Generator, restarts: Restarts, starts: int
) -> tuple[Condensed, Fit] | None:
    """Condense data as finely as a fit of this mixture needs, and confirm it by that fit.

    For whoever gives condensed data to other methods too.

    Returns
    -------
    pair of Condensed and Fit, or None
        None if the data cannot be condensed, if that would not pay, or if the error stays above `TOLERANCE`.
    """
    summary = summary_for(mixture, source)
    if summary is None:
        return None
    found, summary = fit_condensed(mixture, source, summary, rng, starts, restarts, None)
    about = found.condensed
    if about is None or max(about.elbo_error, about.sums_error) > TOLERANCE:
        return None
    return summary.data, found


def fit_condensed(
    mixture: Mixture,
    source: Source,
    summary: Summary,
    rng: np.random.Generator,
    starts: int | np.ndarray | Fit,
    restarts: Restarts,
    threads: int | None,
    tolerance: float = TOLERANCE,
) -> tuple[Fit, Summary]:
    """Fit condensed data, and measure what condensing has changed on the data themselves.

    If cells cannot be made narrow enough, ascent ends on the data themselves, as long as sweeps are left: all
    of one ascent count. Where none is left, the fit says how large the error is. The summary that is returned
    is the one on which the ascent ended.
    """
    x, weight = summary.data.x, summary.data.weight
    # numba is loaded if it is there, for the pass over the data; so that small sweeps are compiled ones too.
    kernel = kernel_for(source.n_points, mixture.n_components)
    task, coordinates = prepare(mixture, x, weight, threads)
    task = replace(task, kernel=kernel, log=restarts.log)
    landmarks = task.components.landmarks(coordinates.apply(x))
    full = replace(prepare_streamed(mixture, source, coordinates, threads), log=restarts.log)
    of_points = partial(summarised, source, full.reading)
    data = StartingData(task, coordinates, landmarks, task.statistics, weight, of_points, source.n_points)
    best, outcomes = restarts.run(task, assignments_from(starts, data, rng))
    best, tried = restarts.moved(task, landmarks, best, rng)

    refinements = 0
    while True:
        left = restarts.rule.max_sweeps - len(best.infos)
        needed = _refined(summary, best, coordinates)
        if needed is None:
            terms, sums, errors = _measured(full, best)
            needed = None if max(errors) <= tolerance or summary.sums is None else summary.sums.grid.refined
            if needed is None or refinements == _REFINEMENTS or left == 0:
                break
        elif refinements == _REFINEMENTS or left == 0:
            terms, sums, errors = _measured(full, best)
            break
        finer = _summary(needed, source, threads)
        if finer is None:
            terms, sums, errors = _measured(full, best)
            break
        summary, refinements = finer, refinements + 1
        task = prepare(mixture, summary.data.x, summary.data.weight, threads, coordinates)[0]
        task = replace(task, kernel=kernel, log=restarts.log)
        best = _gone_on(task, best, restarts)

    condensation: CondensingReport | None = CondensingReport(
        source.n_points, len(summary.data.x), summary.data.width, *errors, refinements
    )
    if max(errors) > tolerance and left == 0:
        best = replace(best, status=Status.MAX_SWEEPS)
    elif max(errors) > tolerance:
        best, condensation = _gone_on(full, best, restarts), None
        terms, sums = best.infos[-1].after_assignments, best.state.assignments.sums
    best = judged(task, best, task.statistics)
    found = result_of(mixture, best, outcomes, coordinates, tried)
    return replace(found, elbo_terms=terms, counts=sums[:, -1], condensed=condensation), summary


def _measured(full: StreamedTask, best: MixtureAscent) -> tuple[ElboTerms, np.ndarray, tuple[float, float]]:
    """Return the terms of the bound and the sums on all the data, and the relative errors of those found."""
    components, weights = best.state.components, best.state.weights
    exact = full.refreshed(components.expected_phi, weights.expected_log())
    near = best.infos[-1].after_assignments
    terms = with_assignments(near, (components, weights), exact.sums, exact.entropy, full.log_base)
    scale = np.maximum(np.abs(exact.sums).sum(axis=0), exact.sums[:, -1].sum())
    of_sums = float(np.max(np.abs(exact.sums - best.state.assignments.sums) / scale))
    return terms, exact.sums, (abs(terms.total - near.total) / max(1.0, abs(terms.total)), of_sums)


def _gone_on(task: AnyTask, best: MixtureAscent, restarts: Restarts) -> MixtureAscent:
    """Return the ascent that goes on from where another ended, on other data, with the sweeps of both."""
    components, weights = best.state.components, best.state.weights
    assignments = task.refreshed(components.expected_phi, weights.expected_log())
    rule = replace(restarts.rule, max_sweeps=restarts.rule.max_sweeps - len(best.infos))
    further = ascend(task, State(components, weights, assignments), rule, restarts.accelerates)
    return MixtureAscent(further.state, best.infos + further.infos, further.status)


def _refined(summary: Summary, best: MixtureAscent, coordinates: Coordinates) -> Grid | None:
    """Return the cells that the posterior asks for, if those that there are, are wider."""
    if summary.sums is None:
        return None
    grid = summary.sums.grid
    width = _width(best.state, coordinates, summary.sums)
    return None if width > 0.75 * grid.width else Grid(grid.origin, width, grid.n_moments)


def _width(state: State, coordinates: Coordinates, sums: CellSums | None = None) -> float:
    """Return the width of cells that a posterior asks for, in the data's units."""

    def share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        outer = coordinates.inverse
        assert sums is not None
        return sums.share(outer.apply(low), outer.apply(high))

    log_weights = state.weights.expected_log()
    width = width_for_components(state.components, log_weights, share=None if sums is None else share)
    return width * float(coordinates.scale[0])


def _summary(grid: Grid, source: Source, threads: int | None) -> Summary | None:
    sums = source.reduced(partial(_cells_of, grid=grid, threads=threads), _merged)
    if sums is None:
        return None
    _refuse_no_weight(sums.cell)
    data = sums.condensed()
    return Summary(data, sums) if data.pays else None


def _cells_of(part: Source, begins: int, *, grid: Grid, threads: int | None) -> CellSums | None:
    return sum_cells(grid, _blocks(part), threads=threads, part_from=begins)


def _merged(parts: Sequence[CellSums | None]) -> CellSums | None:
    """Return the sums of several parts, or None if these, or they together, have too many cells."""
    there = [part for part in parts if part is not None]
    whole = merged(there) if len(there) == len(parts) else None
    return whole if whole is not None and len(whole.cell) <= MOST_CELLS else None


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
