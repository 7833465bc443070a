"""What `elbowroom check` can be pointed at: a user's derivation by its name, or one that ships."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from experiments.checks.mixture_log_joint import MixtureLogJoint
from experiments.config.plugins import did_you_mean, find, find_class, names
from experiments.families.lookup import offered
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import as_file
from hand_cavi.mixture_derivation import MixtureDerivation

_PREFIX = "mixture:"


def shipped() -> list[str]:
    """Return the names of the derivations that ship."""
    return [f"{_PREFIX}{family}+{mixing}" for family in names("families") for mixing in names("weights")]


def skeleton() -> str:
    """Return the file that a new derivation begins from."""
    return Path(__file__).with_name("skeleton.py.txt").read_text(encoding="utf-8")


def load_derivations(name: str, log_joint: str | None) -> Iterator[tuple[str, object, object]]:
    """Return what a name on the command line stands for: names, derivations and log joint densities.

    What is not there, a log joint density beside it included, raises InputError.
    """
    if name.startswith(_PREFIX):
        if log_joint is not None:
            raise InputError(f'"{name}" ships with its own log joint density; leave --log-joint out')
        wanted = shipped() if name == f"{_PREFIX}all" else [name]
        for each in wanted:
            yield each, *_mixture(each)
        return
    derivation, module = _load(name)
    if log_joint is not None and ":" in log_joint:
        density = _load(log_joint)[0]
    else:
        density = _beside(module, log_joint, name)
    yield name, _made(derivation, name), density


def density_beside(derivation: object, wanted: str | None = None) -> object:
    """Return the log joint density in the module of a derivation, or of its class, by name if one is wanted.

    Raises InputError if there is none.
    """
    cls = derivation if isinstance(derivation, type) else type(derivation)
    return _beside(sys.modules[cls.__module__], wanted, cls.__qualname__)


def _mixture(name: str) -> tuple[MixtureDerivation, MixtureLogJoint]:
    if name not in shipped():
        raise InputError(f'there is no shipped derivation "{name}"{did_you_mean(name, shipped())}')
    from experiments.families.weights import EXAMPLES

    family, _, mixing = name.removeprefix(_PREFIX).partition("+")
    example = offered(family, "EXAMPLE")
    if example is None or mixing not in EXAMPLES:
        raise InputError(f'"{name}" has no example to be checked with; check it from a file of its own')
    prior, x = example
    weights = find_class("weights", mixing)(*EXAMPLES[mixing])
    mixture = Mixture(find_class("families", family)(*prior), weights, 2)
    points = np.asarray(x, dtype=float)
    return MixtureDerivation(mixture, points), MixtureLogJoint(mixture, points)


def _load(name: str) -> tuple[object, ModuleType]:
    """Return the object that FILE.py:NAME or MODULE:NAME names, and its module."""
    where, colon, attribute = name.rpartition(":")
    if not colon or not where or not attribute:
        raise InputError(
            f'"{name}" names no derivation; write FILE.py:NAME, MODULE:NAME or {_PREFIX}FAMILY+WEIGHTS'
        )
    if not where.endswith(".py"):
        return find("derivations", name), sys.modules[where]
    module = _from_file(Path(where))
    if not hasattr(module, attribute):
        offered = [key for key in vars(module) if not key.startswith("_")]
        raise InputError(f'"{where}" has no "{attribute}"{did_you_mean(attribute, offered)}')
    return getattr(module, attribute), module


def _from_file(path: Path) -> ModuleType:
    as_file(path, "file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up by name
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f'"{path}" cannot be imported: {type(error).__name__}: {error}') from error
    finally:
        sys.path.pop(0)
    return module


def _beside(module: ModuleType, wanted: str | None, name: str) -> object:
    for key in (wanted,) if wanted else ("log_joint", "model"):
        if hasattr(module, key):
            thing = getattr(module, key)
            made = key != "model" or type(thing).__module__.partition(".")[0] == "pymc"
            return thing if made else _made(thing, key)
    looked = f'"{wanted}"' if wanted else '"log_joint" or "model"'
    raise InputError(
        f'beside "{name}" there is no {looked}; say what the derivation is held against (--log-joint)'
    )


def _made(thing: object, name: str) -> object:
    """Return a derivation as it is, or what a class or function of no arguments makes."""
    if not callable(thing) or (not isinstance(thing, type) and hasattr(thing, "update")):
        return thing
    try:
        return thing()
    except TypeError as error:
        raise InputError(
            f'"{name}" cannot be made without arguments: {error}; give defaults, or an object'
        ) from error
