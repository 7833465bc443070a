"""Normal components of unknown mean and full precision matrix.

Lambda_k ~ Wishart(W, nu),    mu_k ~ N(m, (beta Lambda_k)^-1),    x_i | c_i = k ~ N(mu_k, Lambda_k^-1)

Bishop, PRML (2006), section 10.2 and equation B.78. Fields read: ``mean`` is m, shape (D,);
``precision_scale`` is beta; ``degrees_of_freedom`` is nu; ``scale_inverse`` is W^-1, shape (D, D). A mean of
shape (1,) with a W^-1 of shape (1, 1) stands for that mean, and for that number times the identity.

The model's variable is not Lambda = L L' but the lower triangle of its Cholesky factor L, row by row, with
logarithms on the diagonal: free real numbers u, in which everything here is products of small matrices.
(`pm.Wishart` works in the same coordinates, but takes only whole degrees of freedom, cutting off what is
behind the point.) The density of u is the Wishart's times |d Lambda / du|, where

    log |d Lambda / du| = D log 2 + sum_d (D - d + 2) u_dd,    d = 1, ..., D.
"""

from collections.abc import Callable, Mapping
from math import isqrt
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import multigammaln


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``precision_log_cholesky``, (K, D(D+1)/2), and ``mu``, (K, D), to the model in context.

    The prior's numbers go in as arrays; see `ppl_baselines.pymc.families.normal_known_variance.declare`.
    """
    prior_mean, scale_inverse = _for_features(components, n_features)
    precision_scale, nu = (
        np.array(number, dtype=float)
        for number in (components.precision_scale, components.degrees_of_freedom)
    )
    powers = _on_diagonal(nu - np.arange(n_features))  # nu - d + 1
    u = pm.CustomDist(
        "precision_log_cholesky",
        powers,
        np.linalg.cholesky(scale_inverse),
        _log_normaliser(nu, scale_inverse),
        logp=_log_density_of_precision,
        support_point=_zeros(n_components, powers.size),
        signature="(p),(d,d),()->(p)",
        shape=(n_components, powers.size),
    )
    mu = pm.CustomDist(
        "mu",
        prior_mean,
        precision_scale,
        u,
        logp=_log_density_of_mu,
        support_point=_zeros(n_components, n_features),
        signature="(d),(),(p)->(d)",
        dims=("component", "feature"),
    )
    return {"precision_log_cholesky": u, "mu": mu}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return log |L_k| - (1/2) sum_d [log 2 pi + z_ikd^2] with z_ik = L_k'(x_i - mu_k), shape (N, K)."""
    mu, u = variables["mu"], variables["precision_log_cholesky"]
    n_features = _n_features(u)
    root = _root(u)
    z = _each_times(x, root, n_features) - _times(mu, root)[None, :, :]
    return u @ _on_diagonal(np.ones(n_features)) - 0.5 * (np.log(2 * np.pi) + z**2).sum(axis=-1)


def _log_density_of_precision(
    u: pt.TensorVariable,
    powers: pt.TensorVariable,
    prior_root: pt.TensorVariable,
    constant: pt.TensorVariable,
) -> pt.TensorVariable:
    """Return log p(u_k), shape (K,): the Wishart's log density and log |d Lambda / du|, put together.

    log |Lambda| = 2 sum_d u_dd, so that u_dd has the factor (nu - D - 1) + (D - d + 2) = nu - d + 1: they
    are the ``powers``. ``prior_root`` is F with F F' = W^-1, so that tr(W^-1 L L') sums the squares of F'L.
    """
    prior_root = prior_root[0]  # PyMC gives every parameter the axis of components, here of length 1
    squares = _each_times(prior_root.T, _root(u), _n_features(u)) ** 2
    return constant + (u * powers).sum(axis=1) - 0.5 * squares.sum(axis=(0, 2))


def _log_density_of_mu(
    mu: pt.TensorVariable, mean: pt.TensorVariable, precision_scale: pt.TensorVariable, u: pt.TensorVariable
) -> pt.TensorVariable:
    """Return log N(mu_k; m, (beta L_k L_k')^-1), shape (K,)."""
    z = _times(mu - mean, _root(u))
    log_size = u @ _on_diagonal(np.ones(_n_features(u)))  # log |L_k|
    return log_size + 0.5 * (pt.log(precision_scale / (2 * np.pi)) - precision_scale * z**2).sum(axis=-1)


def _n_features(u: pt.TensorVariable) -> int:
    """Return D, of the D(D+1)/2 numbers that u holds for each component."""
    return (isqrt(8 * u.type.shape[1] + 1) - 1) // 2


def _root(u: pt.TensorVariable) -> pt.TensorVariable:
    """Return L, shape (K, D, D), from u, shape (K, D(D+1)/2), spread out by a product with 0 and 1."""
    n_features = _n_features(u)
    rows, columns = np.tril_indices(n_features)
    places = np.zeros((rows.size, n_features, n_features))
    places[np.arange(rows.size), rows, columns] = 1
    identity = np.eye(n_features)
    entries = (u @ places.reshape(rows.size, -1)).reshape((-1, n_features, n_features))
    logarithms = identity * entries
    return entries - logarithms + identity * pt.exp(logarithms)


def _times(vectors: pt.TensorVariable, root: pt.TensorVariable) -> pt.TensorVariable:
    """Return L_k' v_k, shape (K, D), of one vector for each component."""
    return (root * vectors[:, :, None]).sum(axis=1)


def _each_times(vectors: pt.TensorVariable, root: pt.TensorVariable, n_features: int) -> pt.TensorVariable:
    """Return L_k' v_i, shape (M, K, D), of M vectors for all components: one product of two matrices."""
    side_by_side = root.transpose(1, 0, 2).reshape((n_features, -1))
    return (vectors @ side_by_side).reshape((vectors.shape[0], -1, n_features))


def _on_diagonal(values: np.ndarray) -> np.ndarray:
    """Return a vector (D(D+1)/2,) like u_k: values (D,) in the diagonal's places and 0 elsewhere."""
    return np.diag(values)[np.tril_indices(len(values))]


def _log_normaliser(nu: np.ndarray, scale_inverse: np.ndarray) -> np.ndarray:
    """Return log B(W, nu) of PRML's B.79, and D log 2 for the determinant."""
    n_features = len(scale_inverse)
    log_b = nu / 2 * (np.linalg.slogdet(scale_inverse)[1] - n_features * np.log(2))
    return np.asarray(log_b - multigammaln(nu / 2, n_features) + n_features * np.log(2))


def _zeros(*shape: int) -> Callable[..., pt.TensorVariable]:
    """Return a function that gives zeros, where PyMC would start if it were not told where."""
    return lambda *arguments: pt.zeros(shape)


def _for_features(components: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return m, shape (D,), and W^-1, shape (D, D); single numbers serve all features."""
    mean = np.asarray(components.mean, dtype=float)
    scale_inverse = np.asarray(components.scale_inverse, dtype=float)
    if scale_inverse.shape == (1, 1):
        scale_inverse = scale_inverse * np.eye(n_features)
    return np.broadcast_to(mean, n_features), scale_inverse
