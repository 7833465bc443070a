"""Judging one problem, a mixture or a user's own model: find the reference, measure cells, give verdicts.

All of it comes from what the store keeps, so that judging again recomputes no fit. Runs in a worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr

from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.engine.store.files import read_tree
from experiments.methods import label
from experiments.methods.mass_of_density import UNTOLD
from experiments.metrics import Context, Peer, measure_all
from experiments.metrics._context import quantities_of
from experiments.posterior.draws import as_chains, location_entries, location_word
from experiments.records import CellRecord, Draws, Judgement, Measurement, Problem, Reference, Verdict
from experiments.references import N_COMPARED, reference
from experiments.references._bracket import bracket_of
from experiments.references._copies import copies
from experiments.references._gate import STATED, examine_chains, examine_quantities
from experiments.references.nuts import reference_of
from experiments.relabel import pivot_of
from experiments.studies.languages import contested, second_to
from experiments.verdict import verdict_of_cell

Trees = Mapping[str, xr.DataTree]  # draws by the keys of their cells
_Looked = tuple[dict[str, Measurement], Verdict | None]  # of a cell


@dataclass(frozen=True)
class Case:
    """One problem, for the judge, with those of its cells that ended ``ok``, in the order of the methods.

    A user's own model has None as problem: its draws hold what is compared; the reference is its NUTS.
    """

    problem: Problem | None
    cells: tuple[CellRecord, ...]
    seed: int
    reference: ReferenceOptions
    verdict: VerdictOptions


def judge_problem(case: Case) -> Judgement:
    """Find the reference, measure every cell, and judge all.

    The cell whose draws are the reference is judged against a sampler in another language, if there is one
    that qualifies; see `experiments.studies.languages`.
    """
    trees = {cell.cell.key: read_tree(cell.draws) for cell in case.cells if cell.draws}
    if not trees:
        return Judgement(_reference(case, trees))
    cells = [cell for cell in case.cells if cell.cell.key in trees]
    first = next(iter(trees.values()))
    truth = _reference(case, trees)
    if case.problem is not None:
        truth = replace(truth, bracket=bracket_of(case.problem, case.reference.annealing, case.seed))
    reached = (Peer.of(cell, trees[cell.cell.key], own=case.problem is None) for cell in cells)
    context_of = partial(
        Context,
        problem=case.problem,
        pivot=None if case.problem is None else pivot_of(case.problem, first),
        peers=tuple(peer for peer in reached if peer is not None),
        names=tuple(quantities_of(None, first)) if case.problem is None else (),
    )

    def look(cell: CellRecord, against: Reference, *, is_reference: bool = False) -> _Looked:
        context = context_of(
            draws=trees[cell.cell.key],
            result=cell,
            reference=against,
            method=cell.cell.method,
            kind=cell.cell.kind,
            is_reference=is_reference,
        )
        found = measure_all(context)
        return found, None if is_reference else _verdict(case, cell, context, found)

    whose, second = _whose(truth, cells, trees), None
    looked: dict[str, _Looked] = {}
    if whose is not None and case.problem is not None:
        nuts = [cell for cell in _able(case, trees) if _is_nuts(trees[cell.cell.key])]
        second = second_to(whose, nuts, trees, case.problem) if _is_nuts(trees[whose.cell.key]) else None
        if second is not None:
            looked[whose.cell.key] = look(whose, second.reference)
            verdict = looked[whose.cell.key][1]
            if verdict is not None and verdict.decision == "fail":
                third, both = _third(case, trees), (whose, second.cell)
                if third is not None and any(_agrees(look(cell, third)[1]) for cell in both):
                    truth = third
                else:
                    truth = contested(truth, whose, second, verdict)
                whose, second, looked = _whose(truth, cells, trees), None, {}
    key_of_reference = whose.cell.key if whose else None
    for cell in cells:
        if cell.cell.key not in looked:
            is_reference = cell.cell.key == key_of_reference
            looked[cell.cell.key] = look(cell, truth, is_reference=is_reference)
    return Judgement(
        truth,
        {cell.cell.key: looked[cell.cell.key][0] for cell in cells},
        {key: verdict for key, (_, verdict) in looked.items() if verdict is not None},
        reference_cell=key_of_reference,
        second_cell=second.cell.cell.key if second else None,
    )


def _agrees(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.decision == "pass"


def _whose(truth: Reference, cells: Sequence[CellRecord], trees: Trees) -> CellRecord | None:
    """Return the cell whose draws are the reference, if they are those of a cell."""
    return next((cell for cell in cells if trees[cell.cell.key] is truth.draws), None)


def _verdict(
    case: Case, cell: CellRecord, context: Context, measurements: Mapping[str, Measurement]
) -> Verdict:
    chains = {} if case.problem is None else as_chains(context.draws)
    return verdict_of_cell(
        measurements,
        context.reference,
        method=label(cell.cell.method),
        outcome=cell.outcome,
        options=case.verdict.of_sampler() if context.log_ratio("log_q") is None else case.verdict,
        faults=_faults(case.problem, context),
        unstated=_unstated(cell, context, measurements),
        quantity=location_word(chains) if chains else "mean",
        entries=location_entries(chains) if chains else (),
        estimated=("symmetrised_bound", "importance_evidence") if context.symmetrised_how == "about" else (),
    )


def _faults(problem: Problem | None, context: Context) -> list[str]:
    """Return what keeps draws from being trusted: of chains what the gate of references finds."""
    stats = as_chains(context.draws, "sample_stats")
    if context.independent:
        density = {name: one for name, one in stats.items() if name == "log_joint" and np.isfinite(one).all()}
        return copies(context.quantities | density, independent=True) if context.finite else []
    if problem is None:
        return examine_quantities(_compared(context.draws), stats)[1]
    return examine_chains(problem, context.draws, stats)[1]


def _unstated(cell: CellRecord, context: Context, measurements: Mapping[str, Measurement]) -> list[str]:
    """Return what cannot be decided because the method does not state it, a clause each."""
    found = []
    if not context.independent and not cell.told.sampler:
        stated = as_chains(context.draws, "sample_stats")
        if lacking := [name for name in STATED if name not in stated]:
            found.append(f"whether its paths are sound (its draws state no {' and no '.join(lacking)})")
    recomputed = measurements.get("recomputed_bound")
    if cell.bound is not None and recomputed and not isinstance(recomputed.value, float):
        found.append(f"whether its bound is that of its q ({recomputed.note})")
    if context.log_ratio("log_q") is not None and cell.told.log_mass is None:
        found.append(f"whether its density is that of its draws ({UNTOLD})")
    update = measurements.get("update_gain")
    no_gain = context.told.step_gain is None and (update is None or update.value is None)
    if context.independent and _is_users(cell) and no_gain:
        found.append("whether it is at its end (no gain of a further step is known)")
    return found


def _able(case: Case, trees: Trees) -> list[CellRecord]:
    """Return the cells whose draws may serve as the reference."""
    cells = (cell for cell in case.cells if cell.cell.key in trees)
    return [
        cell
        for cell in cells
        if _may_serve(cell, case.reference.samplers)
        and (_is_nuts(trees[cell.cell.key]) or cell.told.sampler == "gibbs" or _is_users(cell))
    ]


def _is_nuts(tree: xr.DataTree) -> bool:
    """Whether it is from a Hamiltonian sampler, which tells which paths diverged."""
    return "diverging" in as_chains(tree, "sample_stats")


def _reference(case: Case, trees: Trees) -> Reference:
    """Find the reference; draws that may not serve as one are never part of it.

    Where the first NUTS disagrees with other references, that of another language may not.
    """
    able = _able(case, trees)
    nuts = [cell for cell in able if _is_nuts(trees[cell.cell.key])]
    others = [cell for cell in able if not _is_nuts(trees[cell.cell.key])]
    if case.problem is None:
        found = _of_own_model([trees[cell.cell.key] for cell in nuts])
    else:
        ask = partial(
            reference,
            case.problem,
            method=case.reference.method,
            rng=case.seed,
            gibbs_draws=_tree_of(_sound(case.problem, others, trees), trees),
            n_draws=case.reference.draws,
            budget=case.reference.budget,
        )
        first = _sound(case.problem, nuts, trees)
        found = ask(nuts_draws=_tree_of(first, trees))
        if first is not None and not found.qualified and case.reference.method != "none":
            second = second_to(first, nuts, trees, case.problem)
            again = None if second is None else ask(nuts_draws=second.reference.draws)
            found = again if again is not None and again.qualified else found
    for cell in able:
        if _is_users(cell) and found.draws is trees[cell.cell.key]:
            whose = (
                f"{cell.cell.method}, a sampler of your own that the configuration lets stand as reference"
            )
            found = replace(found, reason=f"the draws are those of {whose}; {found.reason}", called=whose)
    return found


def _may_serve(cell: CellRecord, named: Sequence[str]) -> bool:
    """Whether a sampler's draws may be the reference.

    Not if its chains all started in one mode, nor if it is a user's own that the configuration does not name.
    """
    return not cell.told.warm_start and (not _is_users(cell) or cell.cell.method in named)


def _is_users(cell: CellRecord) -> bool:
    """Whether it is a user's own method, which has the name of a module."""
    return ":" in cell.cell.kind


def _third(case: Case, trees: Trees) -> Reference | None:
    """Return what Gibbs sampling out of the hand-derived families says where two languages disagree.

    None if it was not asked for, or does not qualify.
    """
    assert case.problem is not None
    asked = case.reference.method
    if asked != "auto" and "gibbs" not in ([asked] if isinstance(asked, str) else asked):
        return None
    others = [cell for cell in _able(case, trees) if not _is_nuts(trees[cell.cell.key])]
    drawn = _tree_of(_sound(case.problem, others, trees), trees)
    ways = ["gibbs", "importance"]
    found = reference(case.problem, method=ways, rng=case.seed, gibbs_draws=drawn, n_draws=N_COMPARED)
    return found if found.qualified and found.method == "gibbs" else None


def _sound(problem: Problem, cells: Sequence[CellRecord], trees: Trees) -> CellRecord | None:
    """Return the first whose draws have no fault, else the first; None if there are none."""
    several = len(cells) > 1
    faultless = (cell for cell in cells if several and not examine_chains(problem, trees[cell.cell.key])[1])
    return next(faultless, cells[0] if cells else None)


def _tree_of(cell: CellRecord | None, trees: Trees) -> xr.DataTree | None:
    return None if cell is None else trees[cell.cell.key]


def _of_own_model(nuts: Sequence[xr.DataTree]) -> Reference:
    """Return the first NUTS draws that qualify as a reference, or say what keeps the first from being one."""
    if not nuts:
        return Reference("none", False, "there are no NUTS draws to serve as a reference")
    found = [
        reference_of(tree, *examine_quantities(_compared(tree), as_chains(tree, "sample_stats"), STATED))
        for tree in nuts
    ]
    return next((one for one in found if one.qualified), found[0])


def _compared(tree: xr.DataTree) -> Draws:
    """Return what is compared of an own model, and ln p(x, theta) where its sampler tells it."""
    log_posterior = {name: one for name, one in as_chains(tree, "sample_stats").items() if name == "lp"}
    return quantities_of(None, tree) | log_posterior
