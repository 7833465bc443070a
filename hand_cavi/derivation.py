"""What a hand-derived mean-field model offers, and coordinate ascent for anything that offers it.

With q(z) = prod_j q(z_j), the optimum of one factor given the others is

    ln q*(z_j) = E_{q(-j)}[ln p(x, z)] + const.

A derivation states those updates in closed form, and the bound that they raise. It may hold any state it
likes, as long as its methods change nothing in place; `experiments.checks` then tests it against the joint
density.
Source: Bishop, PRML (2006), section 10.1.1. Mixtures are derivations too: `hand_cavi.mixture_derivation`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np

from hand_cavi.inputs import Seed, as_count

Values = Mapping[str, np.ndarray] | np.ndarray
"""Draws of one factor's variables by name, each with a leading axis of draws, shape (S, ...).

A bare array stands for one variable that has the factor's name.
"""


class Derivation[State](Protocol):
    """A mean-field model derived by hand: pure functions of a state.

    Six things, and no base class: whatever has them is a derivation. Five more are optional: `symmetries` and
    `limits`, which return lists of `Symmetry` and `Limit`; `parameters(state, factor)`, which returns what
    a factor is made of, arrays by name, with `with_parameters(state, factor, parameters)`, which sets them;
    and `form`, a word such as ``"gaussian"`` (or words by factor) where a factor's optimum is that of a form.
    """

    @property
    def factors(self) -> Sequence[str]:
        """The names of the factors q(z_j), in the order of a sweep's updates."""

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state, from which ascent may start and at which everything can be checked."""

    def update(self, state: State, factor: str) -> State:
        """Return the state with this factor at its optimum given the others."""

    def elbo(self, state: State) -> Mapping[str, float]:
        """Return the bound's terms by name, in nats, at any state; the bound is their sum."""

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Values:
        """Return n draws of this factor's variables, named as in the log joint density."""

    def log_density(self, state: State, factor: str, values: Values) -> np.ndarray:
        """Return ln q(z_j), shape (S,), at values of the form that `sample` returns."""


@dataclass(frozen=True)
class Symmetry:
    """The same model told in another way, such as with its rows in another order.

    Attributes
    ----------
    name : str
        Such as ``"the order of the rows"``.
    derivation : Derivation
        Of the model told in the other way.
    carry : callable
        Takes a state of the one derivation to the state of the other that means the same.
    gain : float
        By how much the other's bound is higher, in nats; 0 unless densities of x are in other units.
    """

    name: str
    derivation: Any
    carry: Callable[[Any], Any]
    gain: float = 0.0


@dataclass(frozen=True)
class Limit:
    """A special case in which the mean field is no approximation, such as a single component.

    Attributes
    ----------
    name : str
        Such as ``"a single component"``.
    derivation : Derivation
        Of the special case.
    arguments : tuple
        From which ``log_joint.like(*arguments)`` makes the special case's log joint density.
    """

    name: str
    derivation: Any
    arguments: tuple[Any, ...]


class AscentStatus(Enum):
    """How coordinate ascent ended."""

    CONVERGED = "the bound stopped rising"
    MAX_SWEEPS = "the maximum of sweeps was reached before the bound stopped rising"
    FELL = "an update lowered the bound: an update or the bound is derived wrongly; check the derivation"
    NOT_FINITE = "the bound is not a finite number"


@dataclass(frozen=True)
class Ascent[State]:
    """Where coordinate ascent ended, and how it went.

    Attributes
    ----------
    state : State
    elbo_terms : dict of float
        At `state`, in nats.
    update_trace : ndarray, shape (sweeps, factors)
        The bound after every update.
    status : AscentStatus
        CONVERGED says that no update raises the bound any more: at a maximum, or at a saddle such as a point
        of symmetry, which only other starts tell from one.
    """

    state: State
    elbo_terms: dict[str, float]
    update_trace: np.ndarray
    status: AscentStatus

    @property
    def elbo(self) -> float:
        """The bound at the end, in nats."""
        return float(sum(self.elbo_terms.values()))

    @property
    def elbo_trace(self) -> np.ndarray:
        """The bound after every sweep, shape (sweeps,)."""
        return self.update_trace[:, -1]

    @property
    def sweeps(self) -> int:
        """How many sweeps were done."""
        return len(self.update_trace)


def total(terms: Mapping[str, float]) -> float:
    """Return the bound, the sum of its terms."""
    return float(sum(terms.values()))


def ascend[State](
    derivation: Derivation[State],
    rng: Seed,
    *,
    starts: int = 1,
    max_sweeps: int = 1000,
    tolerance: float = 1e-10,
    patience: int = 2,
) -> Ascent[State]:
    """Fit any derivation by coordinate ascent; of several starts, the one with the best bound.

    Parameters
    ----------
    derivation : Derivation
    rng : numpy.random.Generator or int
        Where the starts come from; each has its own child.
    starts : int
    max_sweeps : int
        From each start.
    tolerance : float
        A sweep that raises the bound by no more than this times max(1, |bound|) has stalled.
    patience : int
        This many stalled sweeps in a row are convergence.

    Returns
    -------
    Ascent

    Raises
    ------
    InputError
        If a number is not a count.
    """
    as_count(max_sweeps, "max_sweeps")
    as_count(patience, "patience")
    children = np.random.default_rng(rng).spawn(as_count(starts, "starts"))
    ascents = [
        ascend_from(
            derivation,
            derivation.initial(child),
            max_sweeps=max_sweeps,
            tolerance=tolerance,
            patience=patience,
        )
        for child in children
    ]
    return max(ascents, key=lambda ascent: ascent.elbo if np.isfinite(ascent.elbo) else -np.inf)


def ascend_from[State](
    derivation: Derivation[State],
    state: State,
    *,
    max_sweeps: int = 1000,
    tolerance: float = 1e-10,
    patience: int = 2,
) -> Ascent[State]:
    """Update every factor in turn, from a given state, until the bound stops rising.

    The bound may fall within the first sweep only if an update is wrong; by rounding it may fall by a few
    parts in 10^10. Parameters are those of `ascend`.
    """
    trace: list[list[float]] = []
    last, before, stalled = total(derivation.elbo(state)), -np.inf, 0
    status = AscentStatus.MAX_SWEEPS
    while len(trace) < max_sweeps and status is AscentStatus.MAX_SWEEPS:
        bounds: list[float] = []
        for factor in derivation.factors:
            state = derivation.update(state, factor)
            bounds.append(total(derivation.elbo(state)))
        trace.append(bounds)
        slack = max(1.0, abs(bounds[-1]))
        if not np.isfinite(bounds).all():
            status = AscentStatus.NOT_FINITE
        elif np.min(np.diff([last, *bounds])) < -1e-9 * slack:
            status = AscentStatus.FELL
        else:
            stalled = stalled + 1 if bounds[-1] - before <= tolerance * slack else 0
            if stalled >= patience:
                status = AscentStatus.CONVERGED
        last = before = bounds[-1]
    return Ascent(state, dict(derivation.elbo(state)), np.array(trace), status)
