r"""The log joint density of a mixture with its assignments kept, written from the story alone.

    theta_k ~ prior,   pi ~ prior,   c_i ~ Categorical(pi),   x_i | c_i ~ p(x | theta_{c_i})

Densities are written as tables of distributions have them, by each family's file in `experiments.families`;
nothing is taken from `hand_cavi`, whose natural parameters and log-partitions are to be checked.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from experiments.families.lookup import offered

if TYPE_CHECKING:
    from hand_cavi import Mixture

Arrays = Mapping[str, np.ndarray]


class MixtureLogJoint:
    """ln p(x, c, theta, pi) of canonical draws, with ``assignments`` of shape (S, N); x is (N,) or (N, D)."""

    def __init__(self, mixture: "Mixture", x: ArrayLike) -> None:
        x = np.asarray(x, dtype=float)
        self.mixture = mixture
        self.x = x[:, np.newaxis] if x.ndim == 1 else x
        names = offered(mixture.components.name, "VARIABLES")
        known = mixture.weights.name == "fixed"
        self.variables = (*names, "assignments") if known else (*names, "weights", "assignments")

    def __call__(self, values: Arrays) -> np.ndarray:
        """Return ln p, shape (S,), in nats."""
        return np.sum(list(self.terms(values).values()), axis=0)

    def terms(self, values: Arrays) -> dict[str, np.ndarray]:
        """Return its parts by name, each of shape (S,)."""
        from experiments.families.weights import log_prior

        c = values["assignments"]
        n, k = len(c), self.mixture.n_components
        weights = values.get("weights", np.full((n, k), 1 / k))
        prior = self.mixture.components
        log_prior_components, log_x = offered(prior.name, "log_joint")(prior, self.x, values)
        own = np.take_along_axis(log_x, c[:, np.newaxis, :], axis=1)[:, 0]
        found = {
            "log_likelihood": own.sum(axis=1),
            "log_assignments": np.take_along_axis(np.log(weights), c, axis=1).sum(axis=1),
            "log_prior_components": log_prior_components.sum(axis=1),
        }
        log_prior_weights = log_prior(self.mixture.weights, weights)
        return found if log_prior_weights is None else found | {"log_prior_weights": log_prior_weights}

    def like(self, mixture: "Mixture", x: ArrayLike) -> "MixtureLogJoint":
        """Return the log joint density of another mixture, or of other data."""
        return type(self)(mixture, x)
