"""Loops over the rows of data, plain and compiled, and condensed data."""
