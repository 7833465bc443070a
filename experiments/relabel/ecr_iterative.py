"""`ecr` with the most frequent allocation of the renamed draws as pivot, until none changes.

Papastamoulis (2016): ECR-ITERATIVE-1 with latent allocations, close to ECR-ITERATIVE-2 with probabilities.
"""

import numpy as np

from experiments.relabel.allocations import one_hot
from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.iterating import to_fixed_point


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations."""
    hard = evidence.needed_allocations.hardened()

    def costs(pivot: np.ndarray) -> np.ndarray:
        return hard.weigh(1 - one_hot(pivot))

    return to_fixed_point(evidence, costs(evidence.start), lambda order: costs(hard.average(order)))
