"""All ways to give points to components, for sums over every one of them.

Where the naming of components changes nothing, groupings are enough, and each speaks for its namings. They
are written as restricted growth strings (Knuth, TAOCP 4A, 7.2.1.5): point 1 has label 0, and every further
point an old label or the next new one. Of w equal points, such as a row of weight w, it matters only how many
each component has: a composition of w speaks for as many assignments as its multinomial coefficient says.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hand_cavi.numerics.special import gammaln


@dataclass(frozen=True)
class Terms:
    """Ways to give the points of N rows to K components.

    Attributes
    ----------
    labels : ndarray of int, shape (M, N)
        Of the points of row i, term m gives ``table[labels[m, i]]`` to the components.
    table : ndarray, shape (any, K)
    log_ways : ndarray, shape (M,)
        For how many assignments of points each term speaks.
    """

    labels: np.ndarray
    table: np.ndarray
    log_ways: np.ndarray

    def sums(self, which: np.ndarray | slice, statistics: np.ndarray) -> np.ndarray:
        """Return the sum of T over the points of every component, shape (m, K, P), of some of the terms.

        Parameters
        ----------
        which : ndarray of int, shape (m,), or slice
        statistics : ndarray, shape (N, P)
            T of a point of each row.
        """
        return np.stack([column[self.labels[which]] @ statistics for column in self.table.T], axis=1)


def log_n_terms(weight: np.ndarray, n_components: int) -> float:
    """Return the logarithm of the number of compositions, C(w + K - 1, K - 1) of each row; weight is (N,)."""
    each = gammaln(weight + n_components) - gammaln(weight + 1) - gammaln(n_components)
    return float(np.sum(each))


def terms_of(weight: np.ndarray, n_components: int, exchangeable: bool) -> Terms:
    """Return all ways to give the points of rows to components.

    Parameters
    ----------
    weight : ndarray, shape (N,)
        How many points each row stands for: whole numbers, unless K is 1.
    n_components : int
        K.
    exchangeable : bool
        Whether the naming of components changes nothing; groupings are used then, if every weight is 1.
    """
    if n_components == 1:
        return Terms(np.arange(len(weight))[np.newaxis], weight[:, np.newaxis], np.zeros(1))
    if exchangeable and (weight == 1).all():
        labels = groupings(len(weight), n_components)
        n_blocks = labels.max(axis=1).astype(np.float64) + 1  # gammaln of int8 would be float32
        log_ways = gammaln(n_components + 1) - gammaln(n_components - n_blocks + 1)
        return Terms(labels, np.eye(n_components), log_ways)
    each = [compositions(int(w), n_components) for w in weight]
    sizes = [len(one) for one in each]
    labels = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes, order="F"), axis=1)
    labels += np.cumsum(sizes) - sizes
    table = np.concatenate(each).astype(np.float64)
    log_ways = np.repeat(gammaln(weight + 1), sizes) - gammaln(table + 1).sum(axis=1)
    return Terms(labels, table, log_ways[labels].sum(axis=1))


def groupings(n_points: int, n_components: int) -> np.ndarray:
    """Return all groupings of N points into at most K blocks as restricted growth strings, shape (M, N)."""
    labels = np.zeros((1, 1), dtype=np.int8)
    for _ in range(n_points - 1):
        n_children = np.minimum(labels.max(axis=1) + 2, n_components)
        parent = np.repeat(np.arange(len(labels)), n_children)
        label = np.arange(len(parent)) - np.repeat(np.cumsum(n_children) - n_children, n_children)
        labels = np.column_stack([labels[parent], label.astype(np.int8)])
    return labels


def compositions(n: int, n_parts: int) -> np.ndarray:
    """Return all ways to write n as an ordered sum of K whole numbers from 0 on, shape (M, K).

    Parameters
    ----------
    n : int
        Not negative.
    n_parts : int
        K. Of n + K - 1 places K - 1 hold bars, and what lies between two of them is a part; so M is
        C(n + K - 1, K - 1).
    """
    bars = np.array(list(combinations(range(n + n_parts - 1), n_parts - 1)), dtype=np.intp)
    return np.diff(bars, prepend=-1, append=n + n_parts - 1, axis=1)[:, ::-1] - 1
