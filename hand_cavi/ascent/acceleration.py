r"""Fewer sweeps: leaps along the way that plain sweeps would take.

`ascent.linear_model` says where j sweeps at once would end. What is decided here is when to leap and how
far, so that which of several optima is reached does not depend on it: leaps begin when the gains of plain
sweeps fall; they are no longer than about one posterior standard deviation (or 1.5 plain steps, if those are
longer); they get longer only while f is found about where the picture said; and a leap that lowers the bound
is undone, and its sweep counted. Whether the ascent has converged, plain sweeps decide.

No guard is a proof. Where a plain ascent passes a saddle that parts two hills, as from random starts, a leap
can come down on the other side; `benchmarks/acceleration.py` counts how often.

Sources: Jamshidian & Jennrich (1997), quasi-Newton acceleration of EM; Varadhan & Roland (2008), SQUAREM,
for leaps whose length adapts and which the objective can refuse.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from hand_cavi.ascent.linear_model import Metric, Picture
from hand_cavi.ascent.sweep import AnyTask, State
from hand_cavi.inputs import InputError
from hand_cavi.result import StepInfo

_HISTORY = 8  # differences of S that are remembered
_FALLING = 3  # plain sweeps in a row, each of which gained less than the one before: leaps begin
_LONGEST = 1.0  # of a leap, in the metric: about one posterior standard deviation
_AT_LEAST = 1.5  # plain steps; a leap may be as long as that whatever the limit above
_FIRST, _GROWTH, _SHORTEST = 2.0, 4.0, 2.0  # plain steps: how a leap's length adapts
_LARGEST_METRIC = 1 << 23  # K P^2, of "auto": 64 MB
_SURPRISE = 1.0  # error in f after a leap, as a share of f before it, up to which leaps get longer


WORTH_LEAPING = 250
"""N / P from which leaps take no more time than they save: theirs grows with K P^2, a sweep's with N K P.

There the textbook's model, of whose few sweeps two in three are saved, breaks even; others gain sooner.
"""


class Leaps:
    """Passes over the data, each from where the last one ended or from further on.

    Parameters
    ----------
    task : Task
    sweep : callable
        `hand_cavi.ascent.sweep.sweep`.
    """

    def __init__(self, task: AnyTask, sweep: Callable[[AnyTask, State, int], tuple[State, StepInfo]]) -> None:
        self._task, self._sweep = task, sweep
        self.forget()

    def forget(self) -> None:
        """Start anew, as after the components were given another order."""
        self._gains: list[float] = []
        self._points: list[tuple[np.ndarray, np.ndarray]] = []  # S and f(S); the last is where we are
        self._begun = False
        self._length = _FIRST

    def step(self, state: State, before: StepInfo | None, may_leap: bool) -> tuple[State, StepInfo, bool]:
        """Pass over the data once.

        Parameters
        ----------
        state : State
            Where the ascent is.
        before : StepInfo or None
            What the sweep before reported.
        may_leap : bool
            False asks for a plain sweep.

        Returns
        -------
        state : State
            Unchanged if a leap was undone.
        info : StepInfo
            Its bound is never below the one before, but for rounding. A leap starts from no q(c), and so has
            no bound after its first half-step: the bound that it had to beat stands there.
        plain : bool
            Whether it was a plain sweep.
        """
        picture = self._picture(state) if may_leap and self._begun else None
        leap = None if picture is None else self._leap(picture)
        if before is None or picture is None or leap is None:
            return *self._plain_sweep(state, before), True
        sums, sweeps = leap
        start = replace(state, assignments=replace(state.assignments, sums=sums, entropy=np.nan))
        reached, info = self._sweep(self._task, start, before.sweep + 1)
        held = replace(before, sweep=before.sweep + 1, after_globals=before.after_assignments)
        if not np.isfinite(info.elbo):
            self._length = _SHORTEST
            return state, held, False
        here, there = self._points.pop(), (sums, reached.assignments.sums - sums)
        self._learn(picture, sums - here[0], there[1], sweeps)
        if info.elbo < before.elbo:
            self._shorten()
            self._remember(there, here)  # we are where we were, but know what f is there
            return state, held, False
        self._remember(here, there)
        return reached, replace(info, after_globals=held.after_globals), False

    def _plain_sweep(self, state: State, before: StepInfo | None) -> tuple[State, StepInfo]:
        sums = state.assignments.sums
        reached, info = self._sweep(self._task, state, 1 if before is None else before.sweep + 1)
        self._remember((sums, reached.assignments.sums - sums))
        if before is not None and not self._begun:
            self._gains = [*self._gains, info.elbo - before.elbo][-_FALLING:]
            falling = self._gains == sorted(self._gains, reverse=True)
            self._begun = len(self._gains) == _FALLING and falling
        return reached, info

    def _remember(self, *points: tuple[np.ndarray, np.ndarray]) -> None:
        self._points = [*self._points, *points][-_HISTORY - 1 :]

    def _picture(self, state: State) -> Picture | None:
        """Return the linear picture of f where we are, or None if there is nothing to go by."""
        if len(self._points) < 2:
            return None
        sums, f = (np.array(arrays) for arrays in zip(*self._points, strict=True))
        moves, answers = np.diff(sums, axis=0)[::-1], -np.diff(f, axis=0)[::-1]
        return Picture.seen(Metric(state), moves, answers, f[-1])

    def _leap(self, picture: Picture) -> tuple[np.ndarray, float] | None:
        """Return the sums to leap to and how many plain sweeps that stands for, or None."""
        longest = max(min(self._length * picture.length, _LONGEST), _AT_LEAST * picture.length)
        sweeps = picture.sweeps_within(longest)
        if sweeps is None:
            return None
        sums = self._points[-1][0] + picture.after(sweeps)
        if not admissible(self._task, sums):
            self._shorten()
            return None
        return sums, sweeps

    def _learn(self, picture: Picture, move: np.ndarray, f: np.ndarray, sweeps: float) -> None:
        """Let the next leap be longer or shorter, by how far f is from where it was expected."""
        surprise = picture.metric.norm(f - picture.left_after(sweeps)) / picture.length
        length = picture.metric.norm(move) / picture.length
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


def as_choice_to_leap(
    accelerate: bool | Literal["auto"], n_points: int, n_statistics: int, n_components: int
) -> bool:
    """Return whether to leap; "auto" does where choosing a leap costs less than the sweeps that it saves.

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
    return light and n_points >= WORTH_LEAPING * n_statistics
