"""Where data come from: one file, one source, each with `Settings` and `load(settings, rng)`."""

from dataclasses import dataclass, field

import numpy as np

from hand_cavi import Mixture


@dataclass(frozen=True)
class Dataset:
    """Data, and what is to be said of them.

    Attributes
    ----------
    x : ndarray, shape (N, D)
    features : tuple of str
        The D columns' names.
    about, unit : str
        One sentence: where the data come from, and what was done to them; what one unit of x is, or empty.
    sample_weight : ndarray, shape (N,), or None
        How many points each row stands for.
    truth : dict of ndarray
        What a simulation knows: ``mu`` (K, D) or its family's parameters, ``weights`` (K,), ``assignments``
        (N,); empty for real data.
    categories : tuple of tuples of str
        Where x holds categories: for each feature what the codes 0, 1, ... stand for; else empty.
    dropped : ndarray of int
        The rows of the file, counted from 0 and in order, that were left out for a missing value.
    drawn_from : Mixture or None
        The mixture from whose prior the truth's parameters were drawn; None where they were given.
    """

    x: np.ndarray
    features: tuple[str, ...]
    about: str
    unit: str = ""
    sample_weight: np.ndarray | None = None
    truth: dict[str, np.ndarray] = field(default_factory=dict)
    categories: tuple[tuple[str, ...], ...] = ()
    dropped: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    drawn_from: Mixture | None = None
