"""Many starts at once: ascents that share every pass over the data.

Where data are read anew in every sweep, reading is what takes time, or much of it. So all starts go up in
step: each ascent runs in a thread of its own, up to where it needs the data; when all have come there, one
pass answers all of them. A pass takes the starts in their order, whichever thread is quicker.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any

import numpy as np

from hand_cavi.ascent.ascend import Ascent
from hand_cavi.ascent.sweep import State
from hand_cavi.data.kernels import Assignments

Question = tuple[np.ndarray, np.ndarray]


class Abandoned(Exception):
    """Raised in an ascent when another has failed."""


class Together:
    """A task that collects the questions of several ascents and has them answered together.

    Parameters
    ----------
    task : StreamedTask or LoggedTask
        Who answers, `refreshed_many`.
    n : int
        The number of ascents.
    before_pass : callable
        Called before every pass, while all ascents wait.
    """

    def __init__(self, task: Any, n: int, before_pass: Callable[[], None]) -> None:
        self.task, self._before_pass = task, before_pass
        self._changed = Condition()
        self._questions: dict[int, Question] = {}
        self._answers: dict[int, Assignments] = {}
        self._climbing = set(range(n))
        self._failed = False

    def ask(self, i: int, question: Question) -> Assignments:
        """Wait for the next pass, and return its answer to the i-th ascent."""
        with self._changed:
            self._questions[i] = question
            self._changed.notify_all()
            self._changed.wait_for(lambda: i in self._answers or self._failed)
            if self._failed:
                raise Abandoned
            return self._answers.pop(i)

    def leave(self, i: int) -> None:
        """Say that the i-th ascent has ended."""
        with self._changed:
            self._climbing.discard(i)
            self._changed.notify_all()

    def answer_all(self) -> None:
        """Make pass after pass until every ascent has ended."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._climbing <= self._questions.keys())
                if not self._climbing:
                    return
                asked = sorted(self._questions.items())
                self._questions = {}
                self._before_pass()
            answers = self.task.refreshed_many([question for _, question in asked])
            with self._changed:
                self._answers = {i: answer for (i, _), answer in zip(asked, answers, strict=True)}
                self._changed.notify_all()

    def give_up(self) -> None:
        """Let every ascent that waits end at once."""
        with self._changed:
            self._failed = True
            self._changed.notify_all()


class _View:
    """The task as the i-th ascent sees it."""

    def __init__(self, together: Together, i: int) -> None:
        self._together, self._i = together, i

    def __getattr__(self, name: str) -> Any:
        return getattr(self._together.task, name)

    def refreshed(self, expected_phi: np.ndarray, expected_log_weights: np.ndarray) -> Assignments:
        """Return the optimal assignments, once all other ascents want theirs too."""
        return self._together.ask(self._i, (expected_phi, expected_log_weights))


def ascend_together(
    task: Any,
    states: Sequence[State],
    ascend: Callable[[Any, State, int], Ascent],
    before_pass: Callable[[], None] = lambda: None,
) -> list[Ascent]:
    """Ascend from all states in step.

    Parameters
    ----------
    task : StreamedTask or LoggedTask
    states : sequence of State
    ascend : callable
        Takes a task, a state and its place in `states`; runs in a thread of its own.
    before_pass : callable
        Called before every pass, while all ascents wait.

    Returns
    -------
    list of Ascent
        In the order of the states.
    """
    together = Together(task, len(states), before_pass)
    ascents: list[Ascent | None] = [None] * len(states)
    errors: list[BaseException] = []

    def climb(i: int) -> None:
        try:
            ascents[i] = ascend(_View(together, i), states[i], i)
        except Abandoned:
            pass
        except BaseException as error:  # handed on to the thread that waits for all
            errors.append(error)
            together.give_up()
        finally:
            together.leave(i)

    threads = [Thread(target=climb, args=(i,), daemon=True) for i in range(len(states))]
    for thread in threads:
        thread.start()
    try:
        together.answer_all()
    except BaseException:
        together.give_up()
        raise
    finally:
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return [ascent for ascent in ascents if ascent is not None]
