"""The loop over the data, compiled by numba: `hand_cavi.data.kernels.refresh_plain`, and nothing else.

Some rows of the data, LANES of them, go through the whole loop while what is made of them lies in the
processor's nearest cache. A value such as r_k of these rows is one vector of `hand_cavi.data.vectors`, so
that the loop reads as for a single row:

    t = T(x)                  each statistic a product of two of (x', 1)
    rho = E t + E ln pi       two components at a time
    r = exp(rho - max rho)
    r <- w r / sum_k r        and the entropy is summed
    S <- S + r t              two components at a time

Rows are gathered in parts that depend on N alone; the parts' sums are added in their order. So which thread
works on which part, and how many there are, changes no bit of the result.

Importing this module imports numba; `hand_cavi.data.kernels` does so when it pays.
"""

from itertools import count
from threading import Thread
from typing import Literal

import numpy as np
from numba import njit

from hand_cavi.data.vectors import (
    FUSED,
    LANES,
    NARROW,
    add_products,
    all_threads,
    compile_loop,
    everywhere,
    exp,
    larger,
    load,
    load_column,
    load_sums,
    log,
    store,
)

__all__ = ["all_threads", "refresh"]

_PART = 4096  # rows; fewer are not worth handing to a thread
_PARTS = 64  # at most, so that their sums are few
_READY: tuple[Literal["C"], Literal["W"]] = ("C", "W")  # how numba knows arrays
_PIECE = 16_384  # rows handed over at once; stored otherwise than compiled for, they are copied by the piece


@njit(nogil=True)
def _read(
    rows: np.ndarray, weight: np.ndarray, shift: np.ndarray, scale: np.ndarray, t: np.ndarray, w: np.ndarray
) -> None:
    """Read fewer rows than LANES: the others are 0, and weigh nothing."""
    w[:] = 0.0
    w[: len(rows)] = weight
    for d in range(len(shift)):
        t[d] = 0.0
        for i in range(len(rows)):
            t[d, i] = (rows[i, d] - shift[d]) * scale[d]


def _part(
    rows: np.ndarray,
    weight: np.ndarray,
    alike: bool,
    shift: np.ndarray,
    scale: np.ndarray,
    products: np.ndarray,
    e: np.ndarray,
    log_weights: np.ndarray,
    sums: np.ndarray,
) -> float:
    """Return the entropy of some rows, and add their sums to `sums`.

    Parameters
    ----------
    rows : ndarray, shape (n, D)
    weight : ndarray, shape (n,)
    alike : bool
        Whether all weights are 1: then one logarithm serves many rows.
    shift, scale : ndarray, shape (D,)
        x' = (x - shift) / scale.
    products : ndarray of int, shape (P, 2)
        Which two of (x'_1, ..., x'_D, 1) a statistic multiplies, by their places; none is 1 times 1.
    e : ndarray, shape (K, P)
    log_weights : ndarray, shape (K,)
    sums : ndarray, shape (K, P + 1)
        Of the statistics, and last of 1.
    """
    K, P = e.shape
    D = len(shift)
    t, rho, w = np.ones((D + 1 + P, LANES)), np.empty((K, LANES)), np.empty(LANES)
    place = np.full(P + 1, D * LANES)  # in t, of every statistic: x' times 1 is there already, and so is 1
    for p in range(P):
        place[p] = LANES * (products[p, 0] if products[p, 1] == D else D + 1 + p)
    totals, entropies = np.zeros((K, P + 1, NARROW)), np.zeros(LANES)
    product, factors, most = everywhere(1.0), 0, int(1000 / np.log2(K + 1))  # of normalisers, each at most K
    inverse = 1.0 / scale  # dividing each number would take a tenth of a sweep
    for start in range(0, len(rows), LANES):
        if start + LANES <= len(rows):
            for d in range(D):
                store(t, d * LANES, (load_column(rows, start * D + d, D) - shift[d]) * inverse[d])
            store(w, 0, load(weight, start))
        else:
            _read(rows[start:], weight[start:], shift, inverse, t, w)
        for p in range(P):
            if products[p, 1] < D:
                store(t, place[p], load(t, products[p, 0] * LANES) * load(t, products[p, 1] * LANES))

        largest = everywhere(-np.inf)
        for k in range(0, K - 1, 2):
            a, b = everywhere(log_weights[k]), everywhere(log_weights[k + 1])
            for p in range(P):
                t_p = load(t, place[p])
                a = a + e[k, p] * t_p
                b = b + e[k + 1, p] * t_p
            store(rho, k * LANES, a)
            store(rho, (k + 1) * LANES, b)
            largest = larger(larger(a, b), largest)
        if K % 2:
            a = everywhere(log_weights[K - 1])
            for p in range(P):
                a = a + e[K - 1, p] * load(t, place[p])
            store(rho, (K - 1) * LANES, a)
            largest = larger(a, largest)

        normaliser, cross = everywhere(0.0), everywhere(0.0)  # sum_k r, sum_k r (rho - max)
        for k in range(K):
            below = load(rho, k * LANES) - largest
            r = exp(below)
            store(rho, k * LANES, r)
            normaliser = normaliser + r
            cross = cross + r * below
        weights = load(w, 0)
        share = weights / normaliser
        entropy = load(entropies, 0) - share * cross
        if alike and start + LANES <= len(rows):  # ln z_1 + ln z_2 + ... = ln(z_1 z_2 ...)
            product, factors = product * normaliser, factors + 1
            if factors == most:
                entropy = entropy + log(product)
                product, factors = everywhere(1.0), 0
        else:
            entropy = entropy + weights * log(normaliser)
        store(entropies, 0, entropy)

        for k in range(0, K - 1, 2):
            a, b = load(rho, k * LANES) * share, load(rho, (k + 1) * LANES) * share
            for p in range(P + 1):
                t_p = load(t, place[p])
                of_a, of_b = (k * (P + 1) + p) * NARROW, ((k + 1) * (P + 1) + p) * NARROW
                store(totals, of_a, add_products(load_sums(totals, of_a), a, t_p))
                store(totals, of_b, add_products(load_sums(totals, of_b), b, t_p))
        if K % 2:
            a = load(rho, (K - 1) * LANES) * share
            for p in range(P + 1):
                of_a = ((K - 1) * (P + 1) + p) * NARROW
                store(totals, of_a, add_products(load_sums(totals, of_a), a, load(t, place[p])))
    for k in range(K):
        for p in range(P + 1):
            sums[k, p] += totals[k, p].sum()
    store(entropies, 0, load(entropies, 0) + log(product))
    return entropies.sum()


_compiled_part = compile_loop(_part, **FUSED)


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
    shift, scale = coordinates
    one = (products == len(shift)).all(axis=1)  # statistics that are 1: their expectations are a weight's
    varying, e = np.ascontiguousarray(products[~one]), np.ascontiguousarray(expected_phi[:, ~one])
    log_weights = expected_log_weights + expected_phi[:, one].sum(axis=1)
    part_rows = max(_PART, LANES * -(-len(rows) // (_PARTS * LANES)))
    n_parts = -(-len(rows) // part_rows)
    sums, entropy = np.zeros((n_parts, len(e), e.shape[1] + 1)), np.zeros(n_parts)
    ones = np.ones(min(_PIECE, len(rows)))
    turn = count()
    are_ready = rows.dtype == np.float64 and rows.flags.c_contiguous and rows.flags.writeable

    def work() -> None:
        while (part := next(turn)) < n_parts:
            end = min((part + 1) * part_rows, len(rows))
            for start in range(part * part_rows, end, _PIECE):
                here = slice(start, min(start + _PIECE, end))
                piece = rows[here] if are_ready else np.require(rows[here], np.float64, _READY)
                w = ones[: len(piece)] if weight is None else np.require(weight[here], np.float64, _READY)
                entropy[part] += _compiled_part(
                    piece, w, weight is None, shift, scale, varying, e, log_weights, sums[part]
                )

    helpers = [Thread(target=work) for _ in range(min(threads, n_parts) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    total, result = sums.sum(axis=0), np.empty_like(expected_phi)
    result[:, ~one], result[:, one] = total[:, :-1], total[:, -1:]
    return result, float(entropy.sum())
