"""One ADVI optimisation as PyMC takes it, in numpy on a compiled log density: a `Search`.

loss = log q(u) - log p(x, u) at one draw u = m + L z, z ~ N(0, I);  its gradient by reparameterisation;  Adam

    d loss / dm = -g,    d loss / dL = -g z' - L^-T,    g = d log p(x, u) / du

`pm.fit` compiles q, Adam and the random generator together with the model, at every call and for each kind
anew. Here the model's `LogDensity` is all that is compiled, and one serves both kinds. A step is PyMC's own,
number for number (a test compares them). `ppl_baselines.restarts` conducts the restarts.

Kucukelbir, Tran, Ranganath, Gelman & Blei (2017); Adam: Kingma & Ba (2015). Letters: S draws, P unconstrained
numbers.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ppl_baselines.errors import UnavailableError
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.pymc.log_density import LogDensity
from ppl_baselines.unconstrained import Coordinates

Kind = Literal["mean_field", "full_rank"]
KINDS: tuple[Kind, ...] = ("mean_field", "full_rank")

DECAY, DECAY_OF_SQUARES, SMALL = 0.9, 0.999, 1e-8
"""Adam's, as PyMC has them."""


@dataclass
class State:
    """All that a step updates.

    The parameters are m and, of mean-field q, rho with sd = log(1 + e^rho); of full-rank q, L's lower
    triangle row by row, with rho on its diagonal. `first` and `second` are Adam's means of gradients and of
    their squares.
    """

    parameters: np.ndarray
    first: np.ndarray
    second: np.ndarray
    rng: np.random.Generator
    size: int  # P
    steps: int = 0


@dataclass
class Average:
    """The mean of the variational parameters over steps, which wanders less than any one of them.

    Polyak & Juditsky (1992); for variational inference, Dhaka et al. (2020).
    """

    steps: int = 0
    total: np.ndarray | float = 0.0

    def add(self, state: State) -> None:
        """Take in the parameters as they stand."""
        self.steps += 1
        self.total = self.total + state.parameters

    @property
    def parameters(self) -> np.ndarray:
        """The means."""
        return np.asarray(self.total) / self.steps


@dataclass(frozen=True)
class Search:
    """ADVI of one kind on one model's log density, its data loaded.

    Raises UnavailableError if the kind is unknown.
    """

    log_density: LogDensity
    kind: Kind

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnavailableError(f"There is no ADVI of kind {self.kind!r}; choose from {', '.join(KINDS)}.")

    @property
    def coordinates(self) -> Coordinates:
        """The layout of u."""
        return self.log_density.coordinates

    def begin(self, start: np.ndarray, seed: int) -> State:
        """Return q with its mean at ``start``, (P,), its scales as PyMC starts them, Adam without memory.

        The draws of the steps are those of PyMC for this seed.
        """
        size = start.size
        scales = np.zeros(size) if self.kind == "mean_field" else np.eye(size)[np.tril_indices(size)]
        parameters = np.concatenate([start, scales])
        (stream,) = np.random.SeedSequence(seed).spawn(1)
        rng = np.random.Generator(np.random.PCG64(stream))
        return State(parameters, np.zeros_like(parameters), np.zeros_like(parameters), rng, size)

    def average(self) -> Average:
        """Return an average of states that has seen none yet."""
        return Average()

    def advance(
        self, state: State, n_steps: int, learning_rate: float, average: Average | None = None
    ) -> np.ndarray:
        """Take steps, each of which enters the average; return their losses, shape (n_steps,)."""
        losses = np.empty(n_steps)
        gradient_at = _mean_field if self.kind == "mean_field" else _full_rank
        for i in range(n_steps):
            losses[i], gradient = gradient_at(self.log_density, state)
            state.steps += 1
            state.first = DECAY * state.first + (1 - DECAY) * gradient
            state.second = DECAY_OF_SQUARES * state.second + (1 - DECAY_OF_SQUARES) * gradient**2
            rate = learning_rate * np.sqrt(1 - DECAY_OF_SQUARES**state.steps) / (1 - DECAY**state.steps)
            state.parameters = state.parameters - rate * state.first / (np.sqrt(state.second) + SMALL)
            if average is not None:
                average.add(state)
        return losses

    def approximation(self, state: State, average: Average | None = None) -> GaussianApproximation:
        """Return q as it stands, or with averaged parameters."""
        parameters = state.parameters if average is None else average.parameters
        mean, scales = parameters[: state.size].copy(), parameters[state.size :]
        mean_field = self.kind == "mean_field"
        factor = np.diag(_softplus(scales)) if mean_field else _factor(scales, state.size)
        return GaussianApproximation(mean, factor, self.coordinates)

    def log_weights(self, q: GaussianApproximation, rng: np.random.Generator, n_draws: int) -> np.ndarray:
        """Return log p(x, u) - log q(u) at fresh draws u ~ q, shape (n_draws,)."""
        u = q.sample_unconstrained(rng, n_draws)
        return self.log_density.values(u) - q.log_density_unconstrained(u)


def _mean_field(log_density: LogDensity, state: State) -> tuple[float, np.ndarray]:
    mean, rho = state.parameters[: state.size], state.parameters[state.size :]
    z = state.rng.standard_normal(state.size)
    sd = _softplus(rho)
    log_p, gradient = log_density.value_and_gradient(mean + sd * z)
    log_q = -0.5 * (z @ z + state.size * np.log(2 * np.pi)) - np.log(sd).sum()
    return log_q - log_p, np.concatenate([-gradient, -(gradient * z + 1 / sd) * _sigmoid(rho)])


def _full_rank(log_density: LogDensity, state: State) -> tuple[float, np.ndarray]:
    mean, scales = state.parameters[: state.size], state.parameters[state.size :]
    z = state.rng.standard_normal(state.size)
    factor = _factor(scales, state.size)
    log_p, gradient = log_density.value_and_gradient(mean + factor @ z)
    sd = np.diag(factor)
    log_q = -0.5 * (z @ z + state.size * np.log(2 * np.pi)) - np.log(sd).sum()
    of_factor = -np.outer(gradient, z)
    places = np.diag_indices(state.size)
    rho = scales[_diagonal(state.size)]
    of_factor[places] = (of_factor[places] - 1 / sd) * _sigmoid(rho)
    return log_q - log_p, np.concatenate([-gradient, of_factor[np.tril_indices(state.size)]])


def _factor(scales: np.ndarray, size: int) -> np.ndarray:
    """Return L, (P, P), from its triangle with rho on the diagonal."""
    factor = np.zeros((size, size))
    factor[np.tril_indices(size)] = scales
    np.fill_diagonal(factor, _softplus(scales[_diagonal(size)]))
    return factor


def _diagonal(size: int) -> np.ndarray:
    """Return where the diagonal is in a triangle row by row."""
    return np.cumsum(np.arange(1, size + 1)) - 1


def _softplus(rho: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, rho)


def _sigmoid(rho: np.ndarray) -> np.ndarray:
    return np.exp(rho - _softplus(rho))
