"""Normal components whose noise variance is known."""

from collections.abc import Callable, Collection

import numpy as np

from experiments.families import gaussian, log_densities
from experiments.families.line import Line, Term, normal, of_point, point, symbol, vector
from experiments.families.mathml import mi
from experiments.families.priors import Default
from experiments.families.summary import Summary
from experiments.records.problem import Draws
from hand_cavi import Fit, NormalKnownVariance
from hand_cavi.numerics.special import ndtr
from hand_cavi.sources import Block

_SILLY = 4.0
"""A noise variance this many times too large or too small is worth a word; a convention of this project."""

VARIABLES = ("mu",)
WEIGHTS = "fixed"
EXAMPLE = (0.3, 25.0, 1.4), [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]


def story(prior: NormalKnownVariance) -> list[Line]:
    """Return the lines of the generative story."""
    variance, noise = vector(prior.variance), vector(prior.noise_variance)
    if prior.n_features > 1:
        variance, noise = (Term(f"{term} I", term.mathml + mi("I")) for term in (variance, noise))
    return [
        Line(symbol("mu", "k"), normal(vector(prior.mean), variance), "for each component"),
        Line(point(), normal(of_point("mu"), noise), "for each point; mean and variance"),
    ]


def default_prior(x: Summary, n_components: int) -> dict[str, Default]:
    """Return means about the data's mean (Richardson & Green 1997: midrange), as spread as their range."""
    spread = float((x.high - x.low).max())
    variance: Default = (spread**2, "the data's range squared") if spread > 0 else (1.0, "1")
    return {"mean": (x.mean, "the data's mean"), "variance": variance, "noise_variance": (1.0, "1")}


def moments(q: NormalKnownVariance) -> dict[str, np.ndarray]:
    """Return q's own mean and standard deviation."""
    return {"mean": q.mean, "sd": np.broadcast_to(np.sqrt(q.variance)[:, np.newaxis], q.mean.shape)}


def cdf(q: NormalKnownVariance, t: np.ndarray) -> np.ndarray:
    """Return the normal distribution function of every mu_kd."""
    return ndtr((t[:, np.newaxis] - q.mean) / np.sqrt(q.variance)[:, np.newaxis])


def density(prior: NormalKnownVariance, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return N(x_d | mu_kd, noise variance)."""
    return gaussian.normal_density(values, draws["mu"][..., feature, np.newaxis], prior.noise_variance)


def covariance(prior: NormalKnownVariance, draws: Draws) -> np.ndarray:
    """Return the noise's covariance."""
    _, n_components, n_features = draws["mu"].shape
    return np.broadcast_to(prior.noise_variance * np.eye(n_features), (n_components, n_features, n_features))


def doubt(fit: Fit, some: Callable[[], Block], n_points: int, given: Collection[str]) -> str | None:
    """Compare points' variance about their components with a noise variance that nobody gave.

    `some` returns rows, (n, D), of all `n_points`, and their weights; `given` are the
    prior's fields that a user gave.
    """
    q = fit.components
    if "noise_variance" in given or not isinstance(q, NormalKnownVariance):
        return None
    block = some()
    x = block.rows
    weight = np.ones(len(x)) if block.weight is None else block.weight
    free = weight.sum() - len(fit.counts)
    if free < 1:
        return None
    square = np.sum((x[:, np.newaxis] - q.mean) ** 2, axis=2)
    within = float(np.sum(weight @ (fit.responsibilities(x) * square))) / (free * x.shape[1])
    if q.noise_variance / _SILLY <= within <= q.noise_variance * _SILLY:
        return None
    by = "" if len(x) == n_points else f" (by {len(x):,} of {n_points:,}, evenly spaced)"
    return (
        f"the noise variance was taken to be {q.noise_variance:g}, but points scatter about their components "
        f"with variance {within:.3g}{by}; give --noise-variance, or "
        "take a family that learns it: --family normal_gamma or normal_wishart"
    )


def log_joint(prior: NormalKnownVariance, x: np.ndarray, values: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta_k), (S, K), and ln p(x_i | theta_k), (S, K, N), from the story alone."""
    mu = values["mu"]
    log_x = log_densities.normal(x, mu[:, :, np.newaxis], 1 / prior.noise_variance)
    return log_densities.normal(mu, prior.mean, 1 / prior.variance).sum(axis=-1), log_x.sum(axis=-1)
