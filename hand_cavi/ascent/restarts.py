"""From starts to a result: every start goes up the same way, and the best bound wins."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hand_cavi.ascent.ascend import Ascent, StoppingRule, ascend
from hand_cavi.ascent.checkpoint import Log, LoggedTask, about
from hand_cavi.ascent.forecast import Outlook
from hand_cavi.ascent.progress import Tell, Tracker
from hand_cavi.ascent.split_merge import improve
from hand_cavi.ascent.sweep import State, Task
from hand_cavi.ascent.together import ascend_together
from hand_cavi.data.kernels import Assignments
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.result import Fit, MoveOutcome, StartOutcome, Status, StepInfo

Begun = Iterable[tuple[str, Assignments]]
"""Starts: of which kind, and the assignments that they begin from."""


@dataclass(frozen=True)
class Climb:
    """How every start goes up: ascent, moves."""

    rule: StoppingRule
    n_moves: int
    gives_up: bool = False
    leaps: bool = False
    log: Log | None = None
    progress: Tell | None = None

    def through(self, task: Any) -> Any:
        """Return the task, its passes over the data made through the log if there is one."""
        return task if self.log is None else LoggedTask(task, self.log, about(task))

    def up(self, task: Any, begun: Begun) -> tuple[Ascent, list[StartOutcome]]:
        """Ascend from every start, told by its kind and assignments; return the best, and all outcomes."""
        if hasattr(task, "source") and self.rule.callback is None:
            return self._together(task, list(begun))
        return self._one_by_one(task, list(begun))

    def _one_by_one(
        self, task: Any, begun: Sequence[tuple[str, Assignments]]
    ) -> tuple[Ascent, list[StartOutcome]]:
        """Ascend from each start in turn; only the best ascent so far is held."""
        best: Ascent | None = None
        outcomes: list[StartOutcome] = []
        tracker = Tracker(self.progress, self.rule, len(begun))

        def known(info: StepInfo) -> float:
            tracker.saw(len(outcomes), info)
            tracker.tell()
            return -np.inf if best is None else best.elbo

        for kind, assignments in begun:
            ascent = self._ascend(task, State(task.components, task.weights, assignments), known)
            tracker.ended(len(outcomes))
            outcomes.append(_outcome(kind, ascent))
            if best is None or ascent.elbo > best.elbo:
                best = ascent
        assert best is not None
        return best, outcomes

    def _together(
        self, task: Any, begun: Sequence[tuple[str, Assignments]]
    ) -> tuple[Ascent, list[StartOutcome]]:
        """Ascend from all starts in step, each pass over the data shared by all."""
        now = np.full(len(begun), -np.inf)
        bounds = now.copy()  # as they were before the pass under way, for everyone alike
        tracker = Tracker(self.progress, self.rule, len(begun))

        def ascend_from(view: Any, state: State, i: int) -> Ascent:
            def known(info: StepInfo) -> float:
                now[i] = info.elbo
                tracker.saw(i, info)
                return float(np.max(np.delete(bounds, i), initial=-np.inf))

            ascent = self._ascend(view, state, known)
            tracker.ended(i)
            return ascent

        def before_pass() -> None:
            bounds[:] = now
            tracker.tell()

        states = [State(task.components, task.weights, assignments) for _, assignments in begun]
        ascents = ascend_together(task, states, ascend_from, before_pass)
        outcomes = [_outcome(kind, ascent) for (kind, _), ascent in zip(begun, ascents, strict=True)]
        return max(ascents, key=lambda ascent: ascent.elbo), outcomes

    def _ascend(self, task: Any, state: State, known: Callable[[StepInfo], float]) -> Ascent:
        """Ascend from one start; give it up, if that is allowed, once it is hopeless.

        `known` takes what is reported of a sweep and returns the best bound of any other start.
        """
        outlook, given_up = Outlook(), []

        def after_sweep(info: StepInfo) -> bool:
            best = known(info)
            if self.gives_up and outlook.hopeless(info, best):
                given_up.append(info)
            return bool((self.rule.callback and self.rule.callback(info)) or given_up)

        ascent = ascend(task, state, replace(self.rule, callback=after_sweep), self.leaps)
        return replace(ascent, status=Status.GIVEN_UP) if given_up else ascent

    def moved(
        self, task: Task, landmarks: np.ndarray, best: Ascent, rng: np.random.Generator
    ) -> tuple[Ascent, tuple[MoveOutcome, ...]]:
        """Try moves on the best of the ascents; a child of `rng` draws them."""
        if self.n_moves == 0:
            return best, ()
        return improve(task, landmarks, best, self.rule, self.n_moves, rng.spawn(1)[0], self.leaps)


def _outcome(kind: str, ascent: Ascent) -> StartOutcome:
    return StartOutcome(kind, ascent.elbo, len(ascent.infos), ascent.status)


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
