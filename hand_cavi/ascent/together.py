r"""Ascent of many small problems together: one call of numpy serves all that are under way.

A sweep over a hundred points is over before it is called: what takes time is calling numpy, some sixty times
a sweep. So problems of one shape, with all their starts, are laid side by side, and each array gets a leading
axis A of ascents. The formulas are those of `ascent.sweep`, `elbo` and `data.kernels`, the rule and its order
those of `ascent.ascend`; each ascent goes its own way, and leaves when it has ended.

Components come first and points last, so that all loops, also those over components, run along the points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hand_cavi.ascent.ascend import Ended, StoppingRule, better_order
from hand_cavi.ascent.restarts import Begun
from hand_cavi.ascent.sweep import State, Task
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import Assignments
from hand_cavi.elbo import ElboTerms
from hand_cavi.result import StartOutcome, Status
from hand_cavi.weights.mixing import MixingWeights

_BLOCK = 1 << 14  # responsibilities that are worked on at a time; they stay in the processor's cache


type _Terms = tuple[np.ndarray, ...]
"""The five terms of the bounds of all ascents, shape (A,) each, in the order of `ElboTerms`."""

type _Bounds = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Which ascents swept, shape (A,), and their bounds after each half-step, shape (A,) each."""


@dataclass(frozen=True)
class Problems:
    """Problems of one family, of equal N, D and K and with one prior of the weights, as sweeps read them."""

    tasks: Sequence[Task]

    @property
    def family(self) -> ConjugateFamily:
        """A member, whose class knows the others by their natural parameters."""
        return self.tasks[0].components

    @property
    def weights(self) -> MixingWeights:
        """The prior of the weights."""
        return self.tasks[0].weights

    @cached_property
    def natural(self) -> np.ndarray:
        """The priors' natural parameters, shape (B, P)."""
        return np.stack([task.components.natural for task in self.tasks])

    @cached_property
    def log_z(self) -> np.ndarray:
        """Of the priors, shape (B,)."""
        return np.array([task.components.log_z for task in self.tasks])

    @cached_property
    def log_base(self) -> np.ndarray:
        """sum_i w_i log h(x_i), shape (B,)."""
        return np.array([task.log_base for task in self.tasks])

    @cached_property
    def statistics(self) -> np.ndarray:
        """T(x_i), shape (B, N, P)."""
        return np.stack([task.statistics for task in self.tasks])

    @cached_property
    def sample_weight(self) -> np.ndarray:
        """w_i, shape (B, N)."""
        return np.stack([task.sample_weight for task in self.tasks])

    @property
    def are_alike(self) -> bool:
        """Whether natural parameters are all that tells the priors apart, and the weights take many counts.

        A family of the user's own may have more that depends on the coordinates.
        """
        if not self.weights.takes_many:
            return False
        return np.allclose(self.family.from_natural(self.natural).log_z, self.log_z, rtol=1e-6, atol=1e-6)


class _End(NamedTuple):
    """Where an ascent ended: the sums before and after its last sweep, (K, P); the bound's terms."""

    status: Status
    sweeps: int
    before: np.ndarray
    sums: np.ndarray
    terms: ElboTerms

    @property
    def elbo(self) -> float:
        """The bound; below every other if it is not a number."""
        return -np.inf if np.isnan(self.terms.total) else self.terms.total


class _Globals(NamedTuple):
    """q(theta), q(pi) of all ascents: what assignments depend on, and the divergences."""

    expected_phi: np.ndarray  # (A, K, P)
    expected_log: np.ndarray  # (A, K)
    kl_components: np.ndarray  # (A,)
    kl_weights: np.ndarray  # (A,)


@dataclass
class _UnderWay:
    """The ascents that have not ended: which, of which problem, and where they stand."""

    number: np.ndarray  # (A,)
    problem: np.ndarray  # (A,)
    prior: np.ndarray  # (A, K, P), its natural parameters
    log_z: np.ndarray  # (A, K), of the prior
    log_base: np.ndarray  # (A,)
    sums: np.ndarray  # (A, K, P)
    entropy: np.ndarray  # (A,)
    elbo: np.ndarray  # (A,), nan before the first sweep
    stalled: np.ndarray  # (A,)

    def keep(self, which: np.ndarray) -> None:
        """Keep some."""
        for name, values in vars(self).items():
            setattr(self, name, values[which])


def run_together(
    problems: Problems, begun: Sequence[Begun], rule: StoppingRule
) -> list[tuple[Ended, list[StartOutcome]]]:
    """Ascend from all starts of every problem; return each one's best ascent, and how all its starts ended.

    Parameters
    ----------
    problems : Problems
        B of them, which `are_alike`.
    begun : sequence of starts
        Of every problem.
    rule : StoppingRule
        Of each ascent; without a callback.
    """
    starts = [list(each) for each in begun]
    flat = [assignments for each in starts for _, assignments in each]
    n, n_components = len(flat), len(flat[0].sums)
    owner = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
    under_way = _UnderWay(
        np.arange(n),
        owner,
        np.repeat(problems.natural[owner, np.newaxis], n_components, axis=1),
        np.repeat(problems.log_z[owner, np.newaxis], n_components, axis=1),
        problems.log_base[owner],
        np.stack([one.sums for one in flat]),
        np.array([one.entropy for one in flat]),
        np.full(n, np.nan),
        np.zeros(n, dtype=int),
    )
    history: list[_Bounds] = []
    ends: dict[int, _End] = {}
    for sweep in range(1, rule.max_sweeps + 1):
        before = under_way.sums
        first, terms = _swept(problems, under_way)
        elbo = _total(terms)
        history.append((under_way.number, first, elbo))
        negligible = np.maximum(rule.tolerance * np.maximum(1.0, np.abs(elbo)), rule.tolerance_nats)
        gained = ~(elbo - under_way.elbo <= negligible)  # so does a first sweep
        under_way.stalled = np.where(gained, 0, under_way.stalled + 1)
        under_way.elbo = elbo
        over = ~np.isfinite(elbo) | (sweep == rule.max_sweeps)
        for i in np.flatnonzero(over | (under_way.stalled >= rule.patience)).tolist():
            status = Status.MAX_SWEEPS
            if not np.isfinite(elbo[i]):
                status = Status.NOT_FINITE
            elif under_way.stalled[i] >= rule.patience:
                if not over[i] and _reordered(problems.weights, under_way, i, negligible[i]):
                    continue
                status = Status.CONVERGED
            over[i] = True
            at_end = ElboTerms(*(float(term[i]) for term in terms))
            ends[int(under_way.number[i])] = _End(status, sweep, before[i], under_way.sums[i], at_end)
        if over.any():
            under_way.keep(~over)
            if len(under_way.number) == 0:
                break
    return _ended(problems, starts, ends, history)


def _swept(problems: Problems, under_way: _UnderWay) -> tuple[np.ndarray, _Terms]:
    """Sweep all once; return the bounds after the first half-step, shape (A,), and the terms at the end."""
    found = _updated(problems, under_way)
    first = _total(_terms(found, under_way))
    under_way.sums, under_way.entropy = _refreshed(problems, under_way.problem, found)
    return first, _terms(found, under_way)


def _updated(problems: Problems, under_way: _UnderWay) -> _Globals:
    """Return the optimal q(theta), q(pi) at the assignments."""
    shape = under_way.sums.shape
    natural = (under_way.prior + under_way.sums).reshape(-1, shape[2])
    components = problems.family.from_natural(natural)
    weights = problems.weights.updated(under_way.sums[..., -1])
    divergences = components.kl_from(under_way.prior.reshape(natural.shape), under_way.log_z.ravel())
    return _Globals(
        components.expected_phi.reshape(shape),
        np.zeros(shape[:2]) + weights.expected_log(),
        divergences.reshape(shape[:2]).sum(axis=1),
        np.zeros(shape[0]) + weights.kl(problems.weights),
    )


def _terms(found: _Globals, under_way: _UnderWay) -> _Terms:
    """Return the terms of the bounds."""
    sums = under_way.sums
    products = (sums * found.expected_phi).reshape(len(sums), -1)
    return (
        products.sum(axis=1) + under_way.log_base,
        np.vecdot(sums[..., -1], found.expected_log),
        under_way.entropy,
        found.kl_weights,
        found.kl_components,
    )


def _total(terms: _Terms) -> np.ndarray:
    """Return the bounds, shape (A,)."""
    return terms[0] + terms[1] + terms[2] - terms[3] - terms[4]


def _refreshed(problems: Problems, problem: np.ndarray, found: _Globals) -> tuple[np.ndarray, np.ndarray]:
    """Return what the optimal assignments leave behind: the sums, (A, K, P), and the entropies, (A,)."""
    sums, entropy = np.empty_like(found.expected_phi), np.empty(len(problem))
    size = max(1, _BLOCK // (sums.shape[1] * problems.statistics.shape[1]))
    for start in range(0, len(problem), size):
        here = slice(start, start + size)
        statistics, weight = problems.statistics[problem[here]], problems.sample_weight[problem[here]]
        rho = found.expected_phi[here] @ np.swapaxes(statistics, 1, 2)
        rho += found.expected_log[here, :, np.newaxis]
        rho -= rho.max(axis=1, keepdims=True)
        r = np.exp(rho)
        normaliser = r.sum(axis=1)
        r /= normaliser[:, np.newaxis]
        rho *= r
        entropy[here] = np.vecdot(weight, np.log(normaliser) - rho.sum(axis=1))
        r *= weight[:, np.newaxis]
        np.matmul(r, statistics, out=sums[here])
    return sums, entropy


def _reordered(weights: MixingWeights, under_way: _UnderWay, i: int, negligible: float) -> bool:
    """Put an ascent's components in the order that the weights favour, if that raises the bound."""
    if weights.exchangeable:
        return False
    order, gain = better_order(weights, under_way.sums[i, :, -1])
    if gain <= max(negligible, 1e-12 * max(1.0, abs(under_way.elbo[i]))):
        return False
    under_way.sums[i] = under_way.sums[i, order]
    under_way.stalled[i] = 0
    return True


def _ended(
    problems: Problems,
    starts: Sequence[Sequence[tuple[str, Assignments]]],
    ends: dict[int, _End],
    history: Sequence[_Bounds],
) -> list[tuple[Ended, list[StartOutcome]]]:
    """Return each problem's best ascent, the first of equals, and how all its starts ended."""
    outcomes: list[list[StartOutcome]] = []
    best: list[int] = []
    first = 0
    for each in starts:
        numbered = enumerate(each, start=first)
        outcomes.append(
            [StartOutcome(kind, ends[i].elbo, ends[i].sweeps, ends[i].status) for i, (kind, _) in numbered]
        )
        best.append(first + int(np.argmax([one.elbo for one in outcomes[-1]])))
        first += len(each)
    traces = _traces(history, best, first)
    found = []
    for task, i, trace in zip(problems.tasks, best, traces, strict=True):
        end = ends[i]
        components, weights = task.components.updated(end.before), task.weights.updated(end.before[:, -1])
        state = State(components, weights, Assignments(end.sums, end.terms.entropy))
        found.append(Ended(state, end.status, end.terms, trace))
    return list(zip(found, outcomes, strict=True))


def _traces(history: Sequence[_Bounds], wanted: Sequence[int], n: int) -> list[np.ndarray]:
    """Return the bounds of some of n ascents after each half-step, shapes (sweeps, 2)."""
    numbers, *both = (np.concatenate(each) for each in zip(*history, strict=True))
    is_wanted = np.zeros(n, dtype=bool)
    is_wanted[wanted] = True
    kept = np.flatnonzero(is_wanted[numbers])
    order = kept[np.argsort(numbers[kept], kind="stable")]
    bounds = np.stack(both, axis=1)[order]
    return np.split(bounds, np.searchsorted(numbers[order], wanted)[1:])
