"""Worker processes that know nothing of studies; one that dies or hangs costs one task and no more.

Each has a socket of its own, is reused from task to task (importing PyMC alone takes seconds), and replaced
after a crash or a time-out. `subprocess` rather than `multiprocessing` starts them: so their environment is
in place before the interpreter starts, and the parent's main module is not imported again. They end, with all
that their task had started, when their socket closes, even after a SIGKILL of the parent.
"""

import pickle
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Self

from experiments.engine.workers import memory
from experiments.engine.workers.interface import Outcome, Task
from experiments.engine.workers.process import Worker, how_it_died
from experiments.engine.workers.worker import BEGUN, GOODBYE, sentence

_GLANCE = 0.5  # seconds between looks at workers whose death their socket may hide
_GRACE = 2.0  # seconds between asking a worker to end and ending it
_ASLEEP = 2.0  # seconds beyond a glance in which this process must have been stopped, or its machine asleep


@dataclass
class _Slot:
    """A place for a worker: who sits there, and what it is doing.

    `begun` is whether the worker said that it took up the task; `served`, whether it ended one before; `peak`
    the most bytes it was seen to hold with this task, and `killed` how many had died for memory before it;
    `printed` what a worker printed that was dismissed.
    """

    number: int
    worker: Worker | None = None
    task: Task | None = None
    started: float = 0.0
    begun: bool = False
    served: bool = False
    affinity: str | None = None
    peak: int = 0
    looked: float = 0.0
    killed: int = 0
    printed: str = ""


class Pool:
    """A few workers, and tasks for them. Use it as a context manager.

    The end of what a task writes comes with its outcome. `on_start` is told of every task that starts, in the
    parent, between other things: be quick. `environment` gives a worker's environment variables, by its
    number.
    """

    remote = False

    def __init__(
        self,
        workers: int = 2,
        *,
        on_start: Callable[[Task], None] | None = None,
        environment: Callable[[int], dict[str, str]] | None = None,
    ) -> None:
        self._slots = [_Slot(number) for number in range(workers)]
        self._queue: deque[Task] = deque()
        self._outcomes: deque[Outcome] = deque()
        self._tell = on_start or (lambda task: None)
        self._environment = environment or (lambda slot: {})

    def submit(self, task: Task) -> None:
        """Queue a task; it starts at once if a worker is free."""
        self._queue.append(task)
        self._dispatch()

    def results(self) -> Iterator[Outcome]:
        """Yield outcomes as tasks end, until nothing is queued or running."""
        while self._outcomes or self._queue or self._busy():
            if (outcome := self.glance()) is not None:
                yield outcome

    def glance(self) -> Outcome | None:
        """Return an outcome if there is one; if not, wait until something happens, or for a moment."""
        if self._outcomes:
            return self._outcomes.popleft()
        self._collect()
        self._dispatch()  # before the next outcome is taken: workers need not wait for our reader
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers: the idle by a goodbye, the busy by force."""
        self._queue.clear()
        workers = [slot.worker for slot in self._slots if slot.worker]
        for slot in self._slots:
            if slot.worker and slot.task:
                slot.worker.signal(signal.SIGTERM)
            elif slot.worker:
                with suppress(OSError):
                    slot.worker.connection.send_bytes(GOODBYE)
            slot.worker = slot.task = None
        patience = time.monotonic() + _GRACE
        for worker in workers:
            worker.ended(patience - time.monotonic())
        for worker in workers:
            worker.remove()

    def _busy(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.task]

    def _dispatch(self) -> None:
        """Give queued tasks to free workers, each to the worker that did its like before if that is free."""
        free = [slot for slot in self._slots if not slot.task]
        for slot in list(free):
            task = next((t for t in self._queue if t.affinity and t.affinity == slot.affinity), None)
            if task:
                free.remove(slot)
                self._start(slot, task)
        elsewhere = {slot.affinity for slot in self._busy()}
        for slot in sorted(free, key=lambda slot: slot.worker is None):  # running workers first
            if self._queue:
                strangers = (t for t in self._queue if t.affinity is None or t.affinity not in elsewhere)
                task = next(strangers, self._queue[0])
                elsewhere.add(task.affinity)
                self._start(slot, task)

    def _start(self, slot: _Slot, task: Task) -> None:
        if slot.worker and slot.worker.process.poll() is not None:  # died while idle: nobody's task
            self._dismiss(slot)
        self._queue.remove(task)
        slot.task, slot.affinity, slot.started, slot.begun = task, task.affinity, time.monotonic(), False
        slot.peak, slot.looked, slot.killed, slot.printed = 0, 0.0, memory.killed_for_memory(), ""
        if slot.worker:
            slot.worker.printed.forget()
        self._tell(task)
        try:
            message = pickle.dumps((task.function, pickle.dumps(task.payload)))
        except Exception as error:
            self._finish(slot, "failed", message=f"its input cannot be sent to a worker: {sentence(error)}")
            return
        if not slot.worker:
            slot.worker = Worker(self._environment(slot.number))
        with suppress(OSError):  # it died just now: its socket will tell
            slot.worker.connection.send_bytes(message)

    def _collect(self) -> None:
        """Wait until something happens to a running task, or for a moment."""
        deadlines = [slot.started + slot.task.time_limit for slot in self._slots if slot.task]
        if not deadlines:
            return
        before = time.monotonic()
        patience = max(min(_GLANCE, min(deadlines) - before), 0)
        workers = [slot.worker for slot in self._busy() if slot.worker]
        pipes = [one.printed.descriptor for one in workers if one.printed.descriptor is not None]
        wait([*(one.connection for one in workers), *pipes], patience)
        slept = time.monotonic() - before - patience
        if slept > _ASLEEP:  # so were its tasks, and it counts for none of them
            for slot in self._slots:
                slot.started += slept
        for slot in self._busy():
            self._look_at(slot)

    def _look_at(self, slot: _Slot) -> None:
        assert slot.worker and slot.task
        worker, limit = slot.worker, slot.task.time_limit
        worker.printed.read()
        died = worker.process.poll() is not None  # asked first: a last answer may precede a death
        if worker.connection.poll():
            try:
                answer = worker.connection.recv_bytes()
            except (EOFError, OSError):
                self._bury(slot)
                return
            if answer == BEGUN:
                slot.begun = True
                return
            status, value, message, detail, peak = pickle.loads(answer)
            slot.peak = max(slot.peak, peak)
            try:
                result = pickle.loads(value) if value else None
            except Exception as error:
                status, result = "failed", None
                message, detail = f"its result cannot be read: {sentence(error)}", traceback.format_exc()
            self._finish(slot, status, result, message, detail)
        elif died:  # something that it started keeps its socket open
            self._bury(slot)
        elif time.monotonic() >= slot.started + limit:
            self._dismiss(slot)
            self._finish(slot, "timed_out", message=f"it was stopped at its time limit of {limit:g} s")
        else:
            self._watch_memory(slot)

    def _watch_memory(self, slot: _Slot) -> None:
        assert slot.worker and slot.task
        if time.monotonic() < slot.looked + _GLANCE / 2:
            return
        slot.looked, most = time.monotonic(), slot.task.memory_limit
        held = memory.held_by(slot.worker.process.pid)
        slot.peak = max(slot.peak, held)
        if most is not None and held > most:
            self._dismiss(slot)
            message = (
                f"it was stopped at its memory limit of {memory.size(most)}: it held {memory.size(held)}"
            )
            self._finish(slot, "crashed", message=message)

    def _finish(
        self, slot: _Slot, status: str, value: Any = None, message: str = "", detail: str = ""
    ) -> None:
        assert slot.task
        task, slot.task = slot.task, None
        slot.served = slot.worker is not None
        seconds = time.monotonic() - slot.started
        printed = slot.worker.printed.text() if slot.worker else slot.printed
        peak = slot.peak or None
        self._outcomes.append(
            Outcome(task.key, status, value, message, seconds, detail, peak, printed=printed)
        )

    def _bury(self, slot: _Slot) -> None:
        assert slot.worker and slot.task
        if slot.served and not slot.begun:  # it died while idle: nobody's task
            self._queue.appendleft(slot.task)
            slot.task = None
            self._dismiss(slot)
            return
        code = slot.worker.process.returncode if slot.worker.ended(_GRACE) else None
        message = how_it_died(code, out_of_memory=memory.killed_for_memory() > slot.killed)
        self._dismiss(slot)
        self._finish(slot, "crashed", message=message)

    def _dismiss(self, slot: _Slot) -> None:
        if slot.worker:
            slot.worker.signal(signal.SIGTERM)
            slot.worker.ended(_GRACE)
            slot.worker.remove()
            slot.printed = slot.worker.printed.text()
        slot.worker = slot.affinity = None
        slot.served = False
