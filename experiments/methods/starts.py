"""The same dispersed starts for every method, from the same seed.

CAVI starts from responsibilities; ADVI and NUTS start from parameters, the posterior means after one update
from these. Asking for more starts changes none of the first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.records import Draws, Problem
from hand_cavi.ascent.starts import propose
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import as_sample_weight
from hand_cavi.numerics.coordinates import Coordinates


@dataclass(frozen=True)
class Starts:
    """Starts of one problem; the seed depends on data set, model and repeat, not on the method."""

    problem: Problem
    seed: int

    def responsibilities(self, n: int) -> np.ndarray:
        """Return n starting responsibilities, shape (n, N, K)."""
        prior, rows = self._in_coordinates
        rng, n_components = np.random.default_rng(self.seed), self.problem.mixture.n_components
        starts = propose(prior.landmarks(rows), n_components, rng, n, self._weight)
        return np.stack([start.responsibilities for start in starts])

    def parameters(self, n: int) -> list[Draws]:
        """Return n starting points under canonical names, arrays of shape (K, ...)."""
        prior, rows = self._in_coordinates
        statistics = prior.statistics(rows)
        points = []
        for r in self.responsibilities(n):
            sums = (r * self._weight[:, np.newaxis]).T @ statistics
            components = prior.updated(sums).seen_from(self._coordinates.inverse)
            weights = self.problem.mixture.weights.updated(sums[:, -1])
            points.append({**components.mean_draw(), **weights.mean_draw()})
        return points

    @property
    def _weight(self) -> np.ndarray:
        return as_sample_weight(self.problem.sample_weight, len(self.problem.x))

    @cached_property
    def _prior(self) -> ConjugateFamily:
        return self.problem.mixture.components.with_features(self.problem.x.shape[1])

    @cached_property
    def _coordinates(self) -> Coordinates:
        return self._prior.coordinates(self.problem.x, self._weight)

    @property
    def _in_coordinates(self) -> tuple[ConjugateFamily, np.ndarray]:
        """The prior and the data as `hand_cavi.fit` reads them."""
        return self._prior.seen_from(self._coordinates), self._coordinates.apply(self.problem.x)
