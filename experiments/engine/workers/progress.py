"""What a run shows on standard error, by the events of `pool`: what runs, what is done, how long is left.

A terminal gets a live display; anything else plain lines, one for each start and each end.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean
from typing import Self, TextIO

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from experiments.engine.workers.interface import Event, Outcome, Task
from experiments.engine.workers.terminal import duration, is_live, live_display

_WORDS = {"ok": "done", "failed": "FAILED", "crashed": "CRASHED", "timed_out": "TIMED OUT"}


@dataclass
class Tally:
    """What has been seen of a run, and the time left; more than the `expected` tasks may come.

    `troubled` are those of the `finished` that did not end ``ok``; `running` has the clock at the start.
    """

    workers: int
    expected: int = 0
    clock: Callable[[], float] = time.monotonic
    submitted: int = 0
    finished: int = 0
    troubled: int = 0
    running: dict[str, tuple[Task, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # the live display has its own thread
    _waiting: dict[str, Task] = field(default_factory=dict)
    _seconds: dict[str | None, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total(self) -> int:
        """All tasks known of."""
        return max(self.expected, self.submitted)

    def see(self, event: Event) -> None:
        """Take note of an event; the keys of tasks must differ."""
        task = event.task
        with self._lock:
            if event.kind == "submitted":
                self.submitted += 1
                self._waiting[task.key] = task
            elif event.kind == "started":
                self._waiting.pop(task.key, None)  # it may be started again, if its worker died
                self.running[task.key] = (task, self.clock())
            elif event.kind == "retried":
                self.running.pop(task.key, None)
                self._waiting[task.key] = task
            elif event.outcome:
                self.running.pop(task.key, None)
                self.finished += 1
                self.troubled += event.outcome.status != "ok"
                self._seconds[task.kind].append(event.outcome.seconds)

    def seconds_left(self) -> float | None:
        """Estimate the wall time left, or return None before anything has finished.

        A task is taken to last as long as the finished ones of its kind did on average, or all if there
        are none; work is shared out evenly among the workers, but no task is split.
        """
        with self._lock:
            if not self.finished:
                return None
            now = self.clock()
            ahead = [self._guess(task.kind) for task in self._waiting.values()]
            ahead += [self._guess(None)] * (self.total - self.submitted)
            running = self.running.values()
            under_way = [max(self._guess(task.kind) - (now - start), 0.0) for task, start in running]
        return max([(sum(ahead) + sum(under_way)) / self.workers, *ahead, *under_way])

    def _guess(self, kind: str | None) -> float:
        alike = self._seconds.get(kind) if kind else None
        return fmean(alike or chain.from_iterable(self._seconds.values()))


class Progress:
    """The display, on standard error by default. A context manager, and the `on_event` of a `Pool`.

    More than the `expected` tasks may come; those `kept`, done by an earlier run, are said once, at the top.
    """

    def __init__(
        self, expected: int = 0, *, workers: int = 2, kept: int = 0, stream: TextIO | None = None
    ) -> None:
        self.tally = Tally(workers, expected)
        self._kept = kept
        self._stream = stream or sys.stderr
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if is_live(self._stream):
            self._live = live_display(self._stream, get_renderable=_View(self.tally), refresh_per_second=4)
            self._live.start()
        if self._kept:
            self.say(f"{self._kept} done by an earlier run, kept")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.say(f"interrupted: {self.tally.finished} of {self.tally.total} done")

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self.tally.see(event)
        if event.kind == "retried" and event.outcome:
            line = f"{self._count()} {_WORDS[event.outcome.status]} {event.task.label}"
            self.say(f"{line}: {event.outcome.message}; it is tried once more", trouble=True)
        elif event.outcome:
            self.say(self._end(event.task, event.outcome), trouble=event.outcome.status != "ok")
        elif event.kind == "started" and not self._live:
            self.say(f"{self._count()} start  {event.task.label}")

    def say(self, line: str, *, trouble: bool = False) -> None:
        """Write a line: above the live display if there is one."""
        if self._live:
            self._live.console.print(Text(line, style="bold red" if trouble else ""), soft_wrap=True)
            return
        with suppress(OSError, ValueError):  # nobody reads any more; the run is worth more than its display
            print(line, file=self._stream, flush=True)

    def _count(self) -> str:
        width = len(str(self.tally.total))
        return f"[{self.tally.finished:>{width}}/{self.tally.total}]"

    def _end(self, task: Task, outcome: Outcome) -> str:
        line = f"{self._count()} {_WORDS[outcome.status]:<6} {task.label} ({duration(outcome.seconds)})"
        if outcome.message:
            return f"{line}: {outcome.message}"
        left = self.tally.seconds_left()
        if self._live or left is None or self.tally.finished == self.tally.total:
            return line
        return f"{line}; about {duration(left)} left"


class _View:
    """What a live display shows of a tally: a line for each running task, and a bar with the time left."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._spinner = Spinner("dots")

    def __call__(self) -> Group:
        tally, left = self._tally, self._tally.seconds_left()
        tasks, bar = Table.grid(padding=(0, 1)), Table.grid(padding=(0, 1))
        for task, start in list(tally.running.values()):
            lasts = Text(duration(tally.clock() - start), style="dim")
            tasks.add_row(self._spinner, Text(task.label), lasts)
        words = f"{tally.finished} of {tally.total} done"
        if tally.troubled:
            words += f" ({tally.troubled} in trouble)"
        if tally.finished < tally.total:
            words += f", about {duration(left)} left" if left is not None else ", time left not known yet"
        bar.add_row(ProgressBar(total=max(tally.total, 1), completed=tally.finished, width=20), Text(words))
        return Group(tasks, bar) if tally.running else Group(bar)
