"""The derivation under test, behind a door: what it returns is checked, and faults named by factor.

A method that is missing, fails, returns the wrong shape or NaN, changes its input or ignores its generator is
bad input: `hand_cavi.InputError`, in a sentence. Being wrong as mathematics is what the checks are for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.checks.snapshot import same, snapshot
from experiments.checks.space import Arrays, Space
from hand_cavi import InputError

_METHODS = ("factors", "initial", "update", "elbo", "sample", "log_density")
_BLOCK = 200_000  # rows of values that the log joint density sees at once

LogJoint = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class GuardedDerivation:
    """A derivation and the log joint density that it is held against.

    Attributes
    ----------
    derivation : Derivation
    log_joint : callable
        Takes values by name, arrays (S, ...), and returns ln p(x, z), shape (S,).
    factors : tuple of str
    """

    derivation: Any
    log_joint: LogJoint
    factors: tuple[str, ...]
    _bare: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, derivation: Any, log_joint: LogJoint) -> "GuardedDerivation":
        """Sample at the derivation's methods and factors."""
        lacking = [name for name in _METHODS if not hasattr(derivation, name)]
        lacking += [
            name for name in _METHODS[1:] if name not in lacking and not callable(getattr(derivation, name))
        ]
        if lacking:
            raise InputError(
                f"{_name(derivation)} lacks {' and '.join(lacking)}; it needs {', '.join(_METHODS)}"
            )
        if not callable(log_joint):
            raise InputError(
                f"the log joint density is {log_joint!r}; it must be a function of values by name"
            )
        factors = derivation.factors
        if callable(factors):
            raise InputError(
                f"factors of {_name(derivation)} is a method; make it an attribute or a property"
            )
        if isinstance(factors, str) or not isinstance(factors, Sequence) or not factors:
            raise InputError(f"factors is {factors!r}; it must list the names of the factors")
        if not all(isinstance(factor, str) for factor in factors) or len(set(factors)) < len(factors):
            raise InputError(f"factors is {factors!r}; the names must be words, each once")
        return cls(derivation, log_joint, tuple(factors))

    # ---- the derivation's methods -----------------------------------------------------------

    def initial(self, rng: np.random.Generator) -> Any:
        """Return a random state."""
        state = self._call("initial", None, lambda: self.derivation.initial(rng))
        if state is None:
            raise InputError("initial(rng) returned None; it must return a state")
        return state

    def update(self, state: Any, factor: str) -> Any:
        """Return the updated state, after making sure that the old one has not changed."""
        before = snapshot(state)
        after = self._call("update", factor, lambda: self.derivation.update(state, factor))
        if after is None:
            raise InputError(f'update(state, "{factor}") returned None; it must return a state')
        if not same(before, snapshot(state)):
            raise InputError(
                f'update(state, "{factor}") changes the state that it was given; build a new state instead, '
                "such as with dataclasses.replace and arrays of its own"
            )
        self._finite(after, f'update(state, "{factor}") returned a state that holds')
        return after

    def elbo(self, state: Any) -> dict[str, float]:
        """Return the terms of the bound."""
        terms = self._call("elbo", None, lambda: self.derivation.elbo(state))
        if not isinstance(terms, Mapping) or not terms:
            raise InputError(
                f"elbo(state) returned {type(terms).__name__}; it must return terms by name, in a dict"
            )
        found = {}
        for name, value in terms.items():
            if np.ndim(value) or not np.isfinite(value):
                raise InputError(
                    f'the term "{name}" of elbo(state) is {value!r}; it must be one finite number'
                )
            found[str(name)] = float(value)
        return found

    def bound(self, state: Any) -> float:
        """Return the bound, the sum of its terms."""
        return float(sum(self.elbo(state).values()))

    def sample(self, state: Any, factor: str, rng: np.random.Generator, n: int) -> Arrays:
        """Return n draws of a factor, by name."""
        draws = self._call("sample", factor, lambda: self.derivation.sample(state, factor, rng, n))
        self._bare[factor] = not isinstance(draws, Mapping)
        named = draws if isinstance(draws, Mapping) else {factor: draws}
        found = {}
        for name, values in named.items():
            array = np.asarray(values)
            if array.ndim == 0 or len(array) != n or array.dtype.kind not in "biuf":
                raise InputError(
                    f'sample(state, "{factor}", rng, {n}) returned {name} of shape {array.shape}; '
                    f"numbers with a leading axis of {n} draws are needed"
                )
            if not np.isfinite(array).all():
                raise InputError(f'sample(state, "{factor}", rng, {n}) drew {name} that is not finite')
            found[str(name)] = array
        if not found:
            raise InputError(f'sample(state, "{factor}", rng, {n}) returned no variables')
        return found

    def log_density(self, state: Any, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q of a factor, shape (S,); it may be -inf, but not nan."""
        n = len(next(iter(values.values())))
        given: Any = _locked(values)
        given = given[factor] if self._bare.get(factor) else given
        density = self._call("log_density", factor, lambda: self.derivation.log_density(state, factor, given))
        array = np.asarray(density, dtype=float)
        if array.shape != (n,):
            raise InputError(
                f'log_density(state, "{factor}", values) returned shape {array.shape} for {n} draws; '
                f"it must be ({n},), one number for each draw"
            )
        if np.isnan(array).any():
            raise InputError(f'log_density(state, "{factor}", values) is nan at some values')
        return array

    # ---- the log joint density ----------------------------------------------------------------

    def draw(self, state: Any, rng: np.random.Generator, n: int, without: str | None = None) -> Arrays:
        """Return n draws of every factor but one, by name."""
        found: Arrays = {}
        for factor in self.factors:
            if factor != without:
                found |= self.sample(state, factor, rng, n)
        return found

    def log_p(self, values: Arrays) -> np.ndarray:
        """Return ln p(x, z), shape (S,)."""
        n = len(next(iter(values.values())))
        blocks = [
            self._log_p({name: array[start : start + _BLOCK] for name, array in values.items()})
            for start in range(0, n, _BLOCK)
        ]
        return np.concatenate(blocks)

    def _log_p(self, values: Arrays) -> np.ndarray:
        n = len(next(iter(values.values())))
        try:
            with np.errstate(all="ignore"):
                density = np.asarray(self.log_joint(_locked(values)), dtype=float)
        except KeyError as error:
            raise InputError(
                f"the log joint density asks for {error}, but the factors draw "
                f"{', '.join(sorted(values))}; the names must agree"
            ) from None
        except InputError:
            raise
        except Exception as error:
            if _is_lock(error):
                raise InputError(
                    "the log joint density changes the values that it was given; make new arrays instead"
                ) from error
            raise InputError(f"the log joint density failed: {type(error).__name__}: {error}") from error
        if density.shape != (n,):
            raise InputError(
                f"the log joint density returned shape {density.shape} for {n} draws; it must be ({n},): "
                "one number for each draw, with everything else summed"
            )
        if np.isnan(density).any():
            raise InputError("the log joint density is nan at draws from q")
        return density

    def _call(self, method: str, factor: str | None, work: Callable[[], Any]) -> Any:
        where = f'{method}(state, "{factor}")' if factor else method
        try:
            with np.errstate(all="ignore"):  # what is nan is told in a sentence
                return work()
        except Exception as error:
            if _is_lock(error):
                raise InputError(
                    f"{where} changes the values that it was given; make new arrays instead"
                ) from error
            raise InputError(f"{where} failed: {type(error).__name__}: {error}") from error

    def _finite(self, state: Any, what: str) -> None:
        for array in snapshot(state):
            if isinstance(array, np.ndarray) and array.dtype.kind == "f" and np.isnan(array).any():
                raise InputError(f"{what} nan; look at its formulas at a random state")


def space_of(
    subject: GuardedDerivation, factor: str, states: Sequence[Any], rng: np.random.Generator
) -> Space:
    """Return the space of a factor's variables, judged by draws at several states."""
    draws = [subject.sample(state, factor, rng, 1000) for state in states]
    return Space.of({name: np.concatenate([d[name] for d in draws]) for name in draws[0]})


def _locked(values: Arrays) -> Arrays:
    """Return the same arrays, which nobody can write into."""
    views = {name: array.view() for name, array in values.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _is_lock(error: Exception) -> bool:
    return isinstance(error, ValueError) and "read-only" in str(error)


def _name(derivation: Any) -> str:
    return derivation.__name__ if isinstance(derivation, type) else type(derivation).__name__
