"""The loop over the data, compiled by numba: `hand_cavi.data.kernels.refresh_plain`, and nothing else.

A block of rows is worked on while it lies in the processor's cache, features and components first, so that
every inner loop runs along the rows and becomes vector instructions:

    t = T(x)                    _load, each statistic a product of two of (x', 1)
    rho = E t + E ln pi         _add_products, two components and four statistics at a time
    r = exp(rho - max)          _maximum, then _exponentials, who also sum r and r rho by row
    r <- w r / sum_k r          _normalise, who also sums the entropy, and _scale
    S <- S + r t                _add_sums

Blocks are gathered in parts that depend on N alone; the parts' sums are added in their order. So which thread
works on which part, and how many there are, changes no bit of the result.

Importing this module imports numba; `hand_cavi.data.kernels` does so when it pays. All is in one file, though
a long one: numba keeps compiled code until that file changes, and would not notice an edit to another.
"""

import os
from collections.abc import Callable
from itertools import count
from math import factorial, log
from threading import Thread

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

BLOCK = 256  # rows; with K = 20 components a block of responsibilities is 40 kB
_PART = 16  # blocks; fewer are not worth handing to a thread
_PARTS = 64  # at most, so that their sums are few
_PIECE = (
    64 * BLOCK
)  # rows handed over at once; stored otherwise than compiled for, they are copied by the piece


# ---- exp and ln, in instructions that work on vectors -----------------------------------------


def _reading_as(result: types.Type, given: types.Type, llvm_type: ir.Type) -> Callable:
    """Return the function from `given` to `result`, both of 64 bits, that leaves the bits as they are."""

    def typed(typing_context: object, x: object) -> tuple:
        return result(given), lambda _, builder, signature, values: builder.bitcast(values[0], llvm_type)

    return intrinsic(typed)


_bits = _reading_as(types.uint64, types.float64, ir.IntType(64))
_from_bits = _reading_as(types.float64, types.uint64, ir.DoubleType())

_LN_2, _LOG2_E = log(2), 1 / log(2)
_LN_2_HIGH, _LN_2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is ln 2; n times HIGH is exact
_TO_INTEGER = 1.5 * 2.0**52  # added to a small number, it leaves the nearest integer in the lowest bits
_TWO_52, _TWO_52_BITS = 2.0**52, np.uint64(0x4330000000000000)
_ROOT_HALF_BITS = np.uint64(0x3FE6A09E667F3BCD)
_SMALLEST = -708.0  # exp of less is no normal number
_EXP = tuple(1 / factorial(n) for n in range(13))  # Taylor; for |y| <= ln 2/2 it leaves out less than 2e-16
_LOG = tuple(2 / (2 * n + 1) for n in range(11))  # the same for ln m = 2 artanh s, |s| <= 0.172

# No flag below lets the compiler assume that numbers are finite: not-a-number must come through.
_exact = njit(fastmath={"contract"}, error_model="numpy")
_summing = njit(fastmath={"contract", "reassoc"}, error_model="numpy")


@_exact
def _exp(x: float) -> float:
    """Return exp(x) for x <= 709 to 4e-16 of itself, and 0 below -708."""
    shifted = x * _LOG2_E + _TO_INTEGER
    n = shifted - _TO_INTEGER  # x = n ln 2 + y
    y = (x - n * _LN_2_HIGH) - n * _LN_2_LOW
    y2 = y * y
    y4 = y2 * y2
    # By pairs, not by Horner's long chain: what does not wait for another is done at the same time.
    low = (_EXP[2] + _EXP[3] * y) + (_EXP[4] + _EXP[5] * y) * y2
    middle = (_EXP[6] + _EXP[7] * y) + (_EXP[8] + _EXP[9] * y) * y2
    high = (_EXP[10] + _EXP[11] * y) + _EXP[12] * y2
    p = (low + (middle + high * y4) * y4) * y2 + y + 1.0
    scaled = _from_bits(_bits(p) + (_bits(shifted) << np.uint64(52)))  # times 2^n: n is added to the exponent
    return 0.0 if x < _SMALLEST else scaled


@_exact
def _log(z: float) -> float:
    """Return ln(z) for finite z >= 1, to 4e-16 of max(1, ln z)."""
    bits = _bits(z)
    n = (bits - _ROOT_HALF_BITS) >> np.uint64(52)  # z = 2^n m with m between the roots of 1/2 and 2
    m = _from_bits(bits - (n << np.uint64(52)))
    exponent = _from_bits(n | _TWO_52_BITS) - _TWO_52
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    q2 = q * q
    q4 = q2 * q2
    low = (_LOG[1] + _LOG[2] * q) + (_LOG[3] + _LOG[4] * q) * q2
    middle = (_LOG[5] + _LOG[6] * q) + (_LOG[7] + _LOG[8] * q) * q2
    high = _LOG[9] + _LOG[10] * q
    p = low + (middle + high * q4) * q4
    return exponent * _LN_2 + (2.0 * s + s * q * p)


# ---- loops along the rows of a block ----------------------------------------------------------


@_exact
def _copy(source: np.ndarray, target: np.ndarray) -> None:
    for i in range(len(source)):
        target[i] = source[i]


@_exact
def _standardise(source: np.ndarray, shift: float, factor: float, target: np.ndarray) -> None:
    for i in range(len(source)):
        target[i] = (source[i] - shift) * factor


@_exact
def _multiply(first: np.ndarray, second: np.ndarray, target: np.ndarray) -> None:
    for i in range(BLOCK):
        target[i] = first[i] * second[i]


@_exact
def _add_products(rho: np.ndarray, e: np.ndarray, t: np.ndarray, k: int, p: int) -> None:
    """Add to rho of components k, k + 1 the products with the statistics p, ..., p + 3."""
    rho_a, rho_b = rho[k], rho[k + 1]
    t_0, t_1, t_2, t_3 = t[p], t[p + 1], t[p + 2], t[p + 3]
    a_0, a_1, a_2, a_3 = e[k, p], e[k, p + 1], e[k, p + 2], e[k, p + 3]
    b_0, b_1, b_2, b_3 = e[k + 1, p], e[k + 1, p + 1], e[k + 1, p + 2], e[k + 1, p + 3]
    for i in range(BLOCK):
        rho_a[i] = rho_a[i] + a_0 * t_0[i] + a_1 * t_1[i] + a_2 * t_2[i] + a_3 * t_3[i]
        rho_b[i] = rho_b[i] + b_0 * t_0[i] + b_1 * t_1[i] + b_2 * t_2[i] + b_3 * t_3[i]


@_exact
def _maximum(rho_k: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    """Set `after` to the larger of two; not in place, which would become slow masked stores."""
    for i in range(BLOCK):
        new, old = rho_k[i], before[i]
        after[i] = new if new > old else old


@_exact
def _exponentials(rho_k: np.ndarray, maximum: np.ndarray, normaliser: np.ndarray, cross: np.ndarray) -> None:
    """Turn rho - max into its exp, e, and add e and e (rho - max) to the rows' sums."""
    for i in range(BLOCK):
        below = rho_k[i] - maximum[i]
        e = _exp(below)
        rho_k[i] = e
        normaliser[i] += e
        cross[i] += e * below


@_summing
def _normalise(w: np.ndarray, normaliser: np.ndarray, cross: np.ndarray) -> float:
    """Return the block's entropy, and turn w into what makes e into w r."""
    entropy = 0.0
    for i in range(BLOCK):
        factor = w[i] / normaliser[i]
        entropy += w[i] * _log(normaliser[i]) - factor * cross[i]
        w[i] = factor
    return entropy


@_exact
def _scale(e_k: np.ndarray, factor: np.ndarray) -> None:
    for i in range(BLOCK):
        e_k[i] = e_k[i] * factor[i]


@_summing
def _add_sums(sums: np.ndarray, r: np.ndarray, t: np.ndarray, k: int, p: int) -> None:
    """Add to the sums of components k, k + 1 over the statistics p, ..., p + 3."""
    r_a, r_b = r[k], r[k + 1]
    t_0, t_1, t_2, t_3 = t[p], t[p + 1], t[p + 2], t[p + 3]
    a_0 = a_1 = a_2 = a_3 = b_0 = b_1 = b_2 = b_3 = 0.0
    for i in range(BLOCK):
        a, b = r_a[i], r_b[i]
        a_0 += a * t_0[i]
        a_1 += a * t_1[i]
        a_2 += a * t_2[i]
        a_3 += a * t_3[i]
        b_0 += b * t_0[i]
        b_1 += b * t_1[i]
        b_2 += b * t_2[i]
        b_3 += b * t_3[i]
    sums[k, p] += a_0
    sums[k, p + 1] += a_1
    sums[k, p + 2] += a_2
    sums[k, p + 3] += a_3
    sums[k + 1, p] += b_0
    sums[k + 1, p + 1] += b_1
    sums[k + 1, p + 2] += b_2
    sums[k + 1, p + 3] += b_3


# ---- the loop over blocks ---------------------------------------------------------------------


def _part(
    rows: np.ndarray,
    weight: np.ndarray,
    shift: np.ndarray,
    scale: np.ndarray,
    products: np.ndarray,
    e: np.ndarray,
    log_weights: np.ndarray,
    n_components: int,
    sums: np.ndarray,
) -> float:
    """Return the entropy of some rows, and add their sums to `sums`.

    Parameters
    ----------
    rows : ndarray, shape (n, D)
    weight : ndarray, shape (n,)
    shift, scale : ndarray, shape (D,)
        x' = (x - shift) / scale.
    products : ndarray of int, shape (P, 2)
        Which two of (x'_1, ..., x'_D, 1) a statistic multiplies, by their places.
    e, sums : ndarray, shape (K rounded up to an even number, P rounded up to a multiple of 4)
        The entries added are 0.
    log_weights : ndarray, shape (K rounded up,)
    n_components : int
        K.
    """
    K, P = e.shape
    D = rows.shape[1]
    x, t, rho = np.ones((D + 1, BLOCK)), np.zeros((P, BLOCK)), np.empty((K, BLOCK))
    w, normaliser, cross = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    maximum = np.empty((2, BLOCK))
    factor = 1.0 / scale  # dividing each number would take a tenth of a sweep
    entropy = 0.0
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        if len(block) < BLOCK:  # the last rows of the block stay empty, and weigh nothing
            x[:D], w[:] = 0.0, 0.0
        for d in range(D):
            _standardise(block[:, d], shift[d], factor[d], x[d])
        for p in range(len(products)):
            first, second = products[p]
            if second == D:
                _copy(x[first], t[p])
            else:
                _multiply(x[first], x[second], t[p])
        _copy(weight[start : start + BLOCK], w)
        for k in range(K):
            rho[k, :] = log_weights[k]
        for p in range(0, P, 4):
            for k in range(0, K, 2):
                _add_products(rho, e, t, k, p)
        maximum[1] = rho[0]
        for k in range(n_components):
            _maximum(rho[k], maximum[1 - k % 2], maximum[k % 2])
        normaliser[:], cross[:] = 0.0, 0.0
        for k in range(n_components):
            _exponentials(rho[k], maximum[(n_components - 1) % 2], normaliser, cross)
        entropy += _normalise(w, normaliser, cross)
        for k in range(n_components):
            _scale(rho[k], w)
        for p in range(0, P, 4):
            for k in range(0, K, 2):
                _add_sums(sums, rho, t, k, p)
    return entropy


def _compile(function: Callable[..., float]) -> Callable[..., float]:
    """Compile, once for all processes if there is a folder to keep the result in, else for this one.

    numba looks at NUMBA_CACHE_DIR, then beside this file, then in the user's folder of caches.
    """
    try:
        return njit(function, nogil=True, cache=True)
    except RuntimeError:
        return njit(function, nogil=True)


_compiled_part = _compile(_part)


def refresh(
    rows: np.ndarray,
    weight: np.ndarray | None,
    coordinates: tuple[np.ndarray, np.ndarray],
    products: np.ndarray,
    expected_phi: np.ndarray,
    expected_log_weights: np.ndarray,
    threads: int,
) -> tuple[np.ndarray, float]:
    """Return the sums, shape (K, P), and the entropy of `hand_cavi.data.kernels.refresh_plain`.

    Parameters
    ----------
    rows : ndarray, shape (N, D)
        Of any kind and layout of numbers.
    weight : ndarray, shape (N,), or None
        Ones, if None.
    coordinates : pair of ndarray, shape (D,)
        Shift and scale: statistics are of (x - shift) / scale.
    products : ndarray of int, shape (P, 2)
        Which two of (x_1, ..., x_D, 1) each statistic multiplies.
    expected_phi, expected_log_weights, threads
        As in `hand_cavi.data.kernels.refresh`.
    """
    n_components, n_statistics = expected_phi.shape
    e = np.zeros((n_components + n_components % 2, n_statistics + -n_statistics % 4))
    e[:n_components, :n_statistics] = expected_phi
    log_weights = np.zeros(len(e))
    log_weights[:n_components] = expected_log_weights
    shift, scale = coordinates
    n_blocks = -(-len(rows) // BLOCK)
    part_rows = BLOCK * max(_PART, -(-n_blocks // _PARTS))
    n_parts = -(-len(rows) // part_rows)
    sums, entropy = np.zeros((n_parts, *e.shape)), np.zeros(n_parts)
    ones = np.ones(min(_PIECE, len(rows)))
    turn = count()

    def work() -> None:
        while (part := next(turn)) < n_parts:
            end = min((part + 1) * part_rows, len(rows))
            for start in range(part * part_rows, end, _PIECE):
                here = slice(start, min(start + _PIECE, end))
                piece = np.require(rows[here], np.float64, ["C", "W"])
                w = ones[: len(piece)] if weight is None else np.require(weight[here], np.float64, ["C", "W"])
                entropy[part] += _compiled_part(
                    piece, w, shift, scale, products, e, log_weights, n_components, sums[part]
                )

    helpers = [Thread(target=work) for _ in range(min(threads, n_parts) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    return sums.sum(axis=0)[:n_components, :n_statistics], float(entropy.sum())


def all_threads() -> int:
    """Return how many threads this process may use: OMP_NUM_THREADS if it says, else its processors."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
