"""NumPyro's NUTS, one dispersed start per chain: prepare, run, a DataTree.

A chain is one function of its start, its key and the data, compiled ahead of time by XLA for their shapes:
tuning and draws are one loop without a step back into Python. Statistics have the names that PyMC gives them.
Chains run one after the other. There is no jitter: the starts are dispersed already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpyro.infer.hmc import hmc

from ppl_baselines.draws import to_datatree
from ppl_baselines.numpyro.build import Model
from ppl_baselines.numpyro.coordinates import coordinates_of, log_joint_of
from ppl_baselines.unconstrained import Coordinates

SAMPLER = "numpyro"

_DEEPEST = 10  # doublings of a path, as PyMC's and NumPyro's own default


@dataclass(frozen=True)
class Prepared:
    """NUTS compiled for one model, one number of points, and so many draws.

    Attributes
    ----------
    coordinates : Coordinates
    chain : callable
        From a start (P,), a key and the data to u, shape (draws, P), and statistics by name, (draws,) each.
    draws : int
    data : mapping of str to ndarray
    """

    coordinates: Coordinates
    chain: Callable[..., tuple[jax.Array, dict[str, jax.Array]]]
    draws: int
    data: Mapping[str, np.ndarray]

    def with_data(self, data: Mapping[str, np.ndarray]) -> "Prepared":
        """Return the same for other data of this model, by name and of the same shapes."""
        return replace(self, data=data)


def prepare(model: Model, *, draws: int, tune: int, target_accept: float = 0.8) -> Prepared:
    """Compile NUTS for a model.

    Parameters
    ----------
    model : Model
        As `ppl_baselines.numpyro.build.build` makes it.
    draws, tune : int
        ``draws`` after ``tune`` discarded ones, in each chain.
    target_accept : float
        The mean acceptance probability that the step size is tuned to.

    Returns
    -------
    Prepared
    """
    coordinates = coordinates_of(model)
    log_joint = log_joint_of(model, coordinates)

    def chain(start: jax.Array, key: jax.Array, data: dict[str, jax.Array]) -> Any:
        begin, step = hmc(lambda u: -log_joint(u, data), algo="NUTS")
        first = begin(start, tune, target_accept_prob=target_accept, max_tree_depth=_DEEPEST, rng_key=key)

        def move(before: Any, _: None) -> Any:
            after = step(before)
            return after, (after.z, _statistics(after))

        moved = jax.lax.scan(move, first, length=tune + draws)[1]  # once, so that it is compiled once
        return jax.tree.map(lambda values: values[tune:], moved)

    data = dict(model.data)
    start, key = jnp.zeros(coordinates.size), jax.random.key(0)
    return Prepared(coordinates, jax.jit(chain).lower(start, key, data).compile(), draws, data)


def run(
    prepared: Prepared,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    seed: int,
    chains: int = 4,
    gather: Callable[..., xr.DataTree] = to_datatree,
) -> xr.DataTree:
    """Sample the posterior.

    Parameters
    ----------
    prepared : Prepared
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``: one per chain, from the first again if there are fewer.
    seed, chains : int
    gather : callable
        Makes the DataTree, as `ppl_baselines.draws.to_datatree` does.

    Returns
    -------
    xarray.DataTree
        ``posterior``, canonical, with the attributes ``sampler``, ``backend`` and ``sampling_seconds``
        (compiling is not in it); and ``sample_stats``.

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model.
    """
    flat_starts = prepared.coordinates.flat_starts(starts)
    keys = jax.random.split(jax.random.key(seed), chains)
    begun = perf_counter()
    found = [
        jax.device_get(
            prepared.chain(jnp.asarray(flat_starts[i % len(starts)]), keys[i], dict(prepared.data))
        )
        for i in range(chains)
    ]
    seconds = perf_counter() - begun
    canonical = [prepared.coordinates.constrain(u) for u, _ in found]
    return gather(
        {name: np.stack([one[name] for one in canonical]) for name in canonical[0]},
        sample_stats={name: np.stack([one[name] for _, one in found]) for name in found[0][1]},
        attributes={"sampler": SAMPLER, "backend": "jax", "sampling_seconds": seconds},
    )


def _statistics(state: Any) -> dict[str, jax.Array]:
    """Return what NumPyro says of a draw, under PyMC's names; a path of n steps doubled log2(n + 1) times."""
    depth = jnp.ceil(jnp.log2(state.num_steps + 1.0)).astype(int)
    return {
        "diverging": state.diverging,
        "energy": state.energy,
        "lp": -state.potential_energy,
        "tree_depth": depth,
        "n_steps": state.num_steps,
        "acceptance_rate": state.accept_prob,
        "step_size": state.adapt_state.step_size,
        "reached_max_treedepth": state.num_steps >= 2**_DEEPEST - 1,
    }
