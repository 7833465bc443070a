"""The bound that this q has, from nothing but draws of q and the model's joint density.

A method says which bound it reports (``bound_of`` of its ``info``), and that bound of that q is a number that
draws can give too. Two kinds are known:

theta                  F(q) = E_q[ln p(x, theta) - ln q(theta)], `collapsed_bound`
theta and assignments  max over q(c) of E_q[ln p(x, c, theta) - ln q(c) q(theta)]

The second is H[r] plus the average over draws of `AssignedJoint.given`, at the best r for q(theta). That r is
taken from the first half of the draws alone. By as much as it flatters its own half it wrongs the other, so
that in the average over all draws the error of r has mean 0, and the ordinary standard error covers it. Near
CAVI's optimum that is all the error there is: there q(theta) is the best for r, and the average is one of
numbers that hardly differ.
"""

import numpy as np

from experiments.metrics._assigned import AssignedJoint
from experiments.metrics._context import Context, average, missing
from experiments.records import Measurement

THETA = "theta"
ASSIGNMENTS = "theta and assignments"


def compute(context: Context) -> Measurement:
    """Return what the method's own bound must be for its q, in nats with its standard error."""
    if context.bound is None:
        return missing("the method reports no bound", "nats")
    log_ratio, of = context.log_ratio("log_q"), context.info.get("bound_of")
    if log_ratio is None:
        return missing("the method's density q is not known", "nats")
    if of == THETA:
        return average(log_ratio, "nats")
    if of == ASSIGNMENTS:
        return average(_with_assignments(AssignedJoint.of(context)), "nats")
    return missing("the method does not say which bound it reports", "nats")


def _with_assignments(joint: AssignedJoint) -> np.ndarray:
    """Return the number a draw whose average is the bound with the best q(c), shape (S,)."""
    sums, entropy = joint.assign(slice(max(1, len(joint.phi) // 2)))
    return joint.given(sums) + entropy
