"""ln p(new | seen) of every family, by scipy.stats and textbook updates, without the conjugate core."""

import numpy as np
from scipy import stats


def normal(prior, seen, new):
    """A normal around the precision-weighted mean."""
    precision = 1 / prior.variance + len(seen) / prior.noise_variance
    mean = (prior.mean / prior.variance + seen.sum(axis=0) / prior.noise_variance) / precision
    return stats.norm.logpdf(new, mean, np.sqrt(1 / precision + prior.noise_variance)).sum()


def student(prior, seen, new):
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


def multivariate_student(prior, seen, new):
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


def negative_binomial(prior, seen, new):
    shape, rate = prior.shape + seen.sum(axis=0), prior.rate + len(seen)
    return stats.nbinom.logpmf(new, shape, rate / (rate + 1)).sum()


def laplace_rule(prior, seen, new):
    total = 0.0
    for d, alpha in enumerate(prior.concentration):
        total += np.log((alpha[int(new[d])] + np.sum(seen[:, d] == new[d])) / (alpha.sum() + len(seen)))
    return total
