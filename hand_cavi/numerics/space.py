"""Free coordinates for whatever a factor draws or is made of: read off from examples of its values.

A density can be moved, widened or compared in coordinates u that may be any real numbers:

    real        u = z
    positive    u = ln z
    unit        u = ln z - ln(1 - z)
    simplex     u_c = ln z_c - ln z_C,  c < C
    matrix      symmetric and positive definite: lower Cholesky factor, its diagonal as logarithms
    discrete    none; its values are those that were seen

The kind is judged by examples. A real number that happens to be positive in thousands of draws is called
positive; what lies below 0 then has no mass worth the name, and nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Variable:
    """One variable: its name, kind, and the shape and number of free coordinates of one value.

    Levels are the values of a discrete variable that were seen in the examples.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    free: int
    levels: np.ndarray

    def place(self, index: int) -> tuple[int, ...]:
        """Return which entry of a value a free coordinate moves most, as an index of its array."""
        if self.kind == "matrix":
            row, column = np.tril_indices(self.shape[-1])
            batch, entry = divmod(index, len(row))
            return (*_unravel(batch, self.shape[:-2]), int(row[entry]), int(column[entry]))
        last = self.shape[-1:] if self.kind != "simplex" else (self.shape[-1] - 1,)
        return _unravel(index, (*self.shape[:-1], *last))

    def unconstrain(self, z: np.ndarray) -> np.ndarray:
        """Return u, shape (S, free), of values (S, ...); nan where a value is not of this kind."""
        with np.errstate(all="ignore"):
            if self.kind == "matrix":
                z = self._log_cholesky(z)
            elif self.kind == "positive":
                z = np.log(z)
            elif self.kind == "unit":
                z = np.log(z) - np.log1p(-z)
            elif self.kind == "simplex":
                z = np.log(z[..., :-1]) - np.log(z[..., -1:])
        return z.reshape(len(z), -1)

    def constrain(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values (S, ...) and log |dz/du|, shape (S,), of u (S, free).

        Of a simplex, dz is that of the first C - 1 entries; of a matrix, that of its lower triangle.
        """
        n = len(u)
        if self.kind == "positive":
            return np.exp(u).reshape(n, *self.shape), u.sum(axis=1)
        if self.kind == "unit":
            z = 1 / (1 + np.exp(-u))
            return z.reshape(n, *self.shape), -(np.logaddexp(0, u) + np.logaddexp(0, -u)).sum(axis=1)
        if self.kind == "simplex":
            logits = u.reshape(n, *self.shape[:-1], self.shape[-1] - 1)
            logits = np.concatenate([logits, np.zeros((*logits.shape[:-1], 1))], axis=-1)
            log_z = logits - np.logaddexp.reduce(logits, axis=-1)[..., np.newaxis]
            return np.exp(log_z), log_z.reshape(n, -1).sum(axis=1)
        if self.kind == "matrix":
            return self._from_log_cholesky(u)
        return u.reshape(n, *self.shape), np.zeros(n)

    def _log_cholesky(self, z: np.ndarray) -> np.ndarray:
        lower, diagonal = np.linalg.cholesky(z), np.arange(self.shape[-1])
        lower[..., diagonal, diagonal] = np.log(lower[..., diagonal, diagonal])
        row, column = np.tril_indices(len(diagonal))
        return lower[..., row, column]

    def _from_log_cholesky(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """With A = L L', |dA/dL| = 2^D prod_d L_dd^(D-d), d = 0, ..., D-1, and dL_dd = L_dd d ln L_dd."""
        size, diagonal = self.shape[-1], np.arange(self.shape[-1])
        row, column = np.tril_indices(size)
        lower = np.zeros((len(u), *self.shape))
        lower[..., row, column] = u.reshape(len(u), *self.shape[:-2], -1)
        logs = lower[..., diagonal, diagonal].copy()
        lower[..., diagonal, diagonal] = np.exp(logs)
        per_matrix = size * np.log(2) + logs @ (size - diagonal + 1.0)
        return lower @ np.swapaxes(lower, -1, -2), per_matrix.reshape(len(u), -1).sum(axis=1)


def variable(name: str, examples: np.ndarray) -> Variable:
    """Return what kind of variable these examples, shape (S, ...), come from."""
    shape = examples.shape[1:]
    count = int(np.prod(shape))
    if examples.dtype.kind in "biu":
        return Variable(name, "discrete", shape, 0, np.unique(examples))
    kind, free = "real", count
    shares = count > 0 and bool((examples >= 0).all())  # of a simplex some may be 0: rounded, or a mistake
    if _are_matrices(examples):
        kind, free = "matrix", count // shape[-1] * (shape[-1] + 1) // 2
    elif shares and shape and shape[-1] > 1 and np.allclose(examples.sum(axis=-1), 1, rtol=0, atol=1e-9):
        kind, free = "simplex", count // shape[-1] * (shape[-1] - 1)
    elif count > 0 and (examples > 0).all():
        kind = "unit" if (examples < 1).all() else "positive"
    return Variable(name, kind, shape, free, np.empty(0))


def _unravel(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(index, shape)) if shape else ()


def _are_matrices(z: np.ndarray) -> bool:
    if z.ndim < 3 or z.shape[-1] != z.shape[-2] or z.shape[-1] == 1 or z.size == 0:
        return False
    try:
        np.linalg.cholesky(z)
    except np.linalg.LinAlgError:
        return False
    return np.allclose(z, np.swapaxes(z, -1, -2), rtol=1e-9, atol=0)


@dataclass(frozen=True)
class Space:
    """The variables of one factor together."""

    variables: tuple[Variable, ...]

    @classmethod
    def of(cls, examples: Mapping[str, np.ndarray]) -> "Space":
        """Return the space that these examples, arrays (S, ...), come from."""
        return cls(tuple(variable(name, np.asarray(values)) for name, values in examples.items()))

    @property
    def continuous(self) -> tuple[Variable, ...]:
        """The variables that have free coordinates."""
        return tuple(v for v in self.variables if v.kind != "discrete")

    @property
    def discrete(self) -> tuple[Variable, ...]:
        """The variables that have none."""
        return tuple(v for v in self.variables if v.kind == "discrete")

    @property
    def free(self) -> int:
        """The number of free coordinates."""
        return sum(v.free for v in self.variables)

    def unconstrain(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return u, shape (S, free)."""
        n = len(next(iter(values.values())))
        parts = [v.unconstrain(np.asarray(values[v.name])) for v in self.continuous]
        return np.concatenate([np.empty((n, 0)), *parts], axis=1)

    def constrain(self, u: np.ndarray) -> tuple[Arrays, np.ndarray]:
        """Return the continuous variables and log |dz/du|, shape (S,), of u (S, free)."""
        values, log_jacobian, start = {}, np.zeros(len(u)), 0
        for v in self.continuous:
            values[v.name], jacobian = v.constrain(u[:, start : start + v.free])
            log_jacobian = log_jacobian + jacobian
            start += v.free
        return values, log_jacobian

    def coordinate(self, index: int) -> str:
        """Return the name of the variable that a free coordinate belongs to, with its place."""
        for v in self.continuous:
            if index < v.free:
                return v.name if v.free == 1 else f"{v.name}{list(v.place(index))}"
            index -= v.free
        raise IndexError(index)
