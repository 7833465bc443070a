"""`elbowroom status`: how a study stands, also while it runs."""

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import last_lines
from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import columns, wrapped
from experiments.engine.study_folder import study_folder

if TYPE_CHECKING:
    from experiments.engine.standing import CellStanding, Standing

_EVERY = 1.0  # seconds between two looks


def status(
    study: Annotated[Path, typer.Argument(help="A study's folder, or its name in the folder studies.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on looking until the run ends.")] = False,
    cells: Annotated[
        bool, typer.Option("--cells", help="Show every cell: the file of its draws, and how it was made.")
    ] = False,
    json: Json = False,
) -> None:
    """Say how a study stands, also while it runs.

    What is done, running, failed and why, pending, and the time left.
    """
    from experiments.engine.standing import standing
    from hand_cavi import InputError

    if follow and json:
        raise InputError("--follow goes on and on, --json prints one document; choose one of the two")
    folder = study_folder(study)
    if json:
        print_json(_as_json(standing(folder), folder))
        return
    last: list[str] = []
    while True:
        now = standing(folder)
        on_terminal = sys.stdout.isatty()
        shown = now if on_terminal or not follow else replace(now, seconds_left=None)  # it changes every time
        if (lines := [part for line in lines_of(shown) for part in wrapped(line, 2)]) != last:
            if last and on_terminal:
                print(over(last, shutil.get_terminal_size().columns), end="")
            print("\n".join(lines), flush=True)
        last = lines
        if not (follow and now.is_running):
            break
        time.sleep(_EVERY)
    if cells:
        _print_cells(now)


def lines_of(now: "Standing") -> list[str]:
    """Return how a study stands, in a few lines: what failed and what is damaged have one each."""
    from experiments.engine.workers.terminal import duration

    lines = [_headline(now)]
    counts = {
        "done": len(now.with_status("ok")),
        "running": len(now.with_status("running")),
        "failed": len(now.failed),
        "stopped in the middle": len(now.with_status("stopped")),
        "pending": len(now.with_status("pending")),
    }
    told = ", ".join(f"{n} {word}" for word, n in counts.items() if n or word == "done")
    left = f"; about {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
    lines.append(f"{len(now.cells)} cells: {told}; {now.judged} of {now.problems} problems judged{left}")
    verb = "running" if now.is_running else "was running when the run ended"
    lines += [f"  {verb}: {task.label}, since {_clock(task.since)}" for task in now.tasks]
    for cell in now.failed:
        lines.append(f"  {cell.status.replace('_', ' ')}: {cell.place}: {cell.message}")
        lines += last_lines(cell.printed)
    lines += [f"  damaged: {what}; run the study again, which computes it anew" for what in now.damaged]
    return lines


def _headline(now: "Standing") -> str:
    run = now.run
    if run is None:
        return f"{now.name}: {'running' if now.is_running else 'not running'}"
    if now.is_running:
        tasks = "task" if run.workers == 1 else "tasks"
        about = f"process {run.process}, {run.workers} {tasks} at a time"
        return f"{now.name}: running since {_clock(run.started)} ({about})"
    return f"{now.name}: not running; the last run began {_clock(run.started)}"


def _clock(moment: str) -> str:
    """Return a time as people read it: the day and the seconds, in UTC."""
    return f"{moment[:10]} {moment[11:19]} UTC"


def over(lines: Sequence[str], columns: int) -> str:
    """Return what takes lines off a terminal of so many columns, in which long ones have several rows."""
    rows = sum(max(-(-len(line) // columns), 1) for line in lines)
    return f"\x1b[{rows}F\x1b[J"


def _print_cells(now: "Standing") -> None:
    from experiments.commands._terminal import print_columns, stdout

    rows = [_row(cell) for cell in now.cells]
    if rows:
        console = stdout()
        console.width = console.width if console.is_terminal or columns() else 400  # files of draws are long
        print_columns(console, [*rows[0]], [[*row.values()] for row in rows])


def _row(cell: "CellStanding") -> dict[str, str]:
    made = cell.provenance
    peak = "" if made is None or made.peak_bytes is None else f"{made.peak_bytes / 2**20:.0f}"
    return {
        "cell": cell.place,
        "status": cell.status.replace("_", " "),
        "began": _clock(made.started) if made else "",
        "ended": _clock(made.ended) if made else "",
        "attempts": str(made.attempts) if made else "",
        "cache": made.cache if made else "",
        "peak MB": peak,
        "draws": cell.file,
    }


def _as_json(now: "Standing", folder: Path) -> dict[str, object]:
    run = now.run
    return {
        "study": now.name,
        "kind": now.kind,
        "store": str(folder),
        "running": now.is_running,
        "run": None if run is None else vars(run),
        "counts": {
            "cells": len(now.cells),
            "done": len(now.with_status("ok")),
            "running": len(now.with_status("running")),
            "failed": len(now.failed),
            "stopped": len(now.with_status("stopped")),
            "pending": len(now.with_status("pending")),
        },
        "problems": now.problems,
        "judged": now.judged,
        "seconds_left": now.seconds_left,
        "tasks": [{"label": task.label, "since": task.since} for task in now.tasks],
        "damaged": list(now.damaged),
        "cells": [
            {
                "cell": cell.place,
                "key": cell.key,
                "status": cell.status,
                "message": cell.message,
                "printed": cell.printed,
                "draws": cell.file or None,
                "provenance": None if cell.provenance is None else vars(cell.provenance),
            }
            for cell in now.cells
        ],
    }
