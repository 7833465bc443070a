"""Sorted posterior means, method minus reference, in reference standard deviations."""

import numpy as np

from experiments.metrics._context import Context, by_component, missing
from experiments.posterior.draws import are_independent, mean_and_error, sd_and_error, sorted_location
from experiments.records import Measurement

_UNIT = "reference sd"


def compute(context: Context) -> Measurement:
    """Return the K differences, or (K, D) of them, with standard errors.

    The error holds both Monte-Carlo errors of the means and, by the delta method, that of the reference's
    sd, by which the difference is divided.
    """
    reference = context.reference
    if context.without_reference or reference.draws is None:
        return missing(context.without_reference, _UNIT)
    mean, error = mean_and_error(sorted_location(context.draws), independent=context.independent)
    values, independent = sorted_location(reference.draws), are_independent(reference.draws)
    true_mean, true_error = mean_and_error(values, independent=independent)
    true_sd, true_sd_error = sd_and_error(values, independent=independent)
    if not (true_sd > 0).all():
        return missing("a reference standard deviation is 0", _UNIT)
    difference = (mean - true_mean) / true_sd
    variance = error**2 + true_error**2 + (difference * true_sd_error) ** 2
    return by_component(difference, np.sqrt(variance) / true_sd, _UNIT)
