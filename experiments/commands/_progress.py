"""How far a fit has come, on one line of the terminal that is written over and in the end taken away."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TextIO

from experiments.commands._messages import loudness, note
from experiments.engine.workers.terminal import duration, is_live, live_display
from hand_cavi.ascent.progress import Progress

if TYPE_CHECKING:
    from rich.live import Live

PATIENCE = 1.0
"""Seconds for which nothing is shown, so that a short fit flickers nowhere."""

_EVERY = 0.2  # seconds between two lines
_MEASURED = 10  # sweeps by which the seconds of a sweep are measured


class FitProgress:
    """The display, on standard error by default. A context manager, and the `progress` of `hand_cavi.fit`.

    Nothing is written unless the stream is a terminal. What tells nothing while it lasts is shown too, by a
    thread that looks on, with the seconds since it began.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._pace = Pace()
        self._live: Live | None = None
        self._stage = self._words = ""
        self._shown = threading.RLock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._shows = is_live(self._stream) and not loudness.quiet
        self._began = self._clock()
        self._last = self._began + PATIENCE - _EVERY
        self._looks_on = threading.Thread(target=self._look_on, daemon=True)
        if self._shows:
            self._looks_on.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._shows:
            self._looks_on.join()
        self.clear()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed; the next news bring it back."""
        with self._shown:
            self._words = ""
            if self._live:
                self._live.stop()
                self._live = None

    def begins(self, stage: str) -> Self:
        """Show what begins; it stands before all that is told of it."""
        self._stage, self._began = stage, self._clock()
        if stage:
            note(stage)
        self._show(stage, self._began)
        return self

    def __call__(self, progress: Progress) -> None:
        """Show where the fit stands."""
        now = self._clock()
        words = line_of(progress, self._pace.seconds_a_sweep(progress, now))
        self._show(f"{self._stage}: {words}" if self._stage else words, now)

    def _look_on(self) -> None:
        while not self._ended.wait(PATIENCE):
            with self._shown:
                now = self._clock()
                if self._words and now - self._last >= PATIENCE:
                    self._show(self._words, now, f" ({duration(now - self._began)})")

    def _show(self, words: str, now: float, more: str = "") -> None:
        with self._shown:
            self._words = words
            if not (self._shows and words) or now - self._last < _EVERY:
                return
            self._last = now
            from rich.text import Text  # slow to import, and a short fit shows nothing

            if self._live is None:
                self._live = live_display(self._stream, auto_refresh=False)
                self._live.start()
            self._live.update(Text(words + more, no_wrap=True, overflow="ellipsis"), refresh=True)


class Pace:
    """Seconds a sweep takes, by the last few of the same starts."""

    def __init__(self) -> None:
        self._start = 0
        self._seen: deque[tuple[int, float]] = deque(maxlen=_MEASURED + 1)

    def seconds_a_sweep(self, progress: Progress, now: float) -> float | None:
        """Take note of a sweep that ends now; return None after a first one."""
        start = progress.under_way[0] if len(progress.under_way) == 1 else 0  # 0: those that share a pass
        if self._seen and (start != self._start or progress.sweep <= self._seen[-1][0]):
            self._seen.clear()
        self._start = start
        self._seen.append((progress.sweep, now))
        (first, began), (last, ended) = self._seen[0], self._seen[-1]
        return (ended - began) / (last - first) if last > first else None


def line_of(progress: Progress, seconds_a_sweep: float | None) -> str:
    """Return the line that tells where a fit stands, and how long it may yet take."""
    under_way, n_starts = progress.under_way, progress.n_starts
    if n_starts == 0:
        words, until = "a split-and-merge move", " for this move"
    elif len(under_way) == 1:
        words = f"start {under_way[0]} of {n_starts}"
        until = " for this start" if n_starts > 1 else ""
    else:
        words, until = f"{len(under_way)} of {n_starts} starts, side by side", ""
    words += f": sweep {progress.sweep}, bound {progress.elbo:.10g}"
    if progress.gain is not None:
        words += f", last gain {progress.gain:.2g}"
    if progress.sweeps_left is None or seconds_a_sweep is None:
        return f"{words}; time left not known yet"
    return f"{words}; about {duration(progress.sweeps_left * seconds_a_sweep)} left{until}"
