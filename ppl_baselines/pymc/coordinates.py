"""The layout of a PyMC model's unconstrained coordinates, read off the model."""

import numpy as np
import pymc as pm

from ppl_baselines.errors import UnavailableError
from ppl_baselines.transforms import Identity, Log, LogOdds, Simplex, Transform
from ppl_baselines.unconstrained import STAND_INS, Coordinates, Span

TRANSFORMS: dict[str, Transform] = {
    "NoneType": Identity(),
    "LogTransform": Log(),
    "LogOddsTransform": LogOdds(),
    "SimplexTransform": Simplex(),
}
"""The transforms, by the name of the class with which PyMC does the same."""


def coordinates_of(model: pm.Model) -> Coordinates:
    """Read the layout off a model.

    Raises
    ------
    UnavailableError
        If a variable has a transform that is not in `TRANSFORMS`.
    """
    spans: list[Span] = []
    start = 0
    for variable in model.free_RVs:
        kind = type(model.rvs_to_transforms[variable]).__name__
        if kind not in TRANSFORMS:
            raise UnavailableError(
                f"The transform {kind} of {variable.name!r} is not in ppl_baselines/pymc/coordinates.py."
            )
        name, transform = STAND_INS.get(variable.name, (variable.name, TRANSFORMS[kind]))
        shape = tuple(int(size) for size in variable.shape.eval(mode="FAST_COMPILE"))
        if kind == "SimplexTransform":
            shape = (*shape[:-1], shape[-1] - 1)
        stop = start + int(np.prod(shape))
        spans.append(Span(name, variable.name, start, stop, shape, transform))
        start = stop
    return Coordinates(tuple(spans))
