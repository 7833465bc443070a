"""The gate that every sampler must pass before its draws stand for the posterior.

Thresholds and sources are in docs/mathematics.md, section 6. No gate can see a mode that every chain has
missed. C chains of M draws each.
"""

from collections.abc import Collection, Mapping

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_chains, e_fmi, effective_sample_size, r_hat
from experiments.posterior.quantities import invariant_quantities, quantities_by_component
from experiments.records import Draws, Problem
from experiments.references._copies import copies
from experiments.relabel import relabel

MAX_R_HAT = 1.01
MIN_ESS = 400.0
MIN_E_FMI = 0.2
FEWEST_DRAWS = 8
STATED = ("diverging", "energy")
"""What a Hamiltonian sampler states of each draw."""

_ABSURD = 1000.0  # an R-hat above this has no further digits worth reading

Figures = dict[str, object]
"""What the gate looked at, by name; JSON values."""


def examine_chains(
    problem: Problem,
    tree: xr.DataTree,
    sampler_stats: Mapping[str, np.ndarray] | None = None,
    needed: Collection[str] = (),
) -> tuple[Figures, list[str]]:
    """Return the figures that a mixture's draws are judged by, and what is wrong: `examine_quantities`."""
    quantities = as_chains(tree)
    if not _usable(quantities)[1]:
        relabelled = quantities_by_component(relabel(tree, problem=problem))
        quantities = invariant_quantities(problem, tree) | relabelled
    return examine_quantities(quantities, sampler_stats, needed)


def examine_quantities(
    quantities: Draws, sampler_stats: Mapping[str, np.ndarray] | None = None, needed: Collection[str] = ()
) -> tuple[Figures, list[str]]:
    """Return the figures that chains are judged by, and what is wrong with them; nothing if they qualify.

    Given are label-invariant quantities by name, each (C, M); and of the sampler's statistics ``diverging``
    and ``energy``, each (C, M), without which draws do not qualify where they are `needed`. The figures are
    ``chains``, ``draws`` (per chain), ``r_hat`` (largest), ``ess_bulk``, ``ess_tail`` (smallest), and
    ``..._of``, the quantities that these belong to, the last six where the draws allow a diagnostic; by the
    statistics also ``divergences`` and ``e_fmi`` (smallest).
    """
    figures, faults = _usable(quantities)
    if not faults:
        converged, faults = _examine_convergence(quantities)
        faults = faults or copies(quantities, independent=False)
        figures |= converged
    of_the_sampler, own_faults = _examine_sampler(sampler_stats or {}, needed)
    return figures | of_the_sampler, own_faults + faults


def _examine_sampler(stats: Mapping[str, np.ndarray], needed: Collection[str]) -> tuple[Figures, list[str]]:
    figures: Figures = {}
    faults = [f"its statistics lack '{name}'" for name in STATED if name in needed and name not in stats]
    if "diverging" in stats:
        figures["divergences"] = divergences = int(np.count_nonzero(stats["diverging"]))
        if divergences:
            faults.append(f"{divergences} transitions diverged")
    if "energy" in stats:
        figures["e_fmi"] = least = float(np.min(e_fmi(stats["energy"])))
        if not least > MIN_E_FMI:
            faults.append(f"E-FMI is {least:.2f}, not above {MIN_E_FMI}")
    return figures, faults


def in_words(figures: Mapping[str, object]) -> str:
    """Return the figures of draws that qualify, for the end of a sentence."""
    return (
        f"largest R-hat {figures['r_hat']:.4f}, smallest effective sample size "
        f"{figures['ess_bulk']:.0f} (bulk) and {figures['ess_tail']:.0f} (tail)"
    )


def _usable(draws: Draws) -> tuple[Figures, list[str]]:
    """Return how many chains and draws there are, (C, M, ...), and why they allow no diagnostic, if so."""
    n_chains, n_draws = next(iter(draws.values())).shape[:2]
    faults = []
    if not all(np.isfinite(values).all() for values in draws.values()):
        faults.append("some draws are not finite")
    elif n_chains < 2:
        faults.append("there is one chain; two or more are needed to see that they agree")
    elif n_draws < FEWEST_DRAWS:
        faults.append(f"there are {n_draws} draws a chain, too few for any diagnostic")
    return {"chains": n_chains, "draws": n_draws}, faults


def _examine_convergence(quantities: Draws) -> tuple[Figures, list[str]]:
    names, values = list(quantities), np.stack(list(quantities.values()), axis=-1)
    figures: Figures = {}
    faults = []
    # A quantity that never moves has no R-hat and no effective sample size: count it as the worst.
    every = np.nan_to_num(r_hat(values), nan=np.inf)
    worst = int(np.argmax(every))
    r_hat_of, largest = names[worst], float(every[worst])
    figures["r_hat"], figures["r_hat_of"] = largest if np.isfinite(largest) else None, r_hat_of
    if not largest < MAX_R_HAT:
        size = f"{largest:.3f}" if largest < _ABSURD else f"above {_ABSURD:g}, as of chains that stand still"
        faults.append(f"R-hat of {r_hat_of} is {size}, not below {MAX_R_HAT}")
    for name in ("bulk", "tail"):
        sizes = np.nan_to_num(effective_sample_size(values, tail=name == "tail"), nan=0.0)
        least = int(np.argmin(sizes))
        figures[f"ess_{name}"], figures[f"ess_{name}_of"] = float(sizes[least]), names[least]
        if not sizes[least] > MIN_ESS:
            faults.append(
                f"{name} effective sample size of {names[least]} is {sizes[least]:.0f}, "
                f"not above {MIN_ESS:.0f}"
            )
    return figures, faults
