"""A fit under scikit-learn's names: what `BayesianMixture` shows of its priors and its posterior."""

import numpy as np

from hand_cavi.ascent.ascend import Callback
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.families import NormalGamma, NormalWishart
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.special import logsumexp
from hand_cavi.result import Fit, Status, StepInfo
from hand_cavi.sklearn.spherical import SphericalNormalGamma
from hand_cavi.weights import DirichletWeights, StickBreaking
from hand_cavi.weights.mixing import MixingWeights


def attributes(mixture: Mixture, result: Fit) -> dict[str, object]:
    """Return the fitted attributes, by name; weights are Dirichlet or stick-breaking."""
    prior, posterior = gaussian(mixture.components), gaussian(result.components)
    alpha_0, alpha = concentration(mixture.weights, result.weights)
    scale_inverse = posterior["covariance"]
    nu = posterior["degrees_of_freedom"].reshape(-1, *[1] * (scale_inverse.ndim - 1))
    return {
        "lower_bound_": result.elbo,
        "lower_bounds_": result.elbo_trace.tolist(),
        "n_iter_": result.sweeps,
        "converged_": result.status is Status.CONVERGED,
        "weights_": result.weights.mean(),
        "weight_concentration_prior_": alpha_0,
        "weight_concentration_": alpha,
        "mean_prior_": prior["mean"],
        "mean_precision_prior_": float(prior["mean_precision"]),
        "degrees_of_freedom_prior_": float(prior["degrees_of_freedom"]),
        "covariance_prior_": prior["covariance"] if prior["covariance"].ndim else float(prior["covariance"]),
        "means_": posterior["mean"],
        "mean_precision_": posterior["mean_precision"],
        "degrees_of_freedom_": posterior["degrees_of_freedom"],
        **precisions(scale_inverse / nu),
    }


def gaussian(components: ConjugateFamily) -> dict[str, np.ndarray]:
    """Return a Gaussian family's parameters in the Wishart's terms: a = nu/2 and b = W^-1/2, per feature.

    Where D features share a precision, a = D nu/2 and b = D W^-1/2.
    """
    if isinstance(components, SphericalNormalGamma):
        half = components.n_features / 2
        nu, scale_inverse = components.shape / half, components.rate / half
    elif isinstance(components, NormalGamma):
        nu, scale_inverse = 2 * components.shape, 2 * components.rate
    else:
        assert isinstance(components, NormalWishart)
        nu, scale_inverse = components.degrees_of_freedom, components.scale_inverse
    return {
        "mean": components.mean,
        "mean_precision": components.precision_scale,
        "degrees_of_freedom": nu,
        "covariance": scale_inverse,
    }


def concentration(
    prior: MixingWeights, posterior: MixingWeights
) -> tuple[float, np.ndarray | tuple[np.ndarray, np.ndarray]]:
    """Return alpha_0, and the posterior: alpha, shape (K,), or the sticks' Beta parameters, a pair of (K,).

    The last stick is known to be 1, which Beta(1, 0) stands for.
    """
    if isinstance(posterior, StickBreaking):
        assert posterior.broken is not None and posterior.kept is not None
        return posterior.concentration, (np.append(posterior.broken, 1.0), np.append(posterior.kept, 0.0))
    assert isinstance(prior, DirichletWeights) and isinstance(posterior, DirichletWeights)
    return float(prior.concentration[0]), posterior.concentration


def precisions(covariances: np.ndarray) -> dict[str, np.ndarray]:
    """Return covariances, precisions and their upper Cholesky factors: (K, D, D), or (K, D) or (K,)."""
    if covariances.ndim < 3:
        factors, inverses = 1 / np.sqrt(covariances), 1 / covariances
    else:
        inverse_factor = np.linalg.inv(np.linalg.cholesky(covariances))
        factors = np.triu(np.swapaxes(inverse_factor, 1, 2))  # not even rounding below the diagonal
        inverses = factors @ np.swapaxes(factors, 1, 2)
    return {"covariances_": covariances, "precisions_": inverses, "precisions_cholesky_": factors}


def log_density(
    x: np.ndarray, weights: np.ndarray, means: np.ndarray, precisions_cholesky: np.ndarray
) -> np.ndarray:
    """Return the log density of the mixture of normals with these parameters at points (N, D), (N,)."""
    n_components, n_features = means.shape
    if precisions_cholesky.ndim == 3:
        away = np.matmul(x - means[:, np.newaxis], precisions_cholesky)  # (K, N, D)
        log_volume = np.log(np.diagonal(precisions_cholesky, axis1=1, axis2=2)).sum(axis=1)
    else:
        each = np.broadcast_to(precisions_cholesky.reshape(n_components, -1), means.shape)
        away = (x - means[:, np.newaxis]) * each[:, np.newaxis]
        log_volume = np.log(each).sum(axis=1)
    constant = log_volume - n_features / 2 * np.log(2 * np.pi)
    terms = constant[:, np.newaxis] - np.sum(away**2, axis=2) / 2
    with np.errstate(divide="ignore"):  # a weight may be 0
        return logsumexp(terms + np.log(weights)[:, np.newaxis], axis=0)


def n_parameters(means: np.ndarray, covariances: np.ndarray) -> int:
    """Return how many free parameters a mixture of normals has: means, covariances, K - 1 weights."""
    n_components, n_features = means.shape
    each = n_features * (n_features + 1) // 2 if covariances.ndim == 3 else covariances[0].size
    return n_components * (n_features + each + 1) - 1


def printing(interval: int) -> Callback:
    """Return a callback that prints the bound after the first sweep of an ascent and after every so many."""

    def tell(info: StepInfo) -> None:
        if info.sweep == 1 or info.sweep % interval == 0:
            print(f"sweep {info.sweep}: lower bound {info.elbo:.6f}")

    return tell
