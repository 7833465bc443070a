"""Fitting condensed data, and holding the result against the data themselves.

MixtureAscent runs on a few weighted points (`data.condense`), however many they stand for. How narrow the
cells must be, a fit to a few rows guesses (`ascent.condensing`), and the posterior that is found tells
whether it was right. Then one pass over all the data at that posterior,

    S_k = sum_i w_i r_ik T(x_i),    H[q(c)],

gives the true sums and the true bound, and so the error that condensing has made. Where it is larger than
asked for, cells are made half as wide, and ascent goes on from where it was. The third sum of the bound, of
w_i log h(x_i), is the nodes': where data are cut into cells h is a constant, and distinct rows are the data.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from hand_cavi.ascent.ascend import MixtureAscent, ascend
from hand_cavi.ascent.condensing import Summary, finer_for, summary_for, summary_of
from hand_cavi.ascent.preparing import StartingData, assignments_from, prepare, prepare_streamed, summarised
from hand_cavi.ascent.restarts import Restarts, result_of
from hand_cavi.ascent.saddle import judged
from hand_cavi.ascent.sweep import AnyTask, State, StreamedTask
from hand_cavi.data.condense import Condensed, PlaneSums
from hand_cavi.data.kernels import kernel_for
from hand_cavi.elbo import ElboTerms, with_assignments
from hand_cavi.mixture import Mixture
from hand_cavi.result import CondensingReport, Fit, Status
from hand_cavi.sources import Source

TOLERANCE, IN_THE_PLANE = 1e-10, 1e-8
"""Relative error of the bound and of the sums that is allowed unasked; the second in cells of the plane."""

_REFINEMENTS = 4


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
    tolerance: float | None = None,
) -> tuple[Fit, Summary]:
    """Fit condensed data, and measure what condensing has changed on the data themselves.

    If cells cannot be made narrow enough, ascent ends on the data themselves, as long as sweeps are left: all
    of one ascent count. Where none is left, the fit says how large the error is. The summary that is returned
    is the one on which the ascent ended.
    """
    x, weight = summary.data.x, summary.data.weight
    if tolerance is None:
        tolerance = IN_THE_PLANE if isinstance(summary.sums, PlaneSums) else TOLERANCE
    # numba is loaded if it is there, for the pass over the data; so that small sweeps are compiled ones too.
    kernel = kernel_for(source.n_points, mixture.n_components)
    task, coordinates = prepare(mixture, x, weight, threads)
    task = replace(task, kernel=kernel, log=restarts.log)
    landmarks = task.components.landmarks(coordinates.apply(x))
    full = prepare_streamed(mixture, source, coordinates, threads, log_base=task.log_base)
    full = replace(full, log=restarts.log)
    of_points = partial(summarised, source, full.reading)
    data = StartingData(task, coordinates, landmarks, task.statistics, weight, of_points, source.n_points)
    best, outcomes = restarts.run(task, assignments_from(starts, data, rng))
    best, tried = restarts.moved(task, landmarks, best, rng)

    refinements = 0
    while True:
        left = restarts.rule.max_sweeps - len(best.infos)
        needed = finer_for(summary, best.state, coordinates)
        if needed is None:
            terms, sums, errors = _measured(full, best)
            needed = None if max(errors) <= tolerance or summary.sums is None else summary.sums.grid.refined
            if needed is None or refinements == _REFINEMENTS or left == 0:
                break
        elif refinements == _REFINEMENTS or left == 0:
            terms, sums, errors = _measured(full, best)
            break
        finer = summary_of(needed, source, threads)
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
