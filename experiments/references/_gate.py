"""The gate that every sampler must pass before its draws stand for the posterior.

Rank-normalised R-hat below 1.01, and bulk and tail effective sample sizes above 400 (Vehtari, Gelman,
Simpson, Carpenter & Buerkner 2021), of label-invariant quantities (sorted means, log likelihood) and, after
relabelling, of every parameter of every component. What a sampler says of itself (divergences, E-FMI) is
looked at in its own file. No gate can see a mode that every chain has missed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from experiments.posterior.draws import (
    as_arrays,
    as_chains,
    effective_sample_size,
    location,
    location_entries,
    location_name,
    location_word,
    r_hat,
    sorted_location,
)
from experiments.records import Problem
from experiments.relabel import relabel
from hand_cavi import log_joint

MAX_R_HAT = 1.01
MIN_ESS = 400.0


def examine_chains(problem: Problem, tree: xr.DataTree) -> tuple[dict[str, Any], list[str]]:
    """Return the figures that any sampler's draws are judged by, and what is wrong with them.

    Returns
    -------
    quality : dict
        ``chains``, ``draws`` (per chain), ``r_hat`` (largest), ``ess_bulk``, ``ess_tail`` (smallest), and
        ``..._of``, the quantities that these belong to. The last six are missing where the draws allow no
        diagnostic.
    faults : list of str
        Empty if the draws qualify.
    """
    n_chains, n_draws = location(as_chains(tree)).shape[:2]
    quality: dict[str, Any] = {"chains": n_chains, "draws": n_draws}
    if not all(np.isfinite(values).all() for values in as_arrays(tree).values()):
        return quality, ["some draws are not finite"]
    if n_chains < 2:
        return quality, ["there is one chain; two or more are needed to see that they agree"]
    if n_draws < 8:
        return quality, [f"there are {n_draws} draws a chain, too few for any diagnostic"]

    quantities = invariant_quantities(problem, tree) | _by_component(relabel(tree, problem=problem))
    figures, faults = examine(quantities)
    return quality | figures, faults


def examine(quantities: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], list[str]]:
    """Return the figures of quantities (C, M) by name, as `examine_chains`, and what is wrong with them."""
    quality: dict[str, Any] = {}
    names, values = list(quantities), np.stack(list(quantities.values()), axis=-1)
    # A quantity that never moves has no R-hat and no effective sample size: count it as the worst.
    figures = {
        "r_hat": np.nan_to_num(r_hat(values), nan=np.inf),
        "ess_bulk": -np.nan_to_num(effective_sample_size(values), nan=0.0),
        "ess_tail": -np.nan_to_num(effective_sample_size(values, tail=True), nan=0.0),
    }
    for name, figure in figures.items():
        worst = int(np.argmax(figure))
        quality[name], quality[f"{name}_of"] = abs(float(figure[worst])), names[worst]
    faults = []
    if not quality["r_hat"] < MAX_R_HAT:
        faults.append(f"R-hat of {quality['r_hat_of']} is {quality['r_hat']:.3f}, not below {MAX_R_HAT}")
    for name in ("bulk", "tail"):
        ess = quality[f"ess_{name}"]
        if not ess > MIN_ESS:
            of = quality[f"ess_{name}_of"]
            faults.append(f"{name} effective sample size of {of} is {ess:.0f}, not above {MIN_ESS:.0f}")
    if not np.isfinite(quality["r_hat"]):
        quality["r_hat"] = None
    return quality, faults


def invariant_quantities(problem: Problem, tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Return what does not depend on how components are numbered, by name, each of shape (C, M).

    They are the sorted means (rates, probabilities), one for every component and feature, and the log
    likelihood.
    """
    draws = as_chains(tree)
    quantities = _named(f"sorted {location_word(draws)}", sorted_location(tree), location_entries(draws))
    shape = next(iter(quantities.values())).shape
    quantities["log likelihood"] = _log_likelihood(problem, tree).reshape(shape)
    return quantities


def _log_likelihood(problem: Problem, tree: xr.DataTree) -> np.ndarray:
    """Return log p(x | theta, pi) of all draws, shape (S,)."""
    draws, mixture = as_arrays(tree), problem.mixture
    log_prior = mixture.components.with_features(problem.x.shape[1]).log_density(draws).sum(axis=1)
    log_prior = log_prior + mixture.weights.log_density(draws, len(log_prior))
    return log_joint(mixture, problem.x, draws, problem.sample_weight) - log_prior


def _by_component(relabelled: xr.DataTree) -> dict[str, np.ndarray]:
    """Return every parameter of every component apart, named, each of shape (C, M).

    Symmetric matrices are named entry by entry, the upper ones left out.
    """
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
    if values.ndim == 3:
        return values[..., np.newaxis], ("",)
    if values.ndim == 4:
        n_entries = values.shape[-1]
        return values, tuple(f"feature {d + 1}" for d in range(n_entries)) if n_entries > 1 else ("",)
    row, column = np.tril_indices(values.shape[-1])
    pairs = zip(row.tolist(), column.tolist(), strict=True)
    return values[..., row, column], tuple(f"entry ({i + 1}, {j + 1})" for i, j in pairs)


def _named(name: str, values: np.ndarray, entries: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return every component and entry of (C, M, K, L) apart, named, counted from 1."""
    values = values[..., np.newaxis] if values.ndim == 3 else values
    return {
        f"{name} {k + 1}" + (f", {entry}" if entry else ""): values[:, :, k, i]
        for k in range(values.shape[2])
        for i, entry in enumerate(entries)
    }
