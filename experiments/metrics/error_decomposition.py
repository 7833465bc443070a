"""Where log p(x) - F(q_sym) comes from: the family, the optimum, not having converged, Monte Carlo."""

from dataclasses import dataclass
from math import hypot, nan

from experiments.methods import label
from experiments.metrics import symmetrised_bound
from experiments.metrics._context import Context, Peer, family_of, missing
from experiments.records import Measurement

ENTRIES = ("family", "optimum", "convergence", "Monte Carlo")


@dataclass(frozen=True)
class Part:
    """A part of the gap, in nats, with its standard error."""

    value: float
    error: float


def compute(context: Context) -> Measurement:
    r"""Return the four parts in nats.

    With F* the best F(q_sym) that any method of the study reached in the same family (mean field, full
    rank, ...), and F+ what this run would have reached, had it gone on::

        log p(x) - F(q_sym) = [log p(x) - F*]  +  [F* - F+]   +  [F+ - F(q_sym)]
                              family              optimum        convergence

    The fourth entry is no part of the sum but the noise on it: the gap's standard error.
    """
    bound = symmetrised_bound.compute(context)
    if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
        return missing(bound.note, "nats")
    own = Part(bound.value, bound.standard_error)
    left = _left(context)
    end = own.value + left.value
    family = family_of(context.method, context.info)
    best = _best(context, family)
    if best is None or best.symmetrised <= end:
        optimum, best_value, best_error = Part(0.0, 0.0), end, hypot(own.error, left.error)
        whose = "this run is the best known"
    else:
        optimum = Part(best.symmetrised - end, hypot(best.symmetrised_se, own.error, left.error))
        best_value, best_error = best.symmetrised, best.symmetrised_se
        whose = f"the best known is {label(best.method)}'s"
    evidence = context.reference.log_evidence if context.reference.qualified else None
    of_family, noise = Part(nan, nan), own.error
    note = f"of the family, {family}, {whose}"
    if evidence is None:
        note += "; the family's part is not known without the log evidence"
    else:
        of_family = Part(evidence.value - best_value, hypot(evidence.standard_error, best_error))
        noise = hypot(own.error, evidence.standard_error)
    if "bound_left" not in context.info:
        note += "; what the run might still gain is not told, and counts to the optimum"
    parts = (of_family, optimum, left)
    return Measurement(
        [*(part.value for part in parts), noise],
        [*(part.error for part in parts), 0.0],
        "nats",
        note,
        entries=ENTRIES,
    )


def _left(context: Context) -> Part:
    """Return what the method measured that going on from its end would gain; 0 if it did not say."""
    return Part(
        float(context.info.get("bound_left") or 0.0),
        float(context.info.get("bound_left_se") or 0.0),
    )


def _best(context: Context, family: str) -> Peer | None:
    """Return the best of the other methods in the same family."""
    others = [peer for peer in context.peers if peer.family == family and peer.method != context.method]
    return max(others, key=lambda peer: peer.symmetrised, default=None)
