"""Draws as ArviZ wants them: relabelled, with names, and with the groups that its functions look for."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_chains, as_tree
from experiments.posterior.pointwise import MOST_NEW, log_likelihoods, points_of, replicates
from experiments.records import Draws, Problem
from experiments.relabel.by_problem import pivot_of
from experiments.relabel.relabelling import relabel
from hand_cavi import InputError, Mixture

_TAKEN = {"chain", "draw", "observation", "component", "feature"}  # names that dimensions have
_PRIOR_DRAWS = 1000


def datatree(
    draws: xr.DataTree | Draws,
    problem: Problem,
    *,
    raw: bool = False,
    features: Sequence[str] = (),
    unit: str = "",
    pivot: np.ndarray | None = None,
    attributes: Mapping[str, object] | None = None,
    seed: int = 0,
) -> xr.DataTree:
    """Return draws with everything that ArviZ's functions ask for, the same for every method.

    Parameters
    ----------
    draws : xarray.DataTree or dict of ndarray
        Canonical draws as a study stores them, or independent ones as arrays (S, K, ...), such as a fit's
        ``sample`` returns.
    problem : Problem
        The model and the data that they are about.
    raw : bool
        Leave the components as they are numbered in each draw.
    features : sequence of str
        Names of the D features; without, ``x`` or ``feature 1``, ``feature 2``, ...
    unit : str
        What one unit of x is.
    pivot : ndarray, shape (N, K), optional
        Allocations that name the components, such as `pivot_of` other draws of the problem; without, those
        of the best of these draws, in the order of their first feature.
    attributes : mapping, optional
        More attributes of the tree, such as ``method``.
    seed : int
        Of what is drawn here: the posterior predictive and the prior.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``; ``sample_stats``, if there are any or draws were relabelled; ``log_likelihood``
        of each point in nats, its component summed out; ``posterior_predictive``, a data set for each draw;
        ``observed_data``; ``prior``. Components are counted from 1, as reports do, observations from 0;
        weighted points stand there as often as their weights say. Attribute ``left_out`` says why groups of
        single points are missing, of large data or nodes that stand for points.

    Raises
    ------
    InputError
        If names do not fit the data, or the draws cannot be relabelled.
    """
    tree = draws if isinstance(draws, xr.DataTree) else as_tree(draws)
    names = _names_of(features, problem.x.shape[1])
    if not raw:
        tree = relabel(tree, problem=problem, pivot=pivot_of(problem, tree) if pivot is None else pivot)
    chains = as_chains(tree)
    n_draws = int(np.prod(next(iter(chains.values())).shape[:2]))
    points = points_of(problem, n_draws)
    groups = {
        name: tree[name].to_dataset() for name in ("posterior", "sample_stats") if name in tree.children
    }
    if points.x is not None:
        rng = np.random.default_rng(seed)
        groups |= _of_points(problem, points.x, chains, _variables_of(names), unit, rng)
    groups["prior"] = _prior(problem.mixture, names, np.random.default_rng([seed, 1]))
    out = xr.DataTree.from_dict({name: _named(one, names, unit) for name, one in groups.items()})
    left_out = {"left_out": f"no groups of single points: {points.why_not}"} if points.why_not else {}
    out.attrs.update(tree.attrs | {"relabelled": int(not raw)} | left_out | dict(attributes or {}))
    return out


def _of_points(
    problem: Problem, x: np.ndarray, chains: Draws, names: Sequence[str], unit: str, rng: np.random.Generator
) -> dict[str, xr.Dataset]:
    """Return the groups that have observations: a variable for each feature, and the likelihood of all."""
    n_chains, n_draws = next(iter(chains.values())).shape[:2]
    most = max(1, MOST_NEW // (n_chains * x.size))
    keep = np.unique(np.linspace(0, n_draws - 1, min(n_draws, most)).round().astype(int))
    new = replicates(problem, len(x), {name: values[:, keep] for name, values in chains.items()}, rng)
    units = {"units": unit} if unit else {}

    def group(variables: Mapping[str, np.ndarray], draws: np.ndarray, units: dict[str, str]) -> xr.Dataset:
        dims = ("chain", "draw", "observation") if draws.size else ("observation",)
        sample = {"chain": np.arange(n_chains), "draw": draws} if draws.size else {}
        coords = sample | {"observation": np.arange(len(x))}
        return xr.Dataset({name: (dims, values, units) for name, values in variables.items()}, coords)

    likelihood = {names[0] if len(names) == 1 else "point": log_likelihoods(problem, x, chains)}
    return {
        "log_likelihood": group(likelihood, np.arange(n_draws), {"units": "nats"}),
        "posterior_predictive": group({n: new[..., d] for d, n in enumerate(names)}, keep, units),
        "observed_data": group({n: x[:, d] for d, n in enumerate(names)}, keep[:0], units),
    }


def _prior(mixture: Mixture, names: tuple[str, ...], rng: np.random.Generator) -> xr.Dataset:
    """Return independent draws from the prior of the parameters."""
    n = _PRIOR_DRAWS * mixture.n_components
    theta = mixture.components.with_features(len(names)).sample(rng, n)
    draws = {
        name: values.reshape(_PRIOR_DRAWS, mixture.n_components, *values.shape[1:])
        for name, values in theta.items()
    }
    prior = as_tree(draws | mixture.weights.sample(rng, _PRIOR_DRAWS))
    return prior["posterior"].to_dataset()


def _named(group: xr.Dataset, names: tuple[str, ...], unit: str) -> xr.Dataset:
    """Return the group with coordinates that a reader knows, and with units."""
    coords: dict[str, object] = {
        dim: list(names) for dim in ("feature", "other_feature") if dim in group.dims
    }
    if "component" in group.dims:
        coords["component"] = np.arange(1, group.sizes["component"] + 1)
    group = group.assign_coords(coords)
    for name, its in {"mu": unit, "rate": unit, "precision": unit and f"1/({unit})^2"}.items():
        if its and name in group:
            group[name] = group[name].assign_attrs(units=its)
    return group


def _names_of(features: Sequence[str], n_features: int) -> tuple[str, ...]:
    """Return the features' names, those given or their numbers."""
    if not features:
        return ("x",) if n_features == 1 else tuple(f"feature {d + 1}" for d in range(n_features))
    names = tuple(map(str, features))
    if len(names) != n_features or len(set(names)) != n_features:
        raise InputError(f"features has {len(names)} names; give {n_features}, each another, or none")
    return names


def _variables_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features' names as variables, which may not be called as dimensions are."""
    return tuple(f"{name} (data)" if name in _TAKEN else name for name in names)
