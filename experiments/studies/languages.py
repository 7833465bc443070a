"""A sampler in one language, held against one in another: they share no code of the model.

See docs/how-it-judges.md, "Who judges the reference". What language a sampler is in, it tells itself
(`Told.language`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import xarray as xr

from experiments.methods import label
from experiments.posterior.draws import as_chains
from experiments.records import CellRecord, Problem, Reference, Verdict
from experiments.references._gate import STATED, examine_chains


@dataclass(frozen=True)
class Second:
    """A sampler of another language than the reference's, and its draws as what that one is judged by."""

    cell: CellRecord
    reference: Reference


def second_to(
    first: CellRecord, able: Sequence[CellRecord], trees: Mapping[str, xr.DataTree], problem: Problem
) -> Second | None:
    """Return the first of those who are able to that is in another language and passes the whole gate."""
    for cell in able:
        if cell.told.language and first.told.language and cell.told.language != first.told.language:
            tree = trees[cell.cell.key]
            stats = as_chains(tree, "sample_stats")
            needed = STATED if "diverging" in stats else ()
            figures, faults = examine_chains(problem, tree, stats, needed)
            if not faults:
                called = f"the run of {label(cell.cell.method)}, a sampler in another language"
                reason = f"{label(cell.cell.method)} qualified"
                found = Reference("samplers", True, reason, draws=tree, quality=figures, called=called)
                return Second(cell, found)
    return None


def contested(truth: Reference, first: CellRecord, second: Second, verdict: Verdict) -> Reference:
    """Return a reference that is none: two samplers disagree, and nobody can tell which is wrong."""
    both = f"{label(first.cell.method)} and {label(second.cell.cell.method)}"
    reason = (
        f"{both} are in different languages and disagree, and nothing here tells which of them is wrong, so "
        f"that neither is leant on. {verdict.sentence}"
    )
    opinions = tuple(one for one in (truth.log_evidence, *truth.opinions) if one is not None)
    return replace(
        truth, method="none", qualified=False, reason=reason, draws=None, log_evidence=None, opinions=opinions
    )
