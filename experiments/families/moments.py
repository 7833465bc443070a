"""What a fit found, component by component, in the terms of its family: closed forms of q's moments.

One function a family returns, for all K components at once, the posterior means and standard deviations of
the parameter by which components are told apart (mean, rate, probability), and what else a reader wants of
that family (the spread of a component's points, correlations). Moments that do not exist are NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hand_cavi import Fit

Figures = dict[str, np.ndarray]


def describe(fit: Fit) -> Figures:
    """Return arrays with a leading axis of K components.

    ``count`` (K,), ``weight`` and ``weight_sd`` (K,), and the family's own: ``mean``, ``rate`` or
    ``probability`` with ``sd`` of the same shape; ``spread`` (K, D), the standard deviations of a
    component's points, and ``correlation`` (K, D, D), where they are unknowns of the model.
    """
    weight, weight_sd = _weights(fit)
    family = _FAMILIES.get(fit.components.name, _of_draws)
    return {"count": fit.counts, "weight": weight, "weight_sd": weight_sd, **family(fit)}


def order(figures: Figures) -> np.ndarray:
    """Return the components in ascending order of their first feature's mean or rate; categories by size."""
    for name in ("mean", "rate"):
        if name in figures:
            return np.argsort(figures[name][:, 0], kind="stable")
    return np.argsort(-figures["count"], kind="stable")


def _normal_known_variance(fit: Fit) -> Figures:
    q: Any = fit.components
    sd = np.broadcast_to(np.sqrt(q.variance)[:, np.newaxis], q.mean.shape)
    return {"mean": q.mean, "sd": sd}


def _normal_gamma(fit: Fit) -> Figures:
    """mu_kd is Student's t with 2a degrees of freedom; 1/lambda_kd is inverse gamma."""
    q: Any = fit.components
    variance = _if_finite(q.rate, (q.shape - 1)[:, np.newaxis])
    return {
        "mean": q.mean,
        "sd": np.sqrt(variance / q.precision_scale[:, np.newaxis]),
        "spread": np.sqrt(variance),
    }


def _normal_wishart(fit: Fit) -> Figures:
    """Covariances are inverse Wishart, with mean W^-1 / (nu - D - 1)."""
    q: Any = fit.components
    variances = np.diagonal(q.scale_inverse, axis1=1, axis2=2)
    variance = _if_finite(variances, (q.degrees_of_freedom - q.n_features - 1)[:, np.newaxis])
    size = np.sqrt(variances)
    return {
        "mean": q.mean,
        "sd": np.sqrt(variance / q.precision_scale[:, np.newaxis]),
        "spread": np.sqrt(variance),
        "correlation": q.scale_inverse / size[:, :, np.newaxis] / size[:, np.newaxis, :],
    }


def _gamma_poisson(fit: Fit) -> Figures:
    q: Any = fit.components
    return {"rate": q.shape / q.rate, "sd": np.sqrt(q.shape) / q.rate}


def _dirichlet_categorical(fit: Fit) -> Figures:
    q: Any = fit.components
    total = q.concentration.sum(axis=-1, keepdims=True)
    share = q.concentration / total
    return {"probability": share, "sd": np.sqrt(share * (1 - share) / (total + 1))}


def _of_draws(fit: Fit) -> Figures:
    """Do the same for a family of the user's own, by 10,000 draws from q."""
    draws = fit.components.sample(np.random.default_rng(0), 10_000)
    values = next(iter(draws.values())).reshape(10_000, len(fit.counts), -1)
    return {"mean": values.mean(axis=0), "sd": values.std(axis=0)}


_FAMILIES: dict[str, Callable[[Fit], Figures]] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}


def _weights(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every weight."""
    q: Any = fit.weights
    mean = q.mean()
    if q.name == "dirichlet":
        return mean, np.sqrt(mean * (1 - mean) / (q.concentration.sum() + 1))
    if q.name == "stick_breaking":
        a, b = q.broken, q.kept
        pairs = (a + b) * (a + b + 1)
        broken, kept = a * (a + 1) / pairs, b * (b + 1) / pairs  # E v^2, E (1 - v)^2
        square = np.append(broken, 1.0) * np.append(1.0, np.cumprod(kept))
        return mean, np.sqrt(np.maximum(square - mean**2, 0))
    draws = q.sample(np.random.default_rng(0), 10_000)
    return mean, draws["weights"].std(axis=0) if "weights" in draws else np.zeros_like(mean)


def _if_finite(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the ratio where the moment exists, else NaN."""
    nothing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)
