"""A first try of every method, before anything is checked."""

from typing import Any

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from hand_cavi import InputError


def probe(subject: GuardedDerivation, rng: np.random.Generator) -> None:
    """Try every method once, and refuse what cannot be checked.

    Raises
    ------
    InputError
        In a sentence that names the factor.
    """
    state = subject.initial(rng)
    subject.elbo(state)
    owner: dict[str, str] = {}
    for factor in subject.factors:
        draws = subject.sample(state, factor, np.random.default_rng(1), 50)
        for name in draws:
            if name in owner:
                raise InputError(
                    f'both "{owner[name]}" and "{factor}" draw {name}; each variable has one factor'
                )
            owner[name] = factor
        again = subject.sample(state, factor, np.random.default_rng(1), 50)
        other = subject.sample(state, factor, np.random.default_rng(2), 50)
        varies = any(array.size and (array != array[:1]).any() for array in draws.values())
        same = all(np.array_equal(draws[name], again.get(name, np.empty(0))) for name in draws)
        stuck = all(np.array_equal(draws[name], other.get(name, np.empty(0))) for name in draws)
        if not same or (varies and stuck):
            how = (
                "draws the same from another generator"
                if same
                else "draws differently from an equal generator"
            )
            raise InputError(
                f'sample(state, "{factor}", rng, n) ignores its generator: it {how}; use rng alone'
            )
        if not np.isfinite(subject.log_density(state, factor, draws)).all():
            raise InputError(
                f'log_density(state, "{factor}", values) is infinite at draws of sample; '
                "sampler and density must have the same support"
            )
    _same_names(owner, subject)
    _has_mass(state, owner, subject, rng)
    for factor in subject.factors:
        subject.elbo(subject.update(state, factor))


def _same_names(owner: dict[str, str], subject: GuardedDerivation) -> None:
    """Compare the factors' variables with the model's, where it names them."""
    wanted = getattr(subject.log_joint, "variables", None)
    if wanted is None or set(wanted) == set(owner):
        return
    ours, theirs = sorted(set(owner) - set(wanted)), sorted(set(wanted) - set(owner))
    rows = [f"{name} (of {owner[name]})" for name in ours]
    raise InputError(
        "the factors' variables and the model's do not match: only the factors have "
        f"{', '.join(rows) or 'nothing'}; only the model has {', '.join(theirs) or 'nothing'}; "
        f"both have {', '.join(sorted(set(owner) & set(wanted))) or 'nothing'}; give them the same names"
    )


def _has_mass(
    state: Any, owner: dict[str, str], subject: GuardedDerivation, rng: np.random.Generator
) -> None:
    """Refuse a model in which draws of q are impossible, and find whose draws they are."""
    values = subject.draw(state, rng, 50)
    bad = ~np.isfinite(subject.log_p(values))
    if not bad.any():
        return
    terms = getattr(subject.log_joint, "terms", None)
    blamed: list[str] = []
    if terms is not None:
        blamed = [name for name, term in terms(values).items() if not np.isfinite(term).all()]
    row = int(np.argmax(bad))
    guilty = []
    for factor in subject.factors:
        own = [name for name in values if owner[name] == factor]
        at = {name: np.repeat(array[row : row + 1], 50, axis=0) for name, array in values.items()}
        at |= {name: values[name] for name in own}
        if np.isfinite(subject.log_p(at)).any():
            guilty.append(factor)
    where = (
        f'draws of the factor "{guilty[0]}"'
        if guilty
        else "draws of the factors " + ", ".join(subject.factors)
    )
    of_terms = f" (its terms {', '.join(blamed)})" if blamed else ""
    raise InputError(
        f"the log joint density is infinite at {where}{of_terms}: q puts mass where the model has none; "
        "compare supports, units and names"
    )
