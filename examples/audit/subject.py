"""What an adapter offers: a derivation whose updates are the library's, and the library's own iterations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Audited(Protocol):
    """A `hand_cavi.derivation.Derivation` of which `update` calls the library, and all else is ours.

    `elbo` is E_q[ln p - ln q] of the library's q with every constant, in closed form and in our own words, so
    that the checker's question "is the ELBO the ELBO" is a question to us, and its others to the library.
    """

    factors: Sequence[str]
    compared: Sequence[str]
    """The factors whose widths have a counterpart in the posterior, whatever the order of the components."""

    log_joint: Callable[[Arrays], np.ndarray]
    """ln p(x, z) of draws by name, written from the model's story alone."""

    def update(self, state: Any, factor: str) -> Any:
        """Return the state with this factor as the library sets it."""

    def elbo(self, state: Any) -> dict[str, float]:
        """Return the terms of the true bound."""

    def sample(self, state: Any, factor: str, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return draws of q."""

    def own(self) -> Any:
        """Return the same model with our updates, free of any form."""

    def assignments_of(self, state: Any) -> np.ndarray:
        """Return q of every single assignment, (N, K): what names the components."""

    def given(self, assignments: np.ndarray) -> Any:
        """Return the exact posterior of all else, given all N assignments, as a state.

        Its bound is ln p(x, assignments). This is ours: nothing of the library enters.
        """


@dataclass(frozen=True)
class Step:
    """Where the library stands after so many iterations.

    Attributes
    ----------
    iteration : int
    state : Any
        Its q, as a state of the derivation.
    bound : float
        What the library itself gives as its bound.
    """

    iteration: int
    state: Any
    bound: float


@dataclass(frozen=True)
class Subject:
    """One model of one library, read in one way.

    Attributes
    ----------
    library : str
        The distribution's name in the package index.
    model : str
    reading : str
        What p and q are taken to be.
    derive : callable
        From data to the derivation whose updates are the library's.
    small : ndarray
        Few points, whose posterior can be summed out.
    large : list of ndarray
        Several data sets of more.
    steps : callable
        Returns an iterator over so many of the library's own iterations on a derivation's data, from a fixed
        start: ``steps(derivation, iterations)``.
    """

    library: str
    model: str
    reading: str
    derive: Callable[..., Any]
    small: np.ndarray
    large: Sequence[np.ndarray]
    steps: Callable[[Any, int], Iterator[Step]]
