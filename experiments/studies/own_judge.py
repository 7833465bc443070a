"""Judging a user's problem: NUTS as the reference if it qualifies, every method measured against it.

The gate, the figures and the verdict are those of mixtures (`experiments.references.nuts`, `metrics`,
`verdict`), on the user's own quantities: rank-normalised R-hat below 1.01 and bulk and tail effective sample
sizes above 400 for each of them and for ln p(x, theta), no divergences, E-FMI above 0.2. Runs in a worker.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import xarray as xr

from experiments.config.options import VerdictOptions
from experiments.methods.own.variables import Arrays, stored_quantities
from experiments.posterior.draws import (
    are_independent,
    as_arrays,
    as_chains,
    mean_and_error,
    sd_and_error,
)
from experiments.methods import label
from experiments.posterior.pareto import SOURCE, most_k_hat, pareto_k_hat
from experiments.records import CellRecord, Comparison, Measurement, Reference, Threshold, Verdict
from experiments.references import nuts
from experiments.references._gate import examine_quantities
from experiments.engine.store.files import read_tree
from experiments.records import Judgement
from experiments.verdict import FINISHED, decide, unfinished
from experiments.verdict.equivalence import Question, compare
from experiments.verdict.impossible import impossibilities

_SD = "reference sd"
_FAULT = "Its derivation or its code has a fault."
_LARGEST_FALL = -1e-9  # as `hand_cavi.derivation.ascend_from` sees it


@dataclass(frozen=True)
class CustomCase:
    """A user's problem for the judge: its cells that ended ``ok``, with their draws on disk."""

    cells: tuple[CellRecord, ...]
    verdict: VerdictOptions


@dataclass(frozen=True)
class Moments:
    """Posterior means and standard deviations of all quantities, with Monte-Carlo errors; each shape (Q,)."""

    mean: np.ndarray
    mean_error: np.ndarray
    sd: np.ndarray
    sd_error: np.ndarray


def judge(case: CustomCase) -> Judgement:
    """Find the reference, measure every cell, give the verdicts."""
    trees = {cell.cell.key: read_tree(cell.draws) for cell in case.cells if cell.draws}
    compared = in_one_order([stored_quantities(tree) for tree in trees.values()], list(trees))
    truth_key = next((key for key, tree in trees.items() if not are_independent(tree)), None)
    if truth_key is None:
        judgement = Judgement(Reference("none", False, "there are no NUTS draws to serve as a reference"))
        truth = None
    else:
        judgement = Judgement(reference_of(trees[truth_key], compared[truth_key]))
        truth = moments(compared[truth_key], independent=False)
    for cell in case.cells:
        key = cell.cell.key
        if key not in trees:
            continue
        own = moments(compared[key], independent=are_independent(trees[key]))
        names = tuple(compared[key])
        usable = truth if judgement.reference.qualified and key != truth_key else None
        judgement.measurements[key] = measure(cell, trees[key], names, own, usable)
        if key == truth_key:
            itself = Measurement(None, None, _SD, "this run is the reference")
            judgement.measurements[key]["mean_error"] = itself
        else:
            judgement.verdicts[key] = verdict_of(
                cell, judgement.measurements[key], judgement.reference, names, own, usable, case.verdict
            )
    return judgement


def in_one_order(quantities: list[Arrays], keys: list[str]) -> dict[str, Arrays]:
    """Return every method's quantities by its key, those of the first in front: methods order them freely."""
    names = list(quantities[0]) if quantities else []
    return {key: {name: found[name] for name in names} for key, found in zip(keys, quantities, strict=True)}


def reference_of(tree: xr.DataTree, compared: Arrays) -> Reference:
    """Return a sampler's draws as a reference, or say what keeps them from being one."""
    stats = as_chains(tree, "sample_stats")
    log_posterior = {name: values for name, values in stats.items() if name == "lp"}
    return nuts.reference_of(tree, *examine_quantities(compared | log_posterior, stats))


def moments(quantities: Arrays, *, independent: bool) -> Moments:
    """Return the moments of quantities (C, M) by name."""
    values = np.stack(list(quantities.values()), axis=-1)
    return Moments(
        *mean_and_error(values, independent=independent), *sd_and_error(values, independent=independent)
    )


def measure(
    cell: CellRecord, tree: xr.DataTree, names: tuple[str, ...], own: Moments, truth: Moments | None
) -> dict[str, Measurement]:
    """Return a cell's measurements by name; those against the reference only if there is a `truth`."""
    found = {
        "means": _list(own.mean, own.mean_error, "data", names),
        "sds": _list(own.sd, own.sd_error, "data", names),
        "wall_time": Measurement((cell.seconds_compile or 0) + (cell.seconds_run or 0), None, "seconds"),
    }
    if cell.bound is not None:
        found["own_bound"] = Measurement(cell.bound, cell.bound_se, "nats")
    if isinstance(gain := cell.info.get("smallest_gain"), float):
        rule = Threshold(_LARGEST_FALL, "at least")
        found["monotonicity"] = Measurement(gain, None, "share of the bound", threshold=rule)
    stats = as_arrays(tree, "sample_stats")
    if "log_q" in stats:
        log_weights = stats["log_joint"] - stats["log_q"]
        n_draws = len(log_weights)
        error = float(log_weights.std(ddof=1)) / np.sqrt(n_draws)
        found["collapsed_bound"] = Measurement(float(log_weights.mean()), error, "nats")
        if cell.info.get("bound_of") == "theta":  # no variable is summed out that the bound's q has
            found["recomputed_bound"] = found["collapsed_bound"]
        k_hat, k_error = pareto_k_hat(log_weights)
        if np.isfinite(k_hat):
            rule = Threshold(most_k_hat(n_draws), "at most", SOURCE)
            found["k_hat"] = Measurement(k_hat, k_error, threshold=rule)
    if truth is not None:
        difference = (own.mean - truth.mean) / truth.sd
        variance = own.mean_error**2 + truth.mean_error**2 + (difference * truth.sd_error) ** 2
        found["mean_error"] = _list(difference, np.sqrt(variance) / truth.sd, _SD, names)
        ratio = own.sd / truth.sd
        error_of_ratio = ratio * np.hypot(own.sd_error / own.sd, truth.sd_error / truth.sd)
        found["sd_ratio"] = _list(ratio, error_of_ratio, "", names)
    return found


def verdict_of(
    cell: CellRecord,
    measured: dict[str, Measurement],
    reference: Reference,
    names: tuple[str, ...],
    own: Moments,
    truth: Moments | None,
    options: VerdictOptions,
) -> Verdict:
    """Judge a cell: first what no correct method shows, then its means and sds against the reference."""
    method = label(cell.cell.method)
    wrong = impossibilities(measured, None)
    comparisons: tuple[Comparison, ...] = ()
    needs = ""
    if truth is not None:
        comparisons, need = compare(_questions(names, own, truth, options), alpha=options.error_rate)
        needs = str(need)
    if wrong:
        sentence = f"{method} is wrong, whatever the margins: {'; '.join(wrong)}. {_FAULT}"
        return Verdict("fail", sentence, options.margin, comparisons, impossible=wrong)
    if truth is None:
        sentence = f"Nothing can be said about {method}: there is no reference ({reference.reason})."
        return Verdict("undecided", sentence, options.margin, needs="a reference that qualifies")
    decision = decide(comparisons)
    sentence = _sentence(method, decision, comparisons)
    if decision == "undecided" and needs:
        sentence += f" It would take {needs}." if needs.startswith("about") else f" But {needs}."
    if cell.outcome not in FINISHED:
        decision, end = unfinished(decision, method, cell.outcome, cell.message)
        needs = needs or f"a longer run of {method}"
        sentence = sentence.replace(" agrees ", " so far agrees ", 1) + end
    return Verdict(decision, sentence, options.margin, comparisons, needs if decision == "undecided" else "")


def _questions(
    names: tuple[str, ...], own: Moments, truth: Moments, options: VerdictOptions
) -> list[Question]:
    """Return what is judged: the means in reference sds, and the sds as log ratios."""
    questions = []
    if "means" in options.judge:
        difference = (own.mean - truth.mean) / truth.sd
        variance = own.mean_error**2 + truth.mean_error**2 + (difference * truth.sd_error) ** 2
        figures = zip(names, difference, np.sqrt(variance) / truth.sd, own.mean_error / truth.sd, strict=True)
        questions += [
            Question(f"mean of {name}", float(d), float(e), options.margin, method_error=float(m))
            for name, d, e, m in figures
        ]
    if "sds" in options.judge:
        errors = np.hypot(own.sd_error / own.sd, truth.sd_error / truth.sd)
        margin = log(options.sd_factor)
        questions += [
            Question(f"standard deviation of {name}", float(r), float(e), margin, "log ratio")
            for name, r, e in zip(names, np.log(own.sd / truth.sd), errors, strict=True)
        ]
    return questions


def _sentence(method: str, decision: str, comparisons: tuple[Comparison, ...]) -> str:
    said = {
        "pass": f"{method} agrees with the long NUTS run",
        "fail": f"{method} does not agree with the long NUTS run",
        "undecided": f"It is undecided whether {method} agrees with the long NUTS run",
    }[decision]
    worst = max(
        (one for one in comparisons if one.decision == decision),
        key=lambda one: abs(one.difference) / (one.margin or 1.0),
    )
    margin = worst.margin or 0.0
    if worst.unit == "log ratio":
        low, middle, high = (float(np.exp(x)) for x in (worst.low, worst.difference, worst.high))
        return (
            f"{said}: the {worst.quantity} is {middle:.2f} times the reference's (between {low:.2f} and "
            f"{high:.2f}), and a factor of {np.exp(margin):.3g} is allowed."
        )
    half = (worst.high - worst.low) / 2
    return (
        f"{said}: of {len(comparisons)} figures the worst is the {worst.quantity}, off by "
        f"{abs(worst.difference):.3f} posterior standard deviations, give or take {half:.3f}, and {margin:g} "
        "is allowed."
    )


def _list(values: np.ndarray, errors: np.ndarray, unit: str, names: tuple[str, ...]) -> Measurement:
    return Measurement(values.tolist(), errors.tolist(), unit, entries=names)
