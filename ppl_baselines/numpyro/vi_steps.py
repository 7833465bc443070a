"""One optimisation of a NumPyro guide, compiled once, started as often as one likes: prepare, a `Search`.

loss = log q(u) - log p(x, u) at one draw u ~ q;  its gradient by reparameterisation;  Adam

A step is NumPyro's own (`numpyro.infer.SVI` with `Trace_ELBO`); many are one loop in compiled code, for the
shapes of the data. `ppl_baselines.restarts` conducts the restarts.

Letters: S draws, P unconstrained numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, Trace_ELBO, init_to_value
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam

from ppl_baselines.errors import UnavailableError
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.numpyro.build import Model
from ppl_baselines.numpyro.coordinates import coordinates_of, log_joint_of
from ppl_baselines.numpyro.guides import (
    GUIDES,
    FlowApproximation,
    Parameters,
    flow_functions,
    gaussian_of,
    in_blocks,
    laplace_factor,
)
from ppl_baselines.unconstrained import Approximation, Coordinates

_AT_ONCE = 1_000  # steps of one call of compiled code
_ADAM = Adam(1.0)  # its parameters and its memory; steps are taken at rates of their own


@dataclass
class State:
    """All that a step updates; JAX changes no array in place."""

    svi: Any  # an SVIState


@dataclass
class Average:
    """The mean of the optimiser's parameters over steps, which wanders less than any one of them."""

    steps: int = 0
    sums: Parameters = field(default_factory=dict)

    def add(self, steps: int, sums: Parameters) -> None:
        """Take in the sums over some steps."""
        self.sums = jax.tree.map(jnp.add, self.sums, sums) if self.steps else sums
        self.steps += steps

    @property
    def values(self) -> Parameters:
        """The means, by NumPyro's names."""
        return jax.tree.map(lambda total: total / self.steps, self.sums)


@dataclass(frozen=True)
class Search:
    """A guide compiled for one model and one number of points; it takes other data of the same shapes alone.

    Attributes
    ----------
    guide : {"mean_field", "full_rank", "low_rank", "laplace", "flow"}
    coordinates : Coordinates
    steps : callable
        From a state, a rate, a number of steps and the data to the state after them, their losses, and the
        sums of the parameters.
    log_joint, curvature : callable
        log p(x, u) at many u, and the Hessian of -log p(x, u) at one.
    constrain : callable
        From the optimiser's parameters to those of the guide.
    flow : tuple of callable
        See `ppl_baselines.numpyro.guides.flow_functions`; empty for other guides.
    initial : dict
        The optimiser's parameters before the first step.
    data : mapping of str to ndarray
    """

    guide: str
    coordinates: Coordinates
    steps: Callable[..., Any]
    log_joint: Callable[..., jax.Array]
    curvature: Callable[..., jax.Array]
    constrain: Callable[[Parameters], Parameters]
    flow: tuple[Callable[..., jax.Array], ...]
    initial: Parameters
    data: Mapping[str, np.ndarray]

    def with_data(self, data: Mapping[str, np.ndarray]) -> "Search":
        """Return the same for other data of this model, by name and of the same shapes."""
        return replace(self, data=data)

    def begin(self, start: np.ndarray, seed: int) -> State:
        """Return q with its centre at ``start``, (P,), its scales as NumPyro starts them, a new Adam."""
        first = self.initial | {"auto_loc": jnp.asarray(start)}
        return State(SVIState(_ADAM.init(first), None, jax.random.key(seed)))

    def average(self) -> Average:
        """Return an average of states that has seen none yet."""
        return Average()

    def advance(
        self, state: State, n_steps: int, learning_rate: float, average: Average | None = None
    ) -> np.ndarray:
        """Take steps, each of which enters the average; return their losses, shape (n_steps,)."""
        losses = []
        for first in range(0, n_steps, _AT_ONCE):
            some = min(_AT_ONCE, n_steps - first)
            state.svi, of_steps, sums = self.steps(state.svi, learning_rate, some, dict(self.data))
            losses.append(np.array(of_steps)[:some])
            if average is not None:
                average.add(some, sums)
        return np.concatenate([np.empty(0), *losses])

    def approximation(self, state: State, average: Average | None = None) -> Approximation:
        """Return q as it stands, or with averaged parameters."""
        at_end = _ADAM.get_params(state.svi.optim_state)
        parameters = self.constrain(at_end if average is None else average.values)
        if self.guide == "flow":
            forward, log_density = self.flow
            return FlowApproximation(parameters, forward, log_density, self.coordinates)
        if self.guide == "laplace":
            mean = np.array(parameters["auto_loc"])
            factor = laplace_factor(np.array(self.curvature(mean, dict(self.data))))
        else:
            mean, factor = gaussian_of(self.guide, parameters)
        everywhere = self.guide in ("mean_field", "full_rank")
        return GaussianApproximation(mean, factor, self.coordinates, maximises=everywhere)

    def log_weights(self, q: Any, rng: np.random.Generator, n_draws: int) -> np.ndarray:
        """Return log p(x, u) - log q(u) at fresh draws u ~ q, shape (n_draws,)."""
        u = q.sample_unconstrained(rng, n_draws)
        data = dict(self.data)
        return in_blocks(lambda block: self.log_joint(block, data), u) - q.log_density_unconstrained(u)


def prepare(model: Model, *, guide: str) -> Search:
    """Compile the fitting of a guide to a model.

    Parameters
    ----------
    model : Model
        As `ppl_baselines.numpyro.build.build` makes it.
    guide : {"mean_field", "full_rank", "low_rank", "laplace", "flow"}

    Raises
    ------
    UnavailableError
        If the guide is unknown.
    """
    if guide not in GUIDES:
        raise UnavailableError(f"There is no guide {guide!r}; choose from {', '.join(GUIDES)}.")
    coordinates = coordinates_of(model)
    log_joint = log_joint_of(model, coordinates)
    every_u = dist.ImproperUniform(dist.constraints.real_vector, (), (coordinates.size,))

    def in_one_variable(data: dict[str, jax.Array]) -> None:
        u = numpyro.sample("u", every_u)
        with numpyro.handlers.block():  # the variables of the model itself are none of the guide's
            height = log_joint(u, data)
        numpyro.factor("log_joint", height)

    at_zero = init_to_value(values={"u": jnp.zeros(coordinates.size)})
    of_guide = GUIDES[guide](in_one_variable, init_loc_fn=at_zero)
    data = dict(model.data)
    svi = SVI(in_one_variable, of_guide, _ADAM, Trace_ELBO())
    initial = svi.init(jax.random.key(0), data)

    def steps(state: Any, rate: float, n_steps: int, data: dict[str, jax.Array]) -> Any:
        at_rate = SVI(in_one_variable, of_guide, Adam(rate), Trace_ELBO())
        at_rate.constrain_fn = svi.constrain_fn

        def step(i: int, before: Any) -> Any:
            state, losses, sums = before
            state, loss = at_rate.update(state, data)
            sums = jax.tree.map(jnp.add, sums, svi.optim.get_params(state.optim_state))
            return state, losses.at[i].set(loss), sums

        nothing = jax.tree.map(jnp.zeros_like, svi.optim.get_params(state.optim_state))
        return jax.lax.fori_loop(0, n_steps, step, (state, jnp.zeros(_AT_ONCE), nothing))

    search = Search(
        guide=guide,
        coordinates=coordinates,
        steps=jax.jit(steps),
        log_joint=jax.jit(jax.vmap(log_joint, (0, None))),
        curvature=jax.jit(jax.hessian(lambda u, data: -log_joint(u, data))),
        constrain=svi.constrain_fn,
        flow=flow_functions(of_guide) if guide == "flow" else (),
        initial=dict(_ADAM.get_params(initial.optim_state)),
        data=data,
    )
    # JAX compiles at the first call, which therefore belongs to the preparing.
    state = search.begin(np.zeros(coordinates.size), 0)
    search.advance(state, 1, 0.0)
    search.log_weights(search.approximation(state), np.random.default_rng(0), 1)
    return search
