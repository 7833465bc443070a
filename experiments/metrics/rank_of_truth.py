"""Where a simulation's truth lies in the posterior."""

import numpy as np

from experiments.metrics._context import Context, by_component, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import location, mean_and_error, sorted_location
from experiments.records import Measurement

_UNIT = "rank"
_NOTE = (
    "uniform over repetitions if the posterior is right and the truth was drawn from the model's prior; "
    "one rank alone, or a truth that was chosen, says nothing"
)


@metric(theme="Moments", label="rank of the truth in the posterior", only="mixtures")
def calibration(context: Context) -> Measurement:
    """The posterior rank of the truth: the probability that each sorted location is below the true one.

    K ranks, or (K, D) of them, between 0 and 1, with Monte-Carlo standard errors. Simulation-based
    calibration (Talts et al. 2018), of label-invariant quantities (Modrak et al. 2023).
    """
    drawn = {str(name) for name in context.draws["posterior"].data_vars} - {"weights"}
    truths = context.mixture.truth
    parameters = {name: truths[name][np.newaxis, np.newaxis] for name in truths if name in drawn}
    if not parameters:
        return missing("the truth is not known: these are no simulated data, or of another family", _UNIT)
    if not context.finite:
        return missing("some draws are not finite", _UNIT)
    values = sorted_location(context.draws)
    truth = location(parameters)[0, 0]
    truth = truth[np.argsort(truth[:, 0], kind="stable")]
    if truth.shape != values.shape[2:]:
        return missing(f"the truth has {len(truth)} components, the model {values.shape[2]}", _UNIT)
    below = (values < truth).astype(np.float64)
    rank, error = mean_and_error(below, independent=context.independent)
    # A chain that is always above or below has no effective sample size, and no error that it could show.
    return by_component(rank, np.where((rank > 0) & (rank < 1), error, 0.0), _UNIT, _NOTE)
