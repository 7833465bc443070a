"""Ranking methods over data sets: by paired differences, and only where these are beyond their errors.

A method's loss on a problem is one number, the smaller the better. Two methods are compared on the data sets
on which both have one, by the differences, one for each data set: by Wilcoxon's signed ranks, because a
method that fails on one data set has a loss there beside which all others vanish; of all pairs of methods by
Holm's (1979) method. A method's rank is one more than the number of methods that are better than it beyond
that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, log, log10, sqrt
from typing import Any

import numpy as np

from experiments.records import CellRecord, ProblemRecord, StudyRecord

LEVEL = 0.05
"""Chance of telling any two methods apart that are alike, all pairs of one quantity together."""

FEWEST = 3
"""Data sets that two methods must have in common to be compared."""

Losses = dict[str, dict[str, dict[str, float]]]
"""By method, data set, and problem of that data set."""


@dataclass(frozen=True)
class Quantity:
    """What methods are ranked by: its name, what it is, and the loss of a cell or None.

    `against_itself` tells whether the cell that is the reference has one too.
    """

    name: str
    about: str
    loss: Callable[[CellRecord], float | None]
    against_itself: bool = False


@dataclass(frozen=True)
class Difference:
    """How much larger a method's loss is than another's: the mean over n data sets, with standard error.

    The `median` and the `p_value` are of Wilcoxon's signed ranks: of a difference of either sign.
    """

    mean: float
    standard_error: float
    median: float
    p_value: float
    n: int


@dataclass(frozen=True)
class Ranked:
    """A method's place: its median and mean loss, over the n data sets that it has; `tied`, if it shares it.

    The rank is None on too few data sets. `from_first` compares it with the first of the list on the data
    sets that both have; None for that one, or if these are too few.
    """

    method: str
    rank: int | None
    tied: bool
    median: float
    mean: float
    standard_error: float | None
    n: int
    from_first: Difference | None
    better: tuple[str, ...]


def losses_of(records: Iterable[StudyRecord], quantity: Quantity) -> Losses:
    """Return the losses of every method; none where the reference is its own draws, or sampler."""
    found: Losses = {}
    for record in records:
        for problem in record.problems:
            for cell in problem.cells:
                if not cell.ended_well or (not quantity.against_itself and _is_its_own_judge(problem, cell)):
                    continue
                loss = quantity.loss(cell)
                if loss is not None and isfinite(loss):
                    of_method = found.setdefault(cell.cell.method, {}).setdefault(record.name, {})
                    of_method[f"{problem.dataset} {problem.model} {problem.repeat}"] = loss
    return found


def _is_its_own_judge(problem: ProblemRecord, cell: CellRecord) -> bool:
    """Whether the reference is these draws, or a longer run of the same sampler."""
    return cell.cell.key == problem.reference_cell or cell.cell.kind == problem.reference.method


def compared(
    one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]
) -> Difference | None:
    """Return one method's losses minus another's; of a data set the mean over the problems that both have."""
    differences = []
    for dataset in one:
        both = one[dataset].keys() & other.get(dataset, {}).keys()
        if both:
            differences.append(np.mean([one[dataset][name] - other[dataset][name] for name in both]))
    if len(differences) < FEWEST:
        return None
    error = np.std(differences, ddof=1) / sqrt(len(differences))
    return Difference(
        float(np.mean(differences)),
        float(error),
        _middle(differences),
        p_value(differences),
        len(differences),
    )


def ranking(losses: Losses, level: float = LEVEL) -> list[Ranked]:
    """Return the methods in order: by rank, and within a rank by their median losses."""
    pairs = {
        (a, b): found
        for a, b in combinations(losses, 2)
        if (found := compared(losses[a], losses[b])) is not None
    }
    apart = holm({pair: found.p_value for pair, found in pairs.items()}, level)
    better: dict[str, list[str]] = {method: [] for method in losses}
    for a, b in apart:
        winner, loser = (a, b) if pairs[a, b].median < 0 else (b, a)
        better[loser].append(winner)
    means = {
        method: [float(np.mean(list(of.values()))) for of in losses[method].values()] for method in losses
    }
    ranks = {method: 1 + len(better[method]) if len(losses[method]) >= FEWEST else None for method in losses}
    order = sorted(losses, key=lambda method: (ranks[method] or len(losses) + 1, np.median(means[method])))
    shared = [rank for rank in ranks.values()]
    return [
        Ranked(
            method,
            ranks[method],
            ranks[method] is not None and shared.count(ranks[method]) > 1,
            float(np.median(means[method])),
            float(np.mean(means[method])),
            float(np.std(means[method], ddof=1) / sqrt(len(means[method])))
            if len(means[method]) > 1
            else None,
            len(means[method]),
            None if method == order[0] else compared(losses[method], losses[order[0]]),
            tuple(better[method]),
        )
        for method in order
    ]


def p_value(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed ranks; 1 where nothing differs."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def _middle(differences: Sequence[float]) -> float:
    """Return the median of all pairs' means (Hodges & Lehmann 1963), whose sign is that of the ranks."""
    some = np.asarray(differences)
    return float(np.median(((some[:, np.newaxis] + some) / 2)[np.triu_indices(len(some))]))


def holm[Key](p_values: Mapping[Key, float], level: float) -> list[Key]:
    """Return what is significant at a level for the whole family, by Holm's (1979) step-down method."""
    found = []
    for i, (key, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        if p > level / (len(p_values) - i):
            break
        found.append(key)
    return found


def _numbers(cell: CellRecord, *names: str) -> list[float]:
    """Return the finite numbers of measurements."""
    return [
        one for name in names if name in cell.measurements for one in _flat(cell.measurements[name].value)
    ]


def _flat(value: Any) -> Sequence[float]:
    if isinstance(value, list):
        return [number for one in value for number in _flat(one)]
    return [float(value)] if isinstance(value, int | float) and isfinite(value) else []


def _gap(cell: CellRecord) -> float | None:
    return next(iter(_numbers(cell, "evidence_gap")), None)


def _mean_error(cell: CellRecord) -> float | None:
    errors = _numbers(cell, "mean_error", "parameter_error")
    return sqrt(float(np.mean(np.square(errors)))) if errors else None


def _width(cell: CellRecord) -> float | None:
    ratios = _numbers(cell, "sd_ratio", "parameter_sd_ratio")
    return float(np.mean([abs(log(one)) for one in ratios])) if ratios and min(ratios) > 0 else None


def _prediction(cell: CellRecord) -> float | None:
    return next((-one for one in _numbers(cell, "held_out")), None)


def _cost(cell: CellRecord) -> float | None:
    seconds = (cell.seconds_compile or 0.0) + (cell.seconds_run or 0.0)
    return log10(seconds) if seconds > 0 else None


QUANTITIES = (
    Quantity(
        "Evidence gap", "log p(x) minus F symmetrised (of a model of one's own, minus F), in nats", _gap
    ),
    Quantity(
        "Mean error",
        "root mean square, over all parameters, of posterior means minus the reference's, in reference sds",
        _mean_error,
    ),
    Quantity(
        "Width", "mean, over all parameters, of |ln(sd / the reference's sd)|: 0.69 is a factor of 2", _width
    ),
    Quantity(
        "Prediction",
        "log predictive density of new points that the reference lacks, in nats a point: how much worse",
        _prediction,
    ),
    Quantity(
        "Cost",
        "log10 of the seconds of compiling and running: 1 is ten seconds, 2 a hundred",
        _cost,
        against_itself=True,
    ),
)
"""What the leaderboard ranks by."""
