"""ADVI for the textbook mixture, written out: stochastic gradients in place of derived updates.

The approximation is that of CAVI, q(mu_k) = N(m_k, s_k^2), but the assignments are summed out, and the bound
F is climbed by gradients at draws (Kucukelbir et al. 2017), with the steps of Adam (Kingma & Ba 2015). PyMC's
ADVI does the same for any model; docs/learn/when-advi-fails.md shows what goes wrong.
"""

import numpy as np


def log_joint_and_slope(mu, x, sigma2):
    """Return ln p(x, mu), the assignments summed out, and its slope in mu, shape (K,)."""
    log_p = -((x[:, np.newaxis] - mu) ** 2) / 2 - np.log(2 * np.pi) / 2 - np.log(len(mu))
    highest = log_p.max(axis=1, keepdims=True)
    p = np.exp(log_p - highest)
    share = p / p.sum(axis=1, keepdims=True)
    log_prior = -(mu**2) / (2 * sigma2) - np.log(2 * np.pi * sigma2) / 2
    value = np.sum(highest[:, 0] + np.log(p.sum(axis=1))) + log_prior.sum()
    return value, np.sum(share * (x[:, np.newaxis] - mu), axis=0) - mu / sigma2


def advi(x, start, *, steps, rate, rng, sigma2=25.0):
    """Climb F from means `start`, shape (K,), and standard deviations of e^-1.

    Returns
    -------
    m, s : ndarray, shape (K,)
    bounds : ndarray, shape (steps,)
        F at every step, each estimated by a single draw, in nats.
    """
    generator = np.random.default_rng(rng)
    m, log_s = np.array(start, dtype=float), np.full(len(start), -1.0)
    bounds, first, second = np.empty(steps), np.zeros((2, len(m))), np.zeros((2, len(m)))
    for step in range(steps):
        z = generator.standard_normal(len(m))
        value, slope = log_joint_and_slope(m + np.exp(log_s) * z, x, sigma2)
        bounds[step] = value + np.sum(log_s + np.log(2 * np.pi) / 2 + z**2 / 2)  # ln p(x, mu) - ln q(mu)
        gradient = np.array([slope, slope * np.exp(log_s) * z + 1])
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        unbiased = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
        move = rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
        m, log_s = m + move[0], log_s + move[1]
    return m, np.exp(log_s), bounds
