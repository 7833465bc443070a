"""Tasks run here and now, in place of the workers of `Pool`: for tests that are about something else."""

from experiments.engine.workers.pool import Event, Outcome
from experiments.engine.workers.worker import resolve


class SerialPool:
    def __init__(self, workers=1, *, on_event=None, environment=None):
        self._tell = on_event or (lambda event: None)
        self._queue = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, task):
        self._queue.append(task)

    def results(self):
        while self._queue:
            task = self._queue.pop(0)
            self._tell(Event("started", task, 0))
            try:
                outcome = Outcome(task.key, "ok", resolve(task.function)(task.payload), "", 0.0)
            except Exception as error:
                outcome = Outcome(task.key, "failed", None, f"{type(error).__name__}: {error}", 0.0, "...")
            self._tell(Event("finished", task, 0, outcome))
            yield outcome
