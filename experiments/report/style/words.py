"""The caveats that a study's own record calls for, and sentences."""

from collections.abc import Mapping

from experiments.records import CellRecord, StudyRecord
from experiments.records.provenance import cache_state
from experiments.report.style.palette import MethodStyle

_ADVI = ("advi", "fullrank_advi")
_MOST = 20  # cells, or problems, that are named


def caveats(record: StudyRecord, styles: Mapping[str, MethodStyle]) -> list[str]:
    """Return what a careful reader should hold against the numbers of this study."""
    cells = [cell for problem in record.problems for cell in problem.cells]
    compiled = any(cell.seconds_compile or cell.told.cache_warm is not None for cell in cells)
    found = [_cache(cells, styles)] if compiled else []
    found.append(
        "Wall times were taken once, on the machine named below, with other cells possibly running beside "
        "them: read them as orders of magnitude."
    )
    failed = [
        f"{styles[cell.cell.method].label} on {problem.dataset} ({cell.status.replace('_', ' ')})"
        for problem in record.problems
        for cell in problem.cells
        if cell.status != "ok"
    ]
    if failed:
        more = f"; and {len(failed) - _MOST} more" if len(failed) > _MOST else ""
        found.append(
            f"Without a result: {'; '.join(failed[:_MOST])}{more}. No figure was put in their place."
        )
    unsure = [problem for problem in record.problems if not problem.reference.qualified]
    for problem in unsure[:_MOST]:
        found.append(f"{problem.dataset}, {problem.model}: no verdict. {problem.reference.reason}")
    if len(unsure) > _MOST:
        found.append(f"{len(unsure) - _MOST} more problems have no reference, and no verdict.")
    if any(cell.cell.kind in _ADVI for cell in cells):
        found.append(
            "ADVI's bounds are Monte-Carlo estimates at whatever optimum its restarts found; another seed "
            "may find another."
        )
    found.append(
        "Sorted means are a fair quantity for every method, but where clusters overlap they are not the "
        "clusters' own means."
    )
    return found


def _cache(cells: list[CellRecord], styles: Mapping[str, MethodStyle]) -> str:
    found: dict[str, list[str]] = {"warm": [], "cold": [], "reused": []}
    for cell in cells:
        if how := cache_state(cell.told):
            found[how].append(styles[cell.cell.method].label)
    reused = ", ".join(dict.fromkeys(found.pop("reused")))
    parts = [f"{word} for {', '.join(dict.fromkeys(names))}" for word, names in found.items() if names]
    if reused:
        parts.append(
            f"not asked for {reused}, whose model had been compiled before: the time is that of then"
        )
    if not parts:
        return (
            "Whether the compiler's cache was warm is unknown, so compile times cannot be compared with "
            "those of other runs."
        )
    return (
        f"The compiler's cache was {' and '.join(parts)}. Compile times with a cold cache are several times "
        "those with a warm one, so compare them only like with like."
    )


def as_sentence(text: str, *, begin: bool = True) -> str:
    """Return text with one full stop at its end and, where it begins a sentence, a capital letter."""
    text = text.rstrip(". ") + "."
    return text[:1].upper() + text[1:] if begin else text


def listed(names: list[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
