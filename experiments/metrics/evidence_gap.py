"""The room that is left: the reference's log p(x) minus F(q_sym)."""

from math import hypot

from experiments.methods import label
from experiments.metrics import symmetrised_bound
from experiments.metrics._context import Context, missing
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return the gap in nats; its error is both errors', added in squares."""
    reference = context.reference
    bound = symmetrised_bound.compute(context)
    if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
        return missing(bound.note, "nats")
    if not reference.qualified:
        return missing(f"the log evidence is not known ({reference.reason})", "nats")
    if reference.log_evidence is None:
        return missing(
            f"the log evidence is not known: {label(reference.method)}, the reference, gives none", "nats"
        )
    evidence = reference.log_evidence
    return Measurement(
        evidence.value - bound.value, hypot(evidence.standard_error, bound.standard_error), "nats"
    )
