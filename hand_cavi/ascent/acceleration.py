r"""Fewer sweeps: extrapolation along the way that plain sweeps would take.

`ascent.linear_model` says where j sweeps at once would end. What is decided here is when to extrapolate and
how far, so that which of several optima is reached does not depend on it. Extrapolation begins when the gains
of plain sweeps fall. Afterwards f is held against what was expected of it: the difference grows with the
square of the distance, which says how far the next extrapolation may go. One after which f is too far off, or
that lowers the bound, is undone, and its sweep counted. Far from an optimum, where nothing is quadratic, none
goes further than a small part of what all the data say. What the linear model has left out is made up for
afterwards, to the next order, before the next begins. Whether the ascent has converged, plain sweeps decide.

No guard is a proof. Where a plain ascent passes a saddle between two optima, as from random starts, an
extrapolation can end on its other side; `benchmarks/acceleration.py` counts how often.

Sources: Jamshidian & Jennrich (1997), quasi-Newton acceleration of EM; Varadhan & Roland (2008), SQUAREM,
for extrapolations whose length adapts and which the objective can refuse; Hochbruck & Ostermann (2010),
exponential integrators, for following a path by steps that are exact where it is linear.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from hand_cavi.ascent.expansion import Expansion, Statistics, expansion_of, posterior_of
from hand_cavi.ascent.sweep import AnyTask, Asking, State, sweeping
from hand_cavi.inputs import InputError
from hand_cavi.result import StepInfo

_HISTORY = 8  # differences of S that are remembered
_FALLING = 3  # plain sweeps in a row, each of which gained less than the one before: extrapolation begins
_FIRST = 2.0  # plain steps: the length of the first extrapolation
_GROWTH = 4.0  # times the length of the one before, at most
_ERROR = 1.0  # in f afterwards, as a share of f before, that is aimed at; twice as much is undone
_LONGEST = 0.045  # of an extrapolation, in posterior standard deviations, by the root of N
_AT_LEAST = 2.0  # plain steps; an extrapolation may be as long as that whatever the limits above
_HALVED = 8  # times, at most, if it leads to no posterior
_LARGEST_METRIC = 1 << 23  # K P^2, of "auto": 64 MB


WORTH_EXTRAPOLATING = 250
"""N / P from which extrapolating takes no more time than it saves: it grows with K P^2, a sweep with N K P.

There the textbook's model, of whose few sweeps two in three are saved, breaks even; others gain sooner.
"""


class Extrapolation:
    """Passes over the data, each from where the last one ended or from further on.

    Parameters
    ----------
    task : Task or StreamedTask
    """

    def __init__(self, task: AnyTask) -> None:
        self._task, self._statistics = task, Statistics.of(task)
        self.forget()

    def forget(self) -> None:
        """Start anew, as after the components were given another order."""
        self._gains: list[float] = []
        self._points: list[tuple[np.ndarray, np.ndarray]] = []  # S and f(S); the last is where we are
        self._begun = False
        self._length = np.inf  # of the last extrapolation
        self._bend = 0.0  # its error, by the square of its length
        self._expansion: Expansion | None = None

    def step(
        self, state: State, before: StepInfo | None, allowed: bool
    ) -> Asking[tuple[State, StepInfo, bool]]:
        """Pass over the data once.

        Parameters
        ----------
        state : State
            Where the ascent is.
        before : StepInfo or None
            What the sweep before reported.
        allowed : bool
            False asks for a plain sweep.

        Returns
        -------
        state : State
            Unchanged if an extrapolation was undone.
        info : StepInfo
            Its bound is never below the one before, but for rounding. An extrapolation starts from no q(c),
            and so has no bound after its first half-step: the bound that it had to beat stands there.
        plain : bool
            Whether it was a plain sweep.
        """
        here = self._expanded(state) if allowed and self._begun else None
        ahead = None if here is None else self._ahead(here)
        if before is None or here is None or ahead is None:
            reached, info = yield from self._plain_sweep(state, before)
            return reached, info, True
        sums, sweeps = ahead
        start = replace(state, assignments=replace(state.assignments, sums=sums, entropy=np.nan))
        reached, info = yield from sweeping(self._task, start, before.sweep + 1)
        held = replace(before, sweep=before.sweep + 1, after_globals=before.after_assignments)
        metric, plain = here.model.metric, here.model.length
        self._length = metric.norm(sums - here.sums)
        f = reached.assignments.sums - sums
        error = f - here.model.left_after(sweeps)
        size = metric.norm(error)
        if not (np.isfinite(info.elbo) and np.isfinite(size)):
            self._shorten()
            return state, held, False
        self._bend = size / self._length**2
        if info.elbo < before.elbo or size > 2 * _ERROR * plain:
            self._shorten()
            self._remember((sums, f), self._points.pop())  # we are where we were, but know what f is there
            return state, held, False
        self._remember((sums, f))
        self._expansion = None
        if self._statistics is not None:
            self._expansion = self._expanded_at(sums + here.model.missed(sweeps, error))
        return reached, replace(info, after_globals=held.after_globals), False

    def _plain_sweep(self, state: State, before: StepInfo | None) -> Asking[tuple[State, StepInfo]]:
        sums = state.assignments.sums
        reached, info = yield from sweeping(self._task, state, 1 if before is None else before.sweep + 1)
        self._remember((sums, reached.assignments.sums - sums))
        self._expansion = None
        if before is not None and not self._begun:
            self._gains = [*self._gains, info.elbo - before.elbo][-_FALLING:]
            falling = self._gains == sorted(self._gains, reverse=True)
            self._begun = len(self._gains) == _FALLING and falling
        return reached, info

    def _remember(self, *points: tuple[np.ndarray, np.ndarray]) -> None:
        self._points = [*self._points, *points][-_HISTORY - 1 :]

    def _shorten(self) -> None:
        self._length /= 2 * _GROWTH

    def _expanded(self, state: State) -> Expansion | None:
        """Return where to go on from, and the model there; or None if there is nothing to go by."""
        if self._statistics is None:
            return expansion_of(self._points, state)
        if self._expansion is None:
            self._expansion = self._statistics.expansion(state, self._points[-1][0])
        return self._expansion

    def _expanded_at(self, sums: np.ndarray) -> Expansion | None:
        assert self._statistics is not None
        there = posterior_of(self._task, sums)
        return None if there is None else self._statistics.expansion(there, sums)

    def _ahead(self, here: Expansion) -> tuple[np.ndarray, int] | None:
        """Return the sums to go on from and how many plain sweeps that stands for, or None."""
        plain = here.model.length
        longest = _FIRST * plain if self._length == np.inf else _GROWTH * self._length
        if self._bend > 0:
            longest = min(longest, float(np.sqrt(_ERROR * plain / self._bend)))
        longest = min(longest, _LONGEST * float(np.sqrt(here.sums[:, -1].sum())))
        longest = max(longest, _AT_LEAST * plain)
        for _ in range(_HALVED):
            sweeps = here.model.sweeps_within(longest)
            if sweeps is None:
                return None
            move = here.model.after(sweeps)
            if posterior_of(self._task, here.sums + move) is not None:
                return here.sums + move, sweeps
            longest = here.model.metric.norm(move) / 2
        return None


def as_acceleration(
    accelerate: bool | Literal["auto"], n_points: int, n_statistics: int, n_components: int
) -> bool:
    """Return whether to extrapolate; "auto" does where that costs less than the sweeps that it saves.

    Raises
    ------
    InputError
        If the choice is none of True, False and "auto".
    """
    if isinstance(accelerate, bool | np.bool):
        return bool(accelerate)
    if not isinstance(accelerate, str) or accelerate != "auto":
        raise InputError(f"accelerate is {accelerate!r}; it must be True, False or 'auto'")
    light = n_components * n_statistics**2 <= _LARGEST_METRIC
    return light and n_points >= WORTH_EXTRAPOLATING * n_statistics
