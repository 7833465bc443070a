"""The derivation under test, guarded: what it returns is checked, and faults are named by factor.

A method that is missing, fails, returns the wrong shape or NaN, changes its input or ignores its generator is
bad input: `hand_cavi.InputError`, in a sentence. Being wrong as mathematics is what the checks are for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from experiments.checks.snapshot import same, snapshot
from hand_cavi import InputError
from hand_cavi.derivation import Derivation
from hand_cavi.numerics.space import Arrays

_METHODS = ("factors", "initial", "update", "elbo", "sample", "log_density")
_BLOCK = 200_000  # rows of values that the log joint density sees at once

LogJoint = Callable[[Arrays], np.ndarray]


@dataclass(frozen=True)
class GuardedDerivation:
    """A derivation of the user's own, whose states may be any objects, and the log joint density beside it.

    That takes values by name, arrays (S, ...), and returns ln p(x, z), shape (S,).
    """

    derivation: Derivation[object]
    log_joint: LogJoint
    factors: tuple[str, ...]
    forms: dict[str, str] = field(default_factory=dict)
    """Of the factors that claim to be the best of a form only, such as ``"gaussian"``."""
    _drawn: dict[str, tuple[str, ...] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # the names that a factor draws, once it has been sampled; None if it draws a bare array

    @classmethod
    def of(cls, derivation: object, log_joint: object) -> "GuardedDerivation":
        """Look at the derivation's methods and factors."""
        name = (derivation if isinstance(derivation, type) else type(derivation)).__name__
        lacking = [m for m in _METHODS if not hasattr(derivation, m)]
        lacking += [m for m in _METHODS[1:] if m not in lacking and not callable(getattr(derivation, m))]
        if lacking:
            raise InputError(f"{name} lacks {' and '.join(lacking)}; it needs {', '.join(_METHODS)}")
        if not callable(log_joint):
            raise InputError(
                f"the log joint density is {log_joint!r}; it must be a function of values by name"
            )
        checked = cast(Derivation[object], derivation)
        factors: object = checked.factors
        if callable(factors):
            raise InputError(f"factors of {name} is a method; make it an attribute or a property")
        if isinstance(factors, str) or not isinstance(factors, Sequence) or not factors:
            raise InputError(f"factors is {factors!r}; it must list the names of the factors")
        if not all(isinstance(factor, str) for factor in factors) or len(set(factors)) < len(factors):
            raise InputError(f"factors is {factors!r}; the names must be words, each once")
        form: object = getattr(derivation, "form", {})
        forms = dict.fromkeys(factors, form) if isinstance(form, str) else form
        if not isinstance(forms, Mapping) or not all(
            factor in factors and isinstance(word, str) and word for factor, word in forms.items()
        ):
            raise InputError(
                f"form is {form!r}; it must be a word, such as gaussian, or factors' words by their names"
            )
        return cls(checked, cast(LogJoint, log_joint), tuple(factors), dict(forms))

    def initial(self, rng: np.random.Generator) -> object:
        """Return a random state."""
        state = guarded_call("initial", lambda: self.derivation.initial(rng))
        if state is None:
            raise InputError("initial(rng) returned None; it must return a state")
        return state

    def update(self, state: object, factor: str) -> object:
        """Return the updated state, after making sure that the old one has not changed."""
        before, call = snapshot(state), f'update(state, "{factor}")'
        after = guarded_call(call, lambda: self.derivation.update(state, factor))
        if after is None:
            raise InputError(f"{call} returned None; it must return a state")
        if not same(before, snapshot(state)):
            raise InputError(
                f"{call} changes the state that it was given; build a new state instead, "
                "such as with dataclasses.replace and arrays of its own"
            )
        numbers = [z for z in snapshot(after) if isinstance(z, np.ndarray) and z.dtype.kind == "f"]
        if any(np.isnan(array).any() for array in numbers):
            raise InputError(
                f"{call} returned a state that holds nan; look at its formulas at a random state"
            )
        return after

    def elbo(self, state: object) -> dict[str, float]:
        """Return the terms of the bound."""
        terms: object = guarded_call("elbo", lambda: self.derivation.elbo(state))
        if not isinstance(terms, Mapping) or not terms:
            raise InputError(
                f"elbo(state) returned {type(terms).__name__}; it must return terms by name, in a dict"
            )
        for name, value in terms.items():
            if np.ndim(value) or not np.isfinite(value):
                raise InputError(
                    f'the term "{name}" of elbo(state) is {value!r}; it must be one finite number'
                )
        return {str(name): float(value) for name, value in terms.items()}

    def bound(self, state: object) -> float:
        """Return the bound, the sum of its terms."""
        return float(sum(self.elbo(state).values()))

    def sample(self, state: object, factor: str, rng: np.random.Generator, n: int) -> Arrays:
        """Return n draws of a factor, by name."""
        call = f'sample(state, "{factor}", rng, {n})'
        draws = guarded_call(call, lambda: self.derivation.sample(state, factor, rng, n))
        named = draws if isinstance(draws, Mapping) else {factor: draws}
        found = {}
        for name, values in named.items():
            array = np.asarray(values)
            if array.ndim == 0 or len(array) != n or array.dtype.kind not in "biuf":
                raise InputError(
                    f"{call} returned {name} of shape {array.shape}; "
                    f"numbers with a leading axis of {n} draws are needed"
                )
            if not np.isfinite(array).all():
                raise InputError(f"{call} drew {name} that is not finite")
            found[str(name)] = array
        if not found:
            raise InputError(f"{call} returned no variables")
        self._drawn[factor] = tuple(found) if isinstance(draws, Mapping) else None
        return found

    def own(self, factor: str, values: Arrays) -> Arrays:
        """Return those of some values that a factor draws, as far as it has been sampled before; else all."""
        return {name: values[name] for name in self._drawn.get(factor, tuple(values)) or (factor,)}

    def log_density(self, state: object, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q of a factor, shape (S,), at values that may hold other factors' variables as well.

        It may be -inf, but not nan.
        """
        given = _locked(self.own(factor, values))
        bare = self._drawn.get(factor, ()) is None
        return _numbers(
            f'log_density(state, "{factor}", values)',
            lambda: self.derivation.log_density(state, factor, given[factor] if bare else given),
            len(next(iter(given.values()))),
            ", one number for each draw",
            "at some values",
        )

    def draw(self, state: object, rng: np.random.Generator, n: int, without: str | None = None) -> Arrays:
        """Return n draws of every factor but one, by name."""
        each = [self.sample(state, factor, rng, n) for factor in self.factors if factor != without]
        return {name: values for drawn in each for name, values in drawn.items()}

    def log_p(self, values: Arrays) -> np.ndarray:
        """Return ln p(x, z), shape (S,)."""
        starts = range(0, len(next(iter(values.values()))), _BLOCK)
        blocks = [{name: z[start : start + _BLOCK] for name, z in values.items()} for start in starts]
        return np.concatenate([self._log_p(block) for block in blocks])

    def log_ratio(self, state: object, values: Arrays) -> np.ndarray:
        """Return ln p(x, z) - ln q(z), shape (S,)."""
        log_q = [self.log_density(state, factor, values) for factor in self.factors]
        return self.log_p(values) - np.sum(log_q, axis=0)

    def _log_p(self, values: Arrays) -> np.ndarray:
        def density() -> np.ndarray:
            try:
                return self.log_joint(_locked(values))
            except KeyError as error:
                raise InputError(
                    f"the log joint density asks for {error}, but the factors draw "
                    f"{', '.join(sorted(values))}; the names must agree"
                ) from None

        return _numbers(
            "the log joint density",
            density,
            len(next(iter(values.values()))),
            ": one number for each draw, with everything else summed",
            "at draws from q",
            refusals=True,
        )


def guarded_call[T](call: str, work: Callable[[], T], refusals: bool = False) -> T:
    """Return what a function of the user's returns; an exception becomes a sentence that names the call.

    With `refusals` an `InputError` of its own passes as it is.
    """
    try:
        with np.errstate(all="ignore"):  # what is nan is told in a sentence
            return work()
    except Exception as error:
        if refusals and isinstance(error, InputError):
            raise
        how = f" failed: {type(error).__name__}: {error}"
        if isinstance(error, ValueError) and "read-only" in str(error):
            how = " changes the values that it was given; make new arrays instead"
        raise InputError(f"{call}{how}") from error


def _numbers(
    call: str, work: Callable[[], np.ndarray], n: int, wanted: str, where: str, refusals: bool = False
) -> np.ndarray:
    """Return n numbers that a function of the user's gives, none of them nan."""
    array = guarded_call(call, lambda: np.asarray(work(), dtype=float), refusals)
    if array.shape != (n,):
        raise InputError(f"{call} returned shape {array.shape} for {n} draws; it must be ({n},){wanted}")
    if np.isnan(array).any():
        raise InputError(f"{call} is nan {where}")
    return array


def _locked(values: Arrays) -> Arrays:
    """Return the same arrays, which nobody can write into."""
    views = {name: array.view() for name, array in values.items()}
    for view in views.values():
        view.flags.writeable = False
    return views
