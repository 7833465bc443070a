"""Methods, datasets, metrics, references, families and weights, found by the names of their files.

A metric is a function under ``@metric``. ``"my_module:my_thing"`` stands for what a user's own module (in the
current folder, or installed) offers. What other distributions offer (`installed`) stands beside the files.
Listing reads file names and docstrings; nothing heavy is imported.
"""

import ast
import difflib
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.config.installed import distribution_of, entry_points_of

PACKAGES = {
    "methods": "experiments.methods",
    "own methods": "experiments.methods.own",
    "datasets": "experiments.datasets",
    "metrics": "experiments.metrics",
    "references": "experiments.references",
    "families": "hand_cavi.families",
    "weights": "hand_cavi.weights",
}
"""What there is to find, and the package whose files hold it."""

_told: list[Callable[[str], None]] = []
"""Who is told of a module of the user's before its code runs."""

_refused: list[str] = []
"""Why no module of the user's is to be imported now; see `no_code_of_the_users`."""

_OFFERS = {
    "methods": ("Settings", "fit"),
    "own methods": ("Settings", "fit"),
    "datasets": ("Settings", "load"),
    "references": ("compute",),
}
"""The names that each file of a kind binds; files beside it that do not bind the first are helpers."""

_SINGULAR = {"families": "family", "weights": "weights", "own methods": "method"}
_THERE = {"own methods": "for a model of your own there are"}


def names(kind: str) -> list[str]:
    """Return the names of a kind of `PACKAGES`, sorted."""
    return sorted({*_files(kind), *entry_points_of(kind)})


def of_others(kind: str) -> list[str]:
    """Return those of the names that other distributions offer, sorted."""
    return sorted(entry_points_of(kind).keys() - _files(kind).keys())


def about(kind: str, name: str) -> str:
    """Return the first sentence of a file's docstring, or a metric's, read without importing it.

    Of what another distribution offers, return which that is.
    """
    if name in of_others(kind):
        return f"Offered by {' and '.join(map(distribution_of, entry_points_of(kind)[name]))}."
    path = _files(kind)[name]
    told = _metrics(path)[name] if kind == "metrics" else ast.parse(path.read_text(encoding="utf-8"))
    return " ".join((ast.get_docstring(told) or "").split("\n\n")[0].split())


def find(kind: str, name: str) -> Any:
    """Return the module of this name, or the user's own object of a name like "my_module:my_thing".

    The kind is one of `PACKAGES`; of metrics only those of other distributions are found.

    Raises InputError if there is no such file, module or attribute, or it lacks what its kind offers.
    """
    from hand_cavi import InputError

    if ":" in name:
        thing = _users_own(name)
    elif name in _files(kind):
        thing = importlib.import_module(f"{PACKAGES[kind]}.{name}")
    elif name in entry_points_of(kind):
        thing = _of_another(kind, name)
    else:
        valid = names(kind)
        one = _SINGULAR.get(kind, kind.removesuffix("s"))
        if kind == "own methods" and name in _files("methods"):
            raise InputError(f'"{name}" is for mixtures alone; {_THERE[kind]} {", ".join(valid)}')
        raise InputError(
            f'unknown {one} "{name}" ({_THERE.get(kind, "there are")} {", ".join(valid) or "none"})'
            f"{did_you_mean(name, valid)}"
        )
    lacking = [attribute for attribute in _OFFERS.get(kind, ()) if not hasattr(thing, attribute)]
    if lacking:
        raise InputError(f'"{name}" offers no {" and no ".join(lacking)}; {kind} need them')
    return thing


def refuse_without_libraries(name: str, thing: Any) -> None:
    """Raise InputError if what a method needs beside the rest of this project is not installed."""
    from hand_cavi import InputError

    missing = [library for library in getattr(thing, "LIBRARIES", ()) if find_spec(library) is None]
    if missing:
        how = f': pip install "elbowroom[{thing.EXTRA}]"' if hasattr(thing, "EXTRA") else ""
        raise InputError(f'"{name}" needs {" and ".join(missing)}, which this Python has not{how}')


def find_class(kind: str, name: str) -> Any:
    """Return the class of a family or of weights: the one in the file that bears the file's name."""
    module = find(kind, name)
    if ":" in name:
        _refuse_other_than_priors(kind, name, module)
        return module
    classes = (thing for thing in vars(module).values() if isinstance(thing, type))
    return next(cls for cls in classes if getattr(cls, "name", None) == name)


def _refuse_other_than_priors(kind: str, name: str, thing: Any) -> None:
    """Raise InputError if a user's object is no class of this kind; nothing is called to find that out."""
    from hand_cavi import InputError
    from hand_cavi.conjugate import ConjugateFamily
    from hand_cavi.weights.mixing import MixingWeights

    base = ConjugateFamily if kind == "families" else MixingWeights
    if not (isinstance(thing, type) and issubclass(thing, base) and is_dataclass(thing)):
        one = "family" if kind == "families" else "prior of weights"
        raise InputError(f'"{name}" is no {one}; it must be a dataclass that inherits from {base.__name__}')


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """Return '; did you mean "..."?' for the nearest valid word, or nothing if none is near."""
    near = nearest(word, valid)
    return f'; did you mean "{near}"?' if near else ""


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """Return the valid word that is spelt most like this one; None if none is near."""
    near = difflib.get_close_matches(word, list(valid), n=10, cutoff=0.5)
    return min(near, key=lambda other: _steps(word, other), default=None)


def _steps(a: str, b: str) -> int:
    """Return how many letters are put in, left out, changed or swapped with the next (Damerau 1964)."""
    before, row = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
            if i > 1 and j > 1 and (x, a[i - 2]) == (b[j - 2], y):
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]


def source_file(thing: Any) -> Path | None:
    """Return the file in which a module or a user's object was written; None if it is unknown."""
    module = thing if hasattr(thing, "__file__") else sys.modules.get(getattr(thing, "__module__", ""), None)
    path = getattr(module, "__file__", None)
    return Path(path) if path else None


def folder_of(package: str) -> Path:
    """Return the folder of a top-level package, which is found without importing it."""
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def tell_of_imports(listener: Callable[[str], None]) -> None:
    """Have a listener told, in words, of each module of the user's before its code runs."""
    _told[:] = [listener]


@contextmanager
def no_code_of_the_users(why: str) -> Iterator[None]:
    """Refuse the user's own modules meanwhile, for this reason: their names come from no command line.

    Within, `find` raises InputError for a name like "my_module:my_thing", loaded or not.
    """
    _refused.append(why)
    try:
        yield
    finally:
        _refused.pop()


def announce(words: str) -> None:
    """Tell the listener, if there is one: the command line says it on stderr, workers say nothing."""
    for listener in _told:
        listener(words)


@cache
def _files(kind: str) -> dict[str, Path]:
    package, *folders = PACKAGES[kind].split(".")
    root = folder_of(package).joinpath(*folders)
    files = {path.stem: path for path in root.glob("*.py") if not path.stem.startswith("_")}
    if kind == "metrics":
        return {name: path for path in files.values() for name in _metrics(path)}
    return {stem: path for stem, path in files.items() if _is_one(kind, path)}


def _metrics(path: Path) -> dict[str, ast.FunctionDef]:
    """Return a file's functions under ``@metric(...)``, by name."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    return {f.name: f for f in functions for by in f.decorator_list if ast.unparse(by).startswith("metric(")}


def _is_one(kind: str, path: Path) -> bool:
    """Whether a file is one of its kind, and not a helper or a base class beside them."""
    if kind in _OFFERS:
        return _OFFERS[kind][0] in _bound(path)
    return f'name: ClassVar[str] = "{path.stem}"' in path.read_text(encoding="utf-8")


def _bound(path: Path) -> set[str]:
    """Return the names that a file binds at its top, by definition or by import."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    defined = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    imported = (alias for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names)
    return defined | {alias.asname or alias.name for alias in imported}


def _users_own(name: str) -> Any:
    from hand_cavi import InputError

    if _refused:
        raise InputError(f'"{name}" is code of your own, which is not run: {_refused[-1]}')
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        _look_before(module_name, name)
        module = importlib.import_module(module_name)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise InputError(f'"{name}" needs the module "{error.name}", which is not installed') from None
        there = f'there is no module "{module_name}", neither here nor installed'
        raise InputError(f'"{name}": {there}') from None
    except (ValueError, TypeError):
        raise InputError(f'"{name}" names no module; write "my_module:my_thing"') from None
    except Exception as error:
        raise InputError(f'"{name}" cannot be imported: {type(error).__name__}: {error}') from error
    if not hasattr(module, attribute):
        valid = [word for word in vars(module) if not word.startswith("_")]
        raise InputError(f'the module "{module_name}" has no "{attribute}"{did_you_mean(attribute, valid)}')
    return getattr(module, attribute)


def _of_another(kind: str, name: str) -> Any:
    """Return what another distribution offers by this name."""
    from hand_cavi import InputError

    entries = entry_points_of(kind)[name]
    if len(entries) > 1:
        both = " and ".join(map(distribution_of, entries))
        raise InputError(f'"{name}" is offered by {both}; uninstall all but one, or write "module:thing"')
    (entry,) = entries
    try:
        _look_before(entry.module, name)
        return entry.load()
    except InputError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(
            f'"{name}" of {distribution_of(entry)} ({entry.value}) cannot be imported: {what}'
        ) from error


def _look_before(module_name: str, name: str) -> None:
    """Say which module is about to be imported; raise InputError if it is one of Python's own."""
    from hand_cavi import InputError

    top = module_name.partition(".")[0]
    spec = find_spec(top) if top else None
    origin = (spec and spec.origin) or ""
    of_python = not Path(origin).is_absolute() or Path(origin).is_relative_to(sysconfig.get_path("stdlib"))
    if spec and top in sys.stdlib_module_names and of_python:
        raise InputError(f'"{name}" is a part of Python, which offers nothing for a study; name your module')
    if spec and module_name not in sys.modules:
        announce(f'"{name}" runs the code of {origin or top}')
