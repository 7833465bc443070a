"""What the normal families share.

Where the precision is unknown, the default prior is that of Fraley & Raftery (2007), section 3: the data's
mean, worth 0.01 points, D + 2 degrees of freedom, and the scale at which a component's expected covariance is
the data's variances over K^(2/D). They take the data's full covariance; here it is their diagonal, because
the correlation of all data is that between the components as much as within them.
"""

import numpy as np

from experiments.families.summary import Summary

POINTS_OF_THE_MEAN = (0.01, "0.01")
"""How many points the prior mean is worth, as a default of a prior."""

POINTS_OF_THE_EXAMPLE = (
    *([-2.6, 0.3], [-2.1, 1.1], [-1.7, 0.2], [-1.2, 0.9]),
    *([1.4, 2.8], [1.9, 2.1], [2.3, 3.4], [2.8, 2.2]),
)


def normal_density(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Return the normal density."""
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def shared_variance(x: Summary, n_components: int) -> tuple[np.ndarray, str]:
    """Return the data's variances over K^(2/D), shape (D,), in words too; 1 for a column that is constant."""
    variances = x.variance / n_components ** (2 / x.n_features)
    how = "the data's variances / K^(2/D)"
    if not (variances > 0).all():
        how += " (1 where a column is constant)"
    return np.where(variances > 0, variances, 1.0), how
