"""How many components? What speaks for each number, side by side; the choice is the reader's.

Three kinds of evidence, which need not agree:

- the ELBO, and ELBO + KL(q, q_sym): a bound on log p(x) that takes away the price of describing a mode but
  not its K! relabellings, for which the plain ELBO makes many components pay by up to ln K!;
- log p(x) itself, where a reference can have it;
- the held-out log predictive density per point, which asks for prediction and not for the number of groups.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from experiments.posterior.held_out import FOLDS, STARTS_HELD_OUT, log_predictive, mean_and_error
from experiments.posterior.symmetrised import log_q_symmetrised, why_not_exact
from experiments.records import Estimate
from experiments.references import exact, log_evidence
from hand_cavi import Fit, InputError, Mixture, fit

DRAWS = 4000
"""Draws from q by which KL(q, q_sym) is estimated."""

_MOST_POINTS = 10_000_000

OCCUPIED = 0.5
"""Points that a component holds at least, to count as occupied."""


@dataclass(frozen=True)
class Candidate:
    """One number of components.

    Attributes
    ----------
    elbo : float
        In nats; the best that was found.
    symmetry, symmetry_se : float
        KL(q, q_sym) in nats, None where K! relabellings are too many; its Monte-Carlo standard error.
    evidence : Estimate or None
        log p(x), where a reference applies.
    held_out, held_out_se : float or None
        Mean log predictive density per point, in nats, and its standard error over points.
    behind, behind_se : float or None
        How far the held-out density is behind the best candidate's, point by point, and its standard error.
    occupied : int
        Components that hold points.
    starts, starts_at_best : int
        How many starts there were, and how many ended there; None if it is not known.
    method : str
        Whose bound it is, as readers call it.
    """

    n_components: int
    elbo: float
    symmetry: float | None = None
    symmetry_se: float = 0.0
    evidence: Estimate | None = None
    held_out: float | None = None
    held_out_se: float | None = None
    behind: float | None = None
    behind_se: float | None = None
    occupied: int = 0
    starts: int = 0
    starts_at_best: int | None = None
    method: str = "CAVI"

    @property
    def symmetrised(self) -> float | None:
        """ELBO + KL(q, q_sym), a bound on log p(x)."""
        return None if self.symmetry is None else self.elbo + self.symmetry


def candidates(
    mixtures: Sequence[Mixture],
    x: np.ndarray,
    *,
    rng: int,
    starts: int = 20,
    folds: int = FOLDS,
    sampled_evidence: bool = False,
    sample_weight: np.ndarray | None = None,
) -> list[Candidate]:
    """Fit every mixture, one for each number of components, and gather what speaks for it.

    Parameters
    ----------
    x : ndarray, shape (N, D)
    folds : int
        Of the cross-validation; 0 leaves it out.
    sampled_evidence : bool
        Whether log p(x) is estimated by bridge and importance sampling, in some seconds for each mixture,
        where it cannot be had exactly.
    sample_weight : ndarray, shape (N,), optional
        How many points each row stands for; whole numbers, if there is to be a cross-validation.
    """
    points = _points(x, sample_weight) if folds else x
    ways = ["auto"] if sampled_evidence else exact()
    found, predicted = [], []
    for mixture in mixtures:
        fitted = fit(mixture, x, rng=rng, starts=starts, sample_weight=sample_weight)
        symmetry, error = _symmetry(fitted, rng)
        found.append(
            Candidate(
                n_components=mixture.n_components,
                elbo=fitted.elbo,
                symmetry=symmetry,
                symmetry_se=error,
                evidence=_evidence(mixture, x, rng, ways, sample_weight),
                occupied=int(np.sum(fitted.counts >= OCCUPIED)),
                starts=len(fitted.starts),
                starts_at_best=fitted.starts_at_best,
            )
        )
        if folds:
            few = min(starts, STARTS_HELD_OUT)
            predicted.append(log_predictive(mixture, points, folds=folds, rng=rng, starts=few))
    return _with_predictions(found, predicted) if folds else found


def _points(x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return each row as often as it stands for a point: folds hold points, not all copies of a row."""
    if weight is None:
        return x
    if (weight != np.floor(weight)).any() or weight.sum() > _MOST_POINTS:
        raise InputError(
            f"cross-validation takes weights that are whole numbers and sum to {_MOST_POINTS:,} at most; "
            "leave it out with --folds 0"
        )
    return np.repeat(x, weight.astype(np.intp), axis=0)


def _symmetry(fitted: Fit, rng: int) -> tuple[float | None, float]:
    """Return KL(q, q_sym) = E_q[log q - log q_sym] and its standard error."""
    if why_not_exact(fitted, fitted.mixture) is not None:
        return None, 0.0
    if fitted.mixture.n_components == 1 or not fitted.mixture.weights.exchangeable:
        return 0.0, 0.0
    draws = fitted.sample(rng, DRAWS)
    terms = fitted.log_density(draws) - log_q_symmetrised(fitted, draws, fitted.mixture)
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(DRAWS))


def _evidence(
    mixture: Mixture, x: np.ndarray, rng: int, ways: Sequence[str], weight: np.ndarray | None
) -> Estimate | None:
    for method in ways:
        with suppress(InputError):  # it does not apply here
            return log_evidence(mixture, x, method=method, rng=rng, sample_weight=weight)
    return None


def _with_predictions(found: list[Candidate], predicted: list[np.ndarray]) -> list[Candidate]:
    """Add the held-out densities, and the paired differences from the candidate that predicts best."""
    best = predicted[int(np.argmax([values.mean() for values in predicted]))]
    told = []
    for candidate, values in zip(found, predicted, strict=True):
        (mean, error), (behind, behind_se) = mean_and_error(values), mean_and_error(values - best)
        told.append(replace(candidate, held_out=mean, held_out_se=error, behind=behind, behind_se=behind_se))
    return told
