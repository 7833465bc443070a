r"""How narrow the cells of condensed data must be for a mixture.

What is summed over the data, r_k(x) and ln sum_k exp rho_k(x), has a singularity wherever the sum of
exponentials vanishes. On the real axis it never does. Off the axis it does near the points z where two
components cancel,

    rho_k(z) - rho_l(z) = i pi m,   m = 1, 3, 5, ...,

and no third one outweighs them. For normal components rho is quadratic, and so is this equation. Two
components of sd tau, Delta apart, have z at the distance pi tau^2 / Delta from the axis, amidst the two.

A cell of width h whose sums of polynomials below the degree p are exact gives other sums to rho^-p of the
weight that lies there, rho = delta + sqrt(1 + delta^2), delta = d / (h/2), where d is the distance of z
(see `hand_cavi.data.condense`). Asking for an error of at most `tolerance`, as a share of the weight of all
points,

    p arsinh(delta) >= ln(share / tolerance),    share: the part of the weight near z,

and so where points are few, cells may be wider: components far apart, whose z lies close to an axis where
there are no points, ask for no more than others.

This is an estimate of the right size, not a bound; the error itself is measured on the data.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.condense.cells import MOMENTS
from hand_cavi.inputs import InputError, as_finite, as_positive
from hand_cavi.numerics.special import ndtr

TOLERANCE = 1e-14

_MULTIPLES = (1, 3, 5, 7, 9)  # m: a third, wider component may outweigh the first, and none of the later ones
_OUTWEIGHED = 3.0  # nats
_AT_ONCE = 1 << 18  # complex numbers held


def width_for(
    mean: ArrayLike,
    sd: ArrayLike,
    log_weight: ArrayLike | None = None,
    *,
    n_moments: int = MOMENTS,
    tolerance: float = TOLERANCE,
    share: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> float:
    """Return the width of cells that a mixture of normals asks for.

    Parameters
    ----------
    mean, sd : array_like, shape (K,)
        In units of x. For a posterior: E mu and E[precision]^(-1/2).
    log_weight : array_like, shape (K,), optional
        Ln pi_k, or E ln pi_k; all alike if None.
    n_moments : int
        p, the moments to a cell.
    tolerance : float
        Error of a mean over all points.
    share : callable, optional
        Returns the share of the points' weight from low to high, arrays, such as `CellSums.share` does; if
        None, the mixture itself is taken for the points' distribution.

    Returns
    -------
    float
        In units of x, no more than the largest sd.

    Raises
    ------
    InputError
        If shapes do not fit, or a number is not finite, or an sd not above zero.
    """
    m, s = np.atleast_1d(as_finite(mean, "mean")), np.atleast_1d(as_positive(sd, "sd"))
    height = np.zeros(len(m)) if log_weight is None else np.atleast_1d(as_finite(log_weight, "log_weight"))
    if m.ndim != 1 or m.shape != s.shape or m.shape != height.shape:
        raise InputError(
            f"mean {m.shape}, sd {s.shape} and log_weight {height.shape} do not fit; give (K,) for each"
        )
    widest = float(s.max())
    z = _cancellations(m, s, height)
    if len(z) == 0:
        return widest
    x, d = z.real, np.abs(z.imag)
    near = _share_of_mixture(m, s, height) if share is None else share
    with np.errstate(divide="ignore"):
        needed = np.log(np.clip(near(x - d, x + d), 0.0, 1.0) / tolerance)
    matters = needed > 0
    return float(np.min(2 * d[matters] / np.sinh(needed[matters] / n_moments), initial=widest))


def width_for_components(
    components: ConjugateFamily,
    expected_log_weights: np.ndarray,
    *,
    n_moments: int = MOMENTS,
    tolerance: float = TOLERANCE,
    share: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> float:
    """Return the width of cells that a fit's sweeps ask for; see `width_for`.

    Parameters
    ----------
    components : ConjugateFamily
        K posteriors of a normal family with one feature, in coordinates in which the data are about centred
        and of about unit spread, such as the sweeps use. The width is in these coordinates too.
    expected_log_weights : ndarray, shape (K,)
        E ln pi_k.

    Notes
    -----
    rho_k is read off at three points: a parabola, whatever the family's parameters are called.
    """
    left, middle, right = components.expected_log_likelihood(np.array([[-1.0], [0.0], [1.0]]))
    curvature = 2 * middle - left - right  # 1 / sd^2
    mean = (right - left) / 2 / curvature
    sd = curvature**-0.5
    height = middle + mean**2 * curvature / 2 + np.log(sd) + expected_log_weights
    return width_for(mean, sd, height, n_moments=n_moments, tolerance=tolerance, share=share)


def width_for_sd(sd: float, *, n_moments: int = MOMENTS, tolerance: float = TOLERANCE) -> float:
    """Return the width that two components of this sd ask for at the distance that asks for most.

    For a first guess, when nothing but the sharpest component's sd is known. It is about 0.4 sd by default.
    """
    return min(
        width_for([0.0, distance * sd], [sd, sd], n_moments=n_moments, tolerance=tolerance)
        for distance in np.arange(1.0, 12.0, 0.5)
    )


def _cancellations(mean: np.ndarray, sd: np.ndarray, log_weight: np.ndarray) -> np.ndarray:
    """Return the z, complex, shape (any,), in whose neighbourhood sum_k exp rho_k(z) vanishes."""
    k, l = np.triu_indices(len(mean), 1)
    pairs = np.array([k, l])
    found = []
    for z in roots(mean[pairs], sd[pairs], log_weight[pairs]):
        usable = np.isfinite(z)
        found.append(z[usable][_not_outweighed(z[usable], k[usable], mean, sd, log_weight)])
    return np.concatenate(found)


def roots(mean: np.ndarray, sd: np.ndarray, log_weight: np.ndarray) -> list[np.ndarray]:
    """Return the z, complex, in whose neighbourhood two components cancel.

    Parameters
    ----------
    mean, sd, log_weight : ndarray, shape (2, n)
        Of the first component of each pair, and of the second.

    Returns
    -------
    list of ndarray, shape (n,)
        Not finite where there is none.
    """
    centre, scale = (mean[0] + mean[1]) / 2, np.minimum(sd[0], sd[1])
    # In y = (z - centre) / scale, rho_k - rho_l = a y^2 + b y + c.
    precision = (scale / sd) ** 2
    away = (mean - centre) / scale
    a = (precision[1] - precision[0]) / 2
    b = precision[0] * away[0] - precision[1] * away[1]
    c = (precision[1] * away[1] ** 2 - precision[0] * away[0] ** 2) / 2
    c += log_weight[0] - log_weight[1] - np.log(sd[0] / sd[1])
    found = []
    for multiple in _MULTIPLES:
        constant = c - 1j * np.pi * multiple
        root = np.sqrt(b * b - 4 * a * constant)
        # The root in which nothing cancels, and the other from the product of both.
        numerator = -(b + np.where((b * root).real >= 0, root, -root)) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            found += [centre + scale * y for y in (numerator / a, constant / numerator)]
    return found


def _not_outweighed(
    z: np.ndarray, k: np.ndarray, mean: np.ndarray, sd: np.ndarray, log_weight: np.ndarray
) -> np.ndarray:
    """Return whether the component k, shape (n,), is about as strong at z, shape (n,), as any other."""
    strong = np.empty(len(z), dtype=bool)
    for start in range(0, len(z), rows := max(1, _AT_ONCE // len(mean))):
        here = slice(start, start + rows)
        rho = log_weight - np.log(sd) - (((z[here, np.newaxis] - mean) / sd) ** 2).real / 2
        own = rho[np.arange(len(rho)), k[here]]
        strong[here] = rho.max(axis=1) - own <= _OUTWEIGHED
    return strong


def _share_of_mixture(
    mean: np.ndarray, sd: np.ndarray, log_weight: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the function that gives the mixture's mass from low to high, shape (n,)."""
    pi = np.exp(log_weight - log_weight.max())
    pi /= pi.sum()

    def share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        total = np.zeros(len(low))
        for p, m, s in zip(pi, mean, sd, strict=True):
            total += p * (ndtr((high - m) / s) - ndtr((low - m) / s))
        return total

    return share
