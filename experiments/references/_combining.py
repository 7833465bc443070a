"""From several references to one: what stands for the truth, the second opinions, and whether they agree."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.records import Reference
from experiments.references._agreement import agreement


def combined(found: Sequence[Reference], main: Reference | None) -> Reference:
    """Return `main`, which stands for the truth about moments, with the others' opinions on log p(x).

    Of those that qualify that of the smallest error gives log p(x). ``quality`` gains ``figures_compared``,
    ``largest_disagreement`` (in standard errors) and ``not_leant_on`` (what does not qualify, and why).
    Without `main`, or if two disagree, it is not qualified. What does not qualify has no log p(x).
    """
    if len(found) == 1:
        (one,) = found
        unfit = None if one.qualified else one.log_evidence
        return one if unfit is None else replace(one, log_evidence=None, opinions=(unfit,))
    good = [one for one in found if one.qualified]
    faults = "; ".join(f"{one.method}: {one.reason}" for one in found if not one.qualified)
    showed = agreement(good)
    quality: dict[str, object] = dict(main.quality) if main else {}
    if showed.compared:
        quality |= {"figures_compared": showed.compared, "largest_disagreement": showed.largest}
    if faults:
        quality["not_leant_on"] = faults
    known = [(one, one.log_evidence) for one in good if one.log_evidence is not None]
    known.sort(key=lambda pair: pair[1].standard_error)
    estimates, giver = [estimate for _, estimate in known], known[0][0] if known else None
    if showed.complaint:
        method = main.method if main else "none"
        return Reference(method, False, showed.complaint, quality=quality, opinions=tuple(estimates))
    reason = main.reason if main else faults
    if main and giver and giver is not main:
        reason += f"; log p(x) by {giver.method}: {giver.reason}"
    if main and showed.compared:
        *others, last = (one.method for one in good)
        reason += f"; {', '.join(others)} and {last} agree to {showed.largest:.1f} standard errors"
    return replace(
        main or Reference("none", False, faults),
        reason=reason,
        log_evidence=estimates[0] if main and estimates else None,
        quality=quality,
        opinions=tuple(estimates[1:] if main else estimates),
    )
