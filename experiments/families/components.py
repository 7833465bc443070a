"""What a fit found, component by component, in the terms of its family: closed forms of q's moments."""

import numpy as np

from experiments.families import weights
from experiments.families.lookup import offered
from hand_cavi import Fit
from hand_cavi.ascent.cautions import occupied, on_empty, on_overlap, overlapping
from hand_cavi.conjugate import ConjugateFamily

Figures = dict[str, np.ndarray]


def describe(fit: Fit) -> Figures:
    """Return arrays with a leading axis of K components.

    ``count`` (K,), ``weight`` and ``weight_sd`` (K,), and the family's own: ``mean``, ``rate`` or
    ``probability`` with ``sd`` of the same shape; ``spread`` (K, D), the standard deviations of a
    component's points, and ``correlation`` (K, D, D), where they are unknowns of the model. Moments that do
    not exist are NaN.
    """
    weight, weight_sd = weights.mean_and_sd(fit.weights)
    own = offered(fit.components.name, "moments") or _of_draws
    return {"count": fit.counts, "weight": weight, "weight_sd": weight_sd, **own(fit.components)}


def order(figures: Figures) -> np.ndarray:
    """Return the components in ascending order of their first feature's mean or rate; categories by size."""
    for name in ("mean", "rate"):
        if name in figures:
            return np.argsort(figures[name][:, 0], kind="stable")
    return np.argsort(-figures["count"], kind="stable")


def cautions(fit: Fit, x: np.ndarray, sample_weight: np.ndarray | None = None) -> tuple[str, ...]:
    """Say which components hold no points and which overlap, by `hand_cavi.ascent.cautions`, in `order`."""
    overlap = on_overlap(overlapping(fit, x, sample_weight)[order(describe(fit))])
    return empty_components(fit) + ((overlap,) if overlap else ())


def empty_components(fit: Fit) -> tuple[str, ...]:
    """Say which components hold no points, if any does not, in the order of `order`."""
    empty = on_empty(occupied(fit)[order(describe(fit))])
    return (empty,) if empty else ()


def if_finite(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the ratio where the moment exists, else NaN."""
    nothing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)


def _of_draws(q: ConjugateFamily) -> Figures:
    """Do the same for a family of the user's own, by 10,000 draws from q."""
    first = next(iter(q.sample(np.random.default_rng(0), 10_000).values()))
    values = first.reshape(*first.shape[:2], -1)
    return {"mean": values.mean(axis=0), "sd": values.std(axis=0)}
