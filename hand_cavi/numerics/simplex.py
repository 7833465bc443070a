"""Moments of probabilities p ~ Dirichlet(alpha): of ln p, of p, and of their log ratios.

Arrays are alpha (..., C). All follow from E[ln p_c] = psi(alpha_c) - psi(A) with A = sum_c alpha_c, and from
Cov[g, ln p_c] = d E[g] / d alpha_c. Source: Bishop, PRML (2006), equations B.16 to B.21.
"""

import numpy as np

from hand_cavi.numerics.moments import diagonal
from hand_cavi.numerics.special import digamma, trigamma


def covariance_of_logs(alpha: np.ndarray) -> np.ndarray:
    """Return Cov[ln p_b, ln p_c] = psi'(alpha_b) [b = c] - psi'(A), shape (..., C, C)."""
    total = alpha.sum(axis=-1)[..., np.newaxis, np.newaxis]
    return diagonal(trigamma(alpha)) - trigamma(total)


def of_probabilities(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return E[p] (..., C), Cov[p] and Cov[p, ln p], both (..., C, C).

    With m = alpha/A: Cov[p_b, p_c] = (m_b [b = c] - m_b m_c) / (A + 1) and
    Cov[p_b, ln p_c] = d m_b / d alpha_c = ([b = c] - m_b) / A.
    """
    total = alpha.sum(axis=-1, keepdims=True)
    mean = alpha / total
    outer = mean[..., :, np.newaxis] * mean[..., np.newaxis, :]
    covariance = (diagonal(mean) - outer) / (total[..., np.newaxis] + 1)
    slope = (np.eye(alpha.shape[-1]) - mean[..., np.newaxis]) / total[..., np.newaxis]
    return mean, covariance, slope


def of_log_ratios(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same of u_c = ln p_c less the mean of all C logarithms, c < C: (..., C - 1) and so on.

    u = H ln p, and the rows of H sum to 0, so that what all logarithms share, -psi(A), drops out.
    """
    n_categories = alpha.shape[-1]
    contrast = np.eye(n_categories)[:-1] - 1 / n_categories  # H
    slope = contrast * trigamma(alpha)[..., np.newaxis, :]
    return digamma(alpha) @ contrast.T, slope @ contrast.T, slope
