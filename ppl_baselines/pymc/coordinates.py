"""The layout of a PyMC model's unconstrained coordinates, read off the model."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import Interval as PyMCInterval
from pytensor.graph.traversal import ancestors
from pytensor.tensor import TensorVariable

from ppl_baselines.errors import UnavailableError
from ppl_baselines.transforms import Identity, Interval, Log, LogOdds, Simplex, Transform
from ppl_baselines.unconstrained import STAND_INS, Coordinates, Span

TRANSFORMS: dict[str, Transform] = {
    "NoneType": Identity(),
    "LogTransform": Log(),
    "LogOddsTransform": LogOdds(),
    "SimplexTransform": Simplex(),
}
"""The transforms without bounds of their own, by the name of the class with which PyMC does the same."""


def coordinates_of(model: pm.Model) -> Coordinates:
    """Read the layout off a model.

    Raises
    ------
    UnavailableError
        If a variable has another transform, or bounds that depend on other variables.
    """
    spans: list[Span] = []
    start = 0
    for variable in model.free_RVs:
        theirs = _transform_of(model, variable)
        name, transform = STAND_INS.get(variable.name, (variable.name, theirs))
        shape = tuple(int(size) for size in variable.shape.eval(mode="FAST_COMPILE"))
        if isinstance(theirs, Simplex):
            shape = (*shape[:-1], shape[-1] - 1)
        stop = start + int(np.prod(shape))
        spans.append(Span(name, variable.name, start, stop, shape, transform))
        start = stop
    return Coordinates(tuple(spans))


def _transform_of(model: pm.Model, variable: TensorVariable) -> Transform:
    theirs = model.rvs_to_transforms[variable]
    if isinstance(theirs, PyMCInterval):
        ends = zip(theirs.args_fn(*variable.owner.inputs), (-np.inf, np.inf), strict=True)
        bounds = [pt.as_tensor(absent if bound is None else bound) for bound, absent in ends]
        if set(ancestors(bounds)) & set(model.free_RVs):
            raise UnavailableError(
                f"The bounds of {variable.name!r} depend on other variables of the model; write it as a "
                "variable between fixed bounds that is scaled."
            )
        return Interval(*(bound.eval(mode="FAST_COMPILE")[()] for bound in bounds))
    kind = type(theirs).__name__
    if kind not in TRANSFORMS:
        raise UnavailableError(
            f"The transform {kind} of {variable.name!r} is not in ppl_baselines/pymc/coordinates.py."
        )
    return TRANSFORMS[kind]
