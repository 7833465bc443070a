"""Long fits that may be interrupted: every pass over the data is written down, and not made twice.

Between two passes over the data everything is cheap and determined: the starts come from the seed, and each
pass finds the optimal assignments at some expectations, E phi and E ln pi. So a log of the passes' results,
in their order, is all that a resumed fit needs. It takes the same steps, is handed each result from the log
as long as the log lasts, and makes passes of its own from there: the outcome is the same, bit for bit.

A record holds a digest of the expectations, and the assignments: the sums (K, P) and the entropy. A last
record that was cut off is left out; expectations that do not fit their record mean that the log belongs to
another fit.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from hand_cavi.data.kernels import Assignments, Expectations
from hand_cavi.inputs import InputError, as_file

_HEAD = b"elbowroom passes 1\n"
_DIGEST = 16  # bytes


@dataclass
class Log:
    """The passes of a fit, in a file that grows by a record each.

    Attributes
    ----------
    path : Path
    records : deque of (digest, Assignments)
        Those still to be handed out.
    """

    path: Path
    records: deque[tuple[bytes, Assignments]]
    _file: BinaryIO

    @classmethod
    def open(cls, path: Path | str, shape: tuple[int, int]) -> "Log":
        """Open a log, or begin one.

        Parameters
        ----------
        path : Path or str
        shape : pair of int
            K and P.

        Raises
        ------
        InputError
            If the file is none of these, belongs to a fit of another shape, or cannot be written.
        """
        path, head = Path(path), _HEAD + np.array(shape, dtype="<i8").tobytes()
        try:
            found = as_file(path, "checkpoint").read_bytes() if path.exists() else b""
        except OSError as error:
            raise InputError(f"the checkpoint {path} cannot be read ({error.strerror})") from error
        if not head.startswith(found[: len(head)]):
            raise InputError(
                f"{path} is no checkpoint of a fit with {shape[0]} components and this family; remove it, or "
                "name another file"
            )
        size = _DIGEST + 8 * (shape[0] * shape[1] + 1)
        n_whole = max(0, len(found) - len(head)) // size
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            file = path.open("r+b")
            if len(found) < len(head):
                file.write(head)
            file.seek(len(head) + n_whole * size)
            file.truncate()
            file.flush()
        except OSError as error:
            raise InputError(f"the checkpoint {path} cannot be written ({error.strerror})") from error
        records = [found[len(head) + i * size :][:size] for i in range(n_whole)]
        return cls(path, deque(_read(record, shape) for record in records), file)

    def through(
        self,
        about: bytes,
        expectations: Sequence[Expectations],
        make: Callable[[Sequence[Expectations]], list[Assignments]],
    ) -> list[Assignments]:
        """Return the assignments of a pass: the log's, if it knows all of them, else those that are made.

        Parameters
        ----------
        about : bytes
            What tells these data from others, beyond the expectations; see `about`.
        expectations : sequence of Expectations
        make : callable
            Makes the pass.

        Raises
        ------
        InputError
            If the log belongs to another fit.
        """
        digests = [_digest(about, *each) for each in expectations]
        known = self._next(digests)
        if known is not None:
            return known
        made = make(expectations)
        self.write(digests, made)
        return made

    def _next(self, digests: Sequence[bytes]) -> list[Assignments] | None:
        """Return what the log knows of the next pass, or None when it has come to its end."""
        if len(self.records) < len(digests):
            self._from_here()
            return None
        next_ones = [self.records.popleft() for _ in digests]
        if [digest for digest, _ in next_ones] != list(digests):
            raise InputError(
                f"the checkpoint {self.path} belongs to another fit: other data, another prior, seed or "
                "setting; remove it, or name another file"
            )
        return [assignments for _, assignments in next_ones]

    def write(self, digests: Sequence[bytes], made: Sequence[Assignments]) -> None:
        """Append the records of a pass, and hand them to the system before the fit goes on."""
        for digest, assignments in zip(digests, made, strict=True):
            numbers = np.append(assignments.sums.ravel(), assignments.entropy).astype("<f8")
            self._file.write(digest + numbers.tobytes())
        self._file.flush()

    def _from_here(self) -> None:
        """Forget the records of a pass that was cut off, in the file too."""
        if self.records:
            size = _DIGEST + 8 * (self.records[0][1].sums.size + 1)
            self._file.seek(-size * len(self.records), os.SEEK_END)
            self._file.truncate()
            self.records.clear()

    def __enter__(self) -> Self:
        """Nothing happens before the first pass."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, once all of it is on disk."""
        os.fsync(self._file.fileno())
        self._file.close()


def about(log_base: float, natural: np.ndarray) -> bytes:
    """Return what tells data from others: the sum of log h, and the prior's eta in the fit's coordinates."""
    return _digest(b"", np.asarray(log_base), natural)


def _digest(about: bytes, *arrays: np.ndarray) -> bytes:
    state = hashlib.blake2b(about, digest_size=_DIGEST)
    for array in arrays:
        state.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return state.digest()


def _read(record: bytes, shape: tuple[int, int]) -> tuple[bytes, Assignments]:
    numbers = np.frombuffer(record[_DIGEST:], dtype="<f8").astype(np.float64)
    return record[:_DIGEST], Assignments(numbers[:-1].reshape(shape), float(numbers[-1]))
