"""A mixture's formula as one plain sentence, for reports and tables. One function per family and weights."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hand_cavi import Mixture

_MOST = 6
"""Entries of a vector that are written out; of longer ones the first and the last."""


def formula(mixture: Mixture, n_points: int) -> str:
    """Return the model as text.

    Such as "mu_k ~ N(0, 25), c_i ~ Categorical(1/5), x_i given c_i ~ N(mu_{c_i}, 1), for components
    k = 1, ..., 5 and points i = 1, ..., 1000."
    """
    prior, likelihood = _FAMILIES.get(mixture.components.name, _any_family)(mixture.components)
    weights = _WEIGHTS.get(mixture.weights.name, _any_weights)(mixture)
    where = [f"components k = {_range(mixture.n_components)}", f"points i = {_range(n_points)}"]
    if "_{c_i,d}" in likelihood:
        where.insert(1, f"features d = {_range(mixture.components.n_features)}")
    places = f"{', '.join(where[:-1])} and {where[-1]}"
    return f"{prior}, {weights}, {likelihood}, for {places}."


def vector(values: Any) -> str:
    """Return a number, or the entries of a vector in brackets; one number if all entries are equal."""
    flat = np.ravel(np.asarray(values, dtype=np.float64))
    if np.ptp(flat) == 0:
        return f"{flat[0]:g}"
    return f"({', '.join(entries(flat))})"


def entries(values: Any) -> list[str]:
    """Return the entries of a vector as text, those in the middle of a long one as three dots."""
    words = [f"{value:g}" for value in np.ravel(values)]
    return words if len(words) <= _MOST else [*words[:2], "...", words[-1]]


def matrix(values: Any) -> str:
    """Return a symmetric matrix: as a multiple of I, by its diagonal, or row by row."""
    values = np.asarray(values, dtype=np.float64)
    diagonal = np.diagonal(values)
    if len(values) == 1:
        return f"{values[0, 0]:g}"
    if np.count_nonzero(values - np.diag(diagonal)) == 0:
        return f"{diagonal[0]:g} I" if np.ptp(diagonal) == 0 else f"diag{vector(diagonal)}"
    if len(values) > _MOST:
        return f"a {len(values)} x {len(values)} matrix"
    return f"[{'; '.join(', '.join(f'{value:g}' for value in row) for row in values)}]"


def _normal_known_variance(prior: Any) -> tuple[str, str]:
    identity = "" if prior.n_features == 1 else " I"
    return (
        f"mu_k ~ N({vector(prior.mean)}, {float(prior.variance):g}{identity})",
        f"x_i given c_i ~ N(mu_{{c_i}}, {prior.noise_variance:g}{identity})",
    )


def _normal_gamma(prior: Any) -> tuple[str, str]:
    d, c = _indices(prior)
    return (
        f"lambda_k{d} ~ Gamma({prior.shape:g}, rate {vector(prior.rate)}), "
        f"mu_k{d} given lambda_k{d} ~ N({vector(prior.mean)}, 1/({prior.precision_scale:g} lambda_k{d}))",
        f"x_i{d} given c_i ~ N(mu_{c}, 1/lambda_{c})",
    )


def _normal_wishart(prior: Any) -> tuple[str, str]:
    return (
        f"Lambda_k ~ Wishart(W, {prior.degrees_of_freedom:g}) with W^-1 = {matrix(prior.scale_inverse)}, "
        f"mu_k given Lambda_k ~ N({vector(prior.mean)}, ({prior.precision_scale:g} Lambda_k)^-1)",
        "x_i given c_i ~ N(mu_{c_i}, Lambda_{c_i}^-1)",
    )


def _gamma_poisson(prior: Any) -> tuple[str, str]:
    d, c = _indices(prior)
    return (
        f"rate_k{d} ~ Gamma({vector(prior.shape)}, rate {vector(prior.rate)})",
        f"x_i{d} given c_i ~ Poisson(rate_{c})",
    )


def _dirichlet_categorical(prior: Any) -> tuple[str, str]:
    d, c = _indices(prior)
    alike = (prior.concentration == prior.concentration[0]).all()
    alpha = ", ".join(entries(prior.concentration[0])) if alike else "alpha_d"
    return f"p_k{d} ~ Dirichlet({alpha})", f"x_i{d} given c_i ~ Categorical(p_{c})"


def _indices(prior: Any) -> tuple[str, str]:
    """Return the index of a feature, and those of a point's component and a feature; none if D = 1."""
    return ("", "{c_i}") if prior.n_features == 1 else ("d", "{c_i,d}")


def _any_family(prior: object) -> tuple[str, str]:
    return f"theta_k ~ {type(prior).__name__}", "x_i given c_i ~ p(x given theta_{c_i})"


def _fixed(mixture: Mixture) -> str:
    return f"c_i ~ Categorical(1/{mixture.n_components})"


def _dirichlet(mixture: Mixture) -> str:
    alpha: Any = mixture.weights
    return f"pi ~ Dirichlet({', '.join(entries(alpha.concentration))}), c_i ~ Categorical(pi)"


def _stick_breaking(mixture: Mixture) -> str:
    alpha: Any = mixture.weights
    return (
        f"v_k ~ Beta(1, {alpha.concentration:g}) but v_{mixture.n_components} = 1, "
        "pi_k = v_k prod_{j<k} (1 - v_j), c_i ~ Categorical(pi)"
    )


def _any_weights(mixture: Mixture) -> str:
    return f"pi ~ {type(mixture.weights).__name__}, c_i ~ Categorical(pi)"


_FAMILIES: dict[str, Callable[..., tuple[str, str]]] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}
_WEIGHTS: dict[str, Callable[[Mixture], str]] = {
    "fixed": _fixed,
    "dirichlet": _dirichlet,
    "stick_breaking": _stick_breaking,
}


def _range(n: int) -> str:
    return {1: "1", 2: "1, 2", 3: "1, 2, 3"}.get(n, f"1, ..., {n}")
