r"""Where plain sweeps are going: a linear model of the map from one sweep's sums to the next.

A sweep takes the sums S, shape (K, P), to S + f(S). Near an optimum f(S + s) = f(S) - C s, and j sweeps add

    (1 + Q + ... + Q^(j-1)) f,      Q = 1 - C.

f is the natural gradient of the bound, so that Q is symmetric in the metric of q(theta) q(pi), their Fisher
information,

    < a, b > = sum_k a_k' Cov[phi(theta_k)] b_k + a_N' Cov[ln pi] b_N,      a_N the last column, of counts.

Where all eigenvalues of Q are below 1, j may be so large that nothing is left of f: a Newton step. Where one
is above 1 the sweeps are leaving a saddle, and finitely many leave it as plain ones would, on the same side;
solving f = 0 would go to the saddle. Sums of powers are made by doubling,

    1 + ... + B^(2m-1) = (1 + B^m) (1 + ... + B^(m-1)),

of a symmetric B = L' M L, in coordinates L' s in which the metric is the identity: Q s = M L L' s.

Q is known in one of two ways. One pass over the data gives M = d S / d E, how sums move with the expectations
of phi, and these move with the sums by the metric, V = L L' = d E / d S: Q = M V. Where that pass is too
dear, the last few differences of S say what C does to them: C s = f(S) - f(S + s). On the space that they and
f span, Q is found by Rayleigh and Ritz's method; L' s are then coordinates in that space.

Sources: Hoffman, Blei, Wang & Paisley (2013), section 2.2, for the natural gradient; Giordano, Broderick &
Jordan (2018), section 3, for M V; Hochbruck & Ostermann (2010), section 2, for steps that are exact where f
is linear, and for what corrects them.
"""

import numpy as np

from hand_cavi.ascent.sweep import State
from hand_cavi.numerics.moments import block_diagonal
from hand_cavi.numerics.symmetric import square_root, symmetrised

_INDEPENDENT = 1e-4  # share of a difference that must be new
_LARGEST_EIGENVALUE = 1.2  # anything larger comes from a poor model
_DOUBLINGS = 40
_SETTLED = 1e-15  # share of what all sweeps add, below which further ones add nothing


class Metric:
    """The Fisher information of q(theta) q(pi), of sums: vectors are arrays of shape (..., K, P)."""

    def __init__(self, state: State) -> None:
        self._of_components = state.components.covariance_phi
        self._of_weights = state.weights.covariance_of_logs()

    def lowered(self, vectors: np.ndarray) -> np.ndarray:
        """Return the arrays whose plain inner product with a vector is the metric's."""
        lowered = (self._of_components @ vectors[..., np.newaxis])[..., 0]
        lowered[..., -1] += vectors[..., -1] @ self._of_weights
        return lowered

    def norm(self, vector: np.ndarray) -> float:
        """Return a vector's length."""
        return float(np.sqrt(max(np.vdot(vector, self.lowered(vector)), 0.0)))

    def root(self, repeats: np.ndarray) -> np.ndarray:
        """Return L, shape (K P', K P'), with L L' the metric of sums without repeats.

        Parameters
        ----------
        repeats : ndarray of 0 and 1, shape (P, P')
            Which of the P' different statistics each of the P is.
        """
        matrix = block_diagonal(repeats.T @ self._of_components @ repeats)
        n_components, n_distinct = len(self._of_components), repeats.shape[1]
        last = n_distinct * np.arange(n_components) + np.flatnonzero(repeats[-1])
        matrix[np.ix_(last, last)] += self._of_weights
        try:
            return np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:  # a phi is constant
            return square_root(matrix)


class LinearModel:
    """f, and Q as a product of two matrices, back and L'; B = L' back.

    Attributes
    ----------
    metric : Metric
    length : float
        Of f, a plain step.
    """

    def __init__(self, metric: Metric, f: np.ndarray, into: np.ndarray, back: np.ndarray) -> None:
        self.metric, self._f = metric, f
        self._into, self._back = into, back  # L' and what follows it: (r, K P) and (K P, r)
        self._powers = [symmetrised(into @ back)]  # B^1, B^2, B^4, ...
        self._of_f = into @ f.ravel()
        self.length = metric.norm(f)
        self._rest = max(self.length**2 - float(self._of_f @ self._of_f), 0.0)  # of f outside of their space

    @classmethod
    def from_coupling(
        cls, metric: Metric, coupling: np.ndarray, repeats: np.ndarray, f: np.ndarray
    ) -> "LinearModel | None":
        """Return the model with Q = M V itself, or None if f is no step.

        Parameters
        ----------
        metric : Metric
        coupling : ndarray, shape (K P', K P')
            M, of statistics without repeats.
        repeats : ndarray, shape (P, P')
            See `Metric.root`.
        f : ndarray, shape (K, P)
        """
        n_components, n_statistics = f.shape
        root = metric.root(repeats)
        size = len(root)
        back = (coupling @ root).T.reshape(size, n_components, -1) @ repeats.T
        into = root.T.reshape(size, n_components, -1) @ (repeats / repeats.sum(axis=0)).T
        shape = size, n_components * n_statistics
        return cls(metric, f, into.reshape(shape), back.reshape(shape).T)._if_of_use()

    @classmethod
    def from_differences(
        cls, metric: Metric, moves: np.ndarray, images: np.ndarray, f: np.ndarray
    ) -> "LinearModel | None":
        """Return the model that m differences of S and C times them give, (m, K, P) both, newest first.

        Of f's part outside their span nothing is known but that a plain step takes it in: Q is 0 there.
        Returns None if f is no step, or nothing is known.
        """
        m = len(moves)
        vectors = np.concatenate([moves, f[np.newaxis]])
        covectors = metric.lowered(vectors).reshape(m + 1, -1)
        vectors = vectors.reshape(m + 1, -1)
        lengths = np.sqrt(np.maximum(np.sum(covectors * vectors, axis=1), 0))
        if not np.isfinite(lengths).all() or lengths[-1] == 0:
            return None
        scale = 1 / np.where(lengths > 0, lengths, 1)[:, np.newaxis]
        vectors, covectors, images = scale * vectors, scale * covectors, scale[:m] * images.reshape(m, -1)
        basis = _orthonormal(covectors @ vectors.T)
        if not basis[:, :m].any():
            return None
        # Row a, column b: < direction a, C direction b >; where a >= b, which eigh reads, newer moves decide.
        c = basis @ (covectors @ images.T) @ basis[:, :m].T
        if basis[-1, -1]:  # f is new
            c[-1, -1] = 1
        if not np.isfinite(c).all():
            return None
        values, eigenvectors = np.linalg.eigh(c, UPLO="L")
        along = eigenvectors.T @ basis
        back = np.clip(1 - values, 0, _LARGEST_EIGENVALUE) * (along @ vectors).T
        return cls(metric, f, along @ covectors, back)._if_of_use()

    def sweeps_within(self, longest: float) -> int | None:
        """Return how many sweeps go no further than so much, or None if two go further.

        Of 1 + 2^i and 1 + 3 2^i it is the largest number, or one after which further sweeps add nothing.
        """
        found, half, whole = None, None, self._of_f  # sums of B^t L' f over m/2 and m terms
        for i in range(_DOUBLINGS):
            if not self._length_of(whole) <= longest:
                break
            found, power = 1 + 2**i, self._power(i)
            if half is not None:
                if not self._length_of(whole + power @ half) <= longest:
                    break
                found += 2 ** (i - 1)
            added = power @ whole
            if np.linalg.norm(added) <= _SETTLED * np.linalg.norm(whole):
                break
            half, whole = whole, whole + added
        return found

    def after(self, sweeps: int) -> np.ndarray:
        """Return what j >= 1 sweeps add, (1 + Q + ... + Q^(j-1)) f, shape (K, P)."""
        return self._f + self._out(self._sums(self._of_f, sweeps - 1)[1])

    def left_after(self, sweeps: int) -> np.ndarray:
        """Return f after j >= 1 sweeps, Q^j f, shape (K, P)."""
        return self._out(self._sums(self._of_f, sweeps - 1)[0])

    def missed(self, sweeps: int, error: np.ndarray) -> np.ndarray:
        """Return what `after` leaves out, shape (K, P), to the next order.

        Parameters
        ----------
        sweeps : int
            j >= 1.
        error : ndarray, shape (K, P)
            By which f differs after the sweeps from `left_after`. It grows with the square of the distance,
            and so was (t/j)^2 of it after t sweeps, which the others have carried on:
            sum_t Q^(j-1-t) (t/j)^2 error.
        """
        before = sweeps - 1
        carried = self._out(self._sums(self._into @ error.ravel(), before)[3])
        return (before**2 * error + carried) / sweeps**2

    def _if_of_use(self) -> "LinearModel | None":
        return self if 0 < self.length < np.inf and np.isfinite(self._powers[0]).all() else None

    def _out(self, coordinates: np.ndarray) -> np.ndarray:
        return (self._back @ coordinates).reshape(self._f.shape)

    def _length_of(self, whole: np.ndarray) -> float:
        """Return the length of f + back whole."""
        inside = self._of_f + self._powers[0] @ whole
        return float(np.sqrt(inside @ inside + self._rest))

    def _power(self, i: int) -> np.ndarray:
        """Return B^(2^i)."""
        while len(self._powers) <= i:
            self._powers.append(self._powers[-1] @ self._powers[-1])
        return self._powers[i]

    def _sums(self, v: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return B^m v and the sums of B^(m-1-t) t^p v over t < m, for p = 0, 1, 2; each of shape (r,).

        By the digits of m: those of m + n are B^n times those of m, and those of n with m + t in place of t.
        """
        nothing = np.zeros_like(v)
        power, done, sums = v, 0, (nothing, nothing, nothing)
        block = v, nothing, nothing  # the sums of 2^i terms
        for i in range(m.bit_length()):
            b, n = self._power(i), 2**i
            if m & n:
                power, done, sums = b @ power, done + n, _shifted(sums, block, b, done)
            block = _shifted(block, block, b, n)
        return power, *sums


def _shifted(
    first: tuple[np.ndarray, ...], then: tuple[np.ndarray, ...], power: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `LinearModel._sums` of n terms and then some more, whose power of B is given."""
    zeroth, linear, square = then
    return (
        power @ first[0] + zeroth,
        power @ first[1] + linear + n * zeroth,
        power @ first[2] + square + 2 * n * linear + float(n) ** 2 * zeroth,
    )


def _orthonormal(gram: np.ndarray) -> np.ndarray:
    """Return rows of coefficients that make orthonormal vectors of vectors with these inner products.

    By Gram and Schmidt, in order; vectors of length 1 that add too little to those before are left out.
    """
    rows = np.empty((0, len(gram)))
    for own in np.eye(len(gram)):
        for _ in range(2):  # twice is enough
            own = own - rows @ (gram @ own) @ rows
        square = own @ gram @ own
        if square > _INDEPENDENT**2:
            rows = np.vstack([rows, own / np.sqrt(square)])
    return rows
