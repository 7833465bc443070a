"""Moments add up: sums over several data sets on the same grid make those of all of them."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

import numpy as np

from hand_cavi.inputs import InputError


class Sums(Protocol):
    """What the cells of a grid hold; see `CellSums` and `PlaneSums`."""

    @property
    def grid(self) -> object: ...  # noqa: D102
    @property
    def cell(self) -> np.ndarray: ...  # noqa: D102
    def joined(self, parts: Sequence[Self]) -> Self: ...  # noqa: D102


class AnyGrid[S: Sums](Protocol):
    """Cells, and the plain loop that sums over them; see `Grid` and `PlaneGrid`."""

    n_features: ClassVar[int]
    rows_of_a_part: ClassVar[int]

    @property
    def origin(self) -> float | tuple[float, ...]: ...  # noqa: D102
    @property
    def width(self) -> float: ...  # noqa: D102
    def sums(  # noqa: D102
        self, rows: np.ndarray, weight: np.ndarray | None, most: int
    ) -> S | int | None: ...


def merged[S: Sums](parts: Sequence[S]) -> S:
    """Return the sums over several data sets on the same grid, added in their order.

    Raises
    ------
    InputError
        If the grids differ.
    """
    if any(part.grid != parts[0].grid for part in parts):
        raise InputError(
            "sums on different grids cannot be added; give all of them one origin, width and n_moments"
        )
    return parts[0] if len(parts) == 1 else parts[0].joined(parts)
