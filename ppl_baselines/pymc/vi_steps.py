"""One ADVI optimisation in PyMC, compiled once and started as often as one likes: prepare, begin, advance.

loss = log q(u) - log p(x, u) at one draw u ~ q;  its gradient by reparameterisation;  Adam

`pm.fit` compiles at every call and cannot start again. Here the one compiled step function stays, and `begin`
resets all that it updates: the variational parameters, Adam's memory, the random generator. A step is PyMC's
own, number for number (a test compares them). `ppl_baselines.restarts` conducts the restarts.

Kucukelbir, Tran, Ranganath, Gelman & Blei (2017). Letters: S draws, P unconstrained numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import ArrayLike
from pymc.pytensorf import reseed_rngs
from pytensor.tensor.random.variable import RandomGeneratorSharedVariable

from ppl_baselines.data import as_data
from ppl_baselines.errors import UnavailableError
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.pymc import build, compilation
from ppl_baselines.pymc.compilation import Backend
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

Kind = Literal["mean_field", "full_rank"]
State = tuple[Any, ...]

BACKEND: Backend = "numba"
LEARNING_RATE = 0.1

_METHODS = {"mean_field": pm.ADVI, "full_rank": pm.FullRankADVI}


@dataclass(frozen=True)
class Prepared:
    """ADVI compiled for one model.

    Attributes
    ----------
    kind : {"mean_field", "full_rank"}
    model : pm.Model
    coordinates : Coordinates
    step : callable
        One stochastic gradient step; returns the loss at one draw.
    log_joint : callable
        log p(x, u) = log p(x, theta) + log |det d theta / du|, at one array per variable.
    parameters : mapping of str to shared variable
        The variational parameters, by PyMC's names.
    learning_rate : shared variable
    state : tuple of shared variable
        All that a step updates, the parameters among it.
    initial : tuple
        The values of ``state`` before the first step.
    data : mapping of str to ndarray, or None
        What a run loads into the model before anything else; None: what is in it.
    """

    kind: Kind
    model: pm.Model
    coordinates: Coordinates
    step: Callable[[], Any]
    log_joint: Callable[..., Any]
    parameters: Mapping[str, Any]
    learning_rate: Any
    state: tuple[Any, ...]
    initial: State
    data: Mapping[str, np.ndarray] | None = None


@dataclass
class Average:
    """The mean of the variational parameters over steps, which wanders less than any one of them.

    Polyak & Juditsky (1992); for variational inference, Dhaka et al. (2020).
    """

    steps: int = 0
    sums: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, prepared: Prepared) -> None:
        """Take in the parameters as they stand."""
        self.steps += 1
        for name, parameter in prepared.parameters.items():
            value = parameter.get_value(borrow=True)
            self.sums[name] = self.sums[name] + value if name in self.sums else value.copy()

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The means, by PyMC's names."""
        return {name: total / self.steps for name, total in self.sums.items()}


def prepare(
    model: pm.Model, *, kind: Kind, learning_rate: float = LEARNING_RATE, backend: Backend = BACKEND
) -> Prepared:
    """Compile ADVI for a model.

    Parameters
    ----------
    model : pm.Model
        As `ppl_baselines.pymc.build.build` makes it. New data of the same model need no new preparing:
        `with_data`.
    kind : {"mean_field", "full_rank"}
    learning_rate : float
        Of Adam: about the most that an unconstrained number moves in one step.
    backend : {"numba", "c", "jax"}

    Returns
    -------
    Prepared

    Raises
    ------
    UnavailableError
        If the kind or the backend is unknown, or the backend is not installed.
    """
    if kind not in _METHODS:
        raise UnavailableError(f"There is no ADVI of kind {kind!r}; choose from {', '.join(_METHODS)}.")
    compile_mode = compilation.mode(backend)
    rate = pytensor.shared(float(learning_rate), name="learning_rate")
    inference = _METHODS[kind](model=model, random_seed=0)
    step = inference.objective.step_function(
        obj_n_mc=1,
        obj_optimizer=pm.adam(learning_rate=rate),
        score=True,
        compile_kwargs={"mode": compile_mode},
    )
    state = tuple(entry.variable for entry in step.maker.inputs if entry.update is not None)
    prepared = Prepared(
        kind=kind,
        model=model,
        coordinates=coordinates_of(model),
        step=step,
        log_joint=model.compile_fn(model.logp(), inputs=model.value_vars, point_fn=False, mode=compile_mode),
        parameters=dict(inference.approx.groups[0].shared_params),
        learning_rate=rate,
        state=state,
        initial=_values(state),
    )
    # Numba compiles at the first call, which therefore belongs to the preparing.
    step()
    estimate(prepared, approximation(prepared), np.random.default_rng(0), 1)
    restore(prepared, prepared.initial)
    return prepared


def with_data(prepared: Prepared, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Prepared:
    """Return what is compiled, for other points (N, D) and weights (N,) of the same mixture."""
    return replace(prepared, data=as_data(x, sample_weight))


def load(prepared: Prepared) -> None:
    """Put the data that this is for into the model."""
    build.load(prepared.model, prepared.data)


def learning_rate(prepared: Prepared) -> float:
    """Return Adam's learning rate."""
    return float(prepared.learning_rate.get_value())


def set_learning_rate(prepared: Prepared, rate: float) -> None:
    """Take the next steps at this rate."""
    prepared.learning_rate.set_value(rate)


def begin(prepared: Prepared, start: np.ndarray, seed: int) -> None:
    """Start again: q's mean at ``start``, shape (P,), its scales as PyMC starts them, Adam without memory.

    Parameters
    ----------
    prepared : Prepared
    start : ndarray, shape (P,)
    seed : int
        Of the draws in the steps, as `pm.compile` takes it.
    """
    restore(prepared, prepared.initial)
    prepared.parameters["mu"].set_value(start)
    reseed_rngs([entry for entry in prepared.state if isinstance(entry, RandomGeneratorSharedVariable)], seed)


def advance(prepared: Prepared, n_steps: int, average: Average | None = None) -> np.ndarray:
    """Take steps, each of which enters the average; return their losses, shape (n_steps,)."""
    losses = np.empty(n_steps)
    for i in range(n_steps):
        losses[i] = float(prepared.step())
        if average is not None:
            average.add(prepared)
    return losses


def save(prepared: Prepared) -> State:
    """Return a copy of all that a step updates."""
    return _values(prepared.state)


def restore(prepared: Prepared, state: State) -> None:
    """Go on from where `save` was called."""
    for variable, value in zip(prepared.state, state, strict=True):
        variable.set_value(value)


def approximation(prepared: Prepared, average: Average | None = None) -> GaussianApproximation:
    """Return q as it stands, or with averaged parameters, in numpy."""
    if average is not None:
        values = average.values
    else:
        values = {name: np.array(parameter.get_value()) for name, parameter in prepared.parameters.items()}
    mean = values["mu"]
    if prepared.kind == "mean_field":
        factor = np.diag(_softplus(values["rho"]))
    else:
        factor = np.zeros((mean.size, mean.size))
        factor[np.tril_indices(mean.size)] = values["L_tril"]
        np.fill_diagonal(factor, _softplus(np.diag(factor)))
    return GaussianApproximation(mean, factor, prepared.coordinates)


def estimate(
    prepared: Prepared, q: GaussianApproximation, rng: np.random.Generator, n_draws: int
) -> np.ndarray:
    """Return log p(x, u) - log q(u) at fresh draws u ~ q, shape (n_draws,); its mean estimates F(q).

    The Jacobians of theta = g(u) are in both terms and cancel, so this is log p(x, theta) - log q(theta) too.
    It loops over draws in Python: PyMC's own estimator loops in a compiled scan, one more graph to compile.
    """
    u = q.sample_unconstrained(rng, n_draws)
    spans = prepared.coordinates.spans
    log_joint = np.array(
        [
            float(prepared.log_joint(*(draw[span.start : span.stop].reshape(span.shape) for span in spans)))
            for draw in u
        ]
    )
    return log_joint - q.log_density_unconstrained(u)


def _values(state: tuple[Any, ...]) -> State:
    return tuple(variable.get_value(borrow=False) for variable in state)


def _softplus(rho: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, rho)
