"""The one loop over the data: refresh the responsibilities, and sum what the next update needs.

The responsibilities of all N points are never held; a block of rows at a time is enough. For large data the
statistics are not held either: `refresh_rows` makes them from the rows as it goes.

`refresh_plain` is the definition. Where there is much to do, `refresh` takes the same loop compiled by numba,
`data.kernels_compiled`. Without numba, and for small data, for which loading numba takes longer than it
saves, it takes the plain one. If the environment variable ELBOWROOM_KERNEL is ``numpy`` or ``numba``, that
decides.
"""

import os
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import InputError
from hand_cavi.numerics.coordinates import Coordinates

_BLOCK = 4096  # rows; a block of responsibilities stays in the processor's cache

_ROWS = 1 << 16  # rows whose statistics are held at once where the compiled loop cannot make them

WORTH_COMPILING = 20_000
"""N K from which a fit is faster with numba, whose loading takes as long as a thousand such sweeps save.

A fit from twenty starts makes one to forty thousand. Choosing by the size alone keeps results the same
whatever else the process has loaded.
"""


Expectations = tuple[np.ndarray, np.ndarray]
"""E phi_k, shape (K, P), and E ln pi_k, shape (K,): all that the optimal assignments depend on."""


@dataclass(frozen=True)
class Assignments:
    """What q(c) leaves behind.

    Attributes
    ----------
    sums : ndarray, shape (K, P)
        sum_i w_i r_ik T(x_i). The last column is N_k.
    entropy : float
        H[q(c)] = -sum_i w_i sum_k r_ik ln r_ik.
    """

    sums: np.ndarray
    entropy: float

    def __add__(self, other: "Assignments") -> "Assignments":
        """Return those of both data sets."""
        return Assignments(self.sums + other.sums, self.entropy + other.entropy)


@dataclass(frozen=True)
class Reading:
    """How rows of data become statistics: T((x - shift) / scale).

    Attributes
    ----------
    family : ConjugateFamily
        Stated in `coordinates`.
    coordinates : Coordinates
    """

    family: ConjugateFamily
    coordinates: Coordinates

    def inner(self, rows: np.ndarray) -> np.ndarray:
        """Return rows (N, D), stored as they may be, as float64 in these coordinates."""
        return self.coordinates.apply(np.asarray(rows, dtype=np.float64))

    def statistics(self, rows: np.ndarray) -> np.ndarray:
        """Return T, shape (N, P), of rows (N, D)."""
        return self.family.statistics(self.inner(rows))


def softmax_rows(rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn unnormalised log responsibilities into responsibilities, without overflow.

    Parameters
    ----------
    rho : ndarray, shape (N, K)
        Overwritten.

    Returns
    -------
    r : ndarray, shape (N, K)
        Rows sum to 1.
    entropy : ndarray, shape (N,)
        -sum_k r_ik ln r_ik = ln sum_k exp(rho_ik - max) - sum_k r_ik (rho_ik - max).
    """
    rho -= rho.max(axis=1, keepdims=True)
    r = np.exp(rho)
    normaliser = r.sum(axis=1, keepdims=True)
    r /= normaliser
    # r is exactly 0 where rho is far below the maximum, so 0 ln 0 = 0 holds by itself.
    entropy = np.log(normaliser[:, 0]) - np.einsum("nk,nk->n", r, rho)
    return r, entropy


def refresh(
    statistics: np.ndarray,
    weight: np.ndarray,
    expected_phi: np.ndarray,
    expected_log_weights: np.ndarray,
    threads: int | None = None,
    kernel: str | None = None,
) -> Assignments:
    """Set r_ik to its optimum, proportional to exp(E ln pi_k + < E phi_k, T(x_i) >), and sum over i.

    Parameters
    ----------
    statistics : ndarray, shape (N, P)
        T(x_i).
    weight : ndarray, shape (N,)
        w_i.
    expected_phi : ndarray, shape (K, P)
    expected_log_weights : ndarray, shape (K,)
    threads : int, optional
        Of the compiled loop; all that the process may use if None. Their number changes no bit of the result.
    kernel : str, optional
        ``"numpy"`` or ``"numba"``; what `kernel_for` says if None.

    Raises
    ------
    InputError
        If ELBOWROOM_KERNEL asks for what there is not.
    """
    if (kernel or kernel_for(len(statistics), len(expected_phi))) == "numpy":
        return refresh_plain(statistics, weight, expected_phi, expected_log_weights)
    return _refresh_compiled(statistics, weight, expected_phi, expected_log_weights, threads)


def refresh_rows(
    rows: np.ndarray,
    weight: np.ndarray | None,
    reading: Reading,
    expected_phi: np.ndarray,
    expected_log_weights: np.ndarray,
    threads: int | None = None,
) -> Assignments:
    """Do what `refresh` does for the statistics of rows, a block of which is made at a time.

    Parameters
    ----------
    rows : ndarray, shape (N, D)
        In the data's units; of any kind of numbers, such as a memory map of float32.
    weight : ndarray, shape (N,), or None
        Ones, if None.
    reading : Reading
    expected_phi, expected_log_weights, threads
        As in `refresh`.
    """
    kernel, products = kernel_for(len(rows), len(expected_phi)), reading.family.products()
    if kernel == "numba" and products is not None:
        compiled, there = _compiled(), reading.coordinates
        assert compiled is not None
        sums, entropy = compiled.refresh(
            rows,
            weight,
            (there.shift, there.scale),
            products,
            expected_phi,
            expected_log_weights,
            threads or compiled.all_threads(),
        )
        return Assignments(sums, entropy)
    sums, entropy = np.zeros_like(expected_phi), 0.0
    for start in range(0, len(rows), _ROWS):
        statistics = reading.statistics(rows[start : start + _ROWS])
        w = np.ones(len(statistics)) if weight is None else np.asarray(weight[start : start + _ROWS], float)
        arguments = statistics, w, expected_phi, expected_log_weights
        part = refresh_plain(*arguments) if kernel == "numpy" else _refresh_compiled(*arguments, threads)
        sums, entropy = sums + part.sums, entropy + part.entropy
    return Assignments(sums, entropy)


def _refresh_compiled(
    statistics: np.ndarray,
    weight: np.ndarray,
    expected_phi: np.ndarray,
    expected_log_weights: np.ndarray,
    threads: int | None,
) -> Assignments:
    """Take the statistics themselves for rows: each is a product with 1."""
    compiled, n_statistics = _compiled(), statistics.shape[1]
    assert compiled is not None
    as_they_are = np.column_stack([np.arange(n_statistics), np.full(n_statistics, n_statistics)])
    sums, entropy = compiled.refresh(
        statistics,
        weight,
        (np.zeros(n_statistics), np.ones(n_statistics)),
        as_they_are,
        expected_phi,
        expected_log_weights,
        threads or compiled.all_threads(),
    )
    return Assignments(sums, entropy)


def refresh_plain(
    statistics: np.ndarray, weight: np.ndarray, expected_phi: np.ndarray, expected_log_weights: np.ndarray
) -> Assignments:
    """Do what `refresh` does, in numpy: the definition."""
    sums = np.zeros_like(expected_phi)
    entropy = 0.0
    for start in range(0, len(statistics), _BLOCK):
        block = statistics[start : start + _BLOCK]
        w = weight[start : start + _BLOCK]
        r, row_entropy = softmax_rows(block @ expected_phi.T + expected_log_weights)
        sums += (r * w[:, np.newaxis]).T @ block
        entropy += float(w @ row_entropy)
    return Assignments(sums, entropy)


def kernel_for(n_points: int, n_components: int) -> str:
    """Return which kernel `refresh` takes for so many points and components: "numpy" or "numba".

    Raises
    ------
    InputError
        If ELBOWROOM_KERNEL asks for what there is not.
    """
    wanted = os.environ.get("ELBOWROOM_KERNEL", "") or "auto"
    if wanted not in ("auto", "numpy", "numba"):
        raise InputError(f"ELBOWROOM_KERNEL is {wanted!r}; set it to auto, numpy or numba")
    small = wanted == "auto" and n_points * n_components < WORTH_COMPILING
    if wanted == "numpy" or small:
        return "numpy"
    if _compiled() is not None:
        return "numba"
    if wanted == "numba":
        raise InputError(
            "ELBOWROOM_KERNEL is numba, but numba cannot be imported; install it, or unset the variable"
        )
    return "numpy"


@cache
def _compiled() -> ModuleType | None:
    """Return the compiled kernel's module, or None where numba cannot be imported."""
    try:
        from hand_cavi.data import kernels_compiled
    except ImportError:
        return None
    return kernels_compiled


def summarise(statistics: np.ndarray, weight: np.ndarray, r: np.ndarray) -> Assignments:
    """Sum over i for responsibilities that are given, shape (N, K), such as a start's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r_ln_r = np.where(r > 0, r * np.log(r), 0.0)
    return Assignments((r * weight[:, np.newaxis]).T @ statistics, -float(weight @ r_ln_r.sum(axis=1)))
