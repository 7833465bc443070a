r"""Definition: each update is the optimal one.

The optimum of a factor given the others satisfies ln q*(z_j) = E_{q(-j)}[ln p(x, z)] + const. So for any
points z_j^(a) the numbers

    y_a = ln p(x, z_j^(a), z_-j) - ln q(z_j^(a)),     z_-j ~ q(-j),

have equal expectations over a: all contrasts y_a - y_b have mean 0. The same draws of z_-j serve all points,
so that most of the noise cancels. Hotelling's T^2 tests all contrasts together; directions in which they do
not vary at all, such as the prior's part of an exponential family, must vanish up to rounding, which finds a
wrong prior for certain. Points are draws of q_j and draws pushed outwards; of a discrete factor, assignments
that differ in one place. States are random ones, for at an optimum some mistakes are invisible.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.checks.bench import Bench
from experiments.checks.results import Decision, Result
from experiments.checks.sequential import Look, Plan, decide, plausible
from experiments.checks.space import Arrays, Space
from experiments.checks.subject import Subject

TOLERANCE = 0.15
"""Nats: the root mean square of ln q - ln q* over draws of q below which an update counts as right.

Half its square, 0.01 nats, is about what such an update loses of the bound.
"""

_ROWS = 1_000_000  # points times draws in one look, at most
_OUTWARDS = 1.7
_STRESSED = 200
_ROUNDING = (
    1e-12  # of the largest number that enters a difference: less is not noise, and not a signal either
)
_FEWEST = 30  # draws on which a variance must rest


def run(bench: Bench, rng: np.random.Generator) -> list[Result]:
    """Ask of every factor whether its update is the optimal one, at every state."""
    return [_of_factor(bench, factor, rng) for factor in bench.subject.factors]


def _of_factor(bench: Bench, factor: str, rng: np.random.Generator) -> Result:
    subject, space = bench.subject, bench.spaces[factor]
    n_points = 41 if space.free == 0 else _n_points(space)

    def at(state: Any) -> Callable[[np.random.Generator, int], Look]:
        updated = subject.update(state, factor)
        return lambda rng, n: _look(subject, updated, factor, bench.spaces, rng, n)

    if not any(v.free or len(v.levels) > 1 for v in space.variables):
        return Result(
            "definition", factor, Decision.SKIPPED, f"q({factor}) is a single point; nothing to compare."
        )
    largest = max(bench.plan.sizes[0], _ROWS // (4 * n_points))
    plan = Plan(tuple(min(size, largest) for size in bench.plan.sizes), bench.plan.level)
    decision, found = decide([at(state) for state in bench.states], plan, TOLERANCE, rng)
    return _result(factor, decision, found)


def _n_points(space: Space) -> int:
    """Return how many draws of q serve as points, half of all points."""
    return min(60, 6 + 2 * space.free)


def _result(factor: str, decision: Decision, look: Look) -> Result:
    if decision is Decision.FAILED:
        certain = ", in a direction that has no noise at all" if look.p_value == 0 else ""
        sentence = (
            f"The update of q({factor}) is not the optimal one: ln q is off by about {look.effect:.2g} nats"
            f"{certain}{look.note}."
        )
    elif decision is Decision.PASSED:
        sentence = f"The update of q({factor}) is the optimal one, to within {look.bound:.2g} nats."
    else:
        sentence = (
            f"The draws cannot decide whether the update of q({factor}) is the optimal one: it may be off by "
            f"up to {look.bound:.2g} nats."
        )
    return Result(
        "definition",
        factor,
        decision,
        sentence,
        look.effect,
        look.bound,
        "nats",
        look.statistic,
        look.p_value,
        look.draws,
    )


def points(
    subject: Subject, state: Any, factor: str, space: Space, rng: np.random.Generator
) -> tuple[Arrays, np.ndarray, list[str]]:
    """Return points of one factor by name, which of them are draws of q, and what the others are."""
    if space.free == 0:
        return _flips(subject, state, factor, space, rng)
    n = _n_points(space)
    draws = subject.sample(state, factor, rng, 2 * n)
    u = space.unconstrain(draws)
    u = u[np.isfinite(u).all(axis=1)]
    centre = u.mean(axis=0)
    outer, _ = space.constrain(centre + _OUTWARDS * (u[n:] - centre))
    values = {
        name: np.concatenate([array[:n], outer[name] if name in outer else array[n : n + len(u) - n]])
        for name, array in draws.items()
    }
    own = np.arange(len(u)) < n
    flips: list[str] = [""] * len(own)
    return values, own, flips


def _flips(
    subject: Subject, state: Any, factor: str, space: Space, rng: np.random.Generator
) -> tuple[Arrays, np.ndarray, list[str]]:
    """Return a draw of a discrete factor, and what becomes of it when one place takes another value."""
    base = subject.sample(state, factor, rng, 1)
    places = [
        (v.name, index, level)
        for v in space.discrete
        for index in np.ndindex(v.shape)
        for level in v.levels
        if level != base[v.name][(0, *index)]
    ]
    chosen = [places[i] for i in rng.permutation(len(places))[:40]]
    values = {name: np.repeat(array, 1 + len(chosen), axis=0) for name, array in base.items()}
    labels = [""]
    for row, (name, index, level) in enumerate(chosen, start=1):
        was = values[name][(row, *index)]
        values[name][(row, *index)] = level
        labels.append(f"{name}{list(index) or ''} = {level} against {was}")
    return values, np.ones(len(labels), dtype=bool), labels


def _look(
    subject: Subject, state: Any, factor: str, spaces: dict[str, Space], rng: np.random.Generator, n: int
) -> Look:
    space = spaces[factor]
    at, own, labels = points(subject, state, factor, space, rng)
    log_q = subject.log_density(state, factor, at)
    keep = log_q > -500
    others = subject.draw(state, rng, n, without=factor)
    log_p = _log_p(subject, at, others, n)
    stressed = _log_p(subject, at, _stressed(others, spaces, rng), _STRESSED)
    keep &= np.isfinite(log_p).all(axis=0)
    at = {name: array[keep] for name, array in at.items()}
    own, labels = own[keep], [label for label, kept in zip(labels, keep, strict=True) if kept]
    y = log_p[:, keep] - log_q[keep]
    scale = max(1.0, float(np.abs(log_p[:, keep]).max(initial=0)), float(np.abs(log_q[keep]).max(initial=0)))
    if y.shape[1] < 2:
        return Look(1.0, 0.0, 0.0, 0.0, n)
    stressed = stressed[:, keep] - log_q[keep]
    statistic, p_value = hotelling(y, stressed[np.isfinite(stressed).all(axis=1)], scale)
    reference = y[:, :1] if space.free == 0 else y[:, own].mean(axis=1, keepdims=True)
    contrasts = (y - reference)[:, own]
    off, variance = contrasts.mean(axis=0), contrasts.var(axis=0, ddof=1) / len(y)
    effect = float(np.sqrt(np.mean(off**2)))
    bound = plausible(effect, float(np.sqrt(np.mean(variance))))
    mean = (y - reference).mean(axis=0)
    note = _flip_note(mean, labels) if space.free == 0 else _direction(space, at, mean, own)
    return Look(p_value, statistic, effect, bound, n, note)


def _stressed(others: Arrays, spaces: dict[str, Space], rng: np.random.Generator) -> Arrays:
    """Return some of the draws, with discrete variables set to any of their levels with equal chances."""
    levels = {v.name: v.levels for space in spaces.values() for v in space.discrete}
    few = {name: array[:_STRESSED].copy() for name, array in others.items()}
    return {
        name: rng.choice(levels[name], size=array.shape) if name in levels else array
        for name, array in few.items()
    }


def _log_p(subject: Subject, at: Arrays, others: Arrays, n: int) -> np.ndarray:
    """Return ln p of every point with every draw of the others, shape (n, points)."""
    n_points = len(next(iter(at.values())))
    if not others:
        return subject.log_p(at)[np.newaxis].repeat(2, axis=0)
    block, rows = max(1, 200_000 // n_points), []
    for start in range(0, n, block):
        part = {name: array[start : start + block] for name, array in others.items()}
        size = len(next(iter(part.values())))
        values = {name: np.repeat(array, n_points, axis=0) for name, array in part.items()}
        values |= {name: np.tile(array, (size, *[1] * (array.ndim - 1))) for name, array in at.items()}
        rows.append(subject.log_p(values).reshape(size, n_points))
    return np.concatenate(rows)


def hotelling(y: np.ndarray, stressed: np.ndarray, scale: float) -> tuple[float, float]:
    """Test whether all contrasts of the columns of y, shape (S, J), have mean 0.

    Parameters
    ----------
    y : ndarray, shape (S, J)
        At draws of the other factors.
    stressed : ndarray, shape (R, J)
        The same at values of the other factors that q may hardly ever draw: a direction in which these do
        not vary either cannot vary at all. An assignment that is all but certain looks constant, and is not.
    scale : float
        The largest number of which the y are differences; it says what rounding is.

    Returns
    -------
    statistic, p_value : float
        Hotelling's T^2 of the directions that vary, with its F distribution; p is 0 if a direction that
        cannot vary is off by more than rounding. Directions whose variance rests on few draws are left out.
    """
    from scipy.stats import f as fisher

    n = len(y)
    contrasts = y - y.mean(axis=1, keepdims=True)
    of_stressed = stressed - stressed.mean(axis=1, keepdims=True)
    size, directions = np.linalg.eigh(np.cov(np.concatenate([contrasts, of_stressed]), rowvar=False))
    deviation = np.sqrt(np.maximum(size, 0))
    fixed = deviation <= max(1e-7 * scale, 1e-6 * deviation[-1])
    along = contrasts.mean(axis=0) @ directions[:, fixed]
    slack = 1e-8 * scale * np.sqrt(y.shape[1]) + 8 * deviation[fixed] / np.sqrt(n)
    if (np.abs(along) > slack).any():
        return float(np.inf), 0.0
    if fixed.all():
        return 0.0, 1.0
    rest = contrasts @ directions[:, ~fixed]
    size, axes = np.linalg.eigh(np.atleast_2d(np.cov(rest, rowvar=False)))
    projected = rest @ axes
    mean, deviation = projected.mean(axis=0), np.sqrt(np.maximum(size, 0))
    square = (projected - mean) ** 2
    rests_on = square.sum(axis=0) ** 2 / np.maximum((square**2).sum(axis=0), 1e-300)  # about so many draws
    varies = (deviation > max(1e-6 * deviation[-1], _ROUNDING * scale)) & (rests_on >= _FEWEST)
    rank = int(varies.sum())
    if rank == 0 or n <= rank + 1:
        return 0.0, 1.0
    t_squared = float(n * np.sum((mean[varies] / deviation[varies]) ** 2))
    return t_squared, float(fisher.sf(t_squared * (n - rank) / (rank * (n - 1)), rank, n - rank))


def _flip_note(mean: np.ndarray, labels: list[str]) -> str:
    worst = int(np.argmax(np.abs(mean)))
    if not labels[worst]:
        return ""
    direction = "low" if mean[worst] > 0 else "high"
    return f"; the log odds of {labels[worst]} are too {direction} by {abs(mean[worst]):.2g}"


def _direction(space: Space, at: Arrays, mean: np.ndarray, own: np.ndarray) -> str:
    """Say which coordinate of q is shifted, too narrow or too wide.

    In standardised coordinates w, ln q is about -w^2/2; regressing ln q* - ln q on w and w^2/2 gives slopes
    b and g, so that q* has precision 1 - g and mean b / (1 - g).
    """
    u = space.unconstrain(at)
    spread = u[own].std(axis=0)
    if not (np.isfinite(u).all() and (spread > 0).all()):
        return ""
    w = (u - u[own].mean(axis=0)) / spread
    n, free = w.shape
    if n > 2 * free + 2:
        design = np.column_stack([np.ones(n), w, w**2 / 2])
        slopes = np.linalg.lstsq(design, mean, rcond=None)[0][1:]
        shift, widen = slopes[:free], slopes[free:]
    else:
        designs = [np.column_stack([np.ones(n), w[:, i], w[:, i] ** 2 / 2]) for i in range(free)]
        fits = np.array([np.linalg.lstsq(design, mean, rcond=None)[0] for design in designs])
        shift, widen = fits[:, 1], fits[:, 2]
    by_shift, by_width = np.abs(shift), np.abs(widen) / np.sqrt(2)
    if by_shift.max() >= by_width.max():
        i = int(np.argmax(by_shift))
        away = abs(shift[i]) / max(0.2, 1 - widen[i])
        side = "low" if shift[i] > 0 else "high"
        return f"; {space.coordinate(i)} is too {side}, by about {away:.2g} of its sd"
    i = int(np.argmax(by_width))
    ratio = 1 / np.sqrt(max(0.01, 1 - widen[i]))
    how = "narrow" if widen[i] > 0 else "wide"
    return f"; q is too {how} in {space.coordinate(i)}: its sd should be about {ratio:.2g} times as large"
