"""Methods of probabilistic languages, compiled once for a model and given one data set after another.

What is compiled depends on the target's `structure`, the prior's numbers among it, and not on the data, which
PyMC has as `pm.Data` and NumPyro as arguments, of whose shape its programs are. A worker keeps the last few
prepared models, and is sent tasks of the same kind where it can be. A model of the user's own has its data
compiled in, and is compiled for every fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.methods.mixture_target import MixtureTarget
from experiments.records.target import Target

if TYPE_CHECKING:
    from ppl_baselines.pymc.compilation import CacheWatch

_MOST_KEPT = 6
_kept: dict[tuple[object, ...], object] = {}


@dataclass(frozen=True)
class Compiled:
    """A `Prepared` of a module of `ppl_baselines`, loaded with the target's data, and what compiling took.

    `reused`: whether this process had compiled it before, for other data; None where that cannot be.
    """

    prepared: Any
    reused: bool | None
    cache_warm: bool
    seconds: float


def compiled_for(method: ModuleType, target: Target, **options: object) -> Compiled:
    """Prepare PyMC's vi, nuts or smc with all options of its `prepare`, or take what was."""
    from ppl_baselines.pymc.compilation import CacheWatch

    return _compiled(method, target, target.pymc_model, CacheWatch, options)


def compiled_with_jax(method: ModuleType, target: MixtureTarget, **options: object) -> Compiled:
    """Prepare NumPyro's vi or nuts with all options of its `prepare`, or take what was."""
    from ppl_baselines.numpyro.compilation import CacheWatch

    return _compiled(method, target, target.numpyro_model, CacheWatch, options)


def _compiled(
    method: ModuleType,
    target: Target,
    model: Callable[[], object],
    watch: Callable[[], "CacheWatch"],
    options: dict[str, object],
) -> Compiled:
    def prepare() -> object:
        return method.prepare(model(), **options)

    began = perf_counter()
    with watch() as cache:
        reused: bool | None = None
        if target.structure is None:
            prepared = prepare()
        elif hasattr(method, "keeps_data_apart") and not method.keeps_data_apart(**options):
            prepared, reused = prepare(), False
        else:
            shaped = getattr(method, "COMPILES_SHAPES", False)
            compiled_in = [np.shape(one) for one in target.data.values() if shaped and one is not None][:1]
            key = (method.__name__, *sorted(options.items()), target.structure, *compiled_in)
            prepared, reused = _prepared(key, prepare)
            prepared = method.with_data(prepared, **target.data)
    return Compiled(prepared, reused, cache.warm, perf_counter() - began)


def _prepared(key: tuple[object, ...], prepare: Callable[[], object]) -> tuple[object, bool]:
    reused = key in _kept
    prepared = _kept.pop(key) if reused else prepare()
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = prepared  # last in, last out
    return prepared, reused
