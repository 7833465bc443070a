"""Symmetric positive definite matrices: lower triangles of them, their factors, determinants and inverses.

Arrays are (..., D, D); a lower triangle laid out in a row is (..., D(D+1)/2).
"""

from functools import cache

import numpy as np

from hand_cavi.inputs import InputError


@cache
def lower_triangle(n_features: int) -> tuple[np.ndarray, ...]:
    """Return the rows and columns of the lower triangle's entries."""
    return np.tril_indices(n_features)


def packed(matrix: np.ndarray) -> np.ndarray:
    """Return the lower triangle."""
    row, column = lower_triangle(matrix.shape[-1])
    return matrix[..., row, column]


def packed_twice(matrix: np.ndarray) -> np.ndarray:
    """Return the lower triangle with entries off the diagonal doubled, as each stands for two.

    So that the inner product of two matrices is ``packed_twice(a) @ packed(b)``.
    """
    row, column = lower_triangle(matrix.shape[-1])
    return np.where(row == column, 1.0, 2.0) * matrix[..., row, column]


def unpacked(triangle: np.ndarray, n_features: int) -> np.ndarray:
    """Return the symmetric matrix of a lower triangle."""
    row, column = lower_triangle(n_features)
    matrix = np.empty((*triangle.shape[:-1], n_features, n_features))
    matrix[..., row, column] = triangle
    matrix[..., column, row] = triangle
    return matrix


def symmetrised(matrix: np.ndarray) -> np.ndarray:
    """Return the mean of a matrix and its transpose."""
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def factor(matrix: np.ndarray, name: str) -> np.ndarray:
    """Return the lower Cholesky factor.

    Raises
    ------
    InputError
        If a matrix is not symmetric or not positive definite.
    """
    diagonal = np.sqrt(np.abs(np.diagonal(matrix, axis1=-2, axis2=-1)))
    size = diagonal[..., :, np.newaxis] * diagonal[..., np.newaxis, :]
    if np.any(np.abs(matrix - np.swapaxes(matrix, -1, -2)) > 1e-10 * size):
        raise InputError(f"{name} is not symmetric; entries (d, e) and (e, d) must be equal")
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise InputError(
            f"{name} is not positive definite; give a matrix whose eigenvalues are all above zero"
        ) from None


def log_det(cholesky: np.ndarray) -> np.ndarray:
    """Return ln|L L'|, shape (...), for a lower Cholesky factor L."""
    return 2 * np.log(np.diagonal(cholesky, axis1=-2, axis2=-1)).sum(axis=-1)


def inverse(cholesky: np.ndarray) -> np.ndarray:
    """Return (L L')^-1, symmetric to the last bit."""
    inverse_factor = np.linalg.inv(cholesky)
    return symmetrised(np.swapaxes(inverse_factor, -1, -2) @ inverse_factor)


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the products of matrices (..., D, D) and vectors (..., D)."""
    return (matrix @ vector[..., np.newaxis])[..., 0]


def positive(matrix: np.ndarray, subtracted: np.ndarray) -> np.ndarray:
    """Return the matrices, with eigenvalues that rounding took to zero or below lifted to the rounding error.

    `subtracted` is what was taken away to get them; it sets the size of that error.
    """
    try:
        np.linalg.cholesky(matrix)
        return matrix
    except np.linalg.LinAlgError:
        size = np.trace(np.abs(matrix) + np.abs(subtracted), axis1=-2, axis2=-1)
        rounding = 4 * matrix.shape[-1] * np.finfo(float).eps * size
        values, vectors = np.linalg.eigh(matrix)
        values = np.maximum(values, rounding[..., np.newaxis])
        return symmetrised((vectors * values[..., np.newaxis, :]) @ np.swapaxes(vectors, -1, -2))


def square_root(covariance: np.ndarray) -> np.ndarray:
    """Return matrices whose products with their transposes are the given ones, singular or not; (..., P, P).

    Taken from the correlations, so that a large variance does not drown a small one.
    """
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    sd = np.where(sd > 0, sd, 1.0)
    correlation = covariance / (sd[..., :, np.newaxis] * sd[..., np.newaxis, :])
    values, vectors = np.linalg.eigh(symmetrised(correlation))
    return sd[..., :, np.newaxis] * vectors * np.sqrt(np.maximum(values, 0))[..., np.newaxis, :]
