"""Mixtures as derivations: the shipped updates, factor by factor, so that they can be checked.

    q(c) q(theta) q(pi),     q(c) = prod_i r_{i, c_i}

Nothing is derived here a second time: components and weights are `updated`, responsibilities refreshed and
the bound summed by the code that `fit` runs. Draws are named canonically, with `assignments` of shape (S, N).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent import sweep as cavi
from hand_cavi.ascent.preparing import prepare
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import Assignments, summarise
from hand_cavi.derivation import Limit, Symmetry
from hand_cavi.elbo import elbo_terms
from hand_cavi.inputs import Draws, InputError, as_rows
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.weights import FixedWeights
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class MixtureState:
    """What `hand_cavi.ascent.sweep` carries on, and the responsibilities that it never holds.

    Attributes
    ----------
    ascent : cavi.State
        q(theta) in the coordinates of the sweeps, q(pi), and the sums that q(c) leaves behind.
    responsibilities : ndarray, shape (N, K)
    """

    ascent: cavi.State
    responsibilities: np.ndarray


class MixtureDerivation:
    """The mean field of a mixture: factors ``assignments``, ``components`` and, where unknown, ``weights``.

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N,) or (N, D)
        Shape (0, D) is no data at all: the posterior is the prior.
    """

    def __init__(self, mixture: Mixture, x: ArrayLike) -> None:
        empty = np.ndim(x) == 2 and len(np.asarray(x)) == 0
        self.mixture = mixture
        self.x = np.asarray(x, dtype=np.float64) if empty else as_rows(x)
        if empty:
            prior = mixture.components.with_features(self.x.shape[1])
            statistics = np.empty((0, prior.natural.shape[-1]))
            self.task = cavi.Task(prior, mixture.weights, statistics, np.empty(0), 0.0)
            self.coordinates = Coordinates.identity(self.x.shape[1])
        else:
            self.task, self.coordinates = prepare(mixture, self.x, np.ones(len(self.x)))

    @property
    def factors(self) -> tuple[str, ...]:
        """The names of the factors, in the order of a sweep."""
        known = self.mixture.weights.name == "fixed"
        return ("components", "assignments") if known else ("components", "weights", "assignments")

    def initial(self, rng: np.random.Generator) -> MixtureState:
        """Return a state in which no factor is at its optimum: each comes from its own responsibilities."""
        own, of_components, of_weights = (self._random(rng) for _ in range(3))
        state = cavi.State(
            self.task.components.updated(of_components[1].sums),
            self.task.weights.updated(of_weights[1].sums[:, -1]),
            own[1],
        )
        return MixtureState(state, own[0])

    def update(self, state: MixtureState, factor: str) -> MixtureState:
        """Set one factor to its optimum, as a sweep of `hand_cavi.ascent.sweep` does."""
        now = state.ascent
        sums = now.assignments.sums
        if factor == "components":
            return replace(state, ascent=replace(now, components=self.task.components.updated(sums)))
        if factor == "weights":
            return replace(state, ascent=replace(now, weights=self.task.weights.updated(sums[:, -1])))
        if factor == "assignments":
            assignments = self.task.refreshed(now.components.expected_phi, now.weights.expected_log())
            r = cavi.responsibilities(self.task, now)
            return MixtureState(replace(now, assignments=assignments), r)
        raise self._unknown(factor)

    def elbo(self, state: MixtureState) -> dict[str, float]:
        """Return the five terms, the divergences with their signs turned."""
        now = state.ascent
        terms = elbo_terms(
            (self.task.components, self.task.weights),
            (now.components, now.weights),
            now.assignments.sums,
            now.assignments.entropy,
            self.task.log_base,
        )
        return {
            "log_likelihood": terms.log_likelihood,
            "log_assignments": terms.log_assignments,
            "entropy_assignments": terms.entropy,
            "minus_kl_weights": -terms.kl_weights,
            "minus_kl_components": -terms.kl_components,
        }

    def sample(self, state: MixtureState, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n canonical draws in the data's units, or ``assignments`` of shape (n, N)."""
        if factor == "components":
            return self._in_units(state).sample(rng, n)
        if factor == "weights":
            return state.ascent.weights.sample(rng, n)
        if factor == "assignments":
            cumulative = np.cumsum(state.responsibilities, axis=1)[:, :-1]
            uniform = rng.random((n, len(cumulative), 1))
            return {"assignments": np.sum(uniform > cumulative, axis=2)}
        raise self._unknown(factor)

    def log_density(self, state: MixtureState, factor: str, values: Draws) -> np.ndarray:
        """Return ln q of one factor, shape (S,), in the data's units."""
        if factor == "components":
            return self._in_units(state).log_density(values).sum(axis=1)
        if factor == "weights":
            return state.ascent.weights.log_density(values, len(values["weights"]))
        if factor == "assignments":
            with np.errstate(divide="ignore"):
                log_r = np.log(state.responsibilities)
            return log_r[np.arange(len(log_r)), values["assignments"]].sum(axis=1)
        raise self._unknown(factor)

    def parameters(self, state: MixtureState, factor: str) -> dict[str, np.ndarray]:
        """Return what a factor is made of: arrays of K, in the coordinates of the sweeps."""
        if factor == "assignments":
            return {"responsibilities": state.responsibilities}
        return _arrays(state.ascent.components if factor == "components" else state.ascent.weights)

    def with_parameters(
        self, state: MixtureState, factor: str, parameters: dict[str, np.ndarray]
    ) -> MixtureState:
        """Return the state with one factor set to these parameters."""
        now = state.ascent
        if factor == "assignments":
            r = parameters["responsibilities"]
            assignments = summarise(self.task.statistics, self.task.sample_weight, r)
            return MixtureState(replace(now, assignments=assignments), r)
        if factor == "components":
            return replace(state, ascent=replace(now, components=_with(now.components, parameters)))
        return replace(state, ascent=replace(now, weights=_with(now.weights, parameters)))

    # ---- the same model told otherwise, and where it is exact ------------------------------

    def symmetries(self) -> list[Symmetry]:
        """Return the order of the rows, of the labels, and a shift, as far as this model has them."""
        k = self.mixture.n_components
        backwards, shift = np.arange(len(self.x))[::-1], 3.7
        other = self.like(self.mixture, self.x[backwards])
        found = [Symmetry("the order of the rows", other, self._rearranged(other, backwards))]
        if k > 1 and self.mixture.weights.exchangeable:
            found.append(
                Symmetry("the labels of the components", self, _relabelled(np.roll(np.arange(k), 1)))
            )
        prior = self.mixture.components
        if hasattr(prior, "mean"):
            moved = replace(self.mixture, components=_with(prior, {"mean": prior.mean + shift}))
            other = self.like(moved, self.x + shift)
            found.append(
                Symmetry("a shift of the data and of the prior mean", other, self._shifted(other, shift))
            )
        return found

    def limits(self) -> list[Limit]:
        """Return a single component, and no data."""
        single, nothing = Mixture(self.mixture.components, FixedWeights(), 1), self.x[:0]
        return [
            Limit("a single component", self.like(single, self.x), (single, self.x)),
            Limit("no data", self.like(self.mixture, nothing), (self.mixture, nothing)),
        ]

    def like(self, mixture: Mixture, x: np.ndarray) -> "MixtureDerivation":
        """Return the derivation of the same kind for another mixture or other data."""
        return type(self)(mixture, x)

    # ---- pieces ---------------------------------------------------------------------------

    def _random(self, rng: np.random.Generator) -> tuple[np.ndarray, Assignments]:
        r = rng.dirichlet(np.full(self.mixture.n_components, 0.5), size=len(self.x))
        r = (r + 0.01) / (1 + 0.01 * self.mixture.n_components)  # a label that is impossible teaches nothing
        return r, summarise(self.task.statistics, self.task.sample_weight, r)

    def _in_units(self, state: MixtureState) -> ConjugateFamily:
        return state.ascent.components.seen_from(self.coordinates.inverse)

    def _rearranged(
        self, other: "MixtureDerivation", order: np.ndarray
    ) -> Callable[[MixtureState], MixtureState]:
        def carry(state: MixtureState) -> MixtureState:
            r = state.responsibilities[order]
            sums = summarise(other.task.statistics, other.task.sample_weight, r)
            there = self._in_units(state).seen_from(other.coordinates)
            return MixtureState(cavi.State(there, state.ascent.weights, sums), r)

        return carry

    def _shifted(self, other: "MixtureDerivation", shift: float) -> Callable[[MixtureState], MixtureState]:
        def carry(state: MixtureState) -> MixtureState:
            here = self._in_units(state)
            moved = _with(here, {"mean": _arrays(here)["mean"] + shift}).seen_from(other.coordinates)
            sums = summarise(other.task.statistics, other.task.sample_weight, state.responsibilities)
            return replace(state, ascent=replace(state.ascent, components=moved, assignments=sums))

        return carry

    def _unknown(self, factor: str) -> InputError:
        return InputError(f'there is no factor "{factor}"; this mixture has {", ".join(self.factors)}')


def _relabelled(order: np.ndarray) -> Callable[[MixtureState], MixtureState]:
    def carry(state: MixtureState) -> MixtureState:
        now = state.ascent
        assignments = replace(now.assignments, sums=now.assignments.sums[order])
        ascent = cavi.State(_reordered(now.components, order), _reordered(now.weights, order), assignments)
        return MixtureState(ascent, state.responsibilities[:, order])

    return carry


def _arrays(distribution: ConjugateFamily | MixingWeights) -> dict[str, np.ndarray]:
    """Return the arrays that a posterior is made of, each with the components on its first axis."""
    names = [field.name for field in fields(distribution)]  # type: ignore[arg-type]  # each is a dataclass
    values = {name: getattr(distribution, name) for name in names}
    return {name: np.asarray(value) for name, value in values.items() if np.ndim(value)}


def _with[D](distribution: D, arrays: dict[str, np.ndarray]) -> D:
    """Return a posterior, or a prior, with other arrays in the place of some."""
    changed: D = replace(distribution, **arrays)  # type: ignore[type-var]  # every one is a dataclass
    return changed


def _reordered[D: (ConjugateFamily, MixingWeights)](distribution: D, order: np.ndarray) -> D:
    """Return K posteriors in another order."""
    return _with(distribution, {name: array[order] for name, array in _arrays(distribution).items()})
