"""What made the numbers: a content key is the sha256 of all that a result depends on, and decides on reuse.

The code behind a number is the *import closure* of the module that computes it: that file, the files it
imports, and so on, inside the three packages.
"""

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from experiments.config.plugins import folder_of

LIBRARIES = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz")
"""Those that make numbers."""

PACKAGES = ("hand_cavi", "ppl_baselines", "experiments")
"""Those whose files are followed."""

STOPS = ("experiments.engine", "experiments.report", "experiments.config.complaints")
"""Modules, with all below them, that carry numbers and make none."""


_MODULE_IN_QUOTES = re.compile(rb"[\"'](?:%s)\." % "|".join(PACKAGES).encode())
"""How an f-string begins that stands for modules of the packages."""


@cache
def versions(more: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the versions of Python, of the libraries that make numbers, and of `more`; "none": missing."""
    found = {"python": platform.python_version()}
    for library in (*LIBRARIES, *more):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "none"
    return found


@cache
def code(module: str) -> str:
    """Return the hash, 64 hexadecimal digits, of the import closure of ``experiments.methods.advi``, say.

    Raises ModuleNotFoundError if there is no such module in the packages.
    """
    path = _path_of(module, _roots())
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {', '.join(PACKAGES)}")
    return _digest(closure(path, _roots()))


def code_of(path: Path | None) -> str:
    """Return the hash of a file, a user's perhaps, and of what it imports of the packages."""
    if path is None:
        return "unknown"
    about = path.stat()
    return _code_of(path, about.st_mtime_ns, about.st_size)


@cache
def _code_of(path: Path, changed: int, size: int) -> str:
    """Return the same; what it imports of the packages does not change while a process runs."""
    return _digest(closure(path, _roots()))


@cache
def all_files(suffixes: tuple[str, ...]) -> str:
    """Return the hash of all files of the packages that end in one of these."""
    places = ((root.parent, path) for root in _roots() for path in root.rglob("*") if path.suffix in suffixes)
    return _digest({path.relative_to(parent).as_posix(): path for parent, path in places})


def closure(path: Path, roots: tuple[Path, ...]) -> dict[str, Path]:
    """Return the files that a file's numbers come from, by name; `roots` are the folders of the packages."""
    found: dict[str, Path] = {}
    ahead = [path]
    while ahead:
        here = ahead.pop()
        name = _name_of(here, roots)
        if name not in found:
            found[name] = here
            ahead += _imported(here, roots)
    return found


def content_key(content: dict[str, object]) -> str:
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


@cache
def _roots() -> tuple[Path, ...]:
    """Return the folders of the packages."""
    return tuple(map(folder_of, PACKAGES))


@cache
def _imported(path: Path, roots: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files of the packages that a file imports, but for those below `STOPS`."""
    stops = tuple(f"{stop}." for stop in STOPS)
    names = (name for name in _names_imported(path, roots) if not f"{name}.".startswith(stops))
    paths = (_path_of(name, roots) for name in names)
    return tuple(dict.fromkeys(found for found in paths if found))


def _names_imported(path: Path, roots: tuple[Path, ...]) -> Iterator[str]:
    """Yield the modules of a file's imports, those inside its functions too.

    A name imported from a package may be a module of it; if not, the package's own file is what is imported.
    An f-string such as ``f"experiments.relabel.{method}"`` stands for all modules of that package.
    """
    text = path.read_bytes()
    tree = ast.parse(text)
    for node in ast.walk(tree) if _MODULE_IN_QUOTES.search(text) else _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if _path_of(inner, roots) else node.module
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            package = str(node.values[0].value).removesuffix(".")
            yield from (f"{package}.{name}" for name in _modules_in(package, roots))


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, those inside of others too, but no expressions: a fifth of all nodes."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, block, ()):
            yield node
            yield from _statements(node)


def _path_of(module: str, roots: tuple[Path, ...]) -> Path | None:
    """Return the file of a module of the packages, None for any other."""
    package, *parts = module.split(".")
    places = [root.joinpath(*parts) for root in roots if root.name == package]
    found = (file for place in places for file in (place / "__init__.py", place.with_suffix(".py")))
    return next((file for file in found if file.is_file()), None)


def _modules_in(package: str, roots: tuple[Path, ...]) -> list[str]:
    """Return the names of a package's modules; none if it is no package of these."""
    own = _path_of(package, roots)
    if own is None or own.name != "__init__.py":
        return []
    return sorted(path.stem for path in own.parent.glob("*.py") if path != own)


@cache
def _name_of(path: Path, roots: tuple[Path, ...]) -> str:
    within = (path.relative_to(root.parent).as_posix() for root in roots if path.is_relative_to(root))
    return next(within, path.name)


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(files[name].read_bytes()).digest())
    return digest.hexdigest()
