"""The log joint density of a mixture of any components, whose weights may have a piece that is never used."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from examples.audit.gaussians import OneVariance, TiedNormalWishart, log_joint_of
from experiments.families.lookup import offered
from experiments.families.weights import log_prior

Draws = Mapping[str, np.ndarray]


def components_of(prior: Any) -> Callable[[Any, np.ndarray, Draws], tuple[np.ndarray, np.ndarray]]:
    """Return the function that gives ln p(theta) and ln p(x_i | theta_k) of draws."""
    own = isinstance(prior, TiedNormalWishart | OneVariance)
    return log_joint_of if own else offered(prior.name, "log_joint")


class MixtureLogJoint:
    """ln p(x, c, theta, pi), as in `experiments.checks.MixtureLogJoint`, for draws of c < K alone.

    Of the sticks of a Dirichlet process q uses the first K. That is the whole process with q(c > K) = 0: what
    is left of the stick is the last of K + 1 ``weights``.
    """

    def __init__(self, components: Any, weights: Any, x: np.ndarray) -> None:
        self.components, self.weights, self.x = components, weights, x

    def __call__(self, draws: Draws) -> np.ndarray:
        """Return ln p, shape (S,), in nats."""
        return np.sum(list(self.terms(draws).values()), axis=0)

    def terms(self, draws: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, each of shape (S,)."""
        c, weights = draws["assignments"], draws["weights"]
        log_components, log_x = components_of(self.components)(self.components, self.x, draws)
        own = np.take_along_axis(log_x, c[:, np.newaxis, :], axis=1)[:, 0]
        return {
            "log_likelihood": own.sum(axis=1),
            "log_assignments": np.take_along_axis(np.log(weights), c, axis=1).sum(axis=1),
            "log_prior_components": log_components.sum(axis=1),
            "log_prior_weights": log_prior(self.weights, weights),
        }
