"""Points and their weights, by the names that they have in every language's model."""

import numpy as np
from numpy.typing import ArrayLike

DATA = "x"
SAMPLE_WEIGHT = "sample_weight"


def as_data(x: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, np.ndarray]:
    """Return points and weights by the names that they have in a model.

    Raises
    ------
    ValueError
        If x is not a matrix, there is not one weight per point, or a value is masked.
    """
    if any(np.ma.is_masked(values) for values in (x, sample_weight)):
        raise ValueError("A value of the data or the weights is masked; fill it in or leave the point out.")
    x = np.asarray(x, dtype=float)
    if x.ndim != 2:
        raise ValueError(f"x has to be a matrix of shape (points, features), but has shape {x.shape}.")
    sample_weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if sample_weight.shape != (len(x),):
        raise ValueError(f"There are {len(x)} points, but sample_weight has shape {sample_weight.shape}.")
    return {DATA: x, SAMPLE_WEIGHT: sample_weight}
