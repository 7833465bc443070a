"""Posterior means and standard deviations: those of the method, and how far they are from the reference's."""

from collections.abc import Callable

import numpy as np

from experiments.metrics._context import Context, Moments, by_component, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import are_independent, as_chains, location, mean_and_error, sd_and_error
from experiments.posterior.quantities import sorted_parameters
from experiments.records import Measurement

_DATA = "data"
_NO_SPREAD = "a reference standard deviation is 0"


@metric(theme="Moments", label="mean error, furthest from 0")
def mean_error(context: Context) -> Measurement:
    """Sorted posterior means, method minus reference, in reference standard deviations.

    K differences, or (K, D) of them; of a user's own model, one for each of its quantities. The error holds
    both Monte-Carlo errors of the means and, by the delta method, that of the reference's sd, by which the
    difference is divided.
    """
    return _of_quantities(context, _shift, "reference sd")


@metric(theme="Moments", label="sd ratio, furthest from 1")
def sd_ratio(context: Context) -> Measurement:
    """Sds of the sorted locations, method over reference: below 1, the method is too sure.

    K ratios, or (K, D) of them; of a user's own model, one for each of its quantities. By the delta method,
    the relative variance of a ratio is the sum of both relative variances.
    """
    return _of_quantities(context, _ratio, "ratio")


@metric(theme="Moments", label="error of weights and precisions, furthest from 0", only="mixtures")
def parameter_error(context: Context) -> Measurement:
    """Posterior means of all other parameters, sorted along with the locations, minus the reference's.

    In reference standard deviations, by name; errors as those of `mean_error`. Empty where components have
    no parameter but their location.
    """
    return _of_parameters(context, _shift, "reference sd")


@metric(theme="Moments", label="sd ratio of weights and precisions, furthest from 1", only="mixtures")
def parameter_sd_ratio(context: Context) -> Measurement:
    """Sds of all other parameters, sorted along with the locations, over the reference's, by name."""
    return _of_parameters(context, _ratio, "ratio")


Compared = Callable[[Moments, Moments], tuple[np.ndarray, np.ndarray]]


def _of_quantities(context: Context, compared: Compared, unit: str) -> Measurement:
    if context.without_reference:
        return missing(context.without_reference, unit)
    own, truth = context.moments, context.reference_moments
    if not (truth.sd > 0).all():
        return missing(_NO_SPREAD, unit)
    return context.listed(*compared(own, truth), unit)


def _of_parameters(context: Context, compared: Compared, unit: str) -> Measurement:
    tree = context.reference.draws
    if context.without_reference or tree is None:
        return missing(context.without_reference, unit)
    ours, theirs = sorted_parameters(context.draws), sorted_parameters(tree)
    if not ours:
        return Measurement([], [], unit, "components have no parameter but their location")
    own = Moments.of(ours, independent=context.independent)
    truth = Moments.of({name: theirs[name] for name in ours}, independent=are_independent(tree))
    if not (truth.sd > 0).all():
        return missing(_NO_SPREAD, unit)
    values, errors = compared(own, truth)
    return Measurement(values.tolist(), errors.tolist(), unit, entries=tuple(ours))


def _shift(own: Moments, truth: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Return differences of means in reference sds, with errors; shape (Q,) each."""
    difference = (own.mean - truth.mean) / truth.sd
    variance = own.mean_error**2 + truth.mean_error**2 + (difference * truth.sd_error) ** 2
    return difference, np.sqrt(variance) / truth.sd


def _ratio(own: Moments, truth: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Return ratios of sds, with errors; shape (Q,) each. A ratio of 0 is exact: all draws are equal."""
    ratio = own.sd / truth.sd
    return ratio, np.hypot(own.sd_error / truth.sd, ratio * truth.sd_error / truth.sd)


@metric(theme="Moments", label="log likelihood minus the reference's")
def likelihood_error(context: Context) -> Measurement:
    """Mean of ln p(x | theta) minus the reference's; of a user's own model of ln p(x, theta).

    In nats for each number that theta holds, with the Monte-Carlo errors of both. Standard deviations r times
    too large throughout move it by (1 - r^2)/2, whatever the model.
    """
    unit, found = "nats per parameter", context.likelihood_moments
    if isinstance(found, str):
        return missing(found, unit)
    own, truth = found
    size = sum(int(np.prod(one.shape[2:])) for one in as_chains(context.draws).values())
    error = float(np.hypot(own.mean_error[0], truth.mean_error[0]))
    return Measurement(float(own.mean[0] - truth.mean[0]) / size, error / size, unit)


@metric(theme="Moments", label="sd ratio of the log likelihood")
def likelihood_sd_ratio(context: Context) -> Measurement:
    """Sd of ln p(x | theta) over the reference's, of samplers; of a user's own model of ln p(x, theta).

    It sees what means and sds of single parameters do not: how these go together, and the shape of tails.
    """
    found = context.likelihood_moments
    if isinstance(found, str) or context.log_ratio("log_q") is not None:
        return missing(found if isinstance(found, str) else "what it is of a q is not judged", "ratio")
    ratio, error = _ratio(*found)
    entries = ("the log likelihood" if context.problem else "the joint log density",)
    return Measurement(ratio.tolist(), error.tolist(), "ratio", entries=entries)


@metric(only="mixtures")
def sorted_means(context: Context) -> Measurement:
    """Posterior means of the components' locations, every draw's components sorted by their first feature.

    K means, or (K, D) of them, with Monte-Carlo standard errors.
    """
    return _listed(context, "mean")


@metric(only="mixtures")
def sorted_sds(context: Context) -> Measurement:
    """Posterior sds of the components' locations, every draw's components sorted by their first feature.

    K standard deviations, or (K, D) of them, with Monte-Carlo standard errors.
    """
    return _listed(context, "sd")


@metric(only="own")
def means(context: Context) -> Measurement:
    """Posterior means of the quantities of a model of one's own, by name, with Monte-Carlo errors."""
    return _listed(context, "mean")


@metric(only="own")
def sds(context: Context) -> Measurement:
    """Posterior sds of the quantities of a model of one's own, by name, with Monte-Carlo errors."""
    return _listed(context, "sd")


def _listed(context: Context, figure: str) -> Measurement:
    if not context.finite:
        return missing("some draws are not finite", _DATA)
    found = context.moments
    return context.listed(getattr(found, figure), getattr(found, f"{figure}_error"), _DATA)


@metric(only="mixtures")
def component_means(context: Context) -> Measurement:
    """Posterior means of the components' locations, components named as the pivot's by their allocations.

    K means, or (K, D) of them; the note tells the share of ambiguous draws.
    """
    return _of_components(context, mean_and_error)


@metric(only="mixtures")
def component_sds(context: Context) -> Measurement:
    """Posterior sds of the components' locations, components named as the pivot's by their allocations.

    K standard deviations, or (K, D) of them; the note tells the share of ambiguous draws.
    """
    return _of_components(context, sd_and_error)


def _of_components(context: Context, figure: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Measurement:
    if not context.finite:
        return missing("some draws are not finite", _DATA)
    value, error = figure(location(as_chains(context.relabelled)), independent=context.independent)
    share = context.relabelled.attrs["ambiguous_share"]
    return by_component(value, error, _DATA, f"the naming of {share:.1%} of the draws is ambiguous")
