"""Tasks one after the other in this process, for debuggers: a breakpoint in a method stops there.

Nothing is isolated: limits of time and memory do not hold, and what ends the process ends the run. What was
stored stays.
"""

import pickle
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self

from experiments.engine.workers.interface import Outcome, Task
from experiments.engine.workers.worker import resolve, sentence


class Serial:
    """An executor without workers; see `experiments.engine.workers.interface.Executor`."""

    remote = False

    def __init__(self, *, on_start: Callable[[Task], None] | None = None) -> None:
        self._queue: deque[Task] = deque()
        self._tell = on_start or (lambda task: None)

    def submit(self, task: Task) -> None:
        """Queue a task; it is run when results are asked for."""
        self._queue.append(task)

    def results(self) -> Iterator[Outcome]:
        """Run what is queued, and yield how each task ended."""
        while self._queue:
            task = self._queue.popleft()
            self._tell(task)
            yield self._run(task)

    def _run(self, task: Task) -> Outcome:
        began = time.monotonic()
        try:
            payload = pickle.loads(pickle.dumps(task.payload))  # as workers see it: nothing is shared
            status, value, message, detail = "ok", resolve(task.function)(payload), "", ""
        except Exception as error:
            status, value, message, detail = "failed", None, sentence(error), traceback.format_exc()
        return Outcome(task.key, status, value, message, time.monotonic() - began, detail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.clear()
