"""A mixture's formula as one plain sentence, for reports and tables."""

from collections.abc import Callable

import numpy as np

from hand_cavi import Mixture, NormalKnownVariance


def formula(mixture: Mixture, n_points: int) -> str:
    """Return the model as text.

    Such as "mu_k ~ N(0, 25), c_i ~ Categorical(1/5), x_i given c_i ~ N(mu_{c_i}, 1), for components
    k = 1, ..., 5 and points i = 1, ..., 1000."
    """
    prior, likelihood = _FAMILIES.get(mixture.components.name, _any_family)(mixture.components)
    weights = _WEIGHTS.get(mixture.weights.name, _any_weights)(mixture)
    components, points = _range(mixture.n_components), _range(n_points)
    return f"{prior}, {weights}, {likelihood}, for components k = {components} and points i = {points}."


def _normal_known_variance(prior: NormalKnownVariance) -> tuple[str, str]:
    identity = "" if prior.n_features == 1 else " I"
    mean = np.unique(prior.mean)
    centre = f"{mean[0]:g}" if len(mean) == 1 else "(" + ", ".join(f"{m:g}" for m in prior.mean) + ")"
    return (
        f"mu_k ~ N({centre}, {float(prior.variance):g}{identity})",
        f"x_i given c_i ~ N(mu_{{c_i}}, {prior.noise_variance:g}{identity})",
    )


def _any_family(prior: object) -> tuple[str, str]:
    return f"theta_k ~ {type(prior).__name__}", "x_i given c_i ~ p(x given theta_{c_i})"


def _fixed(mixture: Mixture) -> str:
    return f"c_i ~ Categorical(1/{mixture.n_components})"


def _any_weights(mixture: Mixture) -> str:
    return f"pi ~ {type(mixture.weights).__name__}, c_i ~ Categorical(pi)"


_FAMILIES: dict[str, Callable[..., tuple[str, str]]] = {"normal_known_variance": _normal_known_variance}
_WEIGHTS: dict[str, Callable[[Mixture], str]] = {"fixed": _fixed}


def _range(n: int) -> str:
    return {1: "1", 2: "1, 2", 3: "1, 2, 3"}.get(n, f"1, ..., {n}")
