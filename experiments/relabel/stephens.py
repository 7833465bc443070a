"""Stephens (2000), algorithm 2: allocation probabilities matched to their own average, to a fixed point.

See docs/mathematics.md, section 9. The start is smoothed, so that no point costs more than 14 nats.
"""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.iterating import to_fixed_point

_TINY = float(np.finfo(np.float64).tiny)  # only for 0 ln 0: q_ij is 0 where p_ik is 0 in every draw


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations."""
    allocations = evidence.needed_allocations
    return to_fixed_point(
        evidence,
        allocations.surprise(evidence.start),
        lambda order: allocations.surprise(allocations.average(order), _TINY),
    )
