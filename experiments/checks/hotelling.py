"""Hotelling's T^2 of all contrasts together, with the directions that have no noise set apart."""

import numpy as np

_ROUNDING = 1e-12  # of the largest number that enters a difference: less is neither noise nor a signal
_FEWEST = 30  # draws on which a variance must rest


def hotelling(y: np.ndarray, stressed: np.ndarray, scale: float) -> tuple[float, float]:
    """Test whether all contrasts of the columns of y have mean 0.

    Parameters
    ----------
    y : ndarray, shape (S, J)
        At draws of the other factors.
    stressed : ndarray, shape (R, J)
        The same at values of the other factors that q may hardly ever draw: a direction in which these do
        not vary either cannot vary at all. An assignment that is all but certain looks constant, and is not.
    scale : float
        The largest number of which the y are differences; it says what rounding is.

    Returns
    -------
    statistic, p_value : float
        Hotelling's T^2 of the directions that vary, with its F distribution; p is 0 if a direction that
        cannot vary is off by more than rounding. Directions whose variance rests on few draws are left out.
    """
    from scipy.stats import f as fisher

    n = len(y)
    contrasts = y - y.mean(axis=1, keepdims=True)
    of_stressed = stressed - stressed.mean(axis=1, keepdims=True)
    size, directions = np.linalg.eigh(np.cov(np.concatenate([contrasts, of_stressed]), rowvar=False))
    deviation = np.sqrt(np.maximum(size, 0))
    fixed = deviation <= max(1e-7 * scale, 1e-6 * deviation[-1])
    along = contrasts.mean(axis=0) @ directions[:, fixed]
    slack = 1e-8 * scale * np.sqrt(y.shape[1]) + 8 * deviation[fixed] / np.sqrt(n)
    if (np.abs(along) > slack).any():
        return float(np.inf), 0.0
    if fixed.all():
        return 0.0, 1.0
    rest = contrasts @ directions[:, ~fixed]
    size, axes = np.linalg.eigh(np.atleast_2d(np.cov(rest, rowvar=False)))
    projected = rest @ axes
    mean, deviation = projected.mean(axis=0), np.sqrt(np.maximum(size, 0))
    square = (projected - mean) ** 2
    rests_on = square.sum(axis=0) ** 2 / np.maximum((square**2).sum(axis=0), 1e-300)  # about so many draws
    varies = (deviation > max(1e-6 * deviation[-1], _ROUNDING * scale)) & (rests_on >= _FEWEST)
    rank = int(varies.sum())
    if rank == 0 or n <= rank + 1:
        return 0.0, 1.0
    t_squared = float(n * np.sum((mean[varies] / deviation[varies]) ** 2))
    return t_squared, float(fisher.sf(t_squared * (n - rank) / (rank * (n - 1)), rank, n - rank))
