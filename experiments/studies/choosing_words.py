"""Which number of components the figures speak for, in sentences that name the column that decides."""

from collections.abc import Sequence
from math import hypot

from experiments.studies.choosing import Candidate

ELBO, SYMMETRISED, EVIDENCE = "ELBO", "ELBO + KL(q, q_sym)", "log p(x)"
"""The columns that may decide; the last that every candidate has does."""

MENTION = 1.0
"""Nats: a smaller lead is "not worth more than a bare mention" (Kass & Raftery 1995)."""


def conclusion(found: Sequence[Candidate]) -> list[str]:
    """Return what candidates speak for, by bound or evidence and by prediction; nothing for one alone."""
    if len(found) < 2:
        return []
    column, values = _deciding(found)
    first, second = sorted(range(len(found)), key=lambda i: values[i][0], reverse=True)[:2]
    best, next_best = found[first], found[second]
    lead = values[first][0] - values[second][0]
    needed = max(MENTION, 2 * hypot(values[first][1], values[second][1]))
    what = "log p(x)" if column == EVIDENCE else "The bound"
    said = [f'{what} is highest at K = {best.n_components} (column "{column}" decides)']
    if lead < needed:
        said[0] += (
            f", but hardly: K = {next_best.n_components} is {lead:.2g} nats below, and less than "
            f"{needed:.2g} tells nothing"
        )
    if best.occupied is not None and best.occupied < best.n_components:
        said.append(
            f"Of these {best.n_components} components {best.occupied} hold points, which speaks for "
            f"K = {best.occupied}"
        )
    plain = max(found, key=lambda one: one.elbo)
    if plain is not best:
        why = "a lower bound on it" if column == EVIDENCE else "which pays up to ln K! for naming components"
        said.append(f'The column "{ELBO}", {why}, is highest at K = {plain.n_components}')
    return [f"{sentence}." for sentence in (*said, *_prediction(found))]


def _deciding(found: Sequence[Candidate]) -> tuple[str, list[tuple[float, float]]]:
    """Return the column that decides, and its values with their standard errors."""
    evidence = [one.evidence for one in found if one.evidence is not None]
    if len(evidence) == len(found):
        return EVIDENCE, [(one.value, one.standard_error) for one in evidence]
    symmetrised = [(one.symmetrised, one.symmetry_se) for one in found if one.symmetrised is not None]
    if len(symmetrised) == len(found):
        return SYMMETRISED, symmetrised
    return ELBO, [(one.elbo, 0.0) for one in found]


def _prediction(found: Sequence[Candidate]) -> list[str]:
    predicted = [one for one in found if one.held_out is not None and one.behind is not None]
    if not predicted:
        return []
    leader = max(predicted, key=lambda one: one.held_out or 0.0)
    near = [
        str(one.n_components)
        for one in predicted
        if one is not leader and not (one.behind or 0.0) < -2 * (one.behind_se or 0.0)  # NaN is not known
    ]
    hardly = f", but hardly: within two standard errors of it lies K = {', '.join(near)}" if near else ""
    return [f"Held-out points are predicted best with K = {leader.n_components}{hardly}"]
