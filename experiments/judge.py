"""Judging one problem: find the reference, measure every cell against it, give the verdicts.

All of it comes from what the store keeps of the cells, so that judging again recomputes no fit.
"""

import xarray as xr

from experiments.draws import as_arrays, as_chains, location_entries, location_word
from experiments.methods import label
from experiments.metrics import Context, measure_all
from experiments.records import Measurement, Reference
from experiments.references import reference
from experiments.relabel import pivot_of
from experiments.store.files import read_tree
from experiments.store.manifest import Judgement
from experiments.verdict import verdict_of_cell
from experiments.work import Case


def judge(case: Case) -> Judgement:
    """Judge a problem; runs in a worker."""
    draws = {cell.cell.key: read_tree(cell.draws) for cell in case.cells if cell.draws}
    chains = next((key for key, tree in draws.items() if _is_sampler(tree)), None)
    truth = _reference(case, draws[chains] if chains else None)
    pivot = pivot_of(case.problem, next(iter(draws.values()))) if draws else None
    judgement = Judgement(truth)
    for cell in case.cells:
        key = cell.cell.key
        if key not in draws:
            continue
        context = Context(
            problem=case.problem,
            draws=draws[key],
            bound=cell.bound,
            bound_se=cell.bound_se,
            seconds_compile=cell.seconds_compile,
            seconds_run=cell.seconds_run,
            reference=truth,
            pivot=pivot,
        )
        judgement.measurements[key] = measure_all(context)
        if truth.method == "nuts" and key == chains:
            itself = Measurement(None, None, "reference sd", "this run is the reference")
            judgement.measurements[key]["mean_error"] = itself
            continue
        judgement.verdicts[key] = verdict_of_cell(
            judgement.measurements[key]["mean_error"],
            truth,
            method=label(cell.cell.method),
            outcome=cell.outcome,
            margin=case.verdict.margin,
            alpha=case.verdict.error_rate,
            quantity=location_word(as_chains(draws[key])),
            entries=location_entries(as_chains(draws[key])),
        )
    return judgement


def _reference(case: Case, nuts_draws: xr.DataTree | None) -> Reference:
    return reference(
        case.problem,
        method=case.reference.method,
        rng=case.seed,
        nuts_draws=nuts_draws,
        n_draws=case.reference.draws,
    )


def _is_sampler(tree: xr.DataTree) -> bool:
    return "diverging" in as_arrays(tree, "sample_stats")
