"""The caveats that a study's own record calls for, and sentences."""

from experiments.records import CellRecord, StudyRecord
from experiments.report.style.palette import MethodStyle
from experiments.report.view import View, warmth

_ADVI = ("advi", "fullrank_advi")


def caveats(record: StudyRecord, views: list[View], styles: dict[str, MethodStyle]) -> list[str]:
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
        found.append(f"Without a result: {'; '.join(failed)}. No figure was put in their place.")
    for problem in record.problems:
        if not problem.reference.qualified:
            found.append(f"{problem.dataset}, {problem.model}: no verdict. {problem.reference.reason}")
    if any(cell.cell.kind in _ADVI for cell in cells):
        found.append(
            "ADVI's bounds are Monte-Carlo estimates at whatever optimum its restarts found; another seed "
            "may find another."
        )
    found.append(
        "Sorted means are a fair quantity for every method, but where clusters overlap they are not the "
        "clusters' own means."
    )
    found.extend(f"{view.record.dataset}, {note}." for view in views for note in view.notes)
    return found


def _cache(cells: list[CellRecord], styles: dict[str, MethodStyle]) -> str:
    found: dict[str, list[str]] = {"warm": [], "cold": [], "reused": []}
    for cell in cells:
        if how := warmth(cell):
            found[how].append(styles[cell.cell.method].label)
    reused = ", ".join(dict.fromkeys(found.pop("reused")))
    parts = [f"{word} for {', '.join(dict.fromkeys(names))}" for word, names in found.items() if names]
    if reused:
        parts.append(f"not needed for {reused}, whose model had been compiled for other data before")
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
