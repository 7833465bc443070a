"""Allocation probabilities matched to a fixed pivot's: docs/mathematics.md, section 9.

The entropy of the draw's own allocations is the same under every naming and drops out.
"""

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import match


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    return Naming(*match(evidence.needed_allocations.surprise(evidence.needed_pivot)))
