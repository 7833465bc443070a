"""How much memory a worker and all that its task started hold, and whether the system ran out of it."""

from pathlib import Path

import psutil


def held_by(pid: int) -> int:
    """Return the bytes in memory of a process and its descendants, 0 where they are gone.

    Pages that several of them share count for each: forked children may be counted for more than they are.
    """
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def killed_for_memory() -> int:
    """Return how many processes this system has ended because memory ran out; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def size(n_bytes: float) -> str:
    """Return bytes as a person says them: ``3 MiB``, ``1.5 GiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.3g} GiB"
