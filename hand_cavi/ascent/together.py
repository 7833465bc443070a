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
    """Where an ascent ended: the sums before and after its last sweep, (K, P); the bound's terms, (5,)."""

    status: Status
    sweeps: int
    before: np.ndarray
    sums: np.ndarray
    entropy: float
    terms: np.ndarray

    @property
    def elbo(self) -> float:
        """The bound; below every other if it is not a number."""
        elbo = float(_total(self.terms))
        return -np.inf if np.isnan(elbo) else elbo


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
    n = len(flat)
    owner = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
    under_way = _UnderWay(
        np.arange(n),
        owner,
        np.stack([one.sums for one in flat]),
        np.array([one.entropy for one in flat]),
        np.full(n, np.nan),
        np.zeros(n, dtype=int),
    )
    history: list[tuple[np.ndarray, np.ndarray]] = []
    ends: dict[int, _End] = {}
    for sweep in range(1, rule.max_sweeps + 1):
        before = under_way.sums
        bounds, terms = _swept(problems, under_way)
        history.append((under_way.number, bounds))
        elbo = bounds[:, 1]
        negligible = np.maximum(rule.tolerance * np.maximum(1.0, np.abs(elbo)), rule.tolerance_nats)
        gained = ~(elbo - under_way.elbo <= negligible)  # so does a first sweep
        under_way.stalled = np.where(gained, 0, under_way.stalled + 1)
        under_way.elbo = elbo
        over = np.full(len(elbo), sweep == rule.max_sweeps) | ~np.isfinite(elbo)
        for i in np.flatnonzero(over | (under_way.stalled >= rule.patience)).tolist():
            status = Status.MAX_SWEEPS
            if not np.isfinite(elbo[i]):
                status = Status.NOT_FINITE
            elif under_way.stalled[i] >= rule.patience:
                if not over[i] and _reordered(problems.weights, under_way, i, negligible[i]):
                    continue
                status = Status.CONVERGED
            over[i] = True
            left = before[i], under_way.sums[i], under_way.entropy[i], terms[i]
            ends[int(under_way.number[i])] = _End(status, sweep, *left)
        if over.any():
            under_way.keep(~over)
            if len(under_way.number) == 0:
                break
    return _ended(problems, starts, ends, history)


def _swept(problems: Problems, under_way: _UnderWay) -> tuple[np.ndarray, np.ndarray]:
    """Sweep all once.

    Returns
    -------
    bounds : ndarray, shape (A, 2)
        After each half-step.
    terms : ndarray, shape (A, 5)
        Of the bound at the end, in the order of `ElboTerms`.
    """
    found = _updated(problems, under_way)
    log_base = problems.log_base[under_way.problem]
    first = _terms(found, under_way.sums, under_way.entropy, log_base)
    under_way.sums, under_way.entropy = _refreshed(problems, under_way.problem, found)
    second = _terms(found, under_way.sums, under_way.entropy, log_base)
    return np.stack([_total(first), _total(second)], axis=1), second


def _updated(problems: Problems, under_way: _UnderWay) -> _Globals:
    """Return the optimal q(theta), q(pi) at the assignments."""
    shape = under_way.sums.shape
    prior = np.repeat(problems.natural[under_way.problem], shape[1], axis=0)
    components = problems.family.from_natural(prior + under_way.sums.reshape(-1, shape[2]))
    weights = problems.weights.updated(under_way.sums[..., -1])
    divergences = components.kl_from(prior, np.repeat(problems.log_z[under_way.problem], shape[1]))
    return _Globals(
        components.expected_phi.reshape(shape),
        np.broadcast_to(weights.expected_log(), shape[:2]),
        divergences.reshape(shape[:2]).sum(axis=1),
        np.broadcast_to(weights.kl(problems.weights), shape[:1]),
    )


def _terms(found: _Globals, sums: np.ndarray, entropy: np.ndarray, log_base: np.ndarray) -> np.ndarray:
    """Return the terms of the bound, shape (A, 5), in the order of `ElboTerms`."""
    products = (sums * found.expected_phi).reshape(len(sums), -1)
    return np.stack(
        [
            products.sum(axis=1) + log_base,
            np.vecdot(sums[..., -1], found.expected_log),
            entropy,
            found.kl_weights,
            found.kl_components,
        ],
        axis=1,
    )


def _total(terms: np.ndarray) -> np.ndarray:
    """Return the bounds, shape (A,) or (), of their terms (A, 5) or (5,)."""
    likelihood, assignments, entropy, kl_weights, kl_components = terms.T
    return likelihood + assignments + entropy - kl_weights - kl_components


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
    history: Sequence[tuple[np.ndarray, np.ndarray]],
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
        state = State(components, weights, Assignments(end.sums, float(end.entropy)))
        found.append(Ended(state, end.status, ElboTerms(*end.terms.tolist()), trace))
    return list(zip(found, outcomes, strict=True))


def _traces(
    history: Sequence[tuple[np.ndarray, np.ndarray]], wanted: Sequence[int], n: int
) -> list[np.ndarray]:
    """Return the bounds of some of n ascents after each half-step, shapes (sweeps, 2)."""
    numbers = np.concatenate([number for number, _ in history])
    bounds = np.concatenate([bound for _, bound in history])
    is_wanted = np.zeros(n, dtype=bool)
    is_wanted[wanted] = True
    numbers, bounds = numbers[is_wanted[numbers]], bounds[is_wanted[numbers]]
    order = np.argsort(numbers, kind="stable")
    return np.split(bounds[order], np.searchsorted(numbers[order], wanted)[1:])
