"""Posterior means and standard deviations: those of the method, and how far they are from the reference's."""

from collections.abc import Callable

import numpy as np

from experiments.metrics._context import Context, by_component, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import as_chains, location, mean_and_error, sd_and_error
from experiments.records import Measurement

_DATA = "data"


@metric(theme="Moments", label="mean error, furthest from 0")
def mean_error(context: Context) -> Measurement:
    """Sorted posterior means, method minus reference, in reference standard deviations.

    K differences, or (K, D) of them; of a user's own model, one for each of its quantities. The error holds
    both Monte-Carlo errors of the means and, by the delta method, that of the reference's sd, by which the
    difference is divided.
    """
    unit = "reference sd"
    if context.without_reference:
        return missing(context.without_reference, unit)
    own, truth = context.moments, context.reference_moments
    if not (truth.sd > 0).all():
        return missing("a reference standard deviation is 0", unit)
    difference = (own.mean - truth.mean) / truth.sd
    variance = own.mean_error**2 + truth.mean_error**2 + (difference * truth.sd_error) ** 2
    return context.listed(difference, np.sqrt(variance) / truth.sd, unit)


@metric(theme="Moments", label="sd ratio, furthest from 1")
def sd_ratio(context: Context) -> Measurement:
    """Sds of the sorted locations, method over reference: below 1, the method is too sure.

    K ratios, or (K, D) of them; of a user's own model, one for each of its quantities. By the delta method,
    the relative variance of a ratio is the sum of both relative variances.
    """
    if context.without_reference:
        return missing(context.without_reference, "ratio")
    own, truth = context.moments, context.reference_moments
    if not ((own.sd > 0).all() and (truth.sd > 0).all()):
        return missing("a standard deviation is 0", "ratio")
    ratio = own.sd / truth.sd
    return context.listed(ratio, ratio * np.hypot(own.sd_error / own.sd, truth.sd_error / truth.sd), "ratio")


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
