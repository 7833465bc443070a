"""What a run ran on: processor, cores, memory, system. No host name, no user, no path."""

import os
import platform
from pathlib import Path


def describe() -> dict[str, str]:
    """Return what wall times depend on."""
    system = f"{platform.system()} {platform.machine()}"
    return {"processor": _processor(), "cores": str(cores()), "memory": _memory(), "system": system}


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> str:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{pages * size / 2**30:.0f} GiB"
