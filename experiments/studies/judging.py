"""Judging one problem: find the reference, measure every cell against it, give the verdicts.

All of it comes from what the store keeps of the cells, so that judging again recomputes no fit.
"""

from collections.abc import Mapping

import xarray as xr

from experiments.engine.store.files import read_tree
from experiments.methods import label
from experiments.metrics import Context, Peer, measure_all
from experiments.posterior.draws import are_independent, as_arrays, as_chains, location_entries, location_word
from experiments.records import Judgement, Measurement, Reference
from experiments.references import reference
from experiments.references._gate import examine_chains
from experiments.relabel import pivot_of
from experiments.studies.tasks import Case
from experiments.verdict import verdict_of_cell


def judge(case: Case) -> Judgement:
    """Judge a problem; runs in a worker."""
    draws = {cell.cell.key: read_tree(cell.draws) for cell in case.cells if cell.draws}
    truth = _reference(case, draws)
    pivot = pivot_of(case.problem, next(iter(draws.values()))) if draws else None
    reached = [Peer.of(cell, draws[cell.cell.key]) for cell in case.cells if cell.cell.key in draws]
    peers = tuple(peer for peer in reached if peer is not None)
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
            method=cell.cell.method,
            outcome=cell.outcome,
            info=cell.info,
            trace=cell.trace,
            peers=peers,
        )
        judgement.measurements[key] = measure_all(context)
        if truth.draws is draws[key]:
            itself = Measurement(None, None, "reference sd", "this run is the reference")
            judgement.measurements[key]["mean_error"] = itself
            continue
        sampler = not are_independent(draws[key])
        judgement.verdicts[key] = verdict_of_cell(
            judgement.measurements[key],
            truth,
            method=label(cell.cell.method),
            outcome=cell.outcome,
            options=case.verdict,
            faults=examine_chains(case.problem, draws[key])[1] if sampler else (),
            quantity=location_word(as_chains(draws[key])),
            entries=location_entries(as_chains(draws[key])),
        )
    return judgement


def _reference(case: Case, draws: Mapping[str, xr.DataTree]) -> Reference:
    """Find the reference; chains that all started in one mode are never part of it."""
    cold = [
        cell.cell.key for cell in case.cells if cell.cell.key in draws and not cell.info.get("warm_start")
    ]
    nuts = next((draws[key] for key in cold if "diverging" in as_arrays(draws[key], "sample_stats")), None)
    gibbs = (cell.cell.key for cell in case.cells if cell.info.get("sampler") == "blocked Gibbs")
    return reference(
        case.problem,
        method=case.reference.method,
        rng=case.seed,
        nuts_draws=nuts,
        gibbs_draws=draws.get(next(gibbs, "")),
        n_draws=case.reference.draws,
        budget=case.reference.budget,
    )
