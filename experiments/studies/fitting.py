"""What workers are given to fit, and what comes back; `judging` is what they are given to judge."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from pydantic import BaseModel

from experiments.config.plugins import find, source_file
from experiments.engine import fingerprint
from experiments.engine.store.jsonable import dumps
from experiments.methods import NotFiniteError
from experiments.methods.score import score
from experiments.records.result import MethodResult, NotFinite
from experiments.records.target import Target

TARGETS = {
    "methods": "experiments.methods.mixture_target",
    "own methods": "experiments.methods.own.own_target",
}
"""The module of what methods of a package are given."""

DRAWS = 10_000
"""By which a q is scored whose method has no option ``draws``."""


@dataclass(frozen=True)
class Assignment:
    """One method with its `Settings`, one target, and the seeds.

    Attributes
    ----------
    package, kind : str
        Where the method's plugin is, ``methods`` or ``own methods``, and its name.
    starts_seed, rng_seed : int
        Of the starts, which all methods of a problem share, and of what the method itself draws.
    """

    target: Target
    package: str
    kind: str
    settings: BaseModel
    starts_seed: int
    rng_seed: int


def method_code(package: str, kind: str) -> list[str]:
    """Return the hashes of the code behind a method's numbers: what runs it, its target, its own closure."""
    return [
        fingerprint.code("experiments.studies.fitting"),
        fingerprint.code(TARGETS[package]),
        fingerprint.code_of(source_file(find(package, kind))),
    ]


def fit_cell(assignment: Assignment) -> MethodResult | NotFinite:
    """Run the method; then score its q, and let it look back, neither of which is its time."""
    target, settings, seed = assignment.target, assignment.settings, assignment.rng_seed
    method = find(assignment.package, assignment.kind)
    try:
        fitted = method.fit(target, settings, starts=target.starts(assignment.starts_seed), seed=seed)
        draws, told = fitted.chains, fitted.told
        if fitted.q is not None:
            n_draws = getattr(settings, "draws", DRAWS)
            draws = score(target, fitted.q, rng=np.random.default_rng(seed), n=n_draws)
        if hasattr(method, "afterwards"):
            told = method.afterwards(target, settings, fitted, seed)
    except NotFiniteError as error:
        return NotFinite(str(error))
    if not isinstance(draws, xr.DataTree):
        raise TypeError(f"its chains are a {type(draws).__name__}; without q they must be an xarray.DataTree")
    kept = {name: value for name, value in vars(fitted).items() if name not in ("q", "chains")}
    result = MethodResult(**{**kept, "draws": draws, "told": told})
    dumps({**vars(result), "draws": None})  # what cannot be kept fails here, where it costs one cell
    return result
