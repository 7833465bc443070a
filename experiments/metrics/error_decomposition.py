"""Where the gap between log p(x) and a method's bound comes from."""

from dataclasses import dataclass
from math import hypot, nan

from experiments.methods import label
from experiments.metrics._context import Context, missing
from experiments.metrics._metric import metric
from experiments.metrics.bounds import collapsed_bound, symmetrised_bound
from experiments.records import Measurement

ENTRIES = ("family", "optimum", "convergence", "Monte Carlo")


@dataclass(frozen=True)
class Part:
    """A part of the gap, in nats, with its standard error."""

    value: float
    error: float


@metric()
def error_decomposition(context: Context) -> Measurement:
    """Where log p(x) - F(q_sym) comes from: the family, the optimum, not having converged, Monte Carlo.

    Four parts in nats. With F* the best F(q_sym) that any method of the study reached in the same family
    (mean field, full rank, ...), and F+ what this run would have reached, had it gone on::

        log p(x) - F(q_sym) = [log p(x) - F*]  +  [F* - F+]   +  [F+ - F(q_sym)]
                              family              optimum        convergence

    The fourth entry is no part of the sum but the noise on it: the gap's standard error. For a user's own
    model, F(q) takes the place of F(q_sym).
    """
    bound = collapsed_bound(context) if context.problem is None else symmetrised_bound(context)
    if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
        return missing(bound.note, "nats")
    error, told = bound.standard_error, context.told
    left = Part(told.bound_left or 0.0, told.bound_left_se or 0.0)
    end, family = bound.value + left.value, told.family or context.kind
    others = [peer for peer in context.peers if peer.family == family and peer.method != context.method]
    best = max(others, key=lambda peer: peer.reached, default=None)
    if best is None or best.reached <= end:
        optimum, highest = Part(0.0, 0.0), Part(end, hypot(error, left.error))
        whose = "this run is the best known"
    else:
        optimum = Part(best.reached - end, hypot(best.reached_se, error, left.error))
        highest, whose = Part(best.reached, best.reached_se), f"the best known is {label(best.method)}'s"
    evidence = context.reference.log_evidence if context.reference.qualified else None
    of_family, noise = Part(nan, nan), error
    note = f"of the family, {family}, {whose}"
    if evidence is None:
        note += "; the family's part is not known without the log evidence"
    else:
        of_family = Part(evidence.value - highest.value, hypot(evidence.standard_error, highest.error))
        noise = hypot(error, evidence.standard_error)
    if told.bound_left is None:
        note += "; what the run might still gain is not told, and counts to the optimum"
        left = Part(nan, nan)
    parts = (of_family, optimum, left, Part(noise, 0.0))
    values, errors = [part.value for part in parts], [part.error for part in parts]
    return Measurement(values, errors, "nats", note, entries=ENTRIES)
