r"""What updating q(theta) by its definition would gain, beyond what the method's own updates say is left.

Given q(c) = r, the best q(theta) is q* propto exp(E_r[ln p(x, c, theta)]) (Bishop, PRML, 2006, 10.9), and
going there from q gains KL(q, q*). With a_s = E_r[ln p(x, c, theta_s)] - ln q(theta_s) at draws of q,

    KL(q, q*) = ln E_q[e^a] - E_q[a]:

nothing if all a_s are equal, which is what "converged" means. A method whose own updates gain less when it
goes on from its end (``elbo_left`` of its ``info``) updates otherwise than the model says: no ascent gains
less on the whole way than in its first half-step.

r is estimated too. It is taken from each of G groups of draws; a_s is the mean over them, with a variance V
over draws, of which N, by the spread between the groups, is due to r's error. That inflates the figure by
about N/2, which is subtracted, and gives it an error of sqrt(4 V N + 2 N^2) / 2 (V's, if a_s is normal).
"""

import numpy as np

from experiments.metrics._assigned import AssignedJoint
from experiments.metrics._context import Context, missing
from experiments.metrics.recomputed_bound import ASSIGNMENTS
from experiments.records import Measurement
from hand_cavi.numerics.special import logsumexp

GROUPS = 20


def compute(context: Context) -> Measurement:
    """Return the gain in nats with its standard error; negative where more is left than this half-step."""
    if context.info.get("bound_of") != ASSIGNMENTS or context.log_ratio("log_q") is None:
        return missing("the method is no coordinate ascent over parameters and assignments", "nats")
    left = context.info.get("elbo_left")
    if left is None:
        return missing("the method does not say what its own updates leave", "nats")
    joint = AssignedJoint.of(context)
    n_draws = len(joint.phi)
    if n_draws < 2 * GROUPS:
        return missing(f"{n_draws} draws are too few", "nats")
    given = np.stack([joint.given(joint.assign(slice(g, None, GROUPS))[0]) for g in range(GROUPS)])
    if not np.isfinite(given).all():
        return missing("it is not finite at some draws", "nats")
    gain, error = _gain(given - given.mean(axis=1, keepdims=True))
    return Measurement(gain - max(left, 0.0), error, "nats")


def _gain(a: np.ndarray) -> tuple[float, float]:
    """Return KL(q, q*) and its standard error, by a of every group and draw, (G, S), of mean 0 over draws."""
    n_groups, n_draws = a.shape
    mean = a.mean(axis=0)
    variance = float(np.mean(mean**2))
    due_to_r = float(np.mean((a - mean) ** 2)) / (n_groups - 1)
    log_mean = float(logsumexp(mean, axis=0) - np.log(n_draws))
    sampling = np.std(np.exp(mean - log_mean) - mean) / np.sqrt(n_draws)
    of_r = np.sqrt(4 * variance * due_to_r + 2 * due_to_r**2) / 2
    return log_mean - due_to_r / 2, float(np.hypot(sampling, of_r))
