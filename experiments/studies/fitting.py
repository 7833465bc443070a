"""What workers are given to fit, and what comes back; `judging` is what they are given to judge."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from experiments.config.plugins import find, source_file
from experiments.engine import fingerprint
from experiments.engine.store.jsonable import dumps
from experiments.methods import NotFiniteError
from experiments.methods._contract import check_fitted, check_told, checked_chains
from experiments.methods.mass_of_density import with_mass
from experiments.methods.score import score
from experiments.methods.step_gain import with_step_gain
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
    """One method, by its plugin's package and name, with its `Settings`, and one target.

    `starts_seed` is that of the starts, which all methods of a problem share; `rng_seed` that of the method.
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


def libraries_of(package: str, kind: str) -> tuple[str, ...]:
    """Return the libraries beside those of every study that make a method's numbers."""
    return getattr(find(package, kind), "LIBRARIES", ())


def fit_cell(assignment: Assignment) -> MethodResult | NotFinite:
    """Run the method; then look at what it hands in, score its q, and let it look back: none of it its time.

    Raises InputError if it is not what a method must hand in, in one sentence.
    """
    target, settings, seed = assignment.target, assignment.settings, assignment.rng_seed
    method = find(assignment.package, assignment.kind)
    starts = target.starts(assignment.starts_seed)
    try:
        fitted = check_fitted(method.fit(target, settings, starts=starts, seed=seed))
        told = fitted.told
        shapes = {name: np.shape(one) for name, one in starts.parameters(1)[0].items()}
        if fitted.q is not None:
            n_draws = getattr(settings, "draws", DRAWS)
            draws = score(target, fitted.q, rng=np.random.default_rng(seed), n=n_draws, shapes=shapes)
        else:
            draws = checked_chains(target, fitted.chains, shapes)
        if hasattr(method, "afterwards"):
            told = check_told(method.afterwards(target, settings, fitted, seed))
        told = with_step_gain(told, fitted.q, target.log_joint, seed)
        told = with_mass(told, fitted.q, shapes, target.log_joint, seed)
    except NotFiniteError as error:
        return NotFinite(str(error))
    kept = {name: value for name, value in vars(fitted).items() if name not in ("q", "chains")}
    result = MethodResult(**{**kept, "draws": draws, "told": told})
    dumps({**vars(result), "draws": None})  # what cannot be kept fails here, where it costs one cell
    return result
