"""What `elbowroom choose` says on the terminal: a row for each number of components, and a conclusion."""

from experiments.report.style.numbers import DASH, with_error
from experiments.studies.choosing import Candidate
from experiments.studies.choosing_words import ELBO, EVIDENCE, SYMMETRISED, conclusion

HEADER = ["K", ELBO, SYMMETRISED, EVIDENCE, "held out / point", "occupied", "starts at best"]
_WIDTHS = [3, 12, 22, 22, 18, 8, 14]  # rows are printed one by one, before the widest is known


def row_of(one: Candidate) -> list[str]:
    """Return a candidate's row under `HEADER`."""
    evidence = one.evidence
    return [
        str(one.n_components),
        f"{one.elbo:.3f}",
        _shown(one.symmetrised, one.symmetry_se),
        _shown(evidence.value, evidence.standard_error) if evidence else DASH,
        _shown(one.held_out, one.held_out_se),
        DASH if one.occupied is None else str(one.occupied),
        f"{one.starts_at_best} of {one.starts}",
    ]


def print_row(row: list[str]) -> None:
    """Print a row at once."""
    print("  ".join(word.rjust(width) for word, width in zip(row, _WIDTHS, strict=True)), flush=True)


def print_conclusion(found: list[Candidate]) -> None:
    """Print what is known in the end: distances from the best, missing figures, cautions, a conclusion."""
    print()
    behind = [(one.n_components, _shown(one.behind, one.behind_se)) for one in found if one.behind]
    if behind:
        print("Held out, behind the best:", ", ".join(f"K = {k} by {value}" for k, value in behind))
    reasons: dict[str, list[str]] = {}
    for one in found:
        if one.no_evidence:
            reasons.setdefault(one.no_evidence, []).append(str(one.n_components))
    for reason, numbers in reasons.items():
        print(f"No log p(x) at K = {', '.join(numbers)}: {reason}")
    for one in found:
        for caution in one.cautions:
            print(f"Caution, K = {one.n_components}: {caution}.")
    for sentence in conclusion(found):
        print(sentence)


def _shown(value: float | None, error: float | None) -> str:
    return DASH if value is None else with_error(value, error).plain
