"""Draws by the names that Stan gives them: ``mu[1]``, ``precision[2,1,1]``, counted from 1."""

import re
from collections.abc import Mapping

import numpy as np

_ODD = re.compile(r"[^\w\[\],]")


def by_stan_name(chains: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return every number of variables (C, M, ...) apart, each (C, M).

    The last axis of components' vectors is left out where there is one feature, so that means are ``mu[k]``.
    """
    found = {}
    for name, values in chains.items():
        stem = _ODD.sub("_", name)
        shape = dimensions_of(values)
        for index in np.ndindex(shape):
            entry = f"[{','.join(str(i + 1) for i in index)}]" if index else ""
            found[f"{stem}{entry}"] = values.reshape(*values.shape[:2], *shape)[(..., *index)]
    return found


def dimensions_of(values: np.ndarray) -> tuple[int, ...]:
    """Return the shape of one draw of a variable (C, M, ...), without axes of length 1 at its end."""
    shape = values.shape[2:]
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
