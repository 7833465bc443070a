"""The iterative version of `ecr`: the pivot is the most frequent allocation of the renamed draws.

Pivot and namings take turns until none changes (Papastamoulis 2016: ECR-ITERATIVE-1 with latent allocations,
close to ECR-ITERATIVE-2 with probabilities, of which the highest average counts). It starts from
`Evidence.start`.
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
