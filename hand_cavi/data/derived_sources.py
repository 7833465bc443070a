"""Sources made of something else: columns side by side, and the rows in which nothing is missing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
        return cls(source, source.reduced(_dropped_of, np.concatenate))

    @property
    def threads(self) -> int | None:
        """As of the source."""
        return self.source.threads

    @property
    def n_points(self) -> int:
        """N."""
        return self.source.n_points - len(self.dropped)

    @property
    def n_features(self) -> int:
        """D."""
        return self.source.n_features

    def reduced[R](self, of_part: Callable[[Source, int], R], combine: Callable[[Sequence[R]], R]) -> R:
        """Return what a function gives for what is left of each part, combined."""
        return self.source.reduced(partial(_of_complete, of_part=of_part, dropped=self.dropped), combine)

    def blocks(self) -> Iterator[Block]:
        """Yield what is left of each piece."""
        for piece in self.source.pieces():
            kept = ~_gaps(piece)
            if kept.any():
                yield Block(piece.rows[kept], None if piece.weight is None else piece.weight[kept])


def _dropped_of(part: Source, begins: int) -> np.ndarray:
    dropped = [np.empty(0, dtype=np.intp)]
    for piece in part.pieces():
        dropped.append(begins + np.flatnonzero(_gaps(piece)))
        begins += len(piece.rows)
    return np.concatenate(dropped)


def _of_complete[R](
    part: Source, begins: int, *, of_part: Callable[[Source, int], R], dropped: np.ndarray
) -> R:
    """Return what a function gives for the complete rows of a part; rows are numbered without the others."""
    first, after = np.searchsorted(dropped, [begins, begins + part.n_points])
    return of_part(CompleteRows(part, dropped[first:after] - begins), begins - int(first))


def _gaps(piece: Block) -> np.ndarray:
    """Return whether a row has a missing value or weight, shape (n,)."""
    gaps = np.isnan(piece.rows).any(axis=1)
    return gaps if piece.weight is None else gaps | np.isnan(piece.weight)
