"""What the estimator hands to `hand_cavi.fit`: distinct points, priors, starting responsibilities.

The rows are sorted and equal ones are merged into one with a weight, so that a fit depends on the weighted
set of points alone: not on their order, and not on whether a point is repeated or weighted.
"""

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.starts import plus_plus
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.families import NormalGamma, NormalWishart
from hand_cavi.inputs import InputError, as_finite, refuse_missing
from hand_cavi.sklearn.spherical import SphericalNormalGamma


def refuse_gaps(x: object) -> None:
    """Raise InputError where a value is missing or nan; scikit-learn sees no masks and tells no place."""
    array = refuse_missing(x, "X")
    if array is not None and array.dtype.kind == "f" and np.isnan(array).any():
        row, *column = np.argwhere(np.isnan(array))[0]
        where = f"row {row}" + "".join(f", column {d}" for d in column)
        raise InputError(f"X is NaN in {where} (counted from 0); fill it in or leave the row out")


def distinct_points(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows, shape (M, D), sorted, and their summed weights, shape (M,), above 0."""
    counting = weight > 0
    x, weight = x[counting], weight[counting]
    order = np.lexsort(x.T)
    x, weight = x[order], weight[order]
    new = np.concatenate([[True], np.any(x[1:] != x[:-1], axis=1)])
    return x[new], np.bincount(np.cumsum(new) - 1, weights=weight)


def moments(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, shape (D,), and the covariance, shape (D, D), of weighted points (divisor W - 1)."""
    total = weight.sum()
    if total <= 1:
        raise InputError(
            f"sample_weight sums to {total:g}, which stands for no more than one point, of which there is no "
            "covariance; give covariance_prior, or weights that count points"
        )
    mean = weight @ x / total
    away = x - mean
    return mean, (away * weight[:, np.newaxis]).T @ away / (total - 1)


def gaussian_prior(
    x: np.ndarray,
    weight: np.ndarray,
    *,
    covariance_type: str,
    mean: ArrayLike | None,
    mean_precision: float | None,
    degrees_of_freedom: float | None,
    covariance: ArrayLike | None,
    reg_covar: float,
) -> ConjugateFamily:
    """Return the prior of the components, with scikit-learn's defaults.

    These are the data's mean and covariance, one point's worth of mean, and D degrees of freedom. Parameters
    are the estimator's; x has shape (N, D), weight (N,).

    Raises
    ------
    InputError
        If a parameter has the wrong shape or cannot be a prior's.
    """
    if covariance_type == "tied":
        raise InputError(
            "covariance_type is 'tied': components that share a covariance are not independent in the "
            "posterior, and here each has a conjugate posterior of its own; use 'full', 'diag' or 'spherical'"
        )
    n_features = x.shape[1]
    full = covariance_type == "full"
    shape = {"full": (n_features, n_features), "diag": (n_features,), "spherical": ()}[covariance_type]
    mean_0 = np.average(x, axis=0, weights=weight) if mean is None else as_finite(mean, "mean_prior")
    if mean_0.shape != (n_features,):
        raise InputError(f"mean_prior has shape {mean_0.shape}; {n_features} features need ({n_features},)")
    if covariance is None:
        spread = moments(x, weight)[1] + reg_covar * np.eye(n_features)
        variances = np.diagonal(spread).copy()
        of_features = variances if covariance_type == "diag" else np.asarray(variances.mean())
        covariance_0 = spread if full else of_features
        if (np.linalg.eigvalsh(spread)[0] if full else np.min(covariance_0)) <= 0:
            raise InputError(
                "the data's covariance is singular (a constant or a redundant column, or too few points) and "
                f"reg_covar = {reg_covar:g} is too small to mend it; give covariance_prior, or more reg_covar"
            )
    else:
        covariance_0 = as_finite(covariance, "covariance_prior")
        if covariance_0.ndim == 0:
            covariance_0 = covariance_0 * (np.eye(n_features) if full else np.ones(shape))
    if covariance_0.shape != shape:
        raise InputError(
            f"covariance_prior has shape {covariance_0.shape}; covariance_type {covariance_type!r} of "
            f"{n_features} features needs {shape or 'a number'}"
        )
    beta = np.array(1.0 if mean_precision is None else mean_precision)
    nu = np.array(n_features if degrees_of_freedom is None else degrees_of_freedom, dtype=np.float64)
    if full and nu <= n_features - 1:
        raise InputError(
            f"degrees_of_freedom_prior is {nu:g}; full covariances of {n_features} features need more than "
            f"{n_features - 1}"
        )
    if full:
        return NormalWishart(mean_0, beta, nu, covariance_0)
    if covariance_type == "spherical":
        return SphericalNormalGamma(mean_0, beta, nu * n_features / 2, covariance_0 * n_features / 2)
    return NormalGamma(mean_0, beta, nu / 2, covariance_0 / 2)


def starting_responsibilities(
    x: np.ndarray, weight: np.ndarray, n_components: int, kind: str, random_state: np.random.RandomState
) -> np.ndarray:
    """Return one start, shape (N, K), of a kind that scikit-learn names.

    Parameters
    ----------
    x : ndarray, shape (N, D)
    weight : ndarray, shape (N,)
    n_components : int
    kind : str
        ``"kmeans"``: the clusters of k-means. ``"k-means++"``, ``"random_from_data"``: each point goes to
        the nearest of K seeds, which are spread out, or drawn at random. ``"random"``: uniform, normalised.
    random_state : numpy.random.RandomState
    """
    if kind == "random":
        r = random_state.uniform(size=(len(x), n_components))
        return r / r.sum(axis=1, keepdims=True)
    if kind == "k-means++":
        return plus_plus(x, n_components, np.random.default_rng(random_state.randint(2**31)), weight)
    some = min(n_components, len(x))  # with fewer distinct points, the other components start empty
    if kind == "random_from_data":
        chance = weight / weight.sum()
        seeds = x[random_state.choice(len(x), some, replace=False, p=chance)]
        distance = np.stack([np.sum((x - seed) ** 2, axis=1) for seed in seeds], axis=1)
        label = distance.argmin(axis=1)
    else:
        from sklearn.cluster import KMeans

        k_means = KMeans(n_clusters=some, n_init=1, random_state=random_state)
        label = k_means.fit(x, sample_weight=weight).labels_
    return np.eye(n_components)[label]
