"""The layout of a NumPyro model's unconstrained coordinates, read off the model; log p(x, u) in them."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from numpyro.distributions import biject_to, transforms
from numpyro.handlers import seed, trace
from numpyro.infer.util import potential_energy

from ppl_baselines.errors import UnavailableError
from ppl_baselines.numpyro.build import Model
from ppl_baselines.transforms import Identity, Log, LogCholesky, Sticks, Transform
from ppl_baselines.unconstrained import Coordinates, Span

LogJoint = Callable[[jax.Array, dict[str, jax.Array]], jax.Array]
"""log p(x, u) at one u of shape (P,) and the data, by name."""


@dataclass(frozen=True)
class CholeskyDiagonalLast:
    """Precision matrices L L' by L, whose diagonal NumPyro puts behind the entries below it."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return the matrices, shape (S, K, D, D), from u, shape (S, K, D(D+1)/2)."""
        return LogCholesky().constrain(self._by_rows(u))

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return u, shape (S, K, D(D+1)/2); NaN throughout if any matrix is not positive definite."""
        return LogCholesky().unconstrain(theta)[..., _order(theta.shape[-1] * (theta.shape[-1] + 1) // 2)]

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return log |d Lambda / du|, shape (S,)."""
        return LogCholesky().log_jacobian(self._by_rows(u))

    @staticmethod
    def _by_rows(u: np.ndarray) -> np.ndarray:
        return u[..., np.argsort(_order(u.shape[-1]))]


def _order(size: int) -> np.ndarray:
    """Return where NumPyro's entries are in the rows of the triangle, shape (D(D+1)/2,)."""
    rows, columns = np.tril_indices(round((np.sqrt(8 * size + 1) - 1) / 2))
    return np.argsort(rows == columns, kind="stable")


TRANSFORMS: dict[type, Transform] = {
    transforms.IdentityTransform: Identity(),
    transforms.ExpTransform: Log(),
    transforms.LowerCholeskyTransform: CholeskyDiagonalLast(),
}
"""The transforms, by the class with which NumPyro does the same, or of which L L' comes."""

STAND_INS: dict[str, tuple[str, Transform | None]] = {
    "precision_cholesky": ("precision", None),
    "probability_log_odds": ("probability", Sticks()),
    "weights_log_odds": ("weights", Sticks()),
}
"""Models' variables, the canonical ones that they stand for, and how, if their own transform falls short."""


def coordinates_of(model: Model) -> Coordinates:
    """Read the layout off a model.

    Raises
    ------
    UnavailableError
        If a variable has a transform that is not in `TRANSFORMS`.
    """
    spans: list[Span] = []
    start = 0
    for variable, site in trace(seed(model.function, 0)).get_trace(**model.data).items():
        if site["type"] != "sample" or site["is_observed"]:
            continue
        bijection = biject_to(site["fn"].support)
        kind = type(getattr(bijection, "base_transform", bijection))
        if kind not in TRANSFORMS:
            raise UnavailableError(
                f"The transform {kind.__name__} of {variable!r} is not in "
                "ppl_baselines/numpyro/coordinates.py."
            )
        name, transform = STAND_INS.get(variable, (variable, None))
        shape = tuple(bijection.inverse_shape(site["fn"].shape()))
        stop = start + int(np.prod(shape))
        spans.append(Span(name, variable, start, stop, shape, transform or TRANSFORMS[kind]))
        start = stop
    return Coordinates(tuple(spans))


def log_joint_of(model: Model, coordinates: Coordinates) -> LogJoint:
    """Return log p(x, u) = log p(x, theta) + log |det d theta / du| as a function that JAX can trace."""

    def log_joint(u: jax.Array, data: dict[str, jax.Array]) -> jax.Array:
        parts = {span.variable: u[span.start : span.stop].reshape(span.shape) for span in coordinates.spans}
        return -potential_energy(model.function, (), data, parts)

    return log_joint
