"""Data from a mixture's own prior: theta and pi, then c, then x; the same for every method."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.calibration import exact
from experiments.calibration import ranked_quantities as quantities
from experiments.engine.seeds import generator
from experiments.methods.mixture_target import MixtureTarget, mixture_content
from experiments.records import Draws, Problem
from hand_cavi import Fit, Mixture


def simulate(mixture: Mixture, n_points: int, rng: np.random.Generator) -> Problem:
    """Run the model forwards once; its components must know their number of features.

    The problem's `truth` holds the canonical parameters, arrays (K, ...), and ``assignments``, shape (N,).
    """
    n_components = mixture.n_components
    theta = mixture.components.sample(rng, n_components)
    pi = mixture.weights.sample(rng, 1)
    share = np.exp(mixture.weights.log_weights(pi, 1)[0])
    assignments = rng.choice(n_components, size=n_points, p=share / share.sum())
    x = mixture.components.sample_data(rng, theta, assignments)
    weights = {name: values[0] for name, values in pi.items()}
    truth = {**theta, **weights, "assignments": assignments}
    return Problem(mixture, x, truth=truth, truth_from_prior=True)


def replicate(mixture: Mixture, n_points: int, *, seed: int, model: str, number: int) -> Problem:
    """Return the replicate of this number, from 0: the same whatever else is asked for, and for every method.

    Its seed descends from the calibration's root seed and the model's name.
    """
    return simulate(mixture, n_points, generator(seed, "calibration", model, number))


@dataclass(frozen=True)
class MixtureReplicate:
    """One simulated data set under the mixture from which it comes; see `experiments.calibration.source`."""

    problem: Problem
    kinds: tuple[str, ...]

    @property
    def target(self) -> MixtureTarget:
        """What methods are given."""
        return MixtureTarget(self.problem)

    @property
    def truth(self) -> Draws:
        """The parameters as one draw."""
        return quantities.truth_of(self.problem)

    @property
    def names(self) -> tuple[str, ...]:
        """What a reader calls the quantities."""
        return quantities.names_of(self.problem, self.kinds)

    def values(self, draws: Draws) -> np.ndarray:
        """Return the quantities of canonical draws, shape (S, Q)."""
        return quantities.values_of(self.problem, draws, self.kinds)

    def exact_ranks(self, q: Any) -> np.ndarray:
        """Return the exact places of sorted locations under CAVI's q; they come first."""
        if not (isinstance(q, Fit) and "location" in self.kinds and exact.has_marginals(q.components)):
            return np.zeros(0)
        sorted_truth = np.sort(quantities.locations(self.truth)[0], axis=0)
        return exact.sorted_cdf(q.components, sorted_truth).ravel()


@dataclass(frozen=True)
class MixtureSource:
    """Replicates of a mixture, whose components know their number of features; all seeds descend from one.

    The kinds are those of `experiments.config.options.RANKED`.
    """

    model: str
    mixture: Mixture
    points: int
    seed: int
    kinds: tuple[str, ...]

    @property
    def package(self) -> str:
        """Where its methods are."""
        return "methods"

    def replicate(self, number: int) -> MixtureReplicate:
        """Return the replicate of this number."""
        problem = replicate(self.mixture, self.points, seed=self.seed, model=self.model, number=number)
        return MixtureReplicate(problem, quantities.kinds_of(problem, self.kinds))

    def content(self) -> dict[str, object]:
        """Return all that replicates depend on."""
        return {**vars(self), "mixture": mixture_content(self.mixture), "kinds": list(self.kinds)}
