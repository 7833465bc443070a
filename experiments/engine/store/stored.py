"""Parts of a record that are read when they are first asked for: data, a reference's draws, measurements.

A study that has nothing to do, and a page that is as it was, ask for few of them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments.engine.store.jsonable import loads
from experiments.records.measured import Measurement
from experiments.records.problem import Condensation, Draws, Problem
from experiments.records.result import Reference
from hand_cavi import Mixture

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


class StoredProblem(Problem):
    """A problem of the store; its mixture is here, its data come from their file.

    How well nodes stand for points is read apart: every summary asks for that, and few for the data.
    """

    def __init__(
        self,
        mixture: Mixture,
        read: Callable[[], Problem],
        read_condensation: Callable[[], Condensation | None],
    ) -> None:
        self.__dict__.update(mixture=mixture, _read=read, _read_condensation=read_condensation)

    @cached_property
    def _whole(self) -> Problem:
        whole: Problem = self.__dict__["_read"]()
        return whole

    @property
    def x(self) -> "np.ndarray":
        """The points, as of `Problem`; the following likewise."""
        return self._whole.x

    @property
    def sample_weight(self) -> "np.ndarray | None":
        """Their weights."""
        return self._whole.sample_weight

    @property
    def truth(self) -> Draws:
        """What a simulation knows."""
        return self._whole.truth

    @cached_property
    def condensation(self) -> Condensation | None:
        """How well nodes stand for a larger data set."""
        found: Condensation | None = self.__dict__["_read_condensation"]()
        return found


class StoredReference(Reference):
    """A reference of the store, whose draws come from their file."""

    def __init__(self, kept: Reference, read: Callable[[], "xr.DataTree | None"]) -> None:
        self.__dict__.update({name: value for name, value in vars(kept).items() if name != "draws"})
        self.__dict__["_read"] = read

    @cached_property
    def draws(self) -> "xr.DataTree | None":
        """Canonical draws, as of `Reference`."""
        tree: xr.DataTree | None = self.__dict__["_read"]()
        return tree


def of_one_shape(one: Measurement) -> bool:
    """Return whether a measurement's standard errors, if they are a list, have the shape of its values."""

    def fits(value: Any, error: Any) -> bool:
        if not isinstance(error, list):
            return True
        alike = isinstance(value, list) and len(value) == len(error)
        return alike and all(map(fits, value, error))

    return fits(one.value, one.standard_error)


def _measurement(text: str) -> Measurement:
    return loads(text, Measurement)


class StoredMeasurements(Mapping[str, Measurement]):
    """Measurements by the names of their metrics, from JSON texts that `of` reads."""

    def __init__(self, texts: Mapping[str, str], of: Callable[[str], Measurement] = _measurement) -> None:
        self._texts, self._of = dict(texts), of
        self._read: dict[str, Measurement] = {}

    def __getitem__(self, name: str) -> Measurement:
        """Return a measurement, read at most once."""
        if name not in self._read:
            self._read[name] = self._of(self._texts[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the order in which they were stored."""
        return iter(self._texts)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._texts)

    def __eq__(self, other: object) -> bool:
        """Whether another mapping holds the same."""
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return them as a dict."""
        return repr(dict(self))

    def __reduce__(self) -> Any:
        """Hand them to another process as texts."""
        return (StoredMeasurements, (self._texts,))
