"""Functions of numbers, matrices and coordinates that families and sweeps share."""
