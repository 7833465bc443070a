"""Label switching, in one place: give the components of every draw the names of a pivot's.

A draw says with which probability each point belongs to each component, and so does the pivot. A draw's
components are renamed so that its allocations are most probable under the pivot: component k of the
draw gets the name j of the pivot's at the cost

    cost[j, k] = - sum_i w_i p(c_i = k | x_i, theta) ln pivot_ij      (nats),

and the cheapest one-to-one naming is found exactly. It is Stephens' (2000) relabelling with the pivot
held fixed: the entropy of the draw's own allocations is the same under every naming and drops out.
A draw is *ambiguous* if its second-cheapest naming costs less than ln 20, about 3 nats, more: the odds
between the two are then below 20 to 1 (a convention of this project).
"""

from collections.abc import Iterator
from math import log

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

from experiments.draws import as_arrays, permuted
from experiments.records import Draws, Problem
from hand_cavi import InputError, log_joint

AMBIGUOUS_BELOW = log(20)
"""Nats between the cheapest and the second-cheapest naming."""

_LEAST = 1e-6  # allocation probability that a pivot leaves to any component: one point costs at most 14 nats
_MOST_POINTS = 2000  # points that the costs are computed from; more are thinned evenly
_BLOCK = 1 << 20  # numbers held at once: 8 MB


def relabel(
    datatree: xr.DataTree,
    method: str = "allocation",
    *,
    problem: Problem,
    pivot: np.ndarray | None = None,
) -> xr.DataTree:
    """Return the draws with their components named as the pivot's.

    Parameters
    ----------
    datatree : xarray.DataTree
        Canonical draws in group ``posterior``.
    method : str
        ``allocation``: match allocation probabilities, as the module says.
    problem : Problem
        The model and the data that the draws are about.
    pivot : ndarray, shape (N, K), optional
        Allocation probabilities that define the names; those of the draw with the highest
        log p(x, theta) if there are none.

    Returns
    -------
    xarray.DataTree
        The same tree but for the order of components. Group ``sample_stats`` gains ``ambiguous``, true
        for draws whose naming is ambiguous; the attribute ``ambiguous_share`` is the share of them.

    Raises
    ------
    InputError
        If the method is unknown, the pivot's shape does not fit, or a draw is not finite.
    """
    draws = as_arrays(datatree)
    if method != "allocation":
        raise InputError(f"relabelling method {method!r} is unknown; there is 'allocation'")
    if not all(np.isfinite(values).all() for values in draws.values()):
        raise InputError("some draws are not finite; relabelling needs draws that are")
    n_points, n_components = len(problem.x), problem.mixture.n_components
    if pivot is None:
        pivot = best_allocations(problem, datatree)
    if np.shape(pivot) != (n_points, n_components):
        raise InputError(
            f"the pivot has shape {np.shape(pivot)}; {n_points} points and {n_components} components "
            f"need ({n_points}, {n_components})"
        )
    naming, margin = match(_costs(problem, draws, pivot))
    return _renamed(datatree, naming, margin < AMBIGUOUS_BELOW)


def match(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the cheapest naming of every draw, and how much cheaper it is than the next.

    Parameters
    ----------
    costs : ndarray, shape (S, K, K)
        Of giving name j to component k.

    Returns
    -------
    naming : ndarray of int, shape (S, K)
        ``naming[s, j]`` is the component of draw s that gets name j.
    margin : ndarray, shape (S,)
        Infinite for K = 1.
    """
    n_draws, n_components = costs.shape[:2]
    naming = np.empty((n_draws, n_components), dtype=np.intp)
    margin = np.full(n_draws, np.inf)
    for s, cost in enumerate(costs):
        names, components = linear_sum_assignment(cost)
        naming[s] = components
        cheapest = cost[names, components].sum()
        if n_components == 1:
            continue
        # The second cheapest differs somewhere: forbid each pair of the cheapest in turn.
        forbidding = 1 + np.abs(cost).sum()
        for j, k in zip(names, components, strict=True):
            changed = cost.copy()
            changed[j, k] += forbidding
            margin[s] = min(margin[s], changed[linear_sum_assignment(changed)].sum() - cheapest)
    return naming, margin


def allocation_probabilities(problem: Problem, draws: Draws) -> np.ndarray:
    """Return p(c_i = k | x_i, theta) for every draw.

    Parameters
    ----------
    problem : Problem
    draws : dict of ndarray
        Canonical draws, arrays (S, K, ...).

    Returns
    -------
    ndarray, shape (S, N, K)
        It holds S N K numbers: for many draws hand over some at a time.
    """
    return np.concatenate(list(_allocation_blocks(problem, problem.x, draws)))


def best_allocations(problem: Problem, tree: xr.DataTree) -> np.ndarray:
    """Return the allocation probabilities, (N, K), of the draw with the highest log p(x, theta): a pivot."""
    draws = as_arrays(tree)
    best = int(np.argmax(log_joint(problem.mixture, problem.x, draws, problem.sample_weight)))
    return allocation_probabilities(problem, {name: values[[best]] for name, values in draws.items()})[0]


def pivot_of(problem: Problem, tree: xr.DataTree) -> np.ndarray:
    """Return allocations that name components, (N, K): the best draw's, ordered by the points they hold.

    The first component is the one whose points are smallest, on average, in the first feature.
    """
    allocations = best_allocations(problem, tree)
    weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
    held = allocations * weight[:, np.newaxis]
    centre = problem.x[:, 0] @ held / np.maximum(held.sum(axis=0), 1e-300)
    return allocations[:, np.argsort(centre)]


def named(problem: Problem, draws: Draws, pivot: np.ndarray) -> Draws:
    """Return draws, arrays (S, K, ...), with their components named as the pivot's; see `relabel`."""
    naming, _ = match(_costs(problem, draws, pivot))
    return permuted(draws, naming)


def _allocation_blocks(problem: Problem, x: np.ndarray, draws: Draws) -> Iterator[np.ndarray]:
    """Yield allocation probabilities of some draws at a time, each of shape (B, N, K)."""
    mixture = problem.mixture
    prior = mixture.components.with_features(x.shape[1])
    coordinates = prior.coordinates(x, np.ones(len(x)))
    inner = prior.seen_from(coordinates)
    inner_draws, _ = prior.draws_seen_from(coordinates, draws)
    statistics = inner.statistics(coordinates.apply(x))
    phi = inner.phi(inner_draws)
    log_weights = mixture.weights.log_weights(draws, len(phi))
    size = max(1, _BLOCK // (len(x) * mixture.n_components))
    for start in range(0, len(phi), size):
        block = slice(start, start + size)
        rho = np.matmul(statistics, phi[block].transpose(0, 2, 1)) + log_weights[block, np.newaxis, :]
        rho -= rho.max(axis=2, keepdims=True)
        np.exp(rho, out=rho)
        rho /= rho.sum(axis=2, keepdims=True)
        yield rho


def _costs(problem: Problem, draws: Draws, pivot: np.ndarray) -> np.ndarray:
    """Return the cost of giving name j to component k, shape (S, j, k)."""
    n_points = len(problem.x)
    weight = np.ones(n_points) if problem.sample_weight is None else problem.sample_weight
    some = np.unique(np.linspace(0, n_points - 1, min(n_points, _MOST_POINTS)).round().astype(int))
    surprise = -np.log(np.maximum(pivot[some], _LEAST)) * weight[some, np.newaxis]
    surprise *= weight.sum() / weight[some].sum()
    blocks = _allocation_blocks(problem, problem.x[some], draws)
    return np.concatenate([np.matmul(surprise.T, block) for block in blocks])


def _renamed(tree: xr.DataTree, naming: np.ndarray, ambiguous: np.ndarray) -> xr.DataTree:
    posterior = tree["posterior"].to_dataset()
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    order = naming.reshape(*shape, -1)

    def rename(variable: xr.DataArray) -> xr.DataArray:
        if "component" not in variable.dims:
            return variable
        values = variable.transpose("chain", "draw", "component", ...)
        index = order.reshape(order.shape + (1,) * (values.ndim - 3))
        taken = np.take_along_axis(values.to_numpy(), index, axis=2)
        return values.copy(data=taken).transpose(*variable.dims)

    renamed = posterior.map(rename, keep_attrs=True)
    out = tree.copy()
    out["posterior"] = xr.DataTree(renamed)
    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    stats["ambiguous"] = (("chain", "draw"), ambiguous.reshape(shape))
    out["sample_stats"] = xr.DataTree(stats)
    out.attrs["ambiguous_share"] = float(ambiguous.mean())
    return out
