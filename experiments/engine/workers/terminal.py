"""What is shown on a terminal: consoles, lines that are written over, durations in words.

rich is imported where something is shown; a short fit shows nothing.
"""

import os
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live


def duration(seconds: float) -> str:
    """Return seconds as a person says them: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def is_live(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose lines can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console_on(stream: TextIO, **options: Any) -> "Console":
    """Return a console on a stream; it has no colours and styles if ``NO_COLOR`` is set (no-color.org)."""
    from rich.console import Console

    return Console(file=stream, color_system=None if os.environ.get("NO_COLOR") else "auto", **options)


def live_display(stream: TextIO, **options: Any) -> "Live":
    """Return a display on a stream, which is gone when it stops; `options` are those of rich's ``Live``."""
    from rich.live import Live

    return Live(console=console_on(stream, highlight=False), transient=True, redirect_stdout=False, **options)
