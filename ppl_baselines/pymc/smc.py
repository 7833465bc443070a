"""Sequential Monte Carlo by PyMC's kernels: prepare, run, collect; its gift is log p(x).

From draws of the prior to draws of the posterior by way of p(theta) p(x | theta)^beta, beta from 0 to 1. At
every stage particles are weighted by p(x | theta)^(the step of beta), resampled, and moved by a
Metropolis-Hastings kernel that leaves the stage's density as it is. The product of the stages' mean weights
estimates p(x) (Del Moral, Doucet & Jasra 2006; Ching & Chen 2007), without bias but for the adapting of steps
and proposals to the particles, an effect of order 1/S.

One run knows nothing of its own error, so several independent runs are made, and their spread tells it. The
particles start from the unconstrained prior of the model as stated, so that no K! is left to add.

`pymc.sample_smc` would compile anew at each call; here its kernels are compiled once, and driven in the same
order. The coordinates that stand in for weights and precisions have no random generator in the model: the
caller gives the draws of the prior.

Letters: R runs, S particles in each, P unconstrained numbers.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from scipy.special import logsumexp

from ppl_baselines.draws import to_datatree
from ppl_baselines.errors import UnavailableError
from ppl_baselines.pymc import compilation
from ppl_baselines.pymc.build import load
from ppl_baselines.pymc.compilation import Backend
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

Kernel = Literal["imh", "mh"]
KERNELS: dict[str, Any] = {"imh": pm.smc.IMH, "mh": pm.smc.MH}
"""Independent proposals from one normal fitted to all particles; or random walks from each particle."""

MAX_STAGES = 1_000
"""A run that has not reached beta = 1 by then is given up: its likelihood is too steep for steps of 1e-6."""


class StuckError(ArithmeticError):
    """A run did not reach the posterior; the message says why, in a sentence."""


@dataclass(frozen=True)
class Prepared:
    """A kernel compiled for one model.

    Attributes
    ----------
    kernel : {"imh", "mh"}
    backend : {"numba", "c", "jax"}
    model : pm.Model
    coordinates : Coordinates
    compiled : pymc.smc.kernels.SMC_KERNEL
    data : mapping of str to ndarray, or None
        What a run loads into the model before anything else; None: what is in it.
    """

    kernel: Kernel
    backend: Backend
    model: pm.Model
    coordinates: Coordinates
    compiled: Any
    data: Mapping[str, np.ndarray] | None = None

    def with_data(self, data: Mapping[str, np.ndarray]) -> "Prepared":
        """Return the same for other data of this model, such as those of `ppl_baselines.data.as_data`."""
        return replace(self, data=data)


@dataclass(frozen=True)
class Sampled:
    """What R runs gave.

    Attributes
    ----------
    draws : xarray.DataTree
        Group ``posterior``, canonical; a run is a chain, and its S particles are equally weighted. They come
        in the order of their ancestry: particles that share an ancestor lie side by side, so that an
        effective sample size from autocorrelations counts copies as what they are.
    log_evidence : ndarray, shape (R,)
        log p(x) by every run.
    stages : ndarray of int, shape (R,)
        How many steps beta took.
    acceptance : ndarray, shape (R,)
        The mean share of accepted moves at the last stage.
    seconds : float
        Of all runs together, without compiling.
    """

    draws: xr.DataTree
    log_evidence: np.ndarray
    stages: np.ndarray
    acceptance: np.ndarray
    seconds: float


def prepare(model: pm.Model, *, kernel: Kernel = "imh", backend: Backend = "numba") -> Prepared:
    """Compile a kernel for a model.

    Parameters
    ----------
    model : pm.Model
        As `ppl_baselines.pymc.build.build` makes it.
    kernel : {"imh", "mh"}
    backend : {"numba", "c"}
        PyMC calls the log density for one particle at a time, which JAX is slow at; it is refused.

    Raises
    ------
    UnavailableError
        If the kernel or the backend is unknown or not installed.
    """
    if kernel not in KERNELS:
        raise UnavailableError(f"There is no SMC kernel {kernel!r}; choose from {', '.join(KERNELS)}.")
    if backend == "jax":
        raise UnavailableError(
            "SMC calls for one particle at a time: choose the backend numba or c, not jax."
        )
    compile_kwargs = {"mode": compilation.mode(backend)}
    compiled = KERNELS[kernel](draws=2, model=model, random_seed=0, compile_kwargs=compile_kwargs)
    coordinates = coordinates_of(model)
    for log_density in (compiled.prior_logp_func, compiled.likelihood_logp_func):
        log_density(np.zeros(coordinates.size))  # numba compiles at the first call
    return Prepared(kernel, backend, model, coordinates, compiled)


def run(
    prepared: Prepared,
    prior_draws: Mapping[str, np.ndarray],
    *,
    seed: int,
    threshold: float = 0.5,
    correlation_threshold: float = 0.01,
) -> Sampled:
    """Take particles from the prior to the posterior, R times, one run after the other.

    Parameters
    ----------
    prepared : Prepared
    prior_draws : mapping of str to ndarray, shape (R, S, ...)
        Independent draws from the prior under canonical names.
    seed : int
    threshold : float
        The share of effective particles at which the next beta is set: higher means more and smaller steps.
    correlation_threshold : float
        Moves are repeated until the correlation with where particles were falls by less than this: lower
        means more moves.

    Raises
    ------
    ValueError
        If there are no two runs, or the draws do not fit the model.
    StuckError
        If a run does not reach beta = 1, or its numbers are not finite.
    """
    load(prepared.model, prepared.data)
    u = _unconstrained(prepared.coordinates, prior_draws)
    begun = perf_counter()
    runs = []
    for start, run_seed in zip(u, np.random.SeedSequence(seed).spawn(len(u)), strict=True):
        kernel = copy.copy(prepared.compiled)
        kernel.draws, kernel.threshold = len(start), threshold
        kernel.correlation_threshold = correlation_threshold
        runs.append(_one_run(kernel, _by_variable(prepared, start), np.random.default_rng(run_seed)))
    seconds = perf_counter() - begun
    particles, log_evidence, stages, acceptance = (np.array(part) for part in zip(*runs, strict=True))
    flat = prepared.coordinates.constrain(particles.reshape(-1, particles.shape[-1]))
    draws = to_datatree(
        {name: values.reshape(*particles.shape[:2], *values.shape[1:]) for name, values in flat.items()},
        attributes={"sampler": "smc", "backend": prepared.backend, "sampling_seconds": seconds},
    )
    return Sampled(draws, log_evidence, stages, acceptance, seconds)


def evidence(log_evidence: np.ndarray) -> tuple[float, float]:
    """Return log p(x) and its standard error from R independent runs.

    Each run's p(x) is an unbiased estimate, so that they are averaged as they are, not their logarithms:
    log p = log mean_r p_r; by the delta method its variance is that of the mean of p_r, over p^2.
    """
    n_runs = len(log_evidence)
    value = float(logsumexp(log_evidence) - np.log(n_runs))
    relative = np.exp(log_evidence - value)
    return value, float(relative.std(ddof=1) / np.sqrt(n_runs))


def _one_run(
    kernel: Any, start: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, float, int, float]:
    """Return the particles (S, P), log p(x), the number of stages, and the last one's acceptance."""
    with np.errstate(divide="ignore", invalid="ignore"):  # correlations of particles that all coincide
        kernel.initialize(start, rng)
        if np.any(np.isnan(kernel.likelihood_logp)):
            raise StuckError("the log likelihood is not a number for some draws of the prior")
        stage = 0
        while kernel.beta < 1:
            if stage == MAX_STAGES:
                raise StuckError(
                    f"SMC did not reach the posterior in {MAX_STAGES} stages (it got to beta = "
                    f"{kernel.beta:.1e}): there are too many points for it"
                )
            kernel.update_beta_and_weights()
            statistics = kernel.step()
            stage += 1
    acceptance = statistics.get("accept_rate", statistics.get("mean_accept_rate", np.nan))
    if not np.isfinite(kernel.log_marginal_likelihood):
        raise StuckError("SMC's log evidence is not finite: its particles all missed the posterior")
    return kernel.tempered_posterior, float(kernel.log_marginal_likelihood), stage, float(acceptance)


def _unconstrained(coordinates: Coordinates, prior_draws: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return u, shape (R, S, P)."""
    names = {span.name for span in coordinates.spans}
    if set(prior_draws) != names:
        raise ValueError(
            f"The draws are of {sorted(prior_draws)}, the model's variables are {sorted(names)}."
        )
    n_runs, n_particles = next(iter(prior_draws.values())).shape[:2]
    if n_runs < 2:
        raise ValueError("SMC needs two runs or more: their spread is its only error bar.")
    flat = {
        name: values.reshape(n_runs * n_particles, *values.shape[2:]) for name, values in prior_draws.items()
    }
    u = coordinates.unconstrain(flat)
    if not np.all(np.isfinite(u)):
        raise ValueError("Some draws of the prior are not finite, or outside of what the variables can be.")
    return u.reshape(n_runs, n_particles, coordinates.size)


def _by_variable(prepared: Prepared, u: np.ndarray) -> dict[str, np.ndarray]:
    """Return u, shape (S, P), by the names under which PyMC works on it, each of shape (S, ...)."""
    return {
        variable.name: u[:, span.start : span.stop].reshape(len(u), *span.shape)
        for variable, span in zip(prepared.model.value_vars, prepared.coordinates.spans, strict=True)
    }
