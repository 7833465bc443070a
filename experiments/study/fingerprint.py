"""What made the numbers: the code, the libraries, the settings and the data, each as a short hash or text.

A content key is the sha256 of all that a result depends on. Equal keys mean that a result may be reused;
whatever changes a number changes the key.
"""

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from experiments.plugins import find, source_file

LIBRARIES = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz")
"""Those that make numbers."""

_SHARED = (
    "scoring.py",
    "compiled.py",
    "condensing.py",
    "starts.py",
    "draws.py",
    "symmetry.py",
    "overlap.py",
    "work.py",
    "records.py",
    "held_out.py",
)
_JUDGING = (
    "references",
    "metrics",
    "relabel",
    "predictive.py",
    "coclustering.py",
    "verdict",
    "judge.py",
)
_CUSTOM = (
    "checks/subject.py",
    "checks/log_joint.py",
    "custom/problem.py",
    "custom/variables.py",
    "custom/fitting.py",
)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that make numbers; "none" where one is missing."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "none"
    return found


@cache
def method_code(kind: str) -> str:
    """Return the hash of the code behind a method's numbers: the lower packages, and its own file.

    Other methods' files are left out, so that adding or mending one leaves the others' results standing.
    """
    room = _folder("experiments") / "methods"
    own = source_file(find("methods", kind))
    files = [*_lower_packages(), *_these(_SHARED), *room.glob("_*.py"), *([own] if own else [])]
    return _hash_files(files)


@cache
def judging_code() -> str:
    """Return the hash of the code behind references, metrics and verdicts."""
    return _hash_files([*_lower_packages(), *_these(_SHARED), *_these(_JUDGING)])


@cache
def custom_code() -> str:
    """Return the hash of the code behind fits of a user's own models, the user's files left out."""
    return _hash_files([*_lower_packages(), *_these((*_SHARED, "methods", *_CUSTOM))])


@cache
def custom_judging_code() -> str:
    """Return the hash of the code behind verdicts on a user's own models."""
    rooms = (*_SHARED, *_CUSTOM, "references", "metrics", "verdict", "custom/judge.py")
    return _hash_files([*_lower_packages(), *_these(rooms)])


def file_hash(path: Path | None) -> str:
    """Return the sha256 of a file of the user's; "unknown" where there is none."""
    return _hash_files([path]) if path else "unknown"


def content_key(content: dict[str, Any]) -> str:
    """Return the sha256 of JSON content, as 64 hexadecimal digits; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def data_hash(*arrays: np.ndarray | None) -> str:
    """Return the sha256 of arrays: their shapes and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none")
        else:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _lower_packages() -> list[Path]:
    return [path for name in ("hand_cavi", "ppl_baselines") for path in _folder(name).rglob("*.py")]


def _these(names: Iterable[str]) -> list[Path]:
    root = _folder("experiments")
    found = {name: list((root / name).rglob("*.py")) if "." not in name else [root / name] for name in names}
    missing = [name for name, paths in found.items() if not paths or not all(path.exists() for path in paths)]
    assert not missing, f"the fingerprint names files that are not there: {missing}"
    return [path for paths in found.values() for path in paths]


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _hash_files(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(set(files), key=lambda path: (path.parent.name, path.name, str(path))):
        if path.exists():
            digest.update(f"{path.parent.name}/{path.name}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
