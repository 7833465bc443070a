r"""Fewer sweeps: extrapolation along the way that plain sweeps would take.

`ascent.linear_model` says where j sweeps at once would end. What is decided here is when to extrapolate and
how far, so that which of several optima is reached does not depend on it: extrapolation begins when the gains
of plain sweeps fall; it goes no further than about one posterior standard deviation (or 1.5 plain steps, if
those are longer); it goes further only while f is found about where the model said; and an extrapolation that
lowers the bound is undone, and its sweep counted. Whether the ascent has converged, plain sweeps decide.

No guard is a proof. Where a plain ascent passes a saddle between two optima, as from random starts, an
extrapolation can end on its other side; `benchmarks/acceleration.py` counts how often.

Sources: Jamshidian & Jennrich (1997), quasi-Newton acceleration of EM; Varadhan & Roland (2008), SQUAREM,
for extrapolations whose length adapts and which the objective can refuse.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from hand_cavi.ascent.linear_model import LinearModel, Metric
from hand_cavi.ascent.sweep import AnyTask, Asking, State, sweeping
from hand_cavi.inputs import InputError
from hand_cavi.result import StepInfo

_HISTORY = 8  # differences of S that are remembered
_FALLING = 3  # plain sweeps in a row, each of which gained less than the one before: extrapolation begins
_LONGEST = 1.0  # of an extrapolation, in the metric: about one posterior standard deviation
_AT_LEAST = 1.5  # plain steps; an extrapolation may be as long as that whatever the limit above
_FIRST, _GROWTH, _SHORTEST = 2.0, 4.0, 2.0  # plain steps: how an extrapolation's length adapts
_LARGEST_METRIC = 1 << 23  # K P^2, of "auto": 64 MB
_SURPRISE = 1.0  # error in f afterwards, as a share of f before, up to which extrapolations get longer


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
        self._task = task
        self.forget()

    def forget(self) -> None:
        """Start anew, as after the components were given another order."""
        self._gains: list[float] = []
        self._points: list[tuple[np.ndarray, np.ndarray]] = []  # S and f(S); the last is where we are
        self._begun = False
        self._length = _FIRST

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
        model = self._model(state) if allowed and self._begun else None
        ahead = None if model is None else self._ahead(model)
        if before is None or model is None or ahead is None:
            reached, info = yield from self._plain_sweep(state, before)
            return reached, info, True
        sums, sweeps = ahead
        start = replace(state, assignments=replace(state.assignments, sums=sums, entropy=np.nan))
        reached, info = yield from sweeping(self._task, start, before.sweep + 1)
        held = replace(before, sweep=before.sweep + 1, after_globals=before.after_assignments)
        if not np.isfinite(info.elbo):
            self._length = _SHORTEST
            return state, held, False
        here, there = self._points.pop(), (sums, reached.assignments.sums - sums)
        self._learn(model, sums - here[0], there[1], sweeps)
        if info.elbo < before.elbo:
            self._shorten()
            self._remember(there, here)  # we are where we were, but know what f is there
            return state, held, False
        self._remember(here, there)
        return reached, replace(info, after_globals=held.after_globals), False

    def _plain_sweep(self, state: State, before: StepInfo | None) -> Asking[tuple[State, StepInfo]]:
        sums = state.assignments.sums
        reached, info = yield from sweeping(self._task, state, 1 if before is None else before.sweep + 1)
        self._remember((sums, reached.assignments.sums - sums))
        if before is not None and not self._begun:
            self._gains = [*self._gains, info.elbo - before.elbo][-_FALLING:]
            falling = self._gains == sorted(self._gains, reverse=True)
            self._begun = len(self._gains) == _FALLING and falling
        return reached, info

    def _remember(self, *points: tuple[np.ndarray, np.ndarray]) -> None:
        self._points = [*self._points, *points][-_HISTORY - 1 :]

    def _model(self, state: State) -> LinearModel | None:
        """Return the linear model of f where we are, or None if there is nothing to go by."""
        if len(self._points) < 2:
            return None
        sums, f = (np.array(arrays) for arrays in zip(*self._points, strict=True))
        moves, images = np.diff(sums, axis=0)[::-1], -np.diff(f, axis=0)[::-1]
        return LinearModel.from_differences(Metric(state), moves, images, f[-1])

    def _ahead(self, model: LinearModel) -> tuple[np.ndarray, float] | None:
        """Return the sums to go on from and how many plain sweeps that stands for, or None."""
        longest = max(min(self._length * model.length, _LONGEST), _AT_LEAST * model.length)
        sweeps = model.sweeps_within(longest)
        if sweeps is None:
            return None
        sums = self._points[-1][0] + model.after(sweeps)
        if not admissible(self._task, sums):
            self._shorten()
            return None
        return sums, sweeps

    def _learn(self, model: LinearModel, move: np.ndarray, f: np.ndarray, sweeps: float) -> None:
        """Let the next extrapolation be longer or shorter, by how far f is from where it was expected."""
        surprise = model.metric.norm(f - model.left_after(sweeps)) / model.length
        length = model.metric.norm(move) / model.length
        if surprise <= _SURPRISE:
            self._length = max(self._length, _GROWTH * length)
        else:
            self._length = max(_SHORTEST, length * max(0.2, min(0.5, _SURPRISE / surprise)))

    def _shorten(self) -> None:
        self._length = max(_SHORTEST, self._length / 2)


def admissible(task: AnyTask, sums: np.ndarray) -> bool:
    """Return whether there is a posterior with these sums, shape (K, P), of components that are not empty.

    There is none either where the family's arithmetic would mend what it is given.
    """
    if not (np.isfinite(sums).all() and (sums[:, -1] > 0).all()):
        return False
    eta = task.components.natural + sums
    try:
        with np.errstate(all="ignore"):
            components = task.components.from_natural(eta)
            phi = np.abs(components.expected_phi)  # 0 where a family keeps no eta, as there phi is 0
            mended = np.sum(np.abs(components.natural - eta) * phi, axis=1)
            return bool((mended <= 1e-8 * np.sum(np.abs(eta) * phi, axis=1)).all())
    except InputError:
        return False


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
