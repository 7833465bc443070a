"""The pivotal reordering of Marin, Mengersen & Robert (2005): locations nearest to those of the best draw.

The cost is least where the paper's scalar product is largest. The paper takes all parameters as they are; but
weights and precisions are often alike in components whose locations differ, and then only add noise.
"""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs a pivot draw."""
    pivot = evidence.needed_best()
    theta = evidence.location
    spread = theta.std(axis=(0, 1))
    theta = theta[:, :, spread > 0] / spread[spread > 0]
    distance = ((theta[:, np.newaxis] - theta[pivot][:, np.newaxis]) ** 2).sum(axis=-1) / 2  # (S, j, k)
    return Naming(cheapest(distance))
