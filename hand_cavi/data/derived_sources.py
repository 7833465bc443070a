"""Sources made of something else: columns side by side, and the rows in which nothing is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from hand_cavi.sources import Block, Source

_ROWS = 1 << 18


@dataclass(frozen=True)
class ColumnSource(Source):
    """Columns of a mapped array, each of shape (N,), side by side and as float64 a piece at a time.

    Attributes
    ----------
    columns : tuple of ndarray
    weight : ndarray or None
        Of shape (N,); ones if None.
    """

    columns: tuple[np.ndarray, ...]
    weight: np.ndarray | None = None

    @property
    def n_points(self) -> int:
        """N."""
        return len(self.columns[0])

    @property
    def n_features(self) -> int:
        """D."""
        return len(self.columns)

    def blocks(self) -> Iterator[Block]:
        """Yield pieces of rows."""
        for start in range(0, self.n_points, _ROWS):
            here = slice(start, start + _ROWS)
            with np.errstate(over="ignore", invalid="ignore"):  # what a cast makes of them is looked at
                pieces = [np.asarray(c[here], dtype=np.float64) for c in self.columns]
                weight = None if self.weight is None else np.asarray(self.weight[here], dtype=np.float64)
            yield Block(np.column_stack(pieces), weight)


@dataclass(frozen=True)
class CompleteRows(Source):
    """A source without the rows that hold a NaN, or whose weight is one; read a piece at a time.

    Attributes
    ----------
    source : Source
    dropped : ndarray of int
        The rows of it that are left out, counted from 0 and in order.
    """

    source: Source
    dropped: np.ndarray

    @classmethod
    def of(cls, source: Source) -> Self:
        """Read a source once, and leave out its rows with a missing value."""
        begins, dropped = 0, [np.empty(0, dtype=np.intp)]
        for piece in source.pieces():
            dropped.append(begins + np.flatnonzero(_gaps(piece)))
            begins += len(piece.rows)
        return cls(source, np.concatenate(dropped))

    @property
    def n_points(self) -> int:
        """N."""
        return self.source.n_points - len(self.dropped)

    @property
    def n_features(self) -> int:
        """D."""
        return self.source.n_features

    def blocks(self) -> Iterator[Block]:
        """Yield what is left of each piece."""
        for piece in self.source.pieces():
            kept = ~_gaps(piece)
            if kept.any():
                yield Block(piece.rows[kept], None if piece.weight is None else piece.weight[kept])


def _gaps(piece: Block) -> np.ndarray:
    """Return whether a row has a missing value or weight, shape (n,)."""
    gaps = np.isnan(piece.rows).any(axis=1)
    return gaps if piece.weight is None else gaps | np.isnan(piece.weight)
