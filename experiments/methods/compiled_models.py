"""PyMC's methods, compiled once for a model and given one data set after another.

Compiling takes several times as long as most fits do. The data are a `pm.Data` of the model, so that what is
compiled does not depend on them, not even on their number; the prior's numbers are compiled in, and are part
of the target's `structure`. A worker keeps the last few prepared models, and the pool sends it tasks of the
same kind where it can. A model of the user's own has its data compiled in, and is compiled for every fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from experiments.records.problem import Target

if TYPE_CHECKING:
    from ppl_baselines import advi, nuts, smc
    from ppl_baselines.advi_steps import Kind
    from ppl_baselines.compilation import Backend

_MOST_KEPT = 6
_kept: dict[tuple[object, ...], object] = {}


@dataclass(frozen=True)
class Compiled[P]:
    """A method prepared for a model and loaded with its data.

    Attributes
    ----------
    prepared : Prepared
        Of the method's file in `ppl_baselines`.
    reused : bool or None
        Whether this process had compiled it before, for other data; None where that cannot be.
    """

    prepared: P
    reused: bool | None


def advi_for(
    target: Target, *, kind: "Kind", learning_rate: float, backend: "Backend"
) -> "Compiled[advi.Prepared]":
    """Return ADVI of this kind, see `ppl_baselines.advi.prepare`."""
    from ppl_baselines import advi

    return _compiled(advi, target, kind=kind, learning_rate=learning_rate, backend=backend)


def nuts_for(
    target: Target, *, sampler: "nuts.Sampler" = "nutpie", backend: "Backend" = "numba"
) -> "Compiled[nuts.Prepared]":
    """Return NUTS, see `ppl_baselines.nuts.prepare`."""
    from ppl_baselines import nuts

    if target.structure is not None and not nuts.keeps_data_apart(sampler, backend):
        return Compiled(nuts.prepare(target.pymc_model(), sampler=sampler, backend=backend), False)
    return _compiled(nuts, target, sampler=sampler, backend=backend)


def smc_for(
    target: Target, *, kernel: "smc.Kernel" = "imh", backend: "Backend" = "numba"
) -> "Compiled[smc.Prepared]":
    """Return sequential Monte Carlo, see `ppl_baselines.smc.prepare`."""
    from ppl_baselines import smc

    return _compiled(smc, target, kernel=kernel, backend=backend)


def _compiled(method: ModuleType, target: Target, **options: object) -> Compiled[Any]:
    """Prepare a module of `ppl_baselines`, or take what was; what is returned holds this target's data."""

    def prepare() -> object:
        return method.prepare(target.pymc_model(), **options)

    if target.structure is None:
        return Compiled(prepare(), None)
    prepared, reused = _prepared((method.__name__, *sorted(options.items()), target.structure), prepare)
    return Compiled(method.with_data(prepared, **target.data), reused)


def _prepared(key: tuple[object, ...], prepare: Callable[[], object]) -> tuple[object, bool]:
    reused = key in _kept
    prepared = _kept.pop(key) if reused else prepare()
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = prepared  # last in, last out
    return prepared, reused
