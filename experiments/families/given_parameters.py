"""Parameters of a mixture's components as a user writes them: arrays by name, components first."""

import numpy as np

from hand_cavi import InputError

Parameters = dict[str, np.ndarray]


def take(given: Parameters, **axes: int) -> list[np.ndarray]:
    """Return the named parameters, (K, ...), each with so many axes; a missing axis of features is D = 1.

    Raises
    ------
    InputError
        If others are given, or their shapes do not fit.
    """
    if set(given) != set(axes):
        raise InputError(f"parameters are {', '.join(given) or 'none'}; they must be {' and '.join(axes)}")
    found = []
    for name, n_axes in axes.items():
        values = given[name]
        if values.ndim == n_axes - 1 and name != "covariance":
            values = values[:, np.newaxis]
        if values.ndim != n_axes or values.size == 0:
            raise InputError(f"{name} has shape {values.shape}; it needs {n_axes} axes, components first")
        found.append(values)
    if len({len(values) for values in found}) != 1:
        raise InputError(f"{' and '.join(axes)} must have as many components as each other")
    return found
