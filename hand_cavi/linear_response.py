r"""Linear response: posterior covariances that coordinate ascent leaves out.

Mean field takes the factors q(c), q(pi), q(theta_1), ... as independent, and so makes them too narrow: what
c would pass on from one parameter to another, or back to itself, is lost. But the *means* of q react to the
prior almost as the exact posterior's do, and in the exact posterior that reaction is the covariance: tilt the
prior, p(theta) exp(t g(theta)), and

    Cov[g, h | x] = d E[h] / dt  at t = 0.

Linear response takes this for the definition: Cov_LR[g, h] = d E_q[h] / dt at the optimum of the bound, found
anew for every t (Giordano, Broderick & Jordan 2018, section 3).

Derivation. What the assignments see of q(theta) and q(pi) is, for each component, E[u_k] with

    u_k = phi(theta_k) + (0, ..., 0, ln pi_k),     log r_ik = < E[u_k], T(x_i) > + const,

since the last entry of T is 1. Their covariance under q is V, block diagonal but for ln pi, whose covariance
is added where the last entries meet. What q(theta) and q(pi) see of the assignments are the sums S_k =
sum_i w_i r_ik T(x_i), and softmax has the derivative r_ik ([k = l] - r_il), so that

    M_kl = d S_k / d E[u_l] = sum_i w_i r_ik ([k = l] - r_il) T(x_i) T(x_i)',     symmetric, not negative.

Tilt by t g. Directly, means move by Cov_q[u, g]; as S then moves by M dE[u], and S is a natural parameter,

    dE[u] = Cov_q[u, g] + V M dE[u],      dE[h] = Cov_q[h, g] + Cov_q[h, u] M dE[u],

    Cov_LR[h, g] = Cov_q[h, g] + Cov_q[h, u] R Cov_q[u, g],       R = M (I - V M)^-1.

With h = g = u this is V (I - M V)^-1. The form here is for any g that is a sum of functions of single
factors: means, precisions, weights and their logarithms, not only statistics. V has no inverse where a phi is
constant (the counting one of categories, known weights), nor M where statistics repeat (two of a normal's are
1); neither is inverted. V M is the derivative of one sweep of coordinate ascent: its spectral radius is the
rate at which the ascent converges, below 1 at a maximum of the bound, at 1 or above at a saddle. Since R is
not negative, linear response never narrows a variance, and widens none by more than 1 / (1 - radius).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.coupling import coupling
from hand_cavi.inputs import InputError, as_sample_weight
from hand_cavi.numerics.moments import Joint, Moments, block_diagonal
from hand_cavi.numerics.symmetric import square_root, symmetrised
from hand_cavi.result import Fit, Status
from hand_cavi.weights.mixing import MixingWeights

MAX_RADIUS = 0.99
"""The largest spectral radius at which linear response is believed: a hundredfold variance (a convention)."""

MAX_DISPLACEMENT = 0.05
"""How far from its fixed point a fit may have stopped, in posterior sds of linear response (a convention)."""

_ROWS = 1 << 14  # whose statistics are held at once


@dataclass(frozen=True)
class LinearResponse:
    """The covariances of a fit by linear response.

    Canonical parameters are in the data's units, and a covariance matrix takes their entries in the order of
    the draws' own axes: `mu` of shape (K, D) as K D numbers, the features of component 0 first.

    Attributes
    ----------
    fit : Fit
    radius : float
        The spectral radius of V M, in [0, 1): 0 where components do not overlap at all.
    """

    fit: Fit
    radius: float
    _inner: ConjugateFamily
    _v: np.ndarray  # (K P, K P)
    _r: np.ndarray  # (K P, K P)

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical parameters that there are."""
        return tuple(self.parameters.shapes)

    def covariance(self, name: str, other: str | None = None) -> np.ndarray:
        """Return the covariance of a canonical parameter, (size, size), or of two, (size, size of other).

        Raises
        ------
        InputError
            If there is no parameter of this name.
        """
        joint = self.parameters
        return joint.covariance[joint.span(name), joint.span(other or name)]

    def correlation(self, name: str, other: str | None = None) -> np.ndarray:
        """Return correlations in the layout of `covariance`; NaN beside what has no (finite) variance."""
        with np.errstate(divide="ignore", invalid="ignore"):
            sd, other_sd = (np.sqrt(np.diagonal(self.covariance(n))) for n in (name, other or name))
            return self.covariance(name, other) / np.outer(sd, other_sd)

    def sds(self) -> dict[str, np.ndarray]:
        """Return standard deviations by canonical name, arrays (K, ...); inf where q itself has none."""
        joint = self.parameters
        sd = np.sqrt(np.diagonal(joint.covariance))
        return {name: sd[joint.span(name)].reshape(shape) for name, shape in joint.shapes.items()}

    def slopes(self, name: str) -> np.ndarray:
        """Return d E_q[g] / d eta_0 of each component, shape (size, K, P): how means lean on the prior.

        It is Cov_LR[g, u] = Cov_q[g, u] (I + R V), with eta_0 in the coordinates of the fit; a push of the
        last entry, the count, is one of the weights too.
        """
        joint = self.parameters
        with_u = joint.with_u[joint.span(name)]
        return (with_u + with_u @ self._r @ self._v).reshape(len(with_u), -1, self._inner.natural.shape[-1])

    @cached_property
    def parameters(self) -> Joint:
        """The canonical parameters."""
        return self._joint(self._inner.moments(self.fit._coordinates), self.fit.weights.moments())

    @cached_property
    def free_parameters(self) -> Joint:
        """The same taken to the whole real line, where a normal distribution fits.

        See `ConjugateFamily.free_moments`; Dirichlet weights go by log ratios as probabilities do, sticks by
        their log odds.
        """
        return self._joint(self._inner.free_moments(self.fit._coordinates), self.fit.weights.free_moments())

    @cached_property
    def statistics(self) -> np.ndarray:
        """Cov_LR of (phi_1, ..., phi_K, ln pi), (K P + K, K P + K), in the coordinates of the fit.

        It is V (I - M V)^-1 with V block diagonal, and with M's rows and columns of counts repeated for
        ln pi.
        """
        n_components, n_statistics = self._inner.natural.shape
        of_phi = Moments(
            {"phi": (n_statistics,)},
            self._inner.expected_phi,
            self._inner.covariance_phi,
            self._inner.covariance_phi,
        )
        of_logs = self.fit.weights.covariance_of_logs()
        logs = Moments({"ln pi": (n_components,)}, self.fit.weights.expected_log(), of_logs, of_logs)
        return self._joint(of_phi, logs).covariance

    def _joint(self, components: Moments, weights: Moments) -> Joint:
        """Lay the functions of all factors end to end, name by name, and widen their covariances."""
        n_components, n_functions = components.mean.shape
        size = n_components * n_functions
        mean = np.concatenate([components.mean.ravel(), weights.mean])
        under_q = np.zeros((len(mean), len(mean)))
        under_q[:size, :size] = block_diagonal(components.covariance)
        under_q[size:, size:] = weights.covariance
        with_u = np.zeros((len(mean), len(self._v)))
        with_u[:size] = block_diagonal(components.with_statistics)
        with_u[size:, _last(n_components, len(self._v))] = weights.with_statistics

        first = n_functions * np.arange(n_components)  # where a component's functions begin
        order = {name: np.add.outer(first, at) for name, at in components.positions.items()}
        order |= {name: size + at for name, at in weights.positions.items()}
        flat = np.concatenate([at.ravel() for at in order.values()])
        under_q, with_u = under_q[np.ix_(flat, flat)], with_u[flat]
        return Joint(
            {name: at.shape for name, at in order.items()},
            mean[flat],
            under_q + symmetrised(with_u @ self._r @ with_u.T),
            under_q,
            with_u,
        )


def linear_response(fit: Fit, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> LinearResponse:
    """Return the covariances of a fit by linear response.

    Parameters
    ----------
    fit : Fit
        Converged.
    x : array_like, shape (N,) or (N, D)
        The data of the fit.
    sample_weight : array_like, shape (N,), optional
        Those of the fit.

    Returns
    -------
    LinearResponse

    Raises
    ------
    InputError
        If the fit has not converged, or stopped noticeably short of its fixed point; if it sits at a saddle
        of the bound, or its components overlap so heavily that I - M V is near singular (a spectral radius
        of `MAX_RADIUS` or more); if the data are not the fit's.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> best = fit(Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2), x, rng=1)
    >>> response = linear_response(best, x)
    >>> [round(float(sd), 4) for sd in response.sds()["mu"].ravel()]
    [0.5026, 0.5025]
    """
    if fit.status not in (Status.CONVERGED, Status.SADDLE):  # of a saddle more is said below
        raise InputError(
            f"linear response needs a converged fit, and of this one it is said: {fit.status.value}; "
            "allow more sweeps"
        )
    inner, rows = fit._inner(x)
    weight = as_sample_weight(sample_weight, len(rows))
    m, sums = _coupling(inner, fit.weights, rows, weight)
    if not np.allclose(sums[:, -1], fit.counts, rtol=0, atol=1e-6 * weight.sum()):
        raise InputError(
            "the components' counts in these data are not those of the fit; give the x and the sample_weight "
            "that the fit was made to"
        )

    root = _root_of_v(inner, fit.weights)  # V = root root'
    v = root @ root.T
    mr = m @ root
    radii, directions = np.linalg.eigh(symmetrised(root.T @ mr))  # of V M, but for zeros
    radius = max(float(radii[-1]), 0.0)
    _refuse_near_singular(radius)
    turned = mr @ directions
    r = m + (turned / (1 - radii)) @ turned.T  # M (I - V M)^-1 = M + M root (I - root' M root)^-1 root' M
    _refuse_far_from_fixed_point(fit, inner, sums, v, r)
    return LinearResponse(fit, radius, inner, v, r)


def _coupling(
    inner: ConjugateFamily, weights: MixingWeights, rows: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return M, (K P, K P), and the sums S, (K, P), from one pass over blocks of rows."""
    size = inner.natural.size
    m, sums = np.zeros((size, size)), np.zeros(inner.natural.shape)
    for start in range(0, len(rows), _ROWS):
        block = slice(start, start + _ROWS)
        statistics = inner.statistics(rows[block])
        of_block = coupling(statistics, weight[block], inner.expected_phi, weights.expected_log())
        m, sums = m + of_block[0], sums + of_block[1]
    return m, sums


def _root_of_v(inner: ConjugateFamily, weights: MixingWeights) -> np.ndarray:
    """Return a matrix whose product with its transpose is V, the covariance of u; shape (K P, K P + K)."""
    blocks = block_diagonal(square_root(inner.covariance_phi))
    n_components = len(inner.natural)
    of_logs = np.zeros((len(blocks), n_components))
    of_logs[_last(n_components, len(blocks))] = square_root(weights.covariance_of_logs())
    return np.concatenate([blocks, of_logs], axis=1)


def _last(n_components: int, size: int) -> np.ndarray:
    """Return where the last statistics of the components lie, (K,), in u of K P numbers."""
    n_statistics = size // n_components
    return n_statistics * np.arange(n_components) + n_statistics - 1


def _refuse_near_singular(radius: float) -> None:
    if radius >= 1:
        raise InputError(
            f"the fit sits at a saddle of the bound, not at a maximum (a sweep multiplies a small push by "
            f"{radius:.4g}), where linear response means nothing; fit again from more, dispersed starts"
        )
    if radius >= MAX_RADIUS:
        raise InputError(
            f"components overlap too heavily for linear response: the spectral radius of M V is "
            f"{radius:.4f}, above {MAX_RADIUS}, so that I - M V is near singular and variances would "
            f"grow up to {1 / (1 - radius):.0f}-fold; use fewer components, or sample"
        )


def _refuse_far_from_fixed_point(
    fit: Fit, inner: ConjugateFamily, sums: np.ndarray, v: np.ndarray, r: np.ndarray
) -> None:
    """Take one Newton step, dE[u] = (I - V M)^-1 (the move of one more sweep), and measure it in sds."""
    prior = fit.mixture.components.with_features(inner.n_features).seen_from(fit._coordinates)
    components, weights = prior.updated(sums), fit.mixture.weights.updated(sums[:, -1])
    move = components.expected_phi - inner.expected_phi
    move[:, -1] += weights.expected_log() - fit.weights.expected_log()
    step = move.ravel() + v @ (r @ move.ravel())
    variance = np.diagonal(v + v @ r @ v)
    known = variance > 0
    displacement = float(np.max(np.abs(step[known]) / np.sqrt(variance[known]), initial=0.0))
    if displacement > MAX_DISPLACEMENT:
        raise InputError(
            f"the fit stopped {displacement:.2g} posterior sds short of its fixed point, which linear "
            "response needs; fit again with a smaller tolerance"
        )
