"""Long fits that may be interrupted: every pass over the data is written down, and not made twice.

Between two passes over the data everything is cheap and determined: the starts come from the seed, and each
pass asks for the optimal assignments at some E phi and E ln pi. So a log of the passes' results, in their
order, is all that a resumed fit needs. It takes the same steps, is handed each result from the log as long as
the log lasts, and makes passes of its own from there: the outcome is the same, bit for bit.

A record holds a digest of the question and the answer, the sums (K, P) and the entropy. A last record that
was cut off is left out; a question that does not fit its record means that the log belongs to another fit.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from hand_cavi.data.kernels import Assignments
from hand_cavi.inputs import InputError

_HEAD = b"elbowroom passes 1\n"
_DIGEST = 16  # bytes

Question = tuple[np.ndarray, np.ndarray]
"""E phi_k, (K, P), and E ln pi_k, (K,)."""


@dataclass
class Log:
    """The passes of a fit, in a file that grows by a record each.

    Attributes
    ----------
    path : Path
    answers : deque of (digest, Assignments)
        Those still to be handed out.
    """

    path: Path
    answers: deque[tuple[bytes, Assignments]]
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
            found = path.read_bytes() if path.exists() else b""
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
        return cls(path, deque(_answer(record, shape) for record in records), file)

    def next_answers(self, questions: Sequence[bytes]) -> list[Assignments] | None:
        """Return what the log knows to the next pass's questions, or None when it has come to its end."""
        if len(self.answers) < len(questions):
            self._from_here()
            return None
        asked = [self.answers.popleft() for _ in questions]
        if [question for question, _ in asked] != list(questions):
            raise InputError(
                f"the checkpoint {self.path} belongs to another fit: other data, another prior, seed or "
                "setting; remove it, or name another file"
            )
        return [answer for _, answer in asked]

    def write(self, questions: Sequence[bytes], answers: Sequence[Assignments]) -> None:
        """Append the records of a pass, and hand them to the system before the fit goes on."""
        for question, answer in zip(questions, answers, strict=True):
            numbers = np.append(answer.sums.ravel(), answer.entropy).astype("<f8")
            self._file.write(question + numbers.tobytes())
        self._file.flush()

    def _from_here(self) -> None:
        """Forget the records of a pass that was cut off, in the file too."""
        if self.answers:
            size = _DIGEST + 8 * (self.answers[0][1].sums.size + 1)
            self._file.seek(-size * len(self.answers), os.SEEK_END)
            self._file.truncate()
            self.answers.clear()

    def __enter__(self) -> Self:
        """Nothing happens before the first question."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, once all of it is on disk."""
        os.fsync(self._file.fileno())
        self._file.close()


@dataclass(frozen=True)
class LoggedTask:
    """A task whose passes over the data go through a log.

    Attributes
    ----------
    task : Task or StreamedTask
    log : Log
    about : bytes
        What tells these data from others, beyond the passes' own questions.
    """

    task: Any
    log: Log
    about: bytes

    def __getattr__(self, name: str) -> Any:
        """Everything else is the task's own."""
        return getattr(self.task, name)

    def refreshed(self, expected_phi: np.ndarray, expected_log_weights: np.ndarray) -> Assignments:
        """Return the optimal assignments, from the log if it knows them."""
        return self._through([(expected_phi, expected_log_weights)], lambda q: [self.task.refreshed(*q[0])])[
            0
        ]

    def refreshed_many(self, questions: Sequence[Question]) -> list[Assignments]:
        """Return the optimal assignments of several starts, from the log if it knows all of them."""
        return self._through(questions, self.task.refreshed_many)

    def _through(
        self, questions: Sequence[Question], make: Callable[[Sequence[Question]], list[Assignments]]
    ) -> list[Assignments]:
        digests = [_digest(self.about, *question) for question in questions]
        known = self.log.next_answers(digests)
        if known is not None:
            return known
        answers = make(questions)
        self.log.write(digests, answers)
        return answers


def about(task: Any) -> bytes:
    """Return what tells a task from others: the sum of log h, and the prior in the task's coordinates."""
    numbers = [np.asarray(task.log_base), task.components.natural]
    return _digest(b"", *numbers)


def _digest(about: bytes, *arrays: np.ndarray) -> bytes:
    state = hashlib.blake2b(about, digest_size=_DIGEST)
    for array in arrays:
        state.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return state.digest()


def _answer(record: bytes, shape: tuple[int, int]) -> tuple[bytes, Assignments]:
    numbers = np.frombuffer(record[_DIGEST:], dtype="<f8").astype(np.float64)
    return record[:_DIGEST], Assignments(numbers[:-1].reshape(shape), float(numbers[-1]))
