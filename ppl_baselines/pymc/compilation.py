"""Compile backends by name, and whether compiling found everything in the cache."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from ppl_baselines.errors import UnavailableError

Backend = Literal["numba", "c", "jax"]
BACKENDS: tuple[str, ...] = ("numba", "c", "jax")

_COMPILED = (
    "*.nbc",
    "*.so",
    "*.pyd",
    "*.dylib",
    "*-cache",
)  # numba's cached machine code; PyTensor's compiled C modules; JAX's programs


def require_backend(backend: str) -> None:
    """Raise `UnavailableError` if there is no such backend, or it is not installed."""
    if backend not in BACKENDS:
        raise UnavailableError(f"There is no compile backend {backend!r}; choose from {', '.join(BACKENDS)}.")
    if backend != "c" and find_spec(backend) is None:
        raise UnavailableError(
            f"The compile backend {backend!r} needs the package {backend}: install it, or choose another."
        )


def mode(backend: str) -> Any:
    """Return the PyTensor mode of a backend, for the ``mode`` argument of PyMC's compile functions."""
    require_backend(backend)
    from pymc.pytensorf import resolve_backend_compile_kwargs

    return resolve_backend_compile_kwargs(backend, None)["mode"]


class CacheWatch:
    """Counts what compiling adds to PyTensor's compile cache.

    Use it around the preparing of a method::

        with CacheWatch() as cache:
            prepared = vi.prepare(model, kind="mean_field")
        cache.warm  # True if nothing new had to be compiled

    The verdict is about code that PyTensor caches. nutpie wraps that code in functions of its own, which
    numba compiles anew each time; that is part of a warm start.

    Parameters
    ----------
    folder : Path, optional
        The cache; PyTensor's own if absent.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder: Callable[[], Path] = _compile_folder if folder is None else lambda: folder
        self._before: frozenset[Path] = frozenset()
        self.new_entries = 0

    @property
    def warm(self) -> bool:
        """Whether everything was found in the cache."""
        return self.new_entries == 0

    def __enter__(self) -> Self:
        self._before = _entries(self._folder())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.new_entries = len(_entries(self._folder()) - self._before)


def _compile_folder() -> Path:
    import pytensor

    return Path(pytensor.config.base_compiledir)


def _entries(folder: Path) -> frozenset[Path]:
    return frozenset(path for pattern in _COMPILED for path in folder.rglob(pattern))
