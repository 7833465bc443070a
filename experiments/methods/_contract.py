"""What a method must hand in: looked at when its result comes in, so that a bad one costs its own cell alone.

Draws are kept by the names of the model's variables, whatever else came with them. Letters: C chains of M
draws, S draws.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from experiments.posterior.draws import as_chains
from experiments.records.problem import Draws
from experiments.records.result import Fitted, Told
from experiments.records.target import Target
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr


def check_fitted(fitted: object) -> Fitted:
    """Return what a method's ``fit`` returned, if it is what `Fitted` promises, its draws apart.

    Raises
    ------
    InputError
        In one sentence, what is wrong.
    """
    if not isinstance(fitted, Fitted):
        raise InputError(f"fit returned {_kind(fitted)}; it must return a Fitted")
    if (fitted.q is None) == (fitted.chains is None):
        raise InputError("fit returned neither q nor chains, or both; it must be one of them")
    for name in ("outcome", "message"):
        if not isinstance(getattr(fitted, name), str) or not fitted.outcome:
            raise InputError(f"{name} is {getattr(fitted, name)!r}; it must be text, and outcome not empty")
    if (fitted.bound is None) != (fitted.bound_se is None):
        raise InputError("bound and bound_se go together: give both (an error of 0 is exact), or neither")
    check_told(fitted.told)
    for name in ("seconds_compile", "seconds_run", "bound", "bound_se"):
        value = getattr(fitted, name)
        if value is not None and not _is_number(value, below_zero=name == "bound"):
            least = "" if name == "bound" else " of 0 or more"
            raise InputError(f"{name} is {value!r}; it must be a finite number{least}")
    if np.ndim(fitted.trace) != 2 or np.shape(fitted.trace)[1] != 3:
        raise InputError(f"trace has shape {np.shape(fitted.trace)}; it must have three columns")
    for name in ("sample", "log_density") if fitted.q is not None else ():
        if not callable(getattr(fitted.q, name, None)):
            raise InputError(f"q, {_kind(fitted.q)}, has no {name}; it must have sample and log_density")
    return fitted


def check_told(told: object) -> Told:
    """Return what a method tells of its run, if all its figures are finite numbers; see `check_fitted`."""
    if not isinstance(told, Told):
        raise InputError(f"told is {_kind(told)}; it must be a Told")
    for field in fields(told):
        value = getattr(told, field.name)
        if isinstance(value, float) and not np.isfinite(value):
            raise InputError(f"{field.name} is {value!r}; leave out what is not a finite number")
    return told


def checked_draws(draws: object, shapes: Mapping[str, tuple[int, ...]], n: int) -> Draws:
    """Return the model's variables of n draws from a q; see `check_fitted`."""
    if not isinstance(draws, Mapping):
        raise InputError(f"q.sample returned {_kind(draws)}; it must return draws by name")
    return _of_model({name: np.asarray(one) for name, one in draws.items()}, shapes, (n,))


def checked_density(log_q: object, n: int) -> np.ndarray:
    """Return the log densities of n draws, shape (n,); see `check_fitted`."""
    found = np.asarray(log_q)
    if found.shape != (n,) or found.dtype.kind != "f":
        raise InputError(f"q.log_density returned {found.dtype} of shape {found.shape}, not floats ({n},)")
    return found


def check_support(chains: Mapping[str, np.ndarray]) -> None:
    """Refuse draws of a mixture, (C, M, K, ...), that no prior allows; what is not finite is let be."""
    for name, values in chains.items():
        known = np.isfinite(values)
        if name in ("weights", "probability"):
            off = np.abs(values.sum(axis=-1) - 1)
            if (values[known] < 0).any() or (off[known.all(axis=-1)] > 1e-6).any():
                raise InputError(f"{name} of some draws are below 0, or their sum is not 1")
        elif name == "precision" and values.ndim == 5:
            matrices = values[known.all(axis=(-2, -1))]
            least = np.linalg.eigvalsh(matrices).min(initial=np.inf)
            if least <= 0 or not np.allclose(matrices, np.swapaxes(matrices, -2, -1)):
                raise InputError("precision of some draws is no symmetric positive definite matrix")
        elif name in ("precision", "rate") and (values[known] <= 0).any():
            raise InputError(f"{name} of some draws is not above 0")


def checked_chains(target: Target, chains: object, shapes: Mapping[str, tuple[int, ...]]) -> "xr.DataTree":
    """Return a sampler's draws as the target keeps them, whatever else came with them; see `check_fitted`.

    Log densities are not taken over: what is known of them is computed from a q, or from the model.
    """
    import xarray as xr

    if not isinstance(chains, xr.DataTree) or "posterior" not in chains.children:
        raise InputError(f"chains are {_kind(chains)}; give an xarray.DataTree with the group posterior")
    for group in ("posterior", "sample_stats"):
        found = chains[group].to_dataset().data_vars if group in chains.children else {}
        for name, one in found.items():
            if not {"chain", "draw"} <= set(one.dims):
                raise InputError(f"{name} in {group} has dims {one.dims}; it must have chain and draw")
    draws, stats = as_chains(chains), as_chains(chains, "sample_stats")
    size = next((one.shape[:2] for one in draws.values()), (0, 0))
    kept = _of_model(draws, shapes, size)
    stats = {name: one for name, one in stats.items() if one.shape == size and not name.startswith("log_")}
    attributes = {str(key): value for key, value in chains["posterior"].attrs.items()}
    return target.as_tree(kept, sample_stats=stats or None, attributes=attributes)


def _of_model(draws: Draws, shapes: Mapping[str, tuple[int, ...]], before: tuple[int, ...]) -> Draws:
    """Return the variables of the model, if they are there, of these shapes, and may have these values."""
    if lacking := [name for name in shapes if name not in draws]:
        raise InputError(
            f"its draws lack {' and '.join(lacking)}; they must hold {', '.join(shapes)}, "
            f"and hold {', '.join(draws) or 'nothing'}"
        )
    if 0 in before:
        raise InputError("there are no draws")
    for name, shape in shapes.items():
        one = draws[name]
        if one.shape != (*before, *shape) or one.dtype.kind not in "fiub":
            what = f"{name} is {one.dtype} of shape {one.shape}"
            raise InputError(f"{what}; it must be numbers of shape {(*before, *shape)}")
    return {name: draws[name].astype(np.float64, copy=False) for name in shapes}


def _kind(thing: object) -> str:
    return "None" if thing is None else f"an object of type {type(thing).__name__}"


def _is_number(value: object, *, below_zero: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        return False
    return bool(np.isfinite(value)) and (below_zero or float(value) >= 0)
