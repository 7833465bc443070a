"""NUTS with a named sampler, one dispersed start per chain, on a compiled log density: a DataTree.

`pm.sample` without a sampler's name silently prefers nutpie; here the name is always given, and recorded.
Statistics of both samplers get the names that PyMC gives them, so that divergences and E-FMI (``diverging``,
``energy``) are found alike.

Per-chain starts: PyMC takes a list of them; nutpie takes a function of the seed, so each chain is a run of
its own with its own function, ``cores`` of them at a time. There is no jitter: the starts are dispersed
already. nutpie would compile the model once more, in a form of its own; it is handed the `LogDensity`, as a
function of Python, which costs it some microseconds a step.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

from ppl_baselines.chains import harmonised, side_by_side
from ppl_baselines.draws import to_datatree
from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc.log_density import LogDensity
from ppl_baselines.unconstrained import Coordinates

Sampler = Literal["nutpie", "pymc"]
SAMPLERS: tuple[str, ...] = ("nutpie", "pymc")

SAMPLER: Sampler = "nutpie"

_AT_A_SYMMETRIC_START = "bad initial gradient"
"""What nutpie says where an entry of the gradient is 0, as of weights between equal components."""

_UNCONSTRAINED = "u"


def takes_variances(sampler: Sampler) -> bool:
    """Whether a run can be told the variances from which it adapts its mass matrix; only PyMC's own can."""
    return sampler == "pymc"


def run(
    log_density: LogDensity,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    seed: int,
    sampler: Sampler = SAMPLER,
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
    log_density : LogDensity
        The model's.
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``: one per chain, from the first again if there are fewer.
    seed : int
    sampler : {"nutpie", "pymc"}
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
        (compiling is not in it); and ``sample_stats``.

    Raises
    ------
    UnavailableError
        If the sampler is unknown or not installed.
    ValueError
        If there is no start, or one does not fit the model; or the sampler takes no variances.
    """
    require_sampler(sampler)
    log_density.loaded()
    flat_starts = log_density.coordinates.flat_starts(starts)
    chain_starts = [flat_starts[chain % len(starts)] for chain in range(chains)]
    if variances is not None and not takes_variances(sampler):
        raise ValueError(f"The sampler {sampler!r} cannot be told the variances to start from.")
    options: dict[str, Any] = {"draws": draws, "tune": tune, "cores": cores}
    if sampler == "nutpie":
        posterior, stats, seconds = _sample_with_nutpie(log_density, chain_starts, seed, **options)
    else:
        posterior, stats, seconds = _sample_with_pymc(log_density, chain_starts, seed, variances, **options)
    return gather(
        posterior,
        sample_stats=harmonised(stats),
        attributes={"sampler": sampler, "backend": log_density.backend, "sampling_seconds": seconds},
    )


def require_sampler(sampler: str) -> None:
    """Raise `UnavailableError` if there is no such sampler, or it is not installed."""
    if sampler not in SAMPLERS:
        raise UnavailableError(f"There is no sampler {sampler!r}; choose from {', '.join(SAMPLERS)}.")
    if sampler != "pymc" and find_spec(sampler) is None:
        raise UnavailableError(
            f"The sampler {sampler!r} needs the package {sampler}: install it, or choose another."
        )


def _sample_with_nutpie(
    log_density: LogDensity, starts: Sequence[np.ndarray], seed: int, *, draws: int, tune: int, cores: int
) -> tuple[dict[str, np.ndarray], xr.Dataset, float]:
    import nutpie

    seeds = np.random.SeedSequence(seed).generate_state(len(starts))

    def chain(start: np.ndarray, chain_seed: int) -> Any:
        return nutpie.sample(
            _for_nutpie(log_density, start),
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
    tree = side_by_side(sampled)
    u = tree["posterior"][_UNCONSTRAINED].to_numpy()  # (chain, draw, P)
    posterior = log_density.coordinates.constrain(u.reshape(-1, log_density.size))
    shape = u.shape[:2]
    return (
        {name: values.reshape(*shape, *values.shape[1:]) for name, values in posterior.items()},
        tree["sample_stats"].to_dataset(),
        seconds,
    )


def _for_nutpie(log_density: LogDensity, start: np.ndarray) -> Any:
    """Return a model of nutpie's whose one variable is u and whose chain starts there."""
    from nutpie.compiled_pyfunc import from_pyfunc

    return from_pyfunc(
        ndim=log_density.size,
        make_logp_fn=lambda: log_density.value_and_gradient,
        make_expand_fn=lambda *seeds: lambda u: {_UNCONSTRAINED: u},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(log_density.size,)],
        expanded_names=[_UNCONSTRAINED],
        make_initial_point_fn=lambda _: start.copy(),
    )


def _sample_with_pymc(
    log_density: LogDensity,
    starts: Sequence[np.ndarray],
    seed: int,
    variances: np.ndarray | None,
    *,
    draws: int,
    tune: int,
    cores: int,
) -> tuple[dict[str, np.ndarray], xr.Dataset, float]:
    """Sample through `pm.sample`, on the log density that is compiled already."""
    mean = np.mean(starts, axis=0)
    with log_density.model:
        sampled = pm.sample(
            draws=draws,
            tune=tune,
            chains=len(starts),
            cores=cores,
            random_seed=seed,
            nuts_sampler="pymc",
            step=_step(log_density, mean, np.ones(mean.size) if variances is None else variances, seed),
            initvals=[log_density.coordinates.of_model(u) for u in starts],
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
        )
    return (
        _canonical(log_density.coordinates, sampled.posterior.to_dataset()),
        sampled.sample_stats.to_dataset(),
        float(sampled.posterior.attrs["sampling_time"]),
    )


def _step(log_density: LogDensity, mean: np.ndarray, variances: np.ndarray, seed: int) -> pm.NUTS:
    """Return PyMC's NUTS as `pm.sample` sets it up ("adapt_diag"), without compiling again."""
    spans = log_density.coordinates.spans
    potential = QuadPotentialDiagAdapt(mean.size, mean, variances, 10, rng=seed)
    values = zip(log_density.model.value_vars, spans, strict=True)
    return pm.NUTS(
        model=log_density.model,
        potential=potential,
        logp_dlogp_func=log_density.function,
        initial_point={
            variable.name: mean[span.start : span.stop].reshape(span.shape) for variable, span in values
        },
        rng=seed,
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
