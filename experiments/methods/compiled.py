"""PyMC's methods, compiled once for a model and given one data set after another.

Compiling takes several times as long as most fits do. The data are a `pm.Data` of the model, so that what is
compiled does not depend on them, not even on their number; the prior's numbers are compiled in, and are part
of the key. A worker keeps the last few prepared models, and the pool sends it tasks of the same kind where
it can.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.records import Problem

if TYPE_CHECKING:
    import pymc as pm

_MOST_KEPT = 6
_kept: dict[tuple[Any, ...], Any] = {}


@dataclass(frozen=True)
class Compiled:
    """A method prepared for a problem's model and loaded with its data.

    Attributes
    ----------
    prepared : object
        The `Prepared` of the method's file in `ppl_baselines`.
    reused : bool
        Whether this process had compiled it before, for other data.
    """

    prepared: Any
    reused: bool


def advi_for(problem: Problem, *, kind: str, learning_rate: float, backend: str) -> Compiled:
    """Return ADVI of this kind, see `ppl_baselines.advi.prepare`."""
    from ppl_baselines import advi

    return _compiled(advi, problem, kind=kind, learning_rate=learning_rate, backend=backend)


def nuts_for(problem: Problem, *, sampler: str = "nutpie", backend: str = "numba") -> Compiled:
    """Return NUTS, see `ppl_baselines.nuts.prepare`."""
    from ppl_baselines import nuts

    if not nuts.keeps_data_apart(sampler, backend):  # type: ignore[arg-type]
        return Compiled(nuts.prepare(_model(problem), sampler=sampler, backend=backend), False)  # type: ignore[arg-type]
    return _compiled(nuts, problem, sampler=sampler, backend=backend)


def smc_for(problem: Problem, *, kernel: str = "imh", backend: str = "numba") -> Compiled:
    """Return sequential Monte Carlo, see `ppl_baselines.smc.prepare`."""
    from ppl_baselines import smc

    return _compiled(smc, problem, kernel=kernel, backend=backend)


def _compiled(method: Any, problem: Problem, **options: Any) -> Compiled:
    """Prepare a module of `ppl_baselines`, or take what was; what is returned holds this problem's data."""

    def prepare() -> Any:
        return method.prepare(_model(problem), **options)

    prepared, reused = _prepared((method.__name__, *sorted(options.items()), *_structure(problem)), prepare)
    return Compiled(method.with_data(prepared, problem.x, sample_weight=problem.sample_weight), reused)


def _prepared(key: tuple[Any, ...], prepare: Callable[[], Any]) -> tuple[Any, bool]:
    reused = key in _kept
    prepared = _kept.pop(key) if reused else prepare()
    while len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = prepared  # last in, last out
    return prepared, reused


def _structure(problem: Problem) -> tuple[str, int]:
    """Return all that a compiled model depends on: the mixture with its prior, and D."""
    from experiments.engine.store.jsonable import dumps

    return dumps(problem.mixture), problem.x.shape[1]


def _model(problem: Problem) -> "pm.Model":
    from ppl_baselines.build import build

    return build(problem.mixture, problem.x, sample_weight=problem.sample_weight)
