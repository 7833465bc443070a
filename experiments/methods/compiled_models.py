"""What is compiled of a model, once for all methods of a language, and given one data set after another.

What is compiled depends on the target's `structure`, the prior's numbers among it, and not on the data, which
PyMC has as `pm.Data` and NumPyro as arguments, of whose shape its programs are. A worker keeps the last few
compiled models, and is sent tasks of the same model where it can be; what another worker of its run compiled
it takes over. A model of the user's own has its data compiled in; its methods share what is compiled all the
same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.shared_compiling import alone
from experiments.records.target import Target

if TYPE_CHECKING:
    from ppl_baselines.pymc.compilation import CacheWatch

_MOST_KEPT = 6


@dataclass(frozen=True)
class Compiled:
    """What was compiled, with the target's data.

    `seconds` and `cache_warm` are of the compiling of this code, whichever method or data asked for it first,
    so that methods can be compared; `reused`: whether this process, or another worker of its run, had
    compiled it before.
    """

    prepared: Any
    reused: bool
    cache_warm: bool
    seconds: float


_kept: dict[tuple[object, ...], Compiled] = {}


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
    structure = target.structure or model()  # a model that has its data in it is one of its own
    key = (prepare.__module__, prepare.__name__, *sorted(options.items()), structure, shape)

    def compile_anew() -> Compiled:
        with alone(key if target.structure else None) as note:
            began = perf_counter()
            with watch() as cache:
                prepared = prepare(model(), **options)
            taken_over = bool(note)
            if not taken_over:
                note.update(seconds=perf_counter() - began, warm=cache.warm)
            return Compiled(prepared, taken_over, note["warm"], note["seconds"])

    found = _kept_or(key, compile_anew)
    if target.structure is None:
        return found
    return replace(found, prepared=found.prepared.with_data(target.data))


def _kept_or(key: tuple[object, ...], compile_anew: Callable[[], Compiled]) -> Compiled:
    """Return what was compiled before, or compile it; the last few are kept."""
    found = replace(_kept.pop(key), reused=True) if key in _kept else compile_anew()
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = found  # last in, last out
    return found
