"""From starts to a result: every start goes the same way, and the best bound wins.

Starts ascend one after another. Where data are read anew in every sweep, reading is what takes time, or much
of it: there they ascend in step, and each pass over the data serves all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hand_cavi.ascent.ascend import Ended, MixtureAscent, StoppingRule, ascending
from hand_cavi.ascent.checkpoint import Log
from hand_cavi.ascent.forecast import Forecast
from hand_cavi.ascent.progress import Tell, Tracker
from hand_cavi.ascent.split_merge import improve
from hand_cavi.ascent.sweep import AnyTask, Asking, State, StreamedTask, Task, serve
from hand_cavi.data.kernels import Assignments
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.result import Fit, MoveOutcome, StartOutcome, Status, StepInfo

Begun = Iterable[tuple[str, Assignments]]
"""Starts: of which kind, and the assignments that they begin from."""


@dataclass(frozen=True)
class Restarts:
    """How a fit goes from its starts to the best ascent.

    Attributes
    ----------
    rule : StoppingRule
        Of each ascent.
    n_moves : int
        To be tried on the best, at most.
    gives_up : bool
        Whether a start is given up that is forecast to end below another.
    accelerates : bool
    log : Log or None
        Where passes over the data are written down.
    progress : callable or None
        Told after every pass.
    """

    rule: StoppingRule
    n_moves: int = 0
    gives_up: bool = False
    accelerates: bool = False
    log: Log | None = None
    progress: Tell | None = None

    def run(self, task: AnyTask, begun: Begun) -> tuple[MixtureAscent, list[StartOutcome]]:
        """Ascend from every start; return the best ascent, the only one that is held, and all outcomes.

        A callback, which may stop an ascent, is shown one ascent after another.
        """
        in_step = isinstance(task, StreamedTask) and self.rule.callback is None
        starts = list(begun)
        numbers = range(len(starts))
        tracker = Tracker(self.progress, self.rule, len(starts))
        bounds = [-np.inf] * len(starts)
        before = list(bounds)  # the pass under way, for all alike

        def after_round() -> None:
            before[:] = bounds
            if in_step:
                tracker.tell()

        def ascending_from(i: int) -> Asking[MixtureAscent]:
            forecast, given_up = Forecast(), False

            def after_sweep(info: StepInfo) -> bool:  # of a finite bound
                nonlocal given_up
                tracker.saw(i, info)
                if not in_step:
                    tracker.tell()
                bounds[i] = info.elbo
                if self.gives_up:
                    best_other = max((before[j] for j in numbers if j != i), default=-np.inf)
                    given_up = forecast.stays_below(info, best_other)
                return bool((self.rule.callback and self.rule.callback(info)) or given_up)

            state = State(task.components, task.weights, starts[i][1])
            rule = replace(self.rule, callback=after_sweep)
            ascent = yield from ascending(task, state, rule, self.accelerates)
            tracker.ended(i)
            return replace(ascent, status=Status.GIVEN_UP) if given_up else ascent

        best: MixtureAscent | None = None
        outcomes: list[StartOutcome] = []
        for some in [numbers] if in_step else [[i] for i in numbers]:
            ascents = serve(task, [ascending_from(i) for i in some], after_round)
            for i, ascent in zip(some, ascents, strict=True):
                outcomes.append(StartOutcome(starts[i][0], ascent.elbo, len(ascent.infos), ascent.status))
                if best is None or ascent.elbo > best.elbo:
                    best = ascent
        assert best is not None
        return best, outcomes

    def moved(
        self, task: Task, landmarks: np.ndarray, best: MixtureAscent, rng: np.random.Generator
    ) -> tuple[MixtureAscent, tuple[MoveOutcome, ...]]:
        """Try moves on the best of the ascents; a child of `rng` draws them."""
        if self.n_moves == 0:
            return best, ()
        tracker = Tracker(self.progress, self.rule, 0)

        def after_sweep(info: StepInfo) -> bool:
            if info.sweep == 1:
                tracker.ended(0)  # the move before
            tracker.saw(0, info)
            tracker.tell()
            return bool(self.rule.callback and self.rule.callback(info))

        rule = replace(self.rule, callback=after_sweep) if self.progress else self.rule
        return improve(task, landmarks, best, rule, self.n_moves, rng.spawn(1)[0], self.accelerates)


def result_of(
    mixture: Mixture,
    best: MixtureAscent | Ended,
    outcomes: Sequence[StartOutcome],
    coordinates: Coordinates,
    moves: tuple[MoveOutcome, ...] = (),
) -> Fit:
    """State the best ascent in the data's units."""
    return Fit(
        mixture=mixture,
        components=best.state.components.seen_from(coordinates.inverse),
        weights=best.state.weights,
        elbo_terms=best.terms,
        half_step_trace=best.half_step_trace,
        status=best.status,
        starts=tuple(sorted(outcomes, key=lambda outcome: -outcome.elbo)),
        counts=best.state.assignments.sums[:, -1],
        moves=moves,
        _coordinates=coordinates,
    )
