"""Bounds on the log evidence, each with its standard error, and what they leave.

A method says which bound it reports (`Told.bound_of`); how draws of q give the bound of that q is told in
docs/mathematics.md, section 8. With the best r = q(c) it is H[r] plus the average of `AssignedJoint.given`.
"""

from math import hypot, nan

import numpy as np

from experiments.methods import label
from experiments.methods.mass_of_density import UNTOLD as UNTOLD_MASS
from experiments.metrics._assigned import AssignedJoint
from experiments.metrics._context import FEWEST_DRAWS, Context, average, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import as_arrays
from experiments.posterior.pareto import SOURCE, log_mean, most_k_hat, pareto_k_hat
from experiments.posterior.symmetrised import log_factorial
from experiments.records import Measurement, Threshold
from hand_cavi.numerics.special import logsumexp

THETA = "theta"
ASSIGNMENTS = "theta and assignments"
LATENT = "theta and what is summed out"
"""What a method's own bound may be of, see `Told.bound_of`."""

WEIGHTS = 100
"""S of IWAE, the weights averaged within one logarithm; fewer where there would be fewer than 100 groups."""

_NO_DENSITY = "a sampler has no density q"


@metric(theme="Bounds", label="own bound")
def own_bound(context: Context) -> Measurement:
    """The bound on the log evidence that the method itself optimises.

    In nats with its standard error, 0 where it is exact.
    """
    if context.result.bound is None:
        who = "this approximation" if context.independent else "a sampler"
        return missing(f"{who} optimises no bound", "nats")
    return Measurement(context.result.bound, context.result.bound_se, "nats")


@metric(theme="Bounds", label="own bound, recomputed from draws")
def recomputed_bound(context: Context) -> Measurement:
    """The bound that this q has, from nothing but draws of q and the model's joint density.

    What the method's own bound must be for its q, in nats with its standard error; all that it may be, where
    the method does not say which bound it reports.
    """
    if context.result.bound is None:
        return missing("the method reports no bound", "nats")
    log_ratio, of = context.log_ratio("log_q"), context.told.bound_of
    if log_ratio is None:
        return missing("the method's density q is not known", "nats")
    if of == LATENT and context.problem is None:
        return missing("its bound is of what the model sums out too", "nats")
    found = {THETA: average(log_ratio, "nats")}
    if of != THETA and context.problem is not None:
        joint = AssignedJoint.of(context.problem, context.draws)
        sums, entropy = joint.assign(slice(max(1, len(joint.phi) // 2)))
        found[ASSIGNMENTS] = average(joint.given(sums) + entropy, "nats")
    lacking = (one for one in found.values() if one.value is None)
    if settled := found.get(of) or next(lacking, None):
        return settled
    values, errors = zip(*((one.value, one.standard_error) for one in found.values()), strict=True)
    note = "it does not say which bound it reports"
    return Measurement(list(values), list(errors), "nats", note, entries=tuple(found))


@metric(theme="Bounds", label="log of the mass of its density")
def density_mass(context: Context) -> Measurement:
    """The log of what q's density integrates to beside its draws: 0 if it is theirs.

    In nats, by `experiments.methods.mass_of_density`.
    """
    mass, error = context.told.log_mass, context.told.log_mass_se
    if mass is None or error is None:
        no = _NO_DENSITY if context.log_ratio("log_q") is None else UNTOLD_MASS
        return missing(no, "nats")
    return Measurement(mass, error, "nats")


@metric(theme="Bounds", label="F, collapsed bound")
def collapsed_bound(context: Context) -> Measurement:
    """The collapsed bound F(q) = E_q[log p(x, theta) - log q(theta)], with the assignments summed out.

    In nats, averaged over the draws.
    """
    log_ratio = context.log_ratio("log_q")
    if log_ratio is None:
        return missing(_NO_DENSITY, "nats")
    return average(log_ratio, "nats")


@metric(theme="Bounds", label="IWAE bound")
def iwae(context: Context) -> Measurement:
    """The importance-weighted bound IWAE_S, between F(q) and log p(x).

    In nats; it rises with S from F (S = 1) to log p(x) (Burda, Grosse & Salakhutdinov 2016). Disjoint groups
    of S draws are independent, so that their spread gives the standard error.
    """
    log_ratio = context.log_ratio("log_q")
    if log_ratio is None:
        return missing(_NO_DENSITY, "nats")
    size = min(WEIGHTS, len(log_ratio) // FEWEST_DRAWS)
    if size < 1 or not np.isfinite(log_ratio).all():
        return average(log_ratio, "nats")  # which says why there is no figure
    groups = log_ratio[: len(log_ratio) // size * size].reshape(-1, size)
    bound = average(logsumexp(groups, axis=1) - np.log(size), "nats")
    note = f"S = {size} draws of q in each of {len(groups)} groups"
    return Measurement(bound.value, bound.standard_error, "nats", note)


@metric(theme="Bounds", label="F symmetrised", only="mixtures")
def symmetrised_bound(context: Context) -> Measurement:
    """The bound F(q_sym) of the approximation averaged over all relabellings of its components.

    In nats, averaged over the draws; E_q serves, because p(x, theta) is symmetric.
    """
    log_ratio = context.log_ratio("log_q_symmetrised")
    if log_ratio is not None:
        bound = average(log_ratio, "nats")
        return Measurement(bound.value, bound.standard_error, "nats", bound.note or _quality(context))
    if context.log_ratio("log_q") is None:
        return missing(_NO_DENSITY, "nats")
    n_components = context.mixture.mixture.n_components
    return missing(
        "q could not be averaged over all relabellings; the figure lies between F and "
        f"F + ln {n_components}! = F + {log_factorial(n_components):.2f}",
        "nats",
    )


def _quality(context: Context) -> str:
    """Return how to read a figure that only some relabellings went into; empty if all did."""
    how = context.symmetrised_how
    if how == "exact":
        return ""
    slack = float(as_arrays(context.draws, "sample_stats")["symmetrised_slack"].mean())
    if how == "at least":
        return f"at least this, and at most {slack:.2g} nats more: components far apart were not swapped"
    return f"about this: {slack:.2g} nats of it were estimated, because not all relabellings are feasible"


@metric(theme="Bounds", label="log p(x) by importance sampling", only="mixtures")
def importance_evidence(context: Context) -> Measurement:
    """Log p(x) by importance sampling: draws from q, weighted by p/q_sym.

    The log of the mean weight in nats, with the delta method's standard error, which believes that the
    weights have a variance: a k-hat above its threshold is told in the note. Divided by q itself, a q that
    sits in one mode would miss log p(x) by ln K! with nothing to show for it.
    """
    log_ratio = context.log_ratio("log_q_symmetrised")
    if log_ratio is None:
        why = "q_sym is not known" if context.log_ratio("log_q") is not None else _NO_DENSITY
        return missing(why, "nats")
    if len(log_ratio) < FEWEST_DRAWS or not np.isfinite(log_ratio).all():
        return average(log_ratio, "nats")  # which says why there is no figure
    value, error = log_mean(log_ratio)
    k_hat_of_it, most = pareto_k_hat(log_ratio)[0], most_k_hat(len(log_ratio))
    said = f"k-hat of p/q_sym is {k_hat_of_it:.2f}"
    notes = [] if np.isnan(k_hat_of_it) else [said]
    if k_hat_of_it > most:
        notes = [f"it cannot be trusted: {said}, above {most:.2f} ({SOURCE})"]
    if context.symmetrised_how != "exact":
        notes.append(f"q_sym is not exact: the figure is {context.symmetrised_how} this")
    return Measurement(value, error, "nats", "; ".join(notes))


@metric(theme="Bounds", label="evidence gap", only="mixtures")
def evidence_gap(context: Context) -> Measurement:
    """The room that is left: the reference's log p(x) minus F(q_sym).

    In nats; its error is both errors', added in squares.
    """
    reference, bound = context.reference, symmetrised_bound(context)
    if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
        return missing(bound.note, "nats")
    if not reference.qualified:
        return missing(f"the log evidence is not known ({reference.reason})", "nats")
    if reference.log_evidence is None:
        whose = f"{label(reference.method)}, the reference, gives none"
        return missing(f"the log evidence is not known: {whose}", "nats")
    evidence = reference.log_evidence
    error = hypot(evidence.standard_error, bound.standard_error)
    return Measurement(evidence.value - bound.value, error, "nats")


@metric(theme="Bounds", label="evidence gap, at most", only="mixtures")
def largest_gap(context: Context) -> Measurement:
    """The most that the room can be: the upper bound on log p(x) by annealing, minus F(q_sym).

    In nats, with both errors, added in squares. It leans on no sampler and on no reference; the bound holds
    in expectation, so that a single figure may be too small, by more than b nats with a chance of at most
    exp(-b).
    """
    bracket, bound = context.reference.bracket, symmetrised_bound(context)
    if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
        return missing(bound.note, "nats")
    if bracket is None:
        why = "there is no upper bound: the data are not known to come from the model's own prior"
        return missing(why, "nats")
    error = hypot(bracket.upper.standard_error, bound.standard_error)
    note = "the chance that it is too small by more than 4.6 nats is at most 1 %"
    return Measurement(bracket.upper.value - bound.value, error, "nats", note)


@metric(theme="Bounds", label="gain by symmetrising, KL(q, q sym)", only="mixtures")
def symmetry_gain(context: Context) -> Measurement:
    """What symmetrising adds to the bound: KL(q, q_sym), between 0 and ln K!.

    It is E_q[log q - log q_sym] = F(q_sym) - F(q) in nats, with less noise than their difference.
    """
    stats = as_arrays(context.draws, "sample_stats")
    if "log_q" not in stats or "log_q_symmetrised" not in stats:
        return missing(_NO_DENSITY, "nats")
    gain = average(stats["log_q"] - stats["log_q_symmetrised"], "nats")
    if gain.value is None:
        return gain
    mixture = context.mixture.mixture
    note = f"ln {mixture.n_components}! = {log_factorial(mixture.n_components):.4f}"
    if not mixture.weights.exchangeable:
        note = "the components are not exchangeable under these weights, so that q_sym is q"
    elif context.symmetrised_how != "exact":
        note += f"; {context.symmetrised_how} this"
    return Measurement(gain.value, gain.standard_error, "nats", note)


@metric(theme="Bounds", label="k-hat")
def k_hat(context: Context) -> Measurement:
    """Pareto k-hat of the importance weights p/q and p/q_sym: how far q can stand for the posterior.

    Both with standard errors, NaN where one does not exist; for a user's own model that of p/q alone. A q
    that sits in one of K! modes may have a fine k-hat for p/q: draws do not see what they never visit.
    """
    ratios = [context.log_ratio("log_q"), context.log_ratio("log_q_symmetrised")]
    if ratios[0] is None:
        return missing(_NO_DENSITY)
    n_draws = len(ratios[0])
    if not all(ratio is None or np.isfinite(ratio).all() for ratio in ratios):
        return missing("log p - log q is not finite at some draws")
    values, errors = zip(*((nan, nan) if r is None else pareto_k_hat(r) for r in ratios), strict=True)
    if np.isnan(values).all():
        return missing("the weights are all equal, or too few for a tail")
    threshold = Threshold(most_k_hat(n_draws), "at most", SOURCE)
    if context.problem is None:
        return Measurement(values[0], errors[0], threshold=threshold)
    note = f"from {n_draws} draws"
    if context.symmetrised_how != "exact":
        note += "; q_sym itself is not exact"
    names = ("p/q", "p/q_sym")
    return Measurement(list(values), list(errors), "", note, threshold=threshold, entries=names)
