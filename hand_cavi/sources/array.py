"""Arrays, and .npy files that are mapped into memory: one block, of which nothing is copied."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hand_cavi.inputs import InputError, as_file
from hand_cavi.sources.base import Block, Source, first_line


@dataclass(frozen=True)
class ArraySource(Source):
    """An array or a memory map, of (N, D) real numbers, and perhaps weights (N,)."""

    rows: np.ndarray
    weight: np.ndarray | None = None

    @property
    def n_points(self) -> int:
        """N."""
        return len(self.rows)

    @property
    def n_features(self) -> int:
        """D."""
        return self.rows.shape[1]

    def blocks(self) -> Iterator[Block]:
        """Yield the whole: a view, of which nothing is copied."""
        yield Block(self.rows, self.weight)


@dataclass(frozen=True)
class NpyRows(Source):
    """Some rows of an .npy file, which is mapped where they are read.

    Attributes
    ----------
    path : Path
    first, after : int
        The numbers of the first row, and of the one after the last.
    n_features : int
    """

    path: Path
    first: int
    after: int
    n_features: int = 1

    @property
    def n_points(self) -> int:
        """N."""
        return self.after - self.first

    def blocks(self) -> Iterator[Block]:
        """Yield the rows."""
        yield Block(open_npy(self.path)[self.first : self.after].reshape(self.n_points, -1))


def open_npy(path: str | Path, *, mapped: bool = True) -> np.ndarray:
    """Return the array of an .npy file, mapped into memory or held. Objects (pickles) are never read.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path = as_file(path, "file")
    try:
        # Mapping compares the size that the header claims with that of the file before it allocates.
        found: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header raises whatever numpy's and Python's parsers do
        raise InputError(f"{path} cannot be read as an .npy file ({first_line(error)})") from None
    return found if mapped else np.array(found)
