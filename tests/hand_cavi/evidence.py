"""Ground truth by brute force, for every family and every weights prior.

Nothing here uses the conjugate core. The chance of a data set and its assignments is a product of
one-step-ahead predictive distributions: each family's is written with scipy.stats and textbook updates from
the points seen so far, and each weights prior's is the urn that it is known for.
"""

import itertools

import numpy as np
from scipy import stats
from scipy.special import logsumexp


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


def _normal(prior, seen, new):
    """A normal around the precision-weighted mean."""
    precision = 1 / prior.variance + len(seen) / prior.noise_variance
    mean = (prior.mean / prior.variance + seen.sum(axis=0) / prior.noise_variance) / precision
    return stats.norm.logpdf(new, mean, np.sqrt(1 / precision + prior.noise_variance)).sum()


def _student(prior, seen, new):
    """One Student t a feature; Murphy (2007), Conjugate Bayesian analysis of the Gaussian, section 3."""
    n, beta = len(seen), prior.precision_scale
    mean, shape, rate = prior.mean, prior.shape + n / 2, prior.rate
    if n:
        average = seen.mean(axis=0)
        rate = (
            rate + ((seen - average) ** 2).sum(axis=0) / 2 + beta * n / (beta + n) * (average - mean) ** 2 / 2
        )
        mean = (beta * mean + n * average) / (beta + n)
    beta = beta + n
    return stats.t.logpdf(new, 2 * shape, mean, np.sqrt(rate / shape * (beta + 1) / beta)).sum()


def _multivariate_student(prior, seen, new):
    """Bishop, PRML 10.60 to 10.63 and 10.81, with the scatter about the mean."""
    n, beta, d = len(seen), prior.precision_scale, len(prior.mean)
    mean, nu, w_inverse = prior.mean, prior.degrees_of_freedom + n, prior.scale_inverse
    if n:
        average = seen.mean(axis=0)
        away = average - mean
        w_inverse = (
            w_inverse + (seen - average).T @ (seen - average) + beta * n / (beta + n) * np.outer(away, away)
        )
        mean = (beta * mean + n * average) / (beta + n)
    beta = beta + n
    shape = w_inverse * (1 + beta) / (beta * (nu + 1 - d))
    return stats.multivariate_t(mean, shape, df=nu + 1 - d).logpdf(new)


def _negative_binomial(prior, seen, new):
    shape, rate = prior.shape + seen.sum(axis=0), prior.rate + len(seen)
    return stats.nbinom.logpmf(new, shape, rate / (rate + 1)).sum()


def _laplace_rule(prior, seen, new):
    total = 0.0
    for d, alpha in enumerate(prior.concentration):
        total += np.log((alpha[int(new[d])] + np.sum(seen[:, d] == new[d])) / (alpha.sum() + len(seen)))
    return total


PREDICTIVES = {
    "normal_known_variance": _normal,
    "normal_gamma": _student,
    "normal_wishart": _multivariate_student,
    "gamma_poisson": _negative_binomial,
    "dirichlet_categorical": _laplace_rule,
}
