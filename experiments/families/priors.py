"""Priors where none is given: weakly informative, scaled to the data, and said aloud.

Each looks at the data's mean, range or variance only, so that another unit of x changes nothing but the unit:

- normal_known_variance: means about the data's mean with the data's range as standard deviation (after
  Richardson & Green 1997, who take the midrange); noise variance 1.
- normal_gamma, normal_wishart: after Fraley & Raftery (2007), section 3: the data's mean, worth 0.01 points,
  D + 2 degrees of freedom, and the scale at which a component's expected covariance is the data's variances
  over K^(2/D). They take the data's full covariance; here it is their diagonal, because the correlation of
  all data is that between the components as much as within them.
- gamma_poisson: rates exponential about the data's mean.
- dirichlet_categorical, and Dirichlet or stick-breaking weights: 1 throughout; for the first two it is flat.

A prior that depends on the data sees them twice; with little data, or for an evidence that means something,
give one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.config.models import is_required, options_of
from experiments.config.plugins import did_you_mean, find_class
from experiments.datasets.summary import Overview
from hand_cavi import InputError
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights

Default = tuple[Any, str]
"""A field's value, and how it was chosen, in words."""

POINTS_OF_THE_MEAN = 0.01
"""How many points the prior mean is worth (Fraley & Raftery 2007)."""


def family_prior(
    name: str, x: np.ndarray | Overview, n_components: int, given: dict[str, Any]
) -> tuple[ConjugateFamily, str]:
    """Return a prior of a family, its fields given or scaled to the data.

    Parameters
    ----------
    name : str
        The family's.
    x : ndarray, shape (N, D), or Overview
        The data, or what a look at them gave.
    n_components : int
        K.
    given : dict
        Fields that the user set, by name.

    Returns
    -------
    prior : ConjugateFamily
        For D features.
    about : str
        Which fields were chosen here and how, such as "mean = the data's mean"; empty if none was.

    Raises
    ------
    InputError
        If the family is unknown, has no such field, or the values cannot be used.
    """
    cls = find_class("families", name)
    x = x if isinstance(x, Overview) else Overview.of(x)
    defaults = _FAMILIES[name](x, n_components) if name in _FAMILIES else {}
    prior, about = _made(cls, given, defaults)
    return prior.with_features(x.n_features), about


def weights_prior(name: str, given: dict[str, Any]) -> tuple[MixingWeights, str]:
    """Return a prior of the weights, and which options were chosen here; see `family_prior`."""
    return _made(find_class("weights", name), given, {"concentration": (1.0, "1")})


def _made(cls: Any, given: dict[str, Any], defaults: dict[str, Default]) -> tuple[Any, str]:
    known = options_of(cls)
    for key in given:
        if key not in known:
            there = ", ".join(known) or "none"
            raise InputError(
                f'a prior of {cls.name} has no field "{key}"{did_you_mean(key, known)} (there are {there})'
            )
    chosen = {key: value for key, value in defaults.items() if key in known and key not in given}
    lacking = [key for key in known if is_required(known[key]) and key not in given and key not in chosen]
    if lacking:
        raise InputError(f"a prior of {cls.name} needs {' and '.join(lacking)}; give it with --prior")
    try:
        prior = cls(**given, **{key: value for key, (value, _) in chosen.items()})
    except InputError as error:
        raise InputError(f"prior: {error}") from None
    return prior, ", ".join(f"{key.replace('_', ' ')} = {how}" for key, (_, how) in chosen.items())


def _normal_known_variance(x: Overview, n_components: int) -> dict[str, Default]:
    spread = float((x.high - x.low).max())
    variance = (spread**2, "the data's range squared") if spread > 0 else (1.0, "1")
    return {
        "mean": (x.mean, "the data's mean"),
        "variance": variance,
        "noise_variance": (1.0, "1"),
    }


def _normal_gamma(x: Overview, n_components: int) -> dict[str, Default]:
    """With shape 3/2 a component's expected variance, rate / (shape - 1), is twice the rate."""
    variances, how = _spread(x, n_components)
    return {
        "mean": (x.mean, "the data's mean"),
        "precision_scale": (POINTS_OF_THE_MEAN, f"{POINTS_OF_THE_MEAN:g}"),
        "shape": (1.5, "3/2"),
        "rate": (variances / 2, f"half {how}"),
    }


def _normal_wishart(x: Overview, n_components: int) -> dict[str, Default]:
    """With D + 2 degrees of freedom a component's expected covariance is scale_inverse itself."""
    variances, how = _spread(x, n_components)
    return {
        "mean": (x.mean, "the data's mean"),
        "precision_scale": (POINTS_OF_THE_MEAN, f"{POINTS_OF_THE_MEAN:g}"),
        "degrees_of_freedom": (x.n_features + 2.0, "D + 2"),
        "scale_inverse": (np.diag(variances), f"the diagonal matrix of {how}"),
    }


def _gamma_poisson(x: Overview, n_components: int) -> dict[str, Default]:
    mean = x.mean
    rate = np.divide(1.0, mean, out=np.ones_like(mean), where=mean > 0)
    return {"shape": (1.0, "1"), "rate": (rate, "1 / the data's mean")}


def _dirichlet_categorical(x: Overview, n_components: int) -> dict[str, Default]:
    n_categories = max(2, int(x.high.max()) + 1)
    return {"concentration": (np.ones(n_categories), f"1 for each of {n_categories} categories")}


def _spread(x: Overview, n_components: int) -> tuple[np.ndarray, str]:
    """Return the data's variances over K^(2/D), shape (D,); 1 for a column that is constant."""
    variances = x.variance / n_components ** (2 / x.n_features)
    if not np.isfinite(variances).all():
        raise InputError("the data spread so widely that float64 cannot hold their variance; rescale them")
    how = "the data's variances / K^(2/D)"
    if not (variances > 0).all():
        how += " (1 where a column is constant)"
    return np.where(variances > 0, variances, 1.0), how


_FAMILIES: dict[str, Callable[[Overview, int], dict[str, Default]]] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}
