"""Fitting a mixture: dispersed starts, coordinate ascent from each, the best bound wins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from hand_cavi.cavi import Callback, State, Status, StepInfo, StoppingRule, Task, ascend
from hand_cavi.conjugate import ConjugateFamily, Draws
from hand_cavi.coordinates import Coordinates
from hand_cavi.elbo import ElboTerms
from hand_cavi.inputs import InputError, Seed, as_count, as_rows, as_sample_weight
from hand_cavi.kernels import softmax_rows
from hand_cavi.mixture import Mixture
from hand_cavi.starts import Start, propose
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class StartOutcome:
    """How ascent from one start ended.

    Attributes
    ----------
    kind : str
        ``"k-means++"``, ``"random"`` or ``"given"``.
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
        The bound after each half-step: components and weights, then assignments.
    status : Status
        How ascent from the best start ended.
    starts : tuple of StartOutcome
        Every start, the best bound first.
    counts : ndarray, shape (K,)
        N_k, the (weighted) number of points of each component.
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
        """The number of sweeps from the best start."""
        return len(self.half_step_trace)

    def responsibilities(self, x: ArrayLike) -> np.ndarray:
        """Return q(c_i = k) for points old or new, shape (N, K)."""
        inner, rows = self._inner(x)
        return softmax_rows(rows_times_phi(inner, rows) + self.weights.expected_log())[0]

    def log_predictive(self, x: ArrayLike) -> np.ndarray:
        """Return the log density of new points under q, theta and pi integrated out, shape (N,)."""
        inner, rows = self._inner(x)
        per_component = inner.log_predictive(rows) + np.log(self.weights.mean())
        return logsumexp(per_component, axis=1) - self._coordinates.log_volume

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


def rows_times_phi(components: ConjugateFamily, rows: np.ndarray) -> np.ndarray:
    """Return < E phi_k, T(x_i) >, shape (N, K): E ln p(x_i | theta_k) but for log h, equal for all k."""
    return components.statistics(rows) @ components.expected_phi.T


def fit(
    mixture: Mixture,
    x: ArrayLike,
    *,
    rng: Seed,
    starts: int | np.ndarray = 20,
    max_sweeps: int = 2000,
    tolerance: float = 1e-12,
    patience: int = 3,
    sample_weight: ArrayLike | None = None,
    callback: Callback | None = None,
) -> Fit:
    """Fit a mixture by coordinate-ascent variational inference.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D)
    rng : numpy.random.Generator or int
        Where the starts come from; an int is a seed.
    starts : int or ndarray
        How many dispersed starts, or the responsibilities to start from: shape (N, K) for one,
        (R, N, K) for several.
    max_sweeps, tolerance, patience, callback
        See `hand_cavi.cavi.StoppingRule`. They hold for each start.
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for.

    Returns
    -------
    Fit
        From the start with the highest bound.

    Raises
    ------
    InputError
        If the data, the weights, the starts or a setting cannot be used.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2)
    >>> round(fit(mixture, x, rng=1).elbo, 6)
    -18.71697
    """
    rows = as_rows(x)
    weight = as_sample_weight(sample_weight, len(rows))
    rule = StoppingRule(
        as_count(max_sweeps, "max_sweeps"), _as_tolerance(tolerance), as_count(patience, "patience"), callback
    )
    task, coordinates = _task(mixture, rows, weight)
    landmarks = task.components.landmarks(coordinates.apply(rows))
    proposals = _starts(mixture, landmarks, weight, rng, starts)

    outcomes: list[StartOutcome] = []
    best: tuple[State, list[StepInfo], Status] | None = None
    for start in proposals:
        state, infos, status = ascend(task, start.responsibilities, rule)
        outcomes.append(StartOutcome(start.kind, infos[-1].elbo, len(infos), status))
        if best is None or infos[-1].elbo > best[1][-1].elbo:
            best = state, infos, status
    assert best is not None
    state, infos, status = best
    return Fit(
        mixture=mixture,
        components=state.components.seen_from(coordinates.inverse),
        weights=state.weights,
        elbo_terms=infos[-1].after_assignments,
        half_step_trace=np.array([[i.after_globals.total, i.after_assignments.total] for i in infos]),
        status=status,
        starts=tuple(sorted(outcomes, key=lambda outcome: -outcome.elbo)),
        counts=state.assignments.sums[:, -1],
        _coordinates=coordinates,
    )


def _task(mixture: Mixture, rows: np.ndarray, weight: np.ndarray) -> tuple[Task, Coordinates]:
    prior = mixture.components.with_features(rows.shape[1])
    prior.check_data(rows)
    coordinates = prior.coordinates(rows, weight)
    inner, inner_rows = prior.seen_from(coordinates), coordinates.apply(rows)
    log_base = weight @ inner.log_base(inner_rows) - weight.sum() * coordinates.log_volume
    return Task(inner, mixture.weights, inner.statistics(inner_rows), weight, float(log_base)), coordinates


def _starts(
    mixture: Mixture, landmarks: np.ndarray, weight: np.ndarray, rng: Seed, starts: int | np.ndarray
) -> list[Start]:
    n_components = mixture.n_components
    if isinstance(starts, int | np.integer):
        number = as_count(starts, "starts")
        return propose(landmarks, n_components, np.random.default_rng(rng), number, weight)
    given = np.asarray(starts, dtype=np.float64)
    if given.ndim == 2:
        given = given[np.newaxis]
    if given.ndim != 3 or len(given) == 0 or given.shape[1:] != (len(landmarks), n_components):
        raise InputError(
            f"starts have shape {np.shape(starts)}; responsibilities of {len(landmarks)} points and "
            f"{n_components} components need ({len(landmarks)}, {n_components})"
        )
    if not (np.isfinite(given).all() and (given >= 0).all() and np.allclose(given.sum(axis=2), 1)):
        raise InputError("starts are no responsibilities; every row must be at least 0 and sum to 1")
    return [Start("given", r) for r in given]


def _as_tolerance(tolerance: float) -> float:
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"tolerance is {tolerance!r}; it must be finite and not negative")
    return float(tolerance)
