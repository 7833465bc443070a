"""What data are made of, to a fit: rows that can be read again and again, in blocks, and summed in parts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hand_cavi.inputs import as_numbers

_ROWS = 1 << 18  # rows looked at together when something is asked of every one


@dataclass(frozen=True)
class Block:
    """Some rows, one after the other.

    Attributes
    ----------
    rows : ndarray, shape (n, D)
        In the data's units, of any kind of real numbers.
    weight : ndarray, shape (n,), or None
        w_i; ones if None.
    """

    rows: np.ndarray
    weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        for values, name in ((self.rows, "a block's rows"), (self.weight, "a block's weights")):
            if np.ma.isMaskedArray(values):
                as_numbers(values, name)

    def pieces(self, n_rows: int = _ROWS) -> Iterator["Block"]:
        """Cut the block into pieces of so many rows."""
        for start in range(0, len(self.rows), n_rows):
            here = slice(start, start + n_rows)
            yield Block(self.rows[here], None if self.weight is None else self.weight[here])

    def every(self, step: int, begins: int) -> "Block":
        """Return the rows, as float64, whose numbers are multiples of `step`; `begins` is the first one's."""
        here = slice(-begins % step, None, step)
        copy = None if step == 1 else True  # a view would hold the whole block
        rows = np.array(self.rows[here], dtype=np.float64, copy=copy)
        return Block(
            rows, None if self.weight is None else np.array(self.weight[here], dtype=np.float64, copy=copy)
        )


class Source(ABC):
    """Data that can be read again and again."""

    @property
    @abstractmethod
    def n_points(self) -> int:
        """N."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """D."""

    @property
    def threads(self) -> int | None:
        """Of a pass, if nobody says otherwise; all that the process may use if None."""
        return None

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """Yield all rows, in blocks, in the same order and the same cuts every time."""

    def pieces(self) -> Iterator[Block]:
        """Yield all rows in pieces small enough for some temporary arrays of their size."""
        for block in self.blocks():
            yield from block.pieces()

    def reduced[R](self, of_part: Callable[["Source", int], R], combine: Callable[[Sequence[R]], R]) -> R:
        """Return what a function gives for all rows, made of what it gives for parts of them.

        Every pass over the data is one of these, so that a source whose parts lie elsewhere need not move
        rows: it moves the function, and what that returns.

        Parameters
        ----------
        of_part : callable
            Takes some of the rows, as a source, and the number of the first of them in all the data.
        combine : callable
            Takes what it returned for several parts, in their order, and returns the same for them together.
        """
        return of_part(self, 0)

    def spread_out(self, most: int) -> Block:
        """Return at most so many rows, evenly spaced through the data, as float64."""
        step = -(-self.n_points // most)
        return self.reduced(partial(_every, step=step), joined)

    def every(self, step: int, begins: int) -> Block:
        """Return the rows, as float64, whose numbers are multiples of `step`; `begins` is the first one's."""
        found = []
        for block in self.blocks():
            found.append(block.every(step, begins))
            begins += len(block.rows)
        return joined(found)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or what it is if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _every(part: Source, begins: int, *, step: int) -> Block:
    return part.every(step, begins)


def joined(blocks: Sequence[Block]) -> Block:
    """Return blocks, at least one, as one."""
    if len(blocks) == 1:
        return blocks[0]
    weights = [block.weight for block in blocks if block.weight is not None]
    rows = np.concatenate([block.rows for block in blocks])
    return Block(rows, np.concatenate(weights) if weights else None)
