"""The iterative version of `ecr`: the pivot is the most frequent allocation of the renamed draws.

In turn, until no naming changes (Papastamoulis 2016, ECR-ITERATIVE-1 with latent allocations, and close to
ECR-ITERATIVE-2 with probabilities):

    z*_i = the name that point i has most often, or with the highest average probability;
    naming_s = the one under which the draw differs from z* at the fewest points.

It starts from the pivot, else from the draw with the highest log density, if known, else from the first draw.
"""

from experiments.relabel.allocations import one_hot
from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.iterating import to_fixed_point


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations."""
    allocations = evidence.needed_allocations
    hard = allocations.hardened()
    return to_fixed_point(
        evidence,
        hard.weigh(1 - one_hot(evidence.start)),
        lambda order: hard.weigh(1 - one_hot(hard.average(order))),
    )
