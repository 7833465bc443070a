"""One fit by CAVI to a file: a prior where none is given, and a word where the scale makes it silly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets import Dataset, file
from experiments.study.formula import formula
from experiments.study.grid import too_few_points
from hand_cavi import Fit, FixedWeights, InputError, Mixture, NormalKnownVariance, fit

_SILLY = 4.0
"""A noise variance this many times too large or too small is worth a word; a convention of this project."""


@dataclass(frozen=True)
class QuickFit:
    """A fit and what is to be said of it.

    Attributes
    ----------
    data : Dataset
    fit : Fit
    seed : int
    about_model, about_prior : str
        The model's formula, and what of the prior was chosen here (empty if nothing was).
    warnings : tuple of str
    """

    data: Dataset
    fit: Fit
    seed: int
    about_model: str
    about_prior: str
    warnings: tuple[str, ...]

    @property
    def starts_at_best(self) -> int:
        """How many starts reached the best bound, to 1e-6 relative."""
        best = self.fit.starts[0].elbo
        return sum(start.elbo >= best - 1e-6 * max(1.0, abs(best)) for start in self.fit.starts)

    @property
    def order(self) -> np.ndarray:
        """The components in ascending order of their first feature's mean, shape (K,)."""
        return np.argsort(self._posterior.mean[:, 0], kind="stable")

    @property
    def _posterior(self) -> NormalKnownVariance:
        assert isinstance(self.fit.components, NormalKnownVariance)
        return self.fit.components

    def components(self) -> list[dict[str, Any]]:
        """Return mean (D numbers), sd and count of every component, in ascending order."""
        q = self._posterior
        return [
            {
                "mean": q.mean[k].tolist(),
                "sd": float(np.sqrt(q.variance[k])),
                "count": float(self.fit.counts[k]),
            }
            for k in self.order
        ]

    def picture(self) -> Any:
        """Draw each cluster's histogram with rug, and its fitted predictive density over it."""
        from experiments.report.figures import clusters_figure

        q, k = self._posterior, self.order
        sds = np.sqrt(q.noise_variance + q.variance)[k]
        r = self.fit.responsibilities(self.data.x)[:, k]
        return clusters_figure(self.data.x[:, 0], q.mean[k, 0], sds, r, self.data.unit)

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON content."""
        terms, prior = self.fit.elbo_terms, self.fit.mixture.components
        assert isinstance(prior, NormalKnownVariance)
        return {
            "data": self.data.about,
            "n": len(self.data.x),
            "columns": list(self.data.features),
            "model": self.about_model,
            "prior": {
                "mean": prior.mean,
                "variance": float(prior.variance),
                "noise_variance": prior.noise_variance,
                "note": self.about_prior,
            },
            "seed": self.seed,
            "status": self.fit.status.name.lower(),
            "message": self.fit.status.value,
            "sweeps": self.fit.sweeps,
            "starts": len(self.fit.starts),
            "starts_at_best": self.starts_at_best,
            "elbo": self.fit.elbo,
            "elbo_terms": {name: getattr(terms, name) for name in terms.__dataclass_fields__},
            "elbo_trace": self.fit.elbo_trace,
            "components": self.components(),
            "means": [component["mean"] for component in self.components()],
            "sds": [component["sd"] for component in self.components()],
            "counts": [component["count"] for component in self.components()],
            "warnings": list(self.warnings),
        }


def quick_fit(
    path: Path,
    columns: tuple[str, ...],
    n_components: int,
    *,
    mean: float | None = None,
    variance: float | None = None,
    noise_variance: float | None = None,
    starts: int = 20,
    seed: int = 1,
    max_sweeps: int = 2000,
    tolerance: float = 1e-12,
) -> QuickFit:
    """Fit the textbook mixture to columns of a file.

    Where no prior is given, a component's mean is normal about the data's mean with the data's range as
    standard deviation (after Richardson & Green 1997, who take the midrange), and the noise variance is 1.

    Raises
    ------
    InputError
        If the data or a setting cannot be used.
    """
    data = file.load(file.Settings(path=str(path), columns=columns), np.random.default_rng(seed))
    prior, about_prior = _prior(data.x, mean, variance, noise_variance)
    mixture = Mixture(prior, FixedWeights(), n_components)
    result = fit(mixture, data.x, rng=seed, starts=starts, max_sweeps=max_sweeps, tolerance=tolerance)
    warnings = [too_few_points(len(data.x), n_components)]
    if noise_variance is None:
        warnings.append(_scale_warning(data.x, result, prior.noise_variance))
    return QuickFit(
        data,
        result,
        seed,
        formula(mixture, len(data.x)),
        about_prior,
        tuple(word for word in warnings if word),
    )


def _prior(
    x: np.ndarray, mean: float | None, variance: float | None, noise_variance: float | None
) -> tuple[NormalKnownVariance, str]:
    chosen = []
    if mean is None:
        chosen.append("mean = the data's mean")
    centre = x.mean(axis=0) if mean is None else np.asarray(mean)
    if variance is None:
        spread = float(np.ptp(x, axis=0).max())
        variance = spread**2 if spread > 0 else 1.0
        chosen.append("variance = the data's range squared" if spread > 0 else "variance = 1")
    if noise_variance is None:
        noise_variance = 1.0
        chosen.append("noise variance = 1")
    about = f"Chosen here, for want of a prior: {', '.join(chosen)}." if chosen else ""
    try:
        prior = NormalKnownVariance(centre, np.asarray(variance), noise_variance)
    except InputError as error:
        raise InputError(f"prior: {error}") from None
    return prior.with_features(x.shape[1]), about


def _scale_warning(x: np.ndarray, result: Fit, noise_variance: float) -> str | None:
    """Compare the points' variance about their components with the noise variance that was assumed."""
    n_points, n_features = x.shape
    free = n_points - len(result.counts)
    if free < 1:
        return None
    assert isinstance(result.components, NormalKnownVariance)
    square = np.sum((x[:, np.newaxis] - result.components.mean) ** 2, axis=2)
    within = float(np.sum(result.responsibilities(x) * square)) / (free * n_features)
    if noise_variance / _SILLY <= within <= noise_variance * _SILLY:
        return None
    return (
        f"the noise variance was taken to be {noise_variance:g}, but points scatter about their components "
        f"with variance {within:.3g}; give --noise-variance"
    )
