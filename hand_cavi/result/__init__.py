"""What a fit returns: the posterior factors, how they were found, and what they predict."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import softmax_rows
from hand_cavi.elbo import ElboTerms
from hand_cavi.inputs import Draws, InputError, Seed, as_count, as_rows
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.special import logsumexp, ndtri
from hand_cavi.weights.mixing import MixingWeights

_BLOCK = 1 << 20  # numbers held at once by sample_data: 8 MB


class Status(Enum):
    """How coordinate ascent ended. Reaching the maximum of sweeps is not converging."""

    CONVERGED = "the bound stopped rising"
    SADDLE = "the bound stopped rising at a saddle, such as a point of symmetry: a small push would raise it"
    MAX_SWEEPS = "the maximum of sweeps was reached before the bound stopped rising"
    STOPPED = "the callback asked to stop"
    GIVEN_UP = "the bound rose so slowly, so far below another start's, that it would have stayed below"
    NOT_FINITE = "the bound is not a finite number: the data's scale is beyond float64"
    STEPS_TAKEN = "all stochastic steps that were asked for were taken; they have no test of convergence"


@dataclass(frozen=True)
class StepInfo:
    """What a sweep reports.

    Attributes
    ----------
    sweep : int
        Counted from 1.
    after_globals, after_assignments : ElboTerms
        The bound after each half-step. An extrapolation (`ascent.acceleration`) has none after its first:
        there, the bound before it stands again.
    """

    sweep: int
    after_globals: ElboTerms
    after_assignments: ElboTerms

    @property
    def elbo(self) -> float:
        """The bound at the end of the sweep, in nats."""
        return self.after_assignments.total


@dataclass(frozen=True)
class StartOutcome:
    """How ascent from one start ended.

    Attributes
    ----------
    kind : str
        ``"k-means++"``, ``"random"``, ``"split"`` or ``"given"``.
    elbo : float
        In nats.
    sweeps : int
    status : Status
    """

    kind: str
    elbo: float
    sweeps: int
    status: Status


@dataclass(frozen=True)
class MoveOutcome:
    """How one move ended.

    Attributes
    ----------
    kind : str
        ``"merge"`` or ``"merge and split"``.
    elbo_before, elbo : float
        The bound that was to be beaten, and the one that ascent from the move reached, in nats.
    kept : bool
    sweeps : int
    """

    kind: str
    elbo_before: float
    elbo: float
    kept: bool
    sweeps: int


@dataclass(frozen=True)
class CondensingReport:
    """How the condensed data of a fit stand to the data themselves.

    Attributes
    ----------
    n_points, n_nodes : int
        Points, and the weighted ones that stood for them in all sweeps.
    width : float or None
        Of the cells, in the data's units, of two features the root of their area; None where the nodes are
        the distinct points.
    elbo_error : float
        |bound on the nodes - bound on the data| / max(1, |bound|), at the posterior that was found.
    sums_error : float
        The largest error of an entry of sum_i w_i r_ik T(x_i), as a share of its column's absolute values.
    refinements : int
        How often cells had to be made narrower.
    """

    n_points: int
    n_nodes: int
    width: float | None
    elbo_error: float
    sums_error: float
    refinements: int


@dataclass(frozen=True, repr=False)
class Fit:
    """The best of the ascents.

    Attributes
    ----------
    mixture : Mixture
        The prior.
    components : ConjugateFamily
        q(theta), K posteriors in the data's units.
    weights : MixingWeights
        q(pi).
    elbo_terms : ElboTerms
        The five terms of the bound, in nats, at `components`, `weights` and their responsibilities.
    half_step_trace : ndarray, shape (sweeps, 2)
        The bound after each half-step of the last ascent: components and weights, then assignments. An
        extrapolation of an accelerated fit has but one half-step, and repeats the bound before it in the
        first column. A stochastic fit has none: there, the first column is nan, and a row is one evaluation.
    status : Status
        How the last ascent ended: the one from the best start, or from the last move that was kept.
    starts : tuple of StartOutcome
        Every start, the best bound first.
    counts : ndarray, shape (K,)
        N_k, the (weighted) number of points of each component.
    moves : tuple of MoveOutcome
        Every split-and-merge move, in the order they were tried.
    condensed : CondensingReport or None
        If the sweeps ran on condensed data: on how many nodes, and the error, measured on the data. The
        bound's terms and the counts are those of the data all the same; the trace is that of the nodes.
    """

    mixture: Mixture
    components: ConjugateFamily
    weights: MixingWeights
    elbo_terms: ElboTerms
    half_step_trace: np.ndarray
    status: Status
    starts: tuple[StartOutcome, ...]
    counts: np.ndarray
    _coordinates: Coordinates
    moves: tuple[MoveOutcome, ...] = ()
    condensed: CondensingReport | None = None

    def __repr__(self) -> str:
        held = np.array2string(self.counts, precision=1, separator=", ", threshold=10, suppress_small=True)
        return (
            f"<Fit of {len(self.counts)} components ({self.components.name}, weights {self.weights.name}): "
            f"ELBO {self.elbo:.6f} nats, {self.status.name.lower()} ({self.status.value}); "
            f"points held: {held}>"
        )

    def _repr_html_(self) -> str:
        from hand_cavi.result.html import of_fit

        return of_fit(self)

    # ---- how it was found -----------------------------------------------------------------

    @property
    def elbo(self) -> float:
        """The evidence lower bound in nats, every constant kept."""
        return self.elbo_terms.total

    @property
    def elbo_trace(self) -> np.ndarray:
        """The bound after every sweep, shape (sweeps,)."""
        return self.half_step_trace[:, 1]

    @property
    def sweeps(self) -> int:
        """The number of sweeps of the last ascent."""
        return len(self.half_step_trace)

    @property
    def starts_at_best(self) -> int:
        """How many starts reached `elbo` to 1e-6 of max(1, |elbo|); none, if a move was needed."""
        reached = self.elbo - 1e-6 * max(1.0, abs(self.elbo))
        return sum(start.elbo >= reached for start in self.starts)

    @property
    def share_at_best(self) -> float:
        """The share of starts that reached the best optimum found."""
        return self.starts_at_best / len(self.starts)

    def share_at_best_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return Wilson's interval for the chance that a start reaches the best optimum found."""
        return wilson_interval(self.starts_at_best, len(self.starts), level)

    # ---- what it predicts -----------------------------------------------------------------

    def responsibilities(self, x: ArrayLike) -> np.ndarray:
        """Return q(c_i = k) for points old or new, shape (N, K)."""
        inner, rows = self._inner(x)
        return softmax_rows(inner.statistics(rows) @ inner.expected_phi.T + self.weights.expected_log())[0]

    def predict(self, x: ArrayLike) -> np.ndarray:
        """Return each point's most responsible component, shape (N,), of int."""
        return self.responsibilities(x).argmax(axis=1)

    def log_predictive(self, x: ArrayLike) -> np.ndarray:
        """Return the log density of new points under q, theta and pi integrated out, shape (N,)."""
        inner, rows = self._inner(x)
        per_component = inner.log_predictive(rows) + np.log(self.weights.mean())
        return logsumexp(per_component, axis=1) - self._coordinates.log_volume

    def score(self, x: ArrayLike) -> float:
        """Return the mean of `log_predictive`, in nats a point."""
        return float(np.mean(self.log_predictive(x)))

    def sample_data(self, rng: Seed, n: int) -> np.ndarray:
        """Return n new points, shape (n, D), each drawn on its own from the posterior predictive."""
        return self.sample_labelled(rng, n)[0]

    def sample_labelled(self, rng: Seed, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return n new points, shape (n, D), and the components they were drawn from, shape (n,).

        Every point has its own c from the weights' mean and its own theta from q(theta_c), so that
        their density is `log_predictive`.
        """
        generator = np.random.default_rng(rng)
        chance = self.weights.mean()
        assignments = generator.choice(len(chance), size=as_count(n, "n"), p=chance / chance.sum())
        inner = self.components.seen_from(self._coordinates)
        x = np.empty((n, inner.n_features))
        rows = max(1, _BLOCK // inner.natural.shape[-1])
        for start in range(0, n, rows):
            natural = inner.natural[assignments[start : start + rows]]
            theta = {name: draw[0] for name, draw in inner.from_natural(natural).sample(generator, 1).items()}
            x[start : start + rows] = inner.sample_data(generator, theta, np.arange(len(natural)))
        return self._coordinates.inverse.apply(x), assignments

    # ---- the posterior itself -------------------------------------------------------------

    def sample(self, rng: Seed, n: int) -> Draws:
        """Return n draws from q(theta) q(pi), canonical names, each array of shape (n, K, ...)."""
        generator = np.random.default_rng(rng)
        return {**self.components.sample(generator, n), **self.weights.sample(generator, n)}

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return log q(theta, pi) of canonical draws, shape (S,)."""
        return self.log_density_by_component(draws).sum(axis=1)

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        """Return the terms of log q(theta, pi), one for each component, shape (S, K)."""
        inner = self.components.seen_from(self._coordinates)
        inner_draws, log_jacobian = self.components.draws_seen_from(self._coordinates, draws)
        per_component = inner.log_density(inner_draws) + log_jacobian
        return per_component + self.weights.log_density_terms(draws, len(per_component))

    def _inner(self, x: ArrayLike) -> tuple[ConjugateFamily, np.ndarray]:
        rows = as_rows(x)
        if rows.shape[1] != self.components.n_features:
            raise InputError(
                f"the points have {rows.shape[1]} features, but the fit was to {self.components.n_features}"
            )
        self.components.check_data(rows)
        return self.components.seen_from(self._coordinates), self._coordinates.apply(rows)


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's (1927) score interval for a chance, from a count of successes.

    Raises
    ------
    InputError
        If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}; it must lie between 0 and 1, such as 0.95")
    z = float(ndtri((1 + level) / 2))
    share, shrink = successes / trials, 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
