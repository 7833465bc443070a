"""What is compiled of a model, once for all methods of a language, and given one data set after another.

What is compiled depends on the target's `structure`, the prior's numbers among it, and not on the data, which
PyMC has as `pm.Data` and NumPyro as arguments, of whose shape its programs are. A worker keeps the last few
prepared models, and is sent tasks of the same kind where it can be. A model of the user's own has its data
compiled in, and is compiled for every fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from experiments.methods.mixture_target import MixtureTarget
from experiments.records.target import Target

if TYPE_CHECKING:
    from ppl_baselines.pymc.compilation import CacheWatch

_MOST_KEPT = 6
_kept: dict[tuple[object, ...], object] = {}


@dataclass(frozen=True)
class Compiled:
    """What was compiled, with the target's data, and the seconds that it took.

    `reused`: whether this process had compiled it before, for other data; None where that cannot be.
    """

    prepared: Any
    reused: bool | None
    cache_warm: bool
    seconds: float


def compiled_for(prepare: Callable[..., Any], target: Target, **options: object) -> Compiled:
    """Compile the target's PyMC model by `prepare(model, **options)`, or take what was compiled.

    What `prepare` returns has ``with_data``, for the data of another target of the same structure.
    """
    from ppl_baselines.pymc.compilation import CacheWatch

    return _compiled(prepare, target, target.pymc_model, CacheWatch, (), options)


def compiled_with_jax(prepare: Callable[..., Any], target: MixtureTarget, **options: object) -> Compiled:
    """Do the same for the target's NumPyro model; the other data have to have the same shapes."""
    from ppl_baselines.numpyro.compilation import CacheWatch

    return _compiled(prepare, target, target.numpyro_model, CacheWatch, target.problem.x.shape, options)


def _compiled(
    prepare: Callable[..., Any],
    target: Target,
    model: Callable[[], object],
    watch: Callable[[], "CacheWatch"],
    shape: tuple[int, ...],
    options: dict[str, object],
) -> Compiled:
    began = perf_counter()
    with watch() as cache:
        reused: bool | None = None
        if target.structure is None:
            prepared = prepare(model(), **options)
        else:
            key = (prepare.__module__, prepare.__name__, *sorted(options.items()), target.structure, shape)
            prepared, reused = _prepared(key, lambda: prepare(model(), **options))
            prepared = prepared.with_data(target.data)
    return Compiled(prepared, reused, cache.warm, perf_counter() - began)


def _prepared(key: tuple[object, ...], prepare: Callable[[], Any]) -> tuple[Any, bool]:
    reused = key in _kept
    prepared = _kept.pop(key) if reused else prepare()
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = prepared  # last in, last out
    return prepared, reused
