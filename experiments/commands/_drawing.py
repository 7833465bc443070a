"""How far the drawing of a report has come: a bar on a terminal, else a line now and then, on stderr."""

import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.commands._messages import loudness
from experiments.engine.workers.terminal import duration, is_live, live_display

_PATIENCE = 1.0  # seconds before a bar is shown
_EVERY = 5.0  # seconds between two lines, and before the first


class DrawingProgress:
    """The display, on standard error by default. A context manager, and the `on_drawing` of a report."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._began = self._said = self._clock()
        self._first: int | None = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show what is drawn now, after so many of so many parts."""
        if loudness.quiet:
            return
        now = self._clock()
        if self._first is None:  # those before were drawn by an earlier report
            self._first, self._began = done, now
        drawn = done - self._first
        left = f", about {duration((now - self._began) / drawn * (total - done))} left" if drawn else ""
        words = f"drawing {what}: {done} of {total} done{left}"
        if is_live(self._stream):
            if now - self._began >= _PATIENCE:
                self._show(done, total, words)
        elif now - self._said >= _EVERY:
            self._said = now
            print(words, file=self._stream, flush=True)

    def _show(self, done: int, total: int, words: str) -> None:
        if self._live is None:
            self._live = live_display(self._stream, auto_refresh=False)
            self._live.start()
        bar = Table.grid(padding=(0, 1))
        text = Text(words, no_wrap=True, overflow="ellipsis")
        bar.add_row(ProgressBar(total=max(total, 1), completed=done, width=20), text)
        self._live.update(Group(bar), refresh=True)
