"""Whether what was fitted fits the data: agreeing with the reference does not say so, nor the reverse."""

from experiments.metrics._context import Context, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import flat
from experiments.posterior.predictive import thinned
from experiments.posterior.predictive_checks import data_fit as checked
from experiments.records import Measurement


@metric(theme="Fit to the data", label="posterior predictive p, this method's draws", only="mixtures")
def data_fit(context: Context) -> Measurement:
    """Posterior predictive p-values of the data under this method's draws, one for each kind of check."""
    if not context.finite:
        return missing("some draws are not finite", "p-value")
    return checked(context.mixture, flat(thinned(context.draws)), context.rng())


@metric(theme="Fit to the data", label="posterior predictive p, the reference's draws", only="mixtures")
def reference_data_fit(context: Context) -> Measurement:
    """Posterior predictive p-values of the data under the reference's draws: does the model fit."""
    reference = context.reference
    if reference.draws is None or not reference.qualified:
        return missing(f"there is no reference ({reference.reason})", "p-value")
    return checked(context.mixture, flat(thinned(reference.draws)), context.rng())
