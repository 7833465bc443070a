"""Where replicates come from: true parameters, data given them, and what is ranked of the two."""

from typing import Any, Protocol

import numpy as np

from experiments.records.problem import Draws
from experiments.records.target import Target


class Replicate(Protocol):
    """One draw of the parameters, and data given it, as methods and ranks see them."""

    @property
    def target(self) -> Target:
        """What methods are given."""

    @property
    def truth(self) -> Draws:
        """The parameters as one draw: arrays (1, ...)."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a reader calls each of the Q quantities."""

    def values(self, draws: Draws) -> np.ndarray:
        """Return the quantities of draws, shape (S, Q)."""

    def exact_ranks(self, q: Any) -> np.ndarray:
        """Return exact places of the truth under a method's q, of the first quantities; maybe of none."""


class Source(Protocol):
    """The replicates of one model, by number: the same for every method, whatever else is asked for."""

    @property
    def package(self) -> str:
        """Where its methods are, see `experiments.config.plugins`."""

    def replicate(self, number: int) -> Replicate:
        """Return the replicate of this number, from 0."""

    def content(self) -> dict[str, object]:
        """Return all that replicates depend on, as JSON."""
