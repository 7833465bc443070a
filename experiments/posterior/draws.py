"""Canonical draws: from arrays to a DataTree and back, and what their averages are worth.

On disk and between packages draws are DataTrees with dimensions (chain, draw, component, ...); for arithmetic
they are dictionaries of arrays, (S, K, ...) with the chains end to end, or (C, M, ...) with C chains of M
draws apart. Independent draws are one chain, and no convergence diagnostic is ever computed on them. Those of
chains are by Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), through ArviZ.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from experiments.records import Draws
from hand_cavi import InputError
from ppl_baselines.draws import to_datatree

if TYPE_CHECKING:
    import xarray as xr

_TAIL = (0.05, 0.95)  # the quantiles whose effective sample size is the tail's (Vehtari et al. 2021)
_SAMPLER_STATS = ("diverging", "energy", "lp")  # only a sampler says these of its draws


def as_tree(draws: Draws) -> "xr.DataTree":
    """Return independent canonical draws, arrays (S, K, ...), as a DataTree of one chain."""
    return to_datatree({name: values[np.newaxis] for name, values in draws.items()})


def as_chains(tree: "xr.DataTree", group: str = "posterior") -> Draws:
    """Return the variables of a group as arrays (C, M, ...); none if the tree has no such group."""
    if group not in tree.children:
        return {}
    return {
        str(name): variable.transpose("chain", "draw", ...).to_numpy()
        for name, variable in tree[group].to_dataset().data_vars.items()
    }


def as_arrays(tree: "xr.DataTree", group: str = "posterior") -> Draws:
    """Return the variables of a group as arrays (S, ...), the chains end to end."""
    return flat(as_chains(tree, group))


def flat(chains: Draws) -> Draws:
    """Return draws (C, M, ...) with the chains end to end, (S, ...)."""
    return {name: values.reshape(-1, *values.shape[2:]) for name, values in chains.items()}


def are_independent(tree: "xr.DataTree") -> bool:
    """Whether the draws are independent: one chain, without a sampler's statistics."""
    if "sample_stats" in tree.children and any(name in tree["sample_stats"] for name in _SAMPLER_STATS):
        return False
    return all(len(values) == 1 for values in as_chains(tree).values())


LOCATIONS = {"mu": ("mean", 1), "rate": ("rate", 1), "probability": ("probability", 2)}
"""The parameters that say where components are: what a reader calls them, and their axes after (..., K)."""


def location_name(names: Iterable[str]) -> str:
    """Return which variable says where components are: a canonical one, else the first but the weights."""
    names = list(names)
    found = [name for name in LOCATIONS if name in names] or [name for name in names if name != "weights"]
    if not found:
        raise InputError("the draws hold no component's parameter; a canonical one is mu")
    return found[0]


def location_word(names: Iterable[str]) -> str:
    """Return what a reader calls the location: "mean", "rate", "probability", or the variable's own name."""
    name = location_name(names)
    return LOCATIONS[name][0] if name in LOCATIONS else name


def location(draws: Draws) -> np.ndarray:
    """Return the parameter that says where components are, (..., K, L); L is D, or D C by feature."""
    name = location_name(draws)
    values = draws[name]
    if LOCATIONS.get(name, ("", 1))[1] == 2:
        return values.reshape(*values.shape[:-2], -1)
    return values


def location_entries(draws: Draws) -> tuple[str, ...]:
    """Return what a reader calls each of the L entries of a location; ("",) if there is but one."""
    name = location_name(draws)
    if LOCATIONS.get(name, ("", 1))[1] == 2:
        n_features, n_categories = draws[name].shape[-2:]
        pairs = [(d, c) for d in range(n_features) for c in range(n_categories)]
        return tuple(f"category {c}" if n_features == 1 else f"feature {d + 1} = {c}" for d, c in pairs)
    n_entries = draws[name].shape[-1]
    return tuple(f"feature {d + 1}" for d in range(n_entries)) if n_entries > 1 else ("",)


def sorted_location(tree: "xr.DataTree") -> np.ndarray:
    """Return the location with every draw's components ordered by their first feature, (C, M, K, L)."""
    values = location(as_chains(tree))
    if values.ndim == 3:  # one number for each component
        values = values[..., np.newaxis]
    order = np.argsort(values[..., 0], axis=-1, kind="stable")
    return np.take_along_axis(values, order[..., np.newaxis], axis=2)


def permuted(draws: Draws, permutation: np.ndarray) -> Draws:
    """Return draws (S, K, ...) whose component k is ``permutation[s, k]`` (or ``[k]``) of the given ones."""
    if permutation.ndim == 1:
        return {name: values[:, permutation] for name, values in draws.items()}
    rows = np.arange(len(permutation))[:, np.newaxis]
    return {name: values[rows, permutation] for name, values in draws.items()}


def mean_and_error(values: np.ndarray, *, independent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over draws (C, M, ...) and its Monte-Carlo standard error, shape (...) each."""
    mean = values.mean(axis=(0, 1))
    if independent:
        return mean, values.std(axis=(0, 1), ddof=1) / np.sqrt(values.shape[0] * values.shape[1])
    return mean, _of_chains("mcse", values, method="mean")


def sd_and_error(values: np.ndarray, *, independent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard deviation over draws and its Monte-Carlo standard error, shape (...).

    For independent draws the error is the delta method's, sqrt((m4 - sd^4) / (4 S sd^2)), with m4 the
    fourth central moment.
    """
    sd = values.std(axis=(0, 1), ddof=1)
    if not independent:
        return sd, _of_chains("mcse", values, method="sd")
    fourth = np.mean((values - values.mean(axis=(0, 1))) ** 4, axis=(0, 1))
    n_draws = values.shape[0] * values.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.maximum(fourth - sd**4, 0) / (4 * n_draws)) / sd
    return sd, np.where(sd > 0, error, 0.0)


def effective_sample_size(values: np.ndarray, *, tail: bool = False) -> np.ndarray:
    """Return the bulk (or tail) effective sample size of chains (C, M, ...), shape (...)."""
    if tail:
        return _of_chains("ess", values, method="tail", prob=_TAIL)
    return _of_chains("ess", values, method="bulk")


def r_hat(values: np.ndarray) -> np.ndarray:
    """Return the rank-normalised R-hat of chains (C, M, ...), shape (...)."""
    return _of_chains("rhat", values, method="rank")


def e_fmi(energy: np.ndarray) -> np.ndarray:
    """Return the energy fraction of missing information of every chain, (C, M) to (C,); Betancourt (2016)."""
    steps = np.square(np.diff(energy, axis=1)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return steps / np.square(energy - energy.mean(axis=1, keepdims=True)).sum(axis=1)


def _of_chains(what: str, values: np.ndarray, **options: object) -> np.ndarray:
    from arviz_stats.base import array_stats  # slow to import

    flat = values.reshape(*values.shape[:2], -1)
    with np.errstate(divide="ignore", invalid="ignore"):  # chains that stand still have no such figure
        figure = getattr(array_stats, what)(flat, chain_axis=0, draw_axis=1, **options)
    return np.asarray(figure, dtype=np.float64).reshape(values.shape[2:])
