r"""Stochastic variational inference: a step for every batch of rows, with steps that shrink.

The full-data update is eta_k = eta_0 + n s_k with n s_k = sum_i w_i r_ik T(x_i), n the points and s_k their
share of the statistics, a point's worth. A batch B of rows drawn at random estimates s without bias (but for
that of the quotient, if rows have weights), and a step moves towards it,

    s_k <- (1 - rho_t) s_k + rho_t sum_{i in B} w_i r_ik T(x_i) / sum_{i in B} w_i,
    rho_t = (t + delay)^-forgetting,

which is a step of length rho_t along the natural gradient of the bound, for q(theta) and for q(pi) alike:
the natural parameters of both are linear in s. Steps satisfy Robbins & Monro's conditions for forgetting
in (0.5, 1]. With B all rows and rho = 1 a step is a sweep of coordinate ascent.

Source: Hoffman, Blei, Wang & Paisley (2013), figure 4 and equations 26, 34 and 35.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from hand_cavi.ascent.ascend import better_order
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import refresh
from hand_cavi.elbo import ElboTerms, elbo_terms
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.result import Fit, StartOutcome, Status
from hand_cavi.weights.mixing import MixingWeights

DELAY, FORGETTING = 1.0, 0.7


@dataclass(frozen=True)
class Stream:
    """What is carried on from batch to batch.

    Attributes
    ----------
    mixture : Mixture
    components, weights
        The prior, in `coordinates`.
    coordinates : Coordinates
    per_point : ndarray, shape (K, P)
        s.
    n_seen : float
        Points so far, counted with their weights.
    n_points : float
        n: for how many points the posterior stands.
    bounds : tuple of float
        After every batch, in nats, estimated from it.
    """

    mixture: Mixture
    components: ConjugateFamily
    weights: MixingWeights
    coordinates: Coordinates
    per_point: np.ndarray
    n_seen: float
    n_points: float
    bounds: tuple[float, ...]

    @classmethod
    def after(cls, fitted: Fit) -> Self:
        """Go on from a fit, to the first batch or to any data."""
        coordinates = fitted._coordinates
        prior = fitted.mixture.components.with_features(fitted.components.n_features).seen_from(coordinates)
        n = float(fitted.counts.sum())
        sums = fitted.components.seen_from(coordinates).natural - prior.natural
        if not sums[:, -1].any():  # categories' natural parameters keep no count
            sums[:, -1] = fitted.counts
        return cls(fitted.mixture, prior, fitted.mixture.weights, coordinates, sums / n, n, n, (fitted.elbo,))

    @property
    def factors(self) -> tuple[ConjugateFamily, MixingWeights]:
        """q(theta), in `coordinates`, and q(pi)."""
        sums = self.n_points * self.per_point
        return self.components.updated(sums), self.weights.updated(sums[:, -1])

    def stepped(
        self, x: np.ndarray, weight: np.ndarray, n_points: float | None = None, rate: float | None = None
    ) -> Self:
        """Return the stream after a step towards a batch, whose bound is not estimated yet.

        Parameters
        ----------
        x : ndarray, shape (B, D)
        weight : ndarray, shape (B,)
            w_i, above 0.
        n_points : float, optional
            n; the points seen so far, if None.
        rate : float, optional
            rho, above 0 and at most 1; by default (t + 1)^-0.7 for the t-th batch.
        """
        if rate is None:
            rate = (len(self.bounds) + 1 + DELAY) ** -FORGETTING
        batch = self._refreshed(x, weight)[0] / weight.sum()
        per_point = (1 - rate) * self.per_point + rate * batch
        n_seen = self.n_seen + float(weight.sum())
        n = n_seen if n_points is None else n_points
        order, gain = better_order(self.weights, n * per_point[:, -1])
        return replace(self, per_point=per_point[order] if gain > 0 else per_point, n_seen=n_seen, n_points=n)

    def bound(self, x: np.ndarray, weight: np.ndarray) -> ElboTerms:
        """Return the terms of the bound at q, estimated from a batch; exact if its rows are all there are."""
        sums, entropy = self._refreshed(x, weight)
        scale = self.n_points / weight.sum()
        log_base = weight @ self.components.log_base(self.coordinates.apply(x))
        log_base -= weight.sum() * self.coordinates.log_volume
        prior = self.components, self.weights
        return elbo_terms(prior, self.factors, scale * sums, scale * entropy, scale * float(log_base))

    def result(self, x: np.ndarray, weight: np.ndarray) -> tuple[Self, Fit]:
        """Return the stream with the bound that a batch gives it, and the fit so far."""
        terms = self.bound(x, weight)
        stream = replace(self, bounds=(*self.bounds, terms.total))
        components, weights = self.factors
        status = Status.STEPS_TAKEN if np.isfinite(terms.total) else Status.NOT_FINITE
        n_steps = len(stream.bounds)
        fitted = Fit(
            mixture=self.mixture,
            components=components.seen_from(self.coordinates.inverse),
            weights=weights,
            elbo_terms=terms,
            half_step_trace=np.column_stack([np.full(n_steps, np.nan), stream.bounds]),
            status=status,
            starts=(StartOutcome("given", terms.total, n_steps, status),),
            counts=self.n_points * self.per_point[:, -1],
            _coordinates=self.coordinates,
        )
        return stream, fitted

    def _refreshed(self, x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the sums (K, P) and the entropy of the optimal assignments of a batch."""
        components, weights = self.factors
        statistics = self.components.statistics(self.coordinates.apply(x))
        found = refresh(statistics, weight, components.expected_phi, weights.expected_log())
        return found.sums, found.entropy
