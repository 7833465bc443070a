"""The textbook's algorithm written out with loops, and ground truth by brute force.

Nothing here uses the conjugate core: it is what the core is tested against. D = 1, noise variance 1,
prior mean 0, prior variance sigma^2 (Blei, Kucukelbir & McAuliffe 2017, section 3).
"""

import itertools
import math

import numpy as np


def sweep(x, phi, sigma2):
    """One sweep: (m, s2) from phi, then phi from (m, s2)."""
    n, k = phi.shape
    m, s2 = np.empty(k), np.empty(k)
    for j in range(k):
        s2[j] = 1 / (1 / sigma2 + sum(phi[i, j] for i in range(n)))
        m[j] = s2[j] * sum(phi[i, j] * x[i] for i in range(n))
    phi = np.empty((n, k))
    for i in range(n):
        log_phi = [x[i] * m[j] - (m[j] ** 2 + s2[j]) / 2 for j in range(k)]
        top = max(log_phi)
        phi[i] = [math.exp(value - top) for value in log_phi]
        phi[i] /= phi[i].sum()
    return m, s2, phi


def elbo(x, m, s2, phi, sigma2):
    """The bound in closed form, every constant kept."""
    n, k = phi.shape
    total = 0.0
    for j in range(k):
        total += 0.5 * (math.log(s2[j] / sigma2) + 1 - (m[j] ** 2 + s2[j]) / sigma2)
    total -= n * math.log(k) + n / 2 * math.log(2 * math.pi)
    for i, j in itertools.product(range(n), range(k)):
        if phi[i, j] > 0:
            total -= 0.5 * phi[i, j] * ((x[i] - m[j]) ** 2 + s2[j]) + phi[i, j] * math.log(phi[i, j])
    return total


def log_evidence(x, n_components, sigma2):
    """Log p(x) by summing over all K^N assignments; each cluster is one multivariate normal."""
    terms = []
    for c in itertools.product(range(n_components), repeat=len(x)):
        total = -len(x) * math.log(n_components)
        for j in range(n_components):
            members = np.array([x[i] for i in range(len(x)) if c[i] == j])
            if len(members):
                covariance = np.eye(len(members)) + sigma2
                _, log_det = np.linalg.slogdet(covariance)
                square = members @ np.linalg.solve(covariance, members)
                total -= 0.5 * (len(members) * math.log(2 * math.pi) + log_det + square)
        terms.append(total)
    top = max(terms)
    return top + math.log(sum(math.exp(term - top) for term in terms))
