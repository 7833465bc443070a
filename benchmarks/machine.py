"""What was measured on: the processor, its cores, and the versions that matter."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "pymc", "nutpie")


def facts() -> dict[str, str]:
    """Return the machine's facts by name."""
    found = {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": memory(),
        "system": f"{platform.system()}, {platform.machine()}",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["BLAS"] = blas()
    found["date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if hasattr(os, "getloadavg"):
        found["load before"] = f"{os.getloadavg()[0]:.1f}"
    return found


def processor() -> str:
    """Return the processor's name, with its vector instructions where the system tells them."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or "unknown"
    lines = [line.partition(":")[::2] for line in file.read_text().splitlines() if ":" in line]
    told = {key.strip(): value.strip() for key, value in reversed(lines)}
    flags = told.get("flags", "").split()
    vectors = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "")
    gigahertz = float(told.get("cpu MHz", 0)) / 1e3
    return f"{told.get('model name', 'unknown')}, {gigahertz:.1f} GHz {vectors}".strip()


def memory() -> str:
    """Return the size of the memory."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


def blas() -> str:
    """Return the libraries that numpy's and scipy's matrix products call."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    import scipy.linalg  # noqa: F401

    told = {f"{i['internal_api']} {i['version']} ({i.get('architecture', '?')})" for i in threadpool_info()}
    return ", ".join(sorted(told)) or "unknown"
