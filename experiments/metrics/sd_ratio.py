"""Sds of the sorted locations, method over reference: below 1, the method is too sure."""

import numpy as np

from experiments.metrics._context import Context, by_component, missing
from experiments.posterior.draws import are_independent, sd_and_error, sorted_location
from experiments.records import Measurement

_UNIT = "ratio"


def compute(context: Context) -> Measurement:
    """Return the K ratios, or (K, D) of them, with standard errors.

    By the delta method, the relative variance of a ratio is the sum of both relative variances.
    """
    if context.without_reference or context.reference.draws is None:
        return missing(context.without_reference, _UNIT)
    sd, error = sd_and_error(sorted_location(context.draws), independent=context.independent)
    values = sorted_location(context.reference.draws)
    true_sd, true_error = sd_and_error(values, independent=are_independent(context.reference.draws))
    if not ((sd > 0).all() and (true_sd > 0).all()):
        return missing("a standard deviation is 0", _UNIT)
    ratio = sd / true_sd
    return by_component(ratio, ratio * np.hypot(error / sd, true_error / true_sd), _UNIT)
