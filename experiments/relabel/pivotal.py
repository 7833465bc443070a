"""The pivotal reordering of Marin, Mengersen & Robert (2005): locations nearest to those of the best draw.

cost[j, k] = |theta_k - theta*_j|^2 / 2, which is least where the paper's scalar product of the draw's and the
pivot's parameters is largest. Here theta is the location alone, or the variable that `by` names, every entry
in units of its standard deviation over all draws and components. The paper takes all parameters as they are;
but weights and precisions are often alike in components whose locations differ, and then only add noise.
"""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs a pivot draw."""
    pivot = evidence.needed_best
    theta = evidence.location
    spread = theta.std(axis=(0, 1))
    theta = theta[:, :, spread > 0] / spread[spread > 0]
    distance = ((theta[:, np.newaxis] - theta[pivot][:, np.newaxis]) ** 2).sum(axis=-1) / 2  # (S, j, k)
    return Naming(cheapest(distance))
