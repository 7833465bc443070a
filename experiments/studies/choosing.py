"""How many components? What speaks for each number, side by side; the choice is the reader's.

Three kinds of evidence, which need not agree:

- the ELBO, and ELBO + KL(q, q_sym): a bound on log p(x) that takes away the price of describing a mode but
  not its K! relabellings, for which the plain ELBO makes many components pay by up to ln K!;
- log p(x) itself, where a reference can have it;
- the held-out log predictive density per point, which asks for prediction and not for the number of groups.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import hypot

import numpy as np

from experiments.families.components import cautions
from experiments.posterior.held_out import FOLDS, STARTS_HELD_OUT, fold_of, log_predictive, mean_and_error
from experiments.posterior.symmetrised import log_q_symmetrised, why_not_exact
from experiments.records import Estimate
from experiments.references import exact, log_evidence
from hand_cavi import Fit, InputError, Mixture, fit
from hand_cavi.ascent.cautions import occupied
from hand_cavi.ascent.progress import Tell
from hand_cavi.data.condense import unique_rows
from hand_cavi.inputs import within_float64

DRAWS = 4000
"""Draws from q by which KL(q, q_sym) is estimated."""

_MOST_POINTS = 10_000_000

ELBO, SYMMETRISED, EVIDENCE = "ELBO", "ELBO + KL(q, q_sym)", "log p(x)"
"""The columns that may decide; the last that every candidate has does."""

MENTION = 1.0
"""Nats: a smaller lead is "not worth more than a bare mention" (Kass & Raftery 1995)."""


@dataclass(frozen=True)
class Candidate:
    """One number of components: the best `elbo` found, by `method`, and what else speaks for it; all in nats.

    Attributes
    ----------
    symmetry, symmetry_se : float
        KL(q, q_sym), None where K! relabellings are too many; its Monte-Carlo standard error.
    evidence, no_evidence : Estimate or None, and str
        log p(x), where a reference applies, or why there is none.
    held_out, held_out_se : float or None
        Mean log predictive density per point, and its standard error over points.
    behind, behind_se : float or None
        How far the held-out density is behind the best candidate's, point by point, and its standard error.
    occupied, starts_at_best : int or None
        Components that hold points, and of the `starts` those that ended there; None if it is not known.
    cautions : tuple of str
        What belongs beside the figures: see `experiments.families.components.cautions`.
    """

    n_components: int
    elbo: float
    symmetry: float | None = None
    symmetry_se: float = 0.0
    evidence: Estimate | None = None
    no_evidence: str = ""
    held_out: float | None = None
    held_out_se: float | None = None
    behind: float | None = None
    behind_se: float | None = None
    occupied: int | None = None
    cautions: tuple[str, ...] = ()
    starts: int = 0
    starts_at_best: int | None = None
    method: str = "CAVI"

    @property
    def symmetrised(self) -> float | None:
        """ELBO + KL(q, q_sym), a bound on log p(x)."""
        return None if self.symmetry is None else self.elbo + self.symmetry


@within_float64()
def candidates(
    mixtures: Sequence[Mixture],
    x: np.ndarray,
    *,
    rng: int,
    starts: int = 20,
    folds: int = FOLDS,
    sampled_evidence: bool = False,
    sample_weight: np.ndarray | None = None,
    found_one: Callable[[Candidate], None] = lambda one: None,
    begins: Callable[[str], Tell | None] = lambda words: None,
) -> list[Candidate]:
    """Fit every mixture, one for each number of components, to x, shape (N, D); gather what speaks for each.

    Parameters
    ----------
    folds : int
        Of the cross-validation; 0 leaves it out.
    sampled_evidence : bool
        Whether log p(x) is estimated by bridge and importance sampling where it cannot be had exactly.
    sample_weight : ndarray, shape (N,), optional
        How many points each row stands for; whole numbers, if there is to be a cross-validation.
    found_one, begins : callable
        Given each candidate before it is compared with the others; told in words what begins, it may return
        the `progress` of a fit.
    """
    every = _points(x, sample_weight) if folds else x
    if folds:
        fold_of(len(every), folds)  # which refuses more folds than points
    found, predicted = [], []
    for mixture in mixtures:
        k = f"K = {mixture.n_components}"
        points, weight = distinct(mixture, x, sample_weight)
        fitted = fit(mixture, points, rng=rng, starts=starts, sample_weight=weight, progress=begins(k))
        symmetry, error = _symmetry(fitted, rng)
        begins(f"{k}: log p(x)")
        evidence, no_evidence = _evidence(mixture, x, sample_weight, rng, sampled_evidence)
        candidate = Candidate(
            n_components=mixture.n_components,
            elbo=fitted.elbo,
            symmetry=symmetry,
            symmetry_se=error,
            evidence=evidence,
            no_evidence=no_evidence,
            occupied=int(occupied(fitted).sum()),
            cautions=cautions(fitted, points, weight),
            starts=len(fitted.starts),
            starts_at_best=fitted.starts_at_best,
        )
        if folds:
            begins(f"{k}: prediction of held-out points")
            few = min(starts, STARTS_HELD_OUT)
            values = log_predictive(mixture, every, folds=folds, rng=rng, starts=few, condense=distinct)
            predicted.append(values)
            mean, mean_error = mean_and_error(values)
            candidate = replace(candidate, held_out=mean, held_out_se=mean_error)
        found.append(candidate)
        found_one(candidate)
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


def distinct(
    mixture: Mixture, x: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return counts or categories without weights as their distinct rows and weights, where that pays."""
    condensed = unique_rows(x) if mixture.components.discrete and weight is None else None
    return (x, weight) if condensed is None else (condensed.x, condensed.weight)


def _evidence(
    mixture: Mixture, x: np.ndarray, weight: np.ndarray | None, rng: int, sampled: bool
) -> tuple[Estimate | None, str]:
    """Return log p(x), or why there is none, of distinct rows, each as often as it occurs."""
    points, each = distinct(mixture, x, weight)
    why = "it is not exact here, and sampling was not asked for"
    for method in ["auto"] if sampled else exact():
        try:
            return log_evidence(mixture, points, method=method, rng=rng, sample_weight=each), ""
        except InputError as error:
            why = str(error) if sampled else why
    return None, why


def _with_predictions(found: list[Candidate], predicted: list[np.ndarray]) -> list[Candidate]:
    """Add the paired differences of held-out densities from the candidate that predicts best."""
    best = predicted[int(np.argmax([values.mean() for values in predicted]))]
    told = []
    for candidate, values in zip(found, predicted, strict=True):
        behind, behind_se = mean_and_error(values - best)
        told.append(replace(candidate, behind=behind, behind_se=behind_se))
    return told


def conclusion(found: Sequence[Candidate]) -> list[str]:
    """Return what candidates speak for, by bound or evidence and by prediction; nothing for one alone."""
    if len(found) < 2:
        return []
    evidence = [one.evidence for one in found if one.evidence is not None]
    columns = {
        EVIDENCE: [(one.value, one.standard_error) for one in evidence],
        SYMMETRISED: [(one.symmetrised, one.symmetry_se) for one in found if one.symmetrised is not None],
        ELBO: [(one.elbo, 0.0) for one in found],
    }
    column, values = next((name, of_all) for name, of_all in columns.items() if len(of_all) == len(found))
    first, second = sorted(range(len(found)), key=lambda i: -values[i][0])[:2]
    best, lead = found[first], values[first][0] - values[second][0]
    needed = max(MENTION, 2 * hypot(values[first][1], values[second][1]))
    what = "log p(x)" if column == EVIDENCE else "The bound"
    said = [f'{what} is highest at K = {best.n_components} (column "{column}" decides)']
    if lead < needed:
        below = f"K = {found[second].n_components} is {lead:.2g} nats below"
        said[0] += f", but hardly: {below}, and less than {needed:.2g} tells nothing"
    if best.occupied is not None and best.occupied < best.n_components:
        held = f"Of these {best.n_components} components {best.occupied} hold points"
        said.append(f"{held}, which speaks for K = {best.occupied}")
    plain = max(found, key=lambda one: one.elbo)
    if plain is not best:
        why = "a lower bound on it" if column == EVIDENCE else "which pays up to ln K! for naming components"
        said.append(f'The column "{ELBO}", {why}, is highest at K = {plain.n_components}')
    predicted = [one for one in found if one.behind is not None and one.held_out is not None]
    if predicted:
        leader = max(predicted, key=lambda one: one.held_out or 0.0)
        near = [  # NaN, what is not known, is not far
            str(one.n_components)
            for one in predicted
            if one is not leader and not (one.behind or 0.0) < -2 * (one.behind_se or 0.0)
        ]
        also = f", but hardly: within two standard errors of it lies K = {', '.join(near)}" if near else ""
        said.append(f"Held-out points are predicted best with K = {leader.n_components}{also}")
    return [f"{sentence}." for sentence in said]
