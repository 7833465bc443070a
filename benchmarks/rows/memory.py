"""How much memory a fit takes beside the data."""

import ctypes
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import DIRECT, NotRunError, Row, Target, in_new_process, power, spaced

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalKnownVariance, NormalWishart, fit

TITLE = "Peak memory beside the data"
NOTE = """Each row is a process of its own. It imports and compiles everything on a small fit, loads
the data and reads them all; then the system is told to forget the largest resident size so far
(/proc/self/clear_refs), and one fit runs from one start. The figure is the largest resident size since
then, less the resident size just before the fit, from which memory that was freed is handed back first
(malloc_trim). Five sweeps where every sweep reads every point, otherwise to convergence. By ru_maxrss of the
whole process, which also counts what compiling and loading have left, the three were 124, 42 and 122 MB."""

CASES = ((1, 5, "direct"), (2, 5, "direct"), (1, 5, "condensed"))
TARGETS = tuple(
    Target(f"peak memory beside the data, N = 10^7, D = {D}, K = {K}, {mode}", 100, "MB")
    for D, K, mode in CASES
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every case."""
    n_points = 10**6 if quick else 10**7
    with tempfile.TemporaryDirectory() as folder:
        for D in (1, 2):
            np.save(Path(folder) / f"{D}.npy", spaced(n_points, 5, D))
        for (D, K, mode), target in zip(CASES, TARGETS, strict=True):
            cells = {"N": power(n_points), "D": str(D), "K": str(K), "sweeps over": mode}
            try:
                found = in_new_process(__file__, str(Path(folder) / f"{D}.npy"), str(K), mode)
            except NotRunError as why:
                yield Row({**cells, "beside the data, MB": f"not run: {why}"}, target, why=str(why))
                continue
            cells["data, MB"] = f"{8 * n_points * D / 1e6:.0f}"
            cells["beside the data, MB"] = f"{found['megabytes']:.1f}"
            yield Row(cells, target, found["megabytes"])


def measure(file: str, n_components: int, mode: str) -> float:
    """Return the megabytes that a fit to a file's rows adds, in this process."""
    n_features = np.load(file, mmap_mode="r").shape[1]
    if n_features == 1:
        mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)
    else:
        prior = NormalWishart(np.zeros(n_features), 1.0, n_features + 1.0, np.eye(n_features))
        mixture = Mixture(prior, DirichletWeights(1.0), n_components)
    arguments: dict = {"rng": 0, "starts": 1}
    if mode == "direct":
        arguments["max_sweeps"] = 5
        arguments["condense"] = DIRECT
    fit(mixture, spaced(50_000, n_components, n_features), **arguments)
    x = np.load(file)
    x.sum()
    forget_peak()
    before = in_status("VmRSS")
    fit(mixture, x, **arguments)
    return (in_status("VmHWM") - before) / 1e6


def forget_peak() -> None:
    """Let the largest resident size be counted from now on, and give back what the small fit has left.

    Compiling took more for a while; and getrusage may tell the size of the process that began this one.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        raise NotRunError("this system does not tell a process's peak size from a moment on") from None


def in_status(name: str) -> int:
    """Return a size that the system tells of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    try:
        print(json.dumps({"megabytes": measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])}))
    except NotRunError as told:
        raise SystemExit(str(told)) from None
