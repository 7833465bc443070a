"""Quantities of draws, by name, each (C, M): C chains of M draws."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.posterior.draws import (
    as_chains,
    flat,
    location,
    location_entries,
    location_name,
    location_word,
    sorted_location,
)
from experiments.records import Draws, Problem
from hand_cavi import log_joint

if TYPE_CHECKING:
    import xarray as xr


def invariant_quantities(problem: Problem, tree: "xr.DataTree") -> Draws:
    """Return the sorted means (rates, probabilities) and the log likelihood, by name, (C, M) each."""
    return sorted_locations(tree) | {"log likelihood": log_likelihood(problem, as_chains(tree))}


def sorted_locations(tree: "xr.DataTree") -> Draws:
    """Return the sorted means (rates, probabilities) alone."""
    draws, values = as_chains(tree), sorted_location(tree)
    entries = location_entries(draws) if values.shape[3] > 1 else ("",)
    return _named(f"sorted {location_word(draws)}", values, entries)


def sorted_parameters(tree: "xr.DataTree") -> Draws:
    """Return what else components have, such as weights and precisions, sorted along with their locations."""
    draws = as_chains(tree)
    where = location_name(draws)
    first = draws[where].reshape(*draws[where].shape[:3], -1)[..., 0]
    order = np.argsort(first, axis=-1, kind="stable")
    found: Draws = {}
    for name in draws:
        if name != where:
            values, entries = _flat(draws[name])
            ordered = np.take_along_axis(values, order[..., np.newaxis], axis=2)
            found |= _named(f"sorted {name.removesuffix('s')}", ordered, entries)
    return found


def log_likelihood(problem: Problem, chains: Draws) -> np.ndarray:
    """Return log p(x | theta, pi) of draws (C, M, K, ...), in nats, shape (C, M)."""
    draws, mixture = flat(chains), problem.mixture
    log_prior = mixture.components.with_features(problem.x.shape[1]).log_density(draws).sum(axis=1)
    log_prior = log_prior + mixture.weights.log_density(draws, len(log_prior))
    found = log_joint(mixture, problem.x, draws, problem.sample_weight) - log_prior
    return found.reshape(next(iter(chains.values())).shape[:2])


def quantities_by_component(relabelled: "xr.DataTree") -> Draws:
    """Return every parameter of every component, by name, (C, M) each; of matrices the lower triangle."""
    draws = as_chains(relabelled)
    where = location_name(draws)
    word, entries = location_word(draws), location_entries(draws)
    quantities = _named(f"{word} of component", location(draws), entries)
    for name in draws:
        if name != where:
            quantities |= _named(f"{name} of component", *_flat(draws[name]))
    return quantities


def _flat(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a parameter (C, M, K, ...) with one last axis, and what its entries are called."""
    values = values[..., np.newaxis] if values.ndim == 3 else values
    if values.ndim == 4:
        n_entries = values.shape[-1]
        return values, tuple(f"feature {d + 1}" for d in range(n_entries)) if n_entries > 1 else ("",)
    row, column = np.tril_indices(values.shape[-1])
    pairs = zip(row.tolist(), column.tolist(), strict=True)
    return values[..., row, column], tuple(f"entry ({i + 1}, {j + 1})" for i, j in pairs)


def _named(name: str, values: np.ndarray, entries: tuple[str, ...]) -> Draws:
    """Return every component and entry of (C, M, K, L) apart, named, counted from 1."""
    values = values[..., np.newaxis] if values.ndim == 3 else values
    return {
        f"{name} {k + 1}" + (f", {entry}" if entry else ""): values[:, :, k, i]
        for k in range(values.shape[2])
        for i, entry in enumerate(entries)
    }


def stored_quantities(tree: "xr.DataTree") -> Draws:
    """Return what is kept beside the draws of an own model, by name, each of shape (C, M)."""
    value = tree["quantities"]["value"].transpose("chain", "draw", "quantity")
    names = [str(name) for name in value["quantity"].to_numpy()]
    return dict(zip(names, np.moveaxis(value.to_numpy(), -1, 0), strict=True))
