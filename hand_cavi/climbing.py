"""From starts to a result: every start goes up the same way, and the best bound wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hand_cavi.annealing import annealed
from hand_cavi.cavi import AnyTask, Ascent, State, StoppingRule, Task, ascend
from hand_cavi.checkpoint import Log, LoggedTask, about
from hand_cavi.coordinates import Coordinates
from hand_cavi.kernels import Assignments
from hand_cavi.mixture import Mixture
from hand_cavi.moves import MoveOutcome, improve
from hand_cavi.result import Fit, StartOutcome

Begun = Iterable[tuple[str, Assignments]]
"""Starts: of which kind, and the assignments that they begin from."""


@dataclass(frozen=True)
class Climb:
    """How every start goes up: hot sweeps, ascent, moves."""

    rule: StoppingRule
    temperatures: np.ndarray
    n_moves: int
    log: Log | None = None

    def through(self, task: Any) -> Any:
        """Return the task, its passes over the data made through the log if there is one."""
        return task if self.log is None else LoggedTask(task, self.log, about(task))

    def up(self, task: AnyTask, begun: Begun) -> tuple[Ascent, list[StartOutcome]]:
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

    def moved(
        self, task: Task, landmarks: np.ndarray, best: Ascent, rng: np.random.Generator
    ) -> tuple[Ascent, tuple[MoveOutcome, ...]]:
        """Try moves on the best of the ascents; a child of `rng` draws them."""
        if self.n_moves == 0:
            return best, ()
        return improve(task, landmarks, best, self.rule, self.n_moves, rng.spawn(1)[0])


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
