"""What callers hand in, checked: rows of data, weights on them, seeds, draws, files, sizes.

Letters used throughout the package: N points, D features, K components,
P natural parameters of a component, S draws.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

Seed = np.random.Generator | int

Draws = dict[str, np.ndarray]
"""Canonical draws by name, such as ``mu``, each with a leading axis of draws, shape (S, K, ...)."""


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1b\x7f-\x9f]")
"""Characters that no name, path or label may hold: NUL, and those by which text commands a terminal."""

_MEMORY_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_KINDS = {
    stat.S_ISFIFO: "a FIFO",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


class InputError(ValueError):
    """Bad input, described in one sentence that says what, where and how to mend it."""


def as_file(path: Path | str, what: str, *, hint: str = "") -> Path:
    """Return the path of a regular file that is there; nothing else is opened, for it may have no end.

    InputError calls it `what`, such as "data file"; `hint` follows the complaint that there is none.
    """
    path = Path(path)
    if CONTROL.search(str(path)):
        raise InputError(f"the name of the {what}, {str(path)!r}, holds a control character; rename it")
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f'there is no {what} "{path}"{hint}') from None
    except OSError as error:
        raise InputError(f'the {what} "{path}" cannot be read: {error.strerror}') from None
    if stat.S_ISDIR(mode):
        raise InputError(f'the {what} "{path}" is a folder; give a file')
    if not stat.S_ISREG(mode):
        kind = next((kind for is_one, kind in _KINDS.items() if is_one(mode)), "no file")
        raise InputError(f'the {what} "{path}" is {kind}; give a regular file')
    return path


def refuse_beyond_memory(n_numbers: int, what: str) -> None:
    """Raise InputError before anything is allocated if so many numbers of 8 bytes, `what`, cannot be held.

    The bound is all memory of the machine, or of the container: what others hold of it now may be free when
    it is needed.
    """
    if 8 * n_numbers > memory():
        need, there = (f"{_in_gigabytes(bytes_)} GB" for bytes_ in (8 * n_numbers, memory()))
        raise InputError(f"{what} need {need} of memory, and this machine has {there}; ask for fewer")


@contextmanager
def within_float64() -> Iterator[None]:
    """Raise InputError in place of numpy's warning where arithmetic leaves float64: its figures are none."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except (FloatingPointError, np.linalg.LinAlgError) as error:
        raise InputError(
            f"the data or the prior hold numbers too large or too small for float64 ({error}); state them in "
            "other units"
        ) from None


@cache
def memory() -> int:
    """Return the bytes of memory of this machine or container; 2^40 where that cannot be found out."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1 << 40
    try:
        return min(total, int(_MEMORY_OF_CONTAINER.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return total


def _in_gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.3g}" if n_bytes < 1e15 else f"10^{len(str(n_bytes)) - 10}"


def as_rows(x: ArrayLike) -> np.ndarray:
    """Return the data as float64 rows.

    Parameters
    ----------
    x : array_like, shape (N,) or (N, D)
        A vector is read as one feature, D = 1.

    Returns
    -------
    ndarray, shape (N, D)

    Raises
    ------
    InputError
        If `x` is not numeric, has no rows or no features, or holds a value that is missing or not finite.
    """
    rows = _as_float(x, "the data")
    if rows.ndim == 1:
        rows = rows[:, np.newaxis]
    if rows.ndim != 2:
        raise InputError(f"the data have {rows.ndim} axes; give points as (N,) or (N, D)")
    n_points, n_features = rows.shape
    if n_points == 0:
        raise InputError("the data hold no points; give at least one")
    if n_features == 0:
        raise InputError("the data have no features; give at least one column")
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"the data hold {rows[row, column]} in row {row}, column {column} (counted from 0); "
            "remove the point or fill in the value"
        )
    return rows


def as_sample_weight(sample_weight: ArrayLike | None, n_points: int) -> np.ndarray:
    """Return the weights w_i of the points, ones if there are none.

    Parameters
    ----------
    sample_weight : array_like, shape (N,), or None
        How many points each row stands for; not negative, not all zero.
    n_points : int
        N.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    InputError
        If the shape does not fit, or a weight is missing, negative or not finite, or all are zero.
    """
    if sample_weight is None:
        return np.ones(n_points)
    weight = _as_float(sample_weight, "sample_weight")
    if weight.shape != (n_points,):
        raise InputError(f"sample_weight has shape {weight.shape}; {n_points} points need ({n_points},)")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"sample_weight is {weight[row]} in row {row}; weights are finite and not negative")
    if not weight.any():
        raise InputError("sample_weight is zero everywhere; at least one point must count")
    if not weight.max() <= np.finfo(float).max / n_points:
        raise InputError(
            f"sample_weight is {weight.max():g} somewhere; the sum is beyond float64; rescale it"
        )
    return weight


def as_count(value: object, name: str, *, at_least: int = 1) -> int:
    """Return a whole number, or say which argument is none.

    Raises
    ------
    InputError
        If `value` is not an integer (a bool is none) or is below `at_least`.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise InputError(f"{name} is {value!r}; it must be a whole number, at least {at_least}")
    return int(value)


def as_positive(value: ArrayLike, name: str) -> np.ndarray:
    """Return an array of finite positive numbers.

    Raises
    ------
    InputError
        If an entry is not a finite number above zero.
    """
    array = _as_float(value, name)
    if not ((array > 0) & (array < np.inf)).all():
        raise InputError(f"{name} is {value!r}; it must be finite and above zero")
    return array


def as_finite(value: ArrayLike, name: str) -> np.ndarray:
    """Return an array of finite numbers.

    Raises
    ------
    InputError
        If an entry is not a finite number.
    """
    array = _as_float(value, name)
    if not np.isfinite(array).all():
        raise InputError(f"{name} is {value!r}; it must be finite")
    return array


def as_numbers(value: object, name: str, *, first_row: int = 0) -> np.ndarray:
    """Return an array of real numbers of any kind, as it is stored; nothing is copied without need.

    Parameters
    ----------
    value : array_like
        Of numpy, pandas, pyarrow, polars or what numpy can read.
    name : str
        What it is called in a complaint.
    first_row : int
        The number of its first row in all the data.

    Raises
    ------
    InputError
        If it is not numeric, or a value is missing; see `refuse_missing`.
    """
    array = refuse_missing(value, name, first_row=first_row)
    if array is not None and array.dtype.kind == "O" and array.size:
        if all(isinstance(entry, Real) for entry in array.ravel()):  # a frame of Int64 and Float64, or 10^40
            try:
                array = array.astype(np.float64)
            except OverflowError:
                raise InputError(f"{name} holds a number beyond float64; state it in other units") from None
    if array is None or array.dtype.kind not in "biuf":
        raise InputError(f"{name} cannot be read as real numbers; give a numeric array")
    return array


def refuse_missing(value: object, name: str, *, first_row: int = 0) -> np.ndarray | None:
    """Return what is given as an array of whatever kind, or None if numpy makes none of it.

    Missing is what a mask hides (numpy.ma), what the object itself calls missing (pandas, pyarrow, polars),
    and an object that is None or does not equal itself, as pandas.NA. A nan in an array of floats is not
    looked for here.

    Parameters
    ----------
    value, name, first_row
        As in `as_numbers`.

    Raises
    ------
    InputError
        If a value is missing; it names the first row, and the column.
    """
    if hasattr(value, "dask") and hasattr(value, "compute"):
        value = value.compute()  # of which numpy would forget the mask
    ask = getattr(value, "isna", None) or getattr(value, "is_null", None)
    try:
        if isinstance(value, list | tuple) and any(map(np.ma.isMaskedArray, value)):
            missing = np.array([np.ma.getmaskarray(row) for row in value])  # numpy forgets masks in a list
            array = np.array([np.ma.getdata(row) for row in value])
        else:
            array = np.asanyarray(value)  # which keeps a mask
            missing = np.asarray(ask() if callable(ask) else getattr(array, "mask", False))
        if array.dtype.kind == "O" and array.ndim:
            missing = missing | np.array([_is_missing(v) for v in array.ravel()], bool).reshape(array.shape)
    except (TypeError, ValueError):
        return None
    if missing.dtype.kind == "b" and missing.any():
        place = np.argwhere(missing)[0]
        place[:1] += first_row
        words = [f"{axis} {at}" for axis, at in zip(("row", "column"), place.tolist(), strict=False)]
        where = f" in {', '.join(words)} (counted from 0)" if words else ""
        raise InputError(f"a value of {name} is missing{where}; fill it in or leave the row out")
    return np.asarray(array)


def _is_missing(entry: object) -> bool:
    try:
        return entry is None or not entry == entry
    except TypeError:  # pandas.NA is neither true nor false
        return True
    except ValueError:  # an array
        return False


def _as_float(value: ArrayLike, name: str) -> np.ndarray:
    if not (type(value) is np.ndarray and value.dtype == np.float64):  # of which nothing is missing
        value = as_numbers(value, name)
    return np.ascontiguousarray(value, dtype=np.float64).reshape(value.shape)
