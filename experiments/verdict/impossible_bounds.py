"""What no correct method can show, whatever the posterior: found without any margin.

The six facts are those of question 1 of docs/how-it-judges.md (Bishop, PRML, 2006, 10.1). Such a claim
should be certain: it takes five standard errors (false alarm 3e-7 for each figure, a convention of this
project), or rounding where figures are exact.
"""

from collections.abc import Collection, Mapping
from math import hypot, isfinite

from experiments.records import Estimate, Measurement

N_ERRORS = 5.0
"""Standard errors by which a figure must break a fact."""

ROUNDING = 1e-8
"""Of max(1, |log p(x)|): exact bounds agree to this however the data are scaled."""

BOUNDS = {
    "own_bound": "its own bound",
    "collapsed_bound": "its collapsed bound F",
    "symmetrised_bound": "its symmetrised bound",
    "iwae": "its importance-weighted bound",
    "importance_evidence": "the average of its importance weights p/q",
}
"""Metrics that are lower bounds on log p(x), and what a sentence calls them."""

ERROR_OF_BOUND = 0.2
"""Nats: five such standard errors are the nat by which a bound may not be wrong. A convention."""

MASS = 0.05
"""Nats by which the log of a density's mass may be off: a convention."""

LARGEST_FALL = -1e-10
"""The smallest gain of a half-step, relative to max(1, |ELBO|), that rounding can explain: a convention of
this project. The threshold of the metric's own measurement takes its place."""


def impossibilities(
    measurements: Mapping[str, Measurement], evidence: Estimate | None, estimated: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what is wrong for certain, one clause each; empty if nothing is.

    Parameters
    ----------
    measurements : mapping of str to Measurement
        By metric name; what is not there is not looked at.
    evidence : Estimate or None
        log p(x) of a reference that qualifies, in nats.
    estimated : collection of str
        Metrics of `BOUNDS` that are estimates here and prove nothing, as F(q_sym) is where not all
        relabellings are feasible.
    """
    figures = {name: number(measurements.get(name)) for name in BOUNDS if name not in estimated}
    bounds = {name: figure for name, figure in figures.items() if figure is not None}
    found = []
    if evidence is not None:
        truth = (evidence.value, evidence.standard_error)
        found = [
            f"{BOUNDS[name]} lies {_excess(bound, truth)} nats above log p(x), and no bound can"
            for name, bound in bounds.items()
            if _exceeds(bound, truth)
        ]
    own, collapsed = bounds.get("own_bound"), bounds.get("collapsed_bound")
    recomputed = number(measurements.get("recomputed_bound"))
    if own and collapsed and _exceeds(own, collapsed):
        found.append(
            f"its own bound lies {_excess(own, collapsed)} nats above the collapsed bound F of the same q, "
            "which is never smaller"
        )
    elif own and recomputed and (_exceeds(own, recomputed) or _exceeds(recomputed, own)):
        side = "above" if own[0] > recomputed[0] else "below"
        higher, lower = max(own, recomputed), min(own, recomputed)
        found.append(
            f"its own bound is not that of its q: it lies {_excess(higher, lower)} nats {side} what draws of "
            "q and the joint density give"
        )
    mass = number(measurements.get("density_mass"))
    if mass and abs(mass[0]) - MASS > N_ERRORS * mass[1]:
        found.append(
            f"what it calls the density of its q is not that of its draws, beside which it integrates to "
            f"exp({mass[0]:.2g} ± {mass[1]:.1g}), not to 1"
        )
    update = measurements.get("update_gain")
    more = number(update) if update and update.threshold is None else None
    size = own or collapsed
    if more and size and more[0] > N_ERRORS * more[1] + ROUNDING * max(1.0, abs(size[0])):
        found.append(
            f"updating q by its definition gains {more[0]:.2g} ± {more[1]:.1g} nats more than "
            "its own updates say is left"
        )
    monotonicity = measurements.get("monotonicity")
    gain = number(monotonicity)
    allowed = monotonicity.threshold.value if monotonicity and monotonicity.threshold else LARGEST_FALL
    if gain is not None and gain[0] < allowed:
        found.append(f"its bound fell during a sweep, by {-gain[0]:.1e} of its size, and it never can")
    return tuple(found)


def doubt_about_bound(measurements: Mapping[str, Measurement]) -> str:
    """Return why a method's own bound says too little to be held against anything; else nothing."""
    own = measurements.get("own_bound")
    if own is None or own.value is None:
        return ""
    error = own.standard_error
    if not isinstance(error, float | int) or not isfinite(error):
        return "its bound is stated without a standard error"
    if error > ERROR_OF_BOUND:
        return f"its bound has a standard error of {error:.2g} nats, where {ERROR_OF_BOUND:g} is allowed"
    known, stated = measurements.get("recomputed_bound"), number(own)
    if not stated or not known or not known.entries:
        return ""
    assert isinstance(known.value, list) and isinstance(known.standard_error, list)
    bounds = dict(zip(known.entries, zip(known.value, known.standard_error, strict=True), strict=True))
    if any(not _exceeds(stated, one) and not _exceeds(one, stated) for one in bounds.values()):
        return ""
    said = ", ".join(f"{value:.6g} ± {error:.1g} ({of})" for of, (value, error) in bounds.items())
    return f"its bound of {stated[0]:.6g} nats is none that its q has: {said}; let it state `bound_of`"


def number(measurement: Measurement | None) -> tuple[float, float] | None:
    """Return a measurement's one number and its standard error; None unless both are known."""
    if measurement is None:
        return None
    value, error = measurement.value, measurement.standard_error
    if not isinstance(value, float | int) or not isinstance(error, float | int):
        return None
    return (value, error) if isfinite(value) and isfinite(error) else None


def _exceeds(bound: tuple[float, float], ceiling: tuple[float, float]) -> bool:
    rounding = ROUNDING * max(1.0, abs(ceiling[0]))
    return bound[0] - ceiling[0] > N_ERRORS * hypot(bound[1], ceiling[1]) + rounding


def _excess(bound: tuple[float, float], ceiling: tuple[float, float]) -> str:
    excess, error = bound[0] - ceiling[0], hypot(bound[1], ceiling[1])
    return f"{excess:.2g} ± {error:.1g}" if error > 0 else f"{excess:.2g}"
