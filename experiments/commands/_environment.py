"""What a run needs of the machine and of what is installed: looked at, and told with how to mend it."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec
from pathlib import Path

from experiments.engine.workers import machine
from experiments.engine.workers.compile_cache import cache_folder
from experiments.engine.workers.environment import THREADS

OK, SLOW, BROKEN = "ok", "slow", "broken"

_LEAST_DISK, _LEAST_MEMORY = 1.0, 2.0  # GiB below which a run may end early
_SLOW_IMPORT = 15.0  # seconds; where bytecode is kept it takes 3 to 6
_PATIENCE = 120.0  # seconds that importing may take
_COMPILED = (".nbc", ".so", ".pyd", ".dylib")

# What importing tells, in a process of its own: a library that crashes takes nothing else along.
_PROBE = """
import json, time
began = time.perf_counter()
import pymc, pytensor, nutpie, arviz, psutil
found = {"seconds": time.perf_counter() - began, "bytes": psutil.Process().memory_info().rss}
found |= {"cxx": pytensor.config.cxx, "blas": pytensor.config.blas__ldflags}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `state` is ``ok``, ``slow`` or ``broken``; `mend` says what to do."""

    name: str
    state: str
    said: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """Yield every finding, as soon as it is there."""
    yield python()
    yield packages()
    yield from imports()
    yield from (look() for look in LOOKS)


def python() -> Finding:
    """Look at the interpreter."""
    said = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info[:2] > (newest := _newest_tested()):
        return Finding("Python", OK, f"{said}; not tried: the newest that was is {newest[0]}.{newest[1]}")
    if os.name == "nt":
        return Finding("Python", SLOW, said, "studies need a POSIX system; `fit` and `choose` may work here")
    return Finding("Python", OK, said)


def _newest_tested() -> tuple[int, int]:
    """Return the newest Python of the package's classifiers; this one, if they are not at hand."""
    try:
        classifiers = metadata("elbowroom").get_all("Classifier") or []
    except PackageNotFoundError:
        classifiers = []
    ends = [one.rpartition(" :: Python :: 3.")[2] for one in classifiers if " :: Python :: 3." in one]
    return (3, max(map(int, ends))) if ends else sys.version_info[:2]


def packages() -> Finding:
    """Look at what is installed: against what is required, and against what the tests last passed with."""
    from packaging.requirements import Requirement

    try:
        asked = [Requirement(text) for text in requires("elbowroom") or ()]
    except PackageNotFoundError:
        return Finding("packages", BROKEN, "elbowroom is not installed", 'pip install "elbowroom[compare]"')
    wrong, count = [], 0
    for one in asked:
        if one.marker is not None and not one.marker.evaluate({"extra": "compare"}):
            continue
        count += 1
        try:
            found = version(one.name)
        except PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if found not in one.specifier:
            wrong.append(f"{one.name} is {found}, not {one.specifier}")
    if wrong:
        return Finding(
            "packages", BROKEN, "; ".join(dict.fromkeys(wrong)), 'pip install "elbowroom[compare]"'
        )
    others = _other_than_tested({one.name for one in asked})
    named = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    tested = f"; other than when the tests last passed: {named}" if others else ""
    return Finding("packages", OK, f"{count} that are required, in versions that are allowed{tested}")


def _other_than_tested(names: set[str]) -> list[str]:
    """Return which of these packages have another version than ``constraints.txt`` says, if it is at hand."""
    here = Path(__file__).parents[1]
    files = [path for path in (here / "constraints.txt", here.parent / "constraints.txt") if path.is_file()]
    lines = files[0].read_text("utf-8").splitlines() if files else []
    found = []
    for name, _, tested in (line.partition("==") for line in lines if not line.startswith("#")):
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if name in names and installed != tested.partition(";")[0].strip():
            found.append(f"{name} {installed}")
    return found


def imports() -> Iterator[Finding]:
    """Import PyMC and nutpie in another process, and look at what PyTensor compiles with."""
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _PROBE], capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        mend = "see whether its folder lies on a slow disk"
        yield Finding("PyMC, nutpie", BROKEN, f"not imported within {_PATIENCE:.0f} s", mend)
        return
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        mend = 'pip install --force-reinstall "elbowroom[compare]"'
        yield Finding("PyMC, nutpie", BROKEN, f"cannot be imported: {lines[-1]}", mend)
        return
    told = json.loads(done.stdout.strip().splitlines()[-1])
    cost = f"{told['seconds']:.1f} s and {told['bytes'] / 2**30:.2f} GiB"
    said = f"{version('pymc')}, {version('nutpie')}; each worker imports them, in {cost} here"
    if told["seconds"] > _SLOW_IMPORT:
        mend = "python -m compileall on the folder of its packages, once; another disk, if that does not help"
        yield Finding("PyMC, nutpie", SLOW, said, mend)
    else:
        yield Finding("PyMC, nutpie", OK, said)
    yield _compiler(told["cxx"])
    yield _blas(told["blas"])


def _compiler(command: str) -> Finding:
    name, needed = "C compiler", "PyTensor compiles by numba, and some of its parts by C"
    mend = "install g++ or clang++ (apt install g++; conda install cxx-compiler; xcode-select --install)"
    if not command or shutil.which(command.split()[0]) is None:
        return Finding(name, SLOW, f"none; {needed}, which then run in Python", mend)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "one.cpp"
        source.write_text("int main() { return 0; }\n")
        words = [*command.split(), str(source), "-o", str(Path(folder) / "one")]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Finding(name, BROKEN, f"{command}: {error}", mend)
    if done.returncode:
        return Finding(name, BROKEN, f"{command}: {(done.stderr.strip() or 'fails').splitlines()[-1]}", mend)
    return Finding(name, OK, command)


def _blas(flags: str) -> Finding:
    import numpy as np

    try:
        built: dict[str, dict[str, dict[str, str]]] = np.show_config(mode="dicts")  # type: ignore[assignment]
        blas = built["Build Dependencies"]["blas"]
        of_numpy = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    except (KeyError, TypeError):
        of_numpy = "unknown"
    said = f"numpy's is {of_numpy}; PyTensor's C code links {flags or 'none, and calls numpy'}"
    if of_numpy in ("none", "lapack_lite", "auto"):
        return Finding(
            "BLAS", SLOW, said, "reinstall numpy from a wheel: pip install --force-reinstall numpy"
        )
    return Finding("BLAS", OK, said)


def threads() -> Finding:
    """Look at what the environment says of threads."""
    given = {name: os.environ[name] for name in THREADS if os.environ.get(name)}
    said = f"{machine.cores()} cores; each worker of a study uses one thread, `fit` all"
    if given:
        said += f"; here {', '.join(f'{name}={value}' for name, value in given.items())}"
    return Finding("cores", OK, said)


def numba() -> Finding:
    """Look at numba, which compiles the loops over large data."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return Finding(
            "numba", SLOW, "NUMBA_DISABLE_JIT is set: nothing is compiled", "unset NUMBA_DISABLE_JIT"
        )
    if find_spec("numba") is None:
        return Finding("numba", SLOW, "not installed; sweeps run in numpy", "pip install numba")
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or find_place("hand_cavi"))
    if not _writable(folder):
        mend = "set NUMBA_CACHE_DIR to a folder that can be written to"
        return Finding("numba", SLOW, f"{version('numba')}; its cache in {folder} cannot be written", mend)
    return Finding("numba", OK, f"{version('numba')}; caches in {folder}")


def find_place(package: str) -> str:
    """Return the folder of a package."""
    spec = find_spec(package)
    return str(Path(spec.origin).parent) if spec is not None and spec.origin else "."


def compiled() -> Finding:
    """Look at what is kept of compiled models."""
    folder, name = cache_folder(), "compile cache"
    if not _writable(folder):
        mend = "set ELBOWROOM_CACHE to a folder that can be written to"
        return Finding(name, BROKEN, f"{folder} cannot be written", mend)
    files = [path for path in folder.rglob("*") if path.suffix in _COMPILED]
    if not files:
        mend = "run a study; later ones of the same models find what it compiled"
        return Finding(name, SLOW, f"cold: nothing in {folder} yet; each model is compiled once", mend)
    size = sum(path.stat().st_size for path in files) / 2**20
    return Finding(name, OK, f"warm: {len(files):,} compiled pieces, {size:,.0f} MiB, in {folder}")


def bytecode() -> Finding:
    """Look at whether Python keeps what it compiles of libraries."""
    if sys.dont_write_bytecode:
        said = "PYTHONDONTWRITEBYTECODE is set: each worker may compile all libraries anew"
        return Finding("bytecode", SLOW, said, "unset PYTHONDONTWRITEBYTECODE")
    return Finding("bytecode", OK, "kept")


def disk() -> Finding:
    """Look at the room where studies go."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free / 2**30
    said = f"{free:,.1f} GiB free in {here}"
    if not _writable(here):
        mend = "go to a folder that can be written to, or give --output"
        return Finding("disk", BROKEN, f"{here} cannot be written", mend)
    if free < _LEAST_DISK:
        return Finding("disk", SLOW, said, "make room: elbowroom clean says what is no longer needed")
    return Finding("disk", OK, said)


def memory() -> Finding:
    """Look at the memory that is free."""
    import psutil

    free, total = (
        value / 2**30 for value in (psutil.virtual_memory().available, psutil.virtual_memory().total)
    )
    said = f"{free:.1f} of {total:.1f} GiB free"
    if free < _LEAST_MEMORY:
        return Finding("memory", SLOW, said, "end other programs, or give --workers 1")
    return Finding("memory", OK, said)


def dask() -> Finding:
    """Look at what studies on clusters need."""
    if find_spec("distributed") is None:
        return Finding("Dask", OK, 'not installed, and needed for --on dask alone: "elbowroom[distributed]"')
    return Finding("Dask", OK, f"{version('distributed')}; needed for --on dask alone")


def numpyro() -> Finding:
    """Look at what a study in a second language needs."""
    mine = "needed for numpyro_nuts and numpyro_vi alone"
    lacking = [name for name in ("numpyro", "jax") if find_spec(name) is None]
    if lacking:
        return Finding("NumPyro", OK, f'not installed, and {mine}: "elbowroom[numpyro]"')
    return Finding("NumPyro", OK, f"{version('numpyro')}, JAX {version('jax')}; {mine}")


def browser() -> Finding:
    """Say that none is needed."""
    return Finding("browser", OK, "not needed to make reports; any shows them")


LOOKS: tuple[Callable[[], Finding], ...] = (
    threads, numba, compiled, bytecode, disk, memory, dask, numpyro, browser,
)  # fmt: skip


def _writable(folder: Path) -> bool:
    """Whether a folder, or the first one above it that is there, can be written to."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        return False
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False
