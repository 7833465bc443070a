"""Ground truth by brute force, for every family and every weights prior.

Nothing here uses the conjugate core. The chance of a data set and its assignments is a product of
one-step-ahead predictive distributions: each family's is that of its row in `cases`, and each weights prior's
is the urn that it is known for.
"""

import itertools

import numpy as np
from scipy.special import logsumexp

from tests.hand_cavi.cases import FAMILIES

PREDICTIVES = {case.prior.name: case.predictive for case in FAMILIES.values()}


def log_joints(mixture, x):
    """Return (assignments, log p(x, c)) for all K^N assignments."""
    k, n = mixture.n_components, len(x)
    log_set = _log_p_of_every_set(mixture.components, x)
    assignments = list(itertools.product(range(k), repeat=n))
    values = []
    for c in assignments:
        sets = [tuple(i for i in range(n) if c[i] == j) for j in range(k)]
        values.append(log_p_assignments(mixture.weights, k, c) + sum(log_set[s] for s in sets))
    return assignments, np.array(values)


def log_evidence(mixture, x):
    """Return log p(x)."""
    return float(logsumexp(log_joints(mixture, x)[1]))


def log_p_assignments(weights, k, c):
    """Return log p(c), one point after the other."""
    counts = np.zeros(k)
    total = 0.0
    for label in c:
        total += np.log(URNS[weights.name](weights, k, counts)[label])
        counts[label] += 1
    return total


def _log_p_of_every_set(prior, x):
    """Return log p of every subset of the points under one component, by adding points in order."""
    predictive = PREDICTIVES[prior.name]
    log_p = {(): 0.0}
    for size in range(1, len(x) + 1):
        for members in itertools.combinations(range(len(x)), size):
            seen, new = x[list(members[:-1])], x[members[-1]]
            log_p[members] = log_p[members[:-1]] + predictive(prior, seen, new)
    return log_p


def _equal_urn(weights, k, counts):
    return np.full(k, 1 / k)


def _polya_urn(weights, k, counts):
    alpha = np.broadcast_to(weights.concentration, k)
    return (alpha + counts) / (alpha.sum() + counts.sum())


def _sticks_urn(weights, k, counts):
    chance, rest = np.empty(k), 1.0
    for t in range(k - 1):
        later = counts[t + 1 :].sum()
        broken = (1 + counts[t]) / (1 + counts[t] + weights.concentration + later)
        chance[t], rest = rest * broken, rest * (1 - broken)
    chance[-1] = rest
    return chance


URNS = {"fixed": _equal_urn, "dirichlet": _polya_urn, "stick_breaking": _sticks_urn}
