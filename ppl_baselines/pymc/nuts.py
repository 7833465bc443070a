"""NUTS with a named sampler, one dispersed start per chain: prepare, run, a DataTree.

`pm.sample` without a sampler's name silently prefers nutpie; here the name is always given, and recorded.
Statistics of all samplers get the names that PyMC gives them, so that divergences and E-FMI (``diverging``,
``energy``) are found alike.

Per-chain starts: PyMC takes a list of them; nutpie takes a function of the seed, so each chain is a run of
its own with its own function, ``cores`` of them at a time. There is no jitter: the starts are dispersed
already.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import ArrayLike
from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

from ppl_baselines.chains import harmonised, side_by_side
from ppl_baselines.data import as_data
from ppl_baselines.draws import to_datatree
from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc import compilation
from ppl_baselines.pymc.build import load
from ppl_baselines.pymc.compilation import Backend
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

Sampler = Literal["nutpie", "pymc", "numpyro", "blackjax"]
SAMPLERS: tuple[str, ...] = ("nutpie", "pymc", "numpyro", "blackjax")

SAMPLER: Sampler = "nutpie"
BACKEND: Backend = "numba"


_AT_A_SYMMETRIC_START = "bad initial gradient"
"""What nutpie says where an entry of the gradient is 0, as of weights between equal components."""


@dataclass(frozen=True)
class Prepared:
    """A sampler compiled for one model.

    Attributes
    ----------
    sampler : {"nutpie", "pymc", "numpyro", "blackjax"}
    backend : {"numba", "c", "jax"}
    model : pm.Model
    coordinates : Coordinates
    compiled : object
        nutpie's compiled model; PyMC's compiled log density with its gradient; None for samplers that compile
        as they run.
    data : mapping of str to ndarray, or None
        What a run loads into the model before anything else; None: what is in it.
    """

    sampler: Sampler
    backend: Backend
    model: pm.Model
    coordinates: Coordinates
    compiled: Any
    data: Mapping[str, np.ndarray] | None = None


def prepare(model: pm.Model, *, sampler: Sampler = SAMPLER, backend: Backend = BACKEND) -> Prepared:
    """Compile a sampler for a model.

    Parameters
    ----------
    model : pm.Model
        As `ppl_baselines.pymc.build.build` makes it.
    sampler : {"nutpie", "pymc", "numpyro", "blackjax"}
        The last two compile with JAX, whatever the backend, and do so while they run.
    backend : {"numba", "c", "jax"}
        nutpie has no "c".

    Returns
    -------
    Prepared

    Raises
    ------
    UnavailableError
        If the sampler or the backend is unknown or not installed, or the two do not go together.
    """
    if sampler not in SAMPLERS:
        raise UnavailableError(f"There is no sampler {sampler!r}; choose from {', '.join(SAMPLERS)}.")
    if sampler != "pymc" and find_spec(sampler) is None:
        raise UnavailableError(
            f"The sampler {sampler!r} needs the package {sampler}: install it, or choose another."
        )
    compilation.require_backend(backend)
    if sampler == "nutpie" and backend == "c":
        raise UnavailableError(
            "The sampler 'nutpie' compiles with numba or jax: choose one of those backends, not c."
        )
    return Prepared(sampler, backend, model, coordinates_of(model), _compile(model, sampler, backend))


def keeps_data_apart(sampler: Sampler, backend: Backend) -> bool:
    """Whether what is compiled can take other data; nutpie under JAX compiles them in."""
    return not (sampler == "nutpie" and backend == "jax")


def takes_variances(sampler: Sampler) -> bool:
    """Whether a run can be told the variances from which it adapts its mass matrix; only PyMC's own can."""
    return sampler == "pymc"


def with_data(prepared: Prepared, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Prepared:
    """Return what is compiled, for other points (N, D) and weights (N,) of the same mixture.

    Raises
    ------
    UnavailableError
        If the data are compiled in (`keeps_data_apart`).
    """
    if not keeps_data_apart(prepared.sampler, prepared.backend):
        raise UnavailableError("nutpie under JAX compiles the data in: prepare anew, or choose numba.")
    data = as_data(x, sample_weight)
    compiled = prepared.compiled
    if prepared.sampler == "nutpie":
        compiled = compiled.with_data(**data)
    return dataclasses.replace(prepared, data=data, compiled=compiled)


def run(
    prepared: Prepared,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1_000,
    tune: int = 1_000,
    cores: int = 1,
    variances: np.ndarray | None = None,
    gather: Callable[..., xr.DataTree] = to_datatree,
) -> xr.DataTree:
    """Sample the posterior.

    Parameters
    ----------
    prepared : Prepared
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``: one per chain, from the first again if there are fewer.
    seed : int
    chains, draws, tune : int
        ``draws`` after ``tune`` discarded ones, in each chain.
    cores : int
        Chains at the same time.
    variances : ndarray, shape (P,), optional
        Of the unconstrained coordinates, where adapting the mass matrix starts; 1 if absent. Not for all
        samplers (`takes_variances`): nutpie begins with the gradients at the starts, and cannot be told.
    gather : callable
        Makes the DataTree, as `ppl_baselines.draws.to_datatree` does; another one for models whose variables
        are not the canonical ones.

    Returns
    -------
    xarray.DataTree
        ``posterior``, canonical, with the attributes ``sampler``, ``backend`` and ``sampling_seconds``
        (compiling is not in it, but for numpyro and blackjax); and ``sample_stats``.

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model; or the sampler takes no variances.
    """
    load(prepared.model, prepared.data)
    flat_starts = prepared.coordinates.flat_starts(starts)
    chain_starts = [flat_starts[chain % len(starts)] for chain in range(chains)]
    if variances is not None and not takes_variances(prepared.sampler):
        raise ValueError(f"The sampler {prepared.sampler!r} cannot be told the variances to start from.")
    options: dict[str, Any] = {"draws": draws, "tune": tune, "cores": cores}
    if prepared.sampler == "nutpie":
        sampled, seconds = _sample_with_nutpie(prepared, chain_starts, seed, **options)
    else:
        sampled, seconds = _sample_with_pymc(prepared, chain_starts, seed, variances, **options)
    return gather(
        _canonical(prepared.coordinates, sampled.posterior.to_dataset()),
        sample_stats=harmonised(sampled.sample_stats.to_dataset()),
        attributes={"sampler": prepared.sampler, "backend": prepared.backend, "sampling_seconds": seconds},
    )


def _canonical(coordinates: Coordinates, posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Return canonical draws, each of shape (chain, draw, ...)."""
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    end_to_end = {
        str(name): values.to_numpy().reshape(chains * draws, *values.shape[2:])
        for name, values in posterior.items()
    }
    return {
        name: values.reshape(chains, draws, *values.shape[1:])
        for name, values in coordinates.from_model(end_to_end).items()
    }


def _compile(model: pm.Model, sampler: Sampler, backend: Backend) -> Any:
    if sampler == "nutpie":
        import nutpie

        return nutpie.compile_pymc_model(model, backend=backend, jitter_rvs=set())
    if sampler == "pymc":
        log_density = model.logp_dlogp_function(ravel_inputs=True, mode=compilation.mode(backend))
        log_density.trust_input = True
        log_density([np.zeros(coordinates_of(model).size)], extra_vars={})  # numba compiles at the first call
        return log_density
    return None


def _sample_with_nutpie(
    prepared: Prepared, starts: Sequence[np.ndarray], seed: int, *, draws: int, tune: int, cores: int
) -> tuple[xr.DataTree, float]:
    import nutpie

    field = "initial_point_func" if prepared.backend == "numba" else "_make_initial_points"
    seeds = np.random.SeedSequence(seed).generate_state(len(starts))

    def chain(start: np.ndarray, chain_seed: int) -> Any:
        return nutpie.sample(
            dataclasses.replace(prepared.compiled, **{field: lambda _: start.copy()}),
            draws=draws,
            tune=max(tune, 1),  # nutpie does not take 0
            chains=1,
            cores=1,
            seed=int(chain_seed),
            save_warmup=False,
            progress_bar=False,
            blocking=False,
        )

    begun = perf_counter()
    sampled: list[xr.DataTree] = []
    for first in range(0, len(starts), cores):
        batch = slice(first, first + cores)
        jobs = list(zip(starts[batch], seeds[batch], strict=True))
        for (start, chain_seed), running in zip(jobs, [chain(*job) for job in jobs], strict=True):
            try:
                sampled.append(running.wait())
            except RuntimeError as error:
                if _AT_A_SYMMETRIC_START not in str(error):
                    raise
                nudge = np.random.default_rng(chain_seed).normal(scale=1e-3, size=start.shape)
                sampled.append(chain(start + nudge, chain_seed).wait())
    seconds = perf_counter() - begun
    return side_by_side(sampled), seconds


def _sample_with_pymc(
    prepared: Prepared,
    starts: Sequence[np.ndarray],
    seed: int,
    variances: np.ndarray | None,
    *,
    draws: int,
    tune: int,
    cores: int,
) -> tuple[xr.DataTree, float]:
    """Sample through `pm.sample`; with its own sampler, on the log density that is compiled already."""
    points = [prepared.coordinates.of_model(u) for u in starts]
    step = None
    if prepared.sampler == "pymc":
        mean = np.mean(starts, axis=0)
        step = _step(prepared, mean, np.ones(mean.size) if variances is None else variances, seed)
    with prepared.model:
        sampled = pm.sample(
            draws=draws,
            tune=tune,
            chains=len(starts),
            cores=cores,
            random_seed=seed,
            nuts_sampler=prepared.sampler,
            step=step,
            initvals=points,
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
        )
    return sampled, float(sampled.posterior.attrs["sampling_time"])


def _step(prepared: Prepared, mean: np.ndarray, variances: np.ndarray, seed: int) -> pm.NUTS:
    """Return PyMC's NUTS as `pm.sample` sets it up ("adapt_diag"), without compiling again."""
    spans = prepared.coordinates.spans
    potential = QuadPotentialDiagAdapt(mean.size, mean, variances, 10, rng=seed)
    values = zip(prepared.model.value_vars, spans, strict=True)
    return pm.NUTS(
        model=prepared.model,
        potential=potential,
        logp_dlogp_func=prepared.compiled,
        initial_point={
            variable.name: mean[span.start : span.stop].reshape(span.shape) for variable, span in values
        },
        rng=seed,
    )
