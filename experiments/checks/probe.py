"""A first try of every method, before anything is checked."""

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from hand_cavi import InputError


def probe(guarded: GuardedDerivation, rng: np.random.Generator) -> None:
    """Try every method once, or raise InputError in a sentence that names the factor at fault."""
    state = guarded.initial(rng)
    guarded.elbo(state)
    owner: dict[str, str] = {}
    for factor in guarded.factors:
        draws, again, other = (
            guarded.sample(state, factor, np.random.default_rng(seed), 50) for seed in (1, 1, 2)
        )
        for name in draws:
            if name in owner:
                raise InputError(
                    f'both "{owner[name]}" and "{factor}" draw {name}; each variable has one factor'
                )
            owner[name] = factor
        varies = any(array.size and (array != array[:1]).any() for array in draws.values())
        same, stuck = (
            all(np.array_equal(draws[name], drawn.get(name, np.empty(0))) for name in draws)
            for drawn in (again, other)
        )
        if not same or (varies and stuck):
            how = "the same from another" if same else "differently from an equal"
            raise InputError(
                f'sample(state, "{factor}", rng, n) ignores its generator: it draws {how} generator; '
                "use rng alone"
            )
        if not np.isfinite(guarded.log_density(state, factor, draws)).all():
            raise InputError(
                f'log_density(state, "{factor}", values) is infinite at draws of sample; '
                "sampler and density must have the same support"
            )
    _same_names(owner, guarded)
    _has_mass(state, guarded, rng)
    for factor in guarded.factors:
        guarded.elbo(guarded.update(state, factor))


def _same_names(owner: dict[str, str], guarded: GuardedDerivation) -> None:
    """Compare the factors' variables with the model's, where it names them."""
    wanted = getattr(guarded.log_joint, "variables", None)
    if wanted is None or set(wanted) == set(owner):
        return
    ours = [f"{name} (of {owner[name]})" for name in sorted(set(owner) - set(wanted))]
    theirs, shared = sorted(set(wanted) - set(owner)), sorted(set(owner) & set(wanted))
    raise InputError(
        "the factors' variables and the model's do not match: only the factors have "
        f"{', '.join(ours) or 'nothing'}; only the model has {', '.join(theirs) or 'nothing'}; "
        f"both have {', '.join(shared) or 'nothing'}; give them the same names"
    )


def _has_mass(state: object, guarded: GuardedDerivation, rng: np.random.Generator) -> None:
    """Refuse a model in which draws of q are impossible, and find whose draws they are."""
    values = guarded.draw(state, rng, 50)
    bad = ~np.isfinite(guarded.log_p(values))
    if not bad.any():
        return
    terms = getattr(guarded.log_joint, "terms", None)
    each = terms(values) if terms is not None else {}
    blamed = [name for name, term in each.items() if not np.isfinite(term).all()]
    row = int(np.argmax(bad))
    at = {name: np.repeat(array[row : row + 1], 50, axis=0) for name, array in values.items()}
    guilty = (
        f'factor "{factor}"'
        for factor in guarded.factors
        if np.isfinite(guarded.log_p(at | guarded.own(factor, values))).any()
    )
    where = next(guilty, f"factors {', '.join(guarded.factors)}")
    of_terms = f" (its terms {', '.join(blamed)})" if blamed else ""
    raise InputError(
        f"the log joint density is infinite at draws of the {where}{of_terms}: q puts mass where the model "
        "has none; compare supports, units and names"
    )
