"""The same dispersed starts for every method, from the same seed.

CAVI starts from responsibilities; ADVI and NUTS start from parameters. Both come from one list: the
parameters of a start are the posterior means after one update from its responsibilities. Asking for more
starts changes none of the first.
"""

from dataclasses import dataclass

import numpy as np

from experiments.records import Draws, Problem
from hand_cavi.starts import Start, propose


@dataclass(frozen=True)
class Starts:
    """Starts of one problem.

    Attributes
    ----------
    problem : Problem
    seed : int
        Depends on the data set, the model and the repeat, not on the method.
    """

    problem: Problem
    seed: int

    def responsibilities(self, n: int) -> np.ndarray:
        """Return n starting responsibilities, shape (n, N, K)."""
        return np.stack([start.responsibilities for start in self._propose(n)])

    def parameters(self, n: int) -> list[Draws]:
        """Return n starting points under canonical names, arrays of shape (K, ...)."""
        rows, weight = self.problem.x, self._weight
        mixture = self.problem.mixture
        prior = mixture.components.with_features(rows.shape[1])
        statistics = prior.statistics(rows)
        points = []
        for start in self._propose(n):
            sums = (start.responsibilities * weight[:, np.newaxis]).T @ statistics
            weights = mixture.weights.updated(sums[:, -1])
            points.append({**prior.updated(sums).mean_draw(), **weights.mean_draw()})
        return points

    @property
    def _weight(self) -> np.ndarray:
        weight = self.problem.sample_weight
        return np.ones(len(self.problem.x)) if weight is None else weight

    def _propose(self, n: int) -> list[Start]:
        prior = self.problem.mixture.components.with_features(self.problem.x.shape[1])
        rows = prior.coordinates(self.problem.x, self._weight).apply(self.problem.x)
        rng = np.random.default_rng(self.seed)
        return propose(rows, self.problem.mixture.n_components, rng, n, self._weight)
