r"""Where plain sweeps are going: a linear model of the map from one sweep's sums to the next.

A sweep takes the sums S, shape (K, P), to S + f(S). Near an optimum f(S + s) = f(S) - C s, and j sweeps add

    (1 + Q + ... + Q^(j-1)) f,      Q = 1 - C.

f is the natural gradient of the bound, so that Q is symmetric in the metric of q(theta) q(pi), their Fisher
information,

    < a, b > = sum_k a_k' Cov[phi(theta_k)] b_k + a_N' Cov[ln pi] b_N,      a_N the last column, of counts.

What C does to the last few differences of S is known: C s = f(S) - f(S + s). On the space that these and f
span, f is split into its parts along eigenvectors of Q, and each is summed by its own eigenvalue. Where all
are below 1, j may be infinite: a quasi-Newton step. Where one is above 1 the sweeps are leaving a saddle, and
finitely many leave it as plain ones would, on the same side; solving f = 0 would go to the saddle.

Source: Hoffman, Blei, Wang & Paisley (2013), section 2.2, for the natural gradient; the rest is Rayleigh and
Ritz's method.
"""

import numpy as np

from hand_cavi.ascent.sweep import State

_INDEPENDENT = 1e-4  # share of a difference that must be new
_LARGEST_EIGENVALUE = 1.2  # anything larger comes from a poor model
_SWEEPS = 2.0 ** np.arange(0.5, 27, 0.5)  # j


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


class LinearModel:
    """The parts of f along eigenvectors of Q, and their eigenvalues.

    Attributes
    ----------
    metric : Metric
    length : float
        Of f, a plain step.
    """

    def __init__(self, metric: Metric, length: float, parts: np.ndarray, shares: np.ndarray, q: np.ndarray):
        self.metric, self.length = metric, length
        self._parts, self._shares, self._q = parts, shares, q

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
        gram = covectors @ vectors.T
        basis = _orthonormal(gram)
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
        shares = along @ gram[:, -1] * lengths[-1]
        parts = (shares[:, np.newaxis] * (along @ vectors)).reshape(-1, *f.shape)
        return cls(metric, float(lengths[-1]), parts, shares, np.clip(1 - values, 0, _LARGEST_EIGENVALUE))

    def sweeps_within(self, longest: float) -> float | None:
        """Return how many sweeps go no further than so much, or None if one goes further."""
        within = np.linalg.norm(self._times(_SWEEPS[:, np.newaxis]) * self._shares, axis=1) <= longest
        number = len(_SWEEPS) if within.all() else int(within.argmin())
        return float(_SWEEPS[number - 1]) if number else None

    def after(self, sweeps: float) -> np.ndarray:
        """Return what the sweeps add, (1 + Q + ... + Q^(j-1)) f, shape (K, P)."""
        return np.tensordot(self._times(sweeps), self._parts, 1)

    def left_after(self, sweeps: float) -> np.ndarray:
        """Return f after the sweeps, Q^j f, shape (K, P)."""
        return np.tensordot(self._q**sweeps, self._parts, 1)

    def _times(self, sweeps: np.ndarray | float) -> np.ndarray:
        """Return 1 + q + ... + q^(j-1) for every j and every eigenvalue; at most 1e100."""
        with np.errstate(over="ignore"):
            is_one = np.abs(1 - self._q) < 1e-9
            powers = np.minimum(self._q**sweeps, 1e100)
            return np.where(is_one, sweeps, (1 - powers) / np.where(is_one, 1, 1 - self._q))


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
