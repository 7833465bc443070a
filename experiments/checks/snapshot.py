"""Copies of what a state holds, to see whether it was changed in place."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np


def snapshot(thing: object) -> list[object]:
    """Return copies of all that a state holds, but cached properties: arrays, numbers and words, in order."""
    if isinstance(thing, np.ndarray):
        return [thing.copy()]
    if isinstance(thing, Mapping):
        return [leaf for key in thing for leaf in (key, *snapshot(thing[key]))]
    if isinstance(thing, list | tuple):
        return [leaf for item in thing for leaf in snapshot(item)]
    if is_dataclass(thing) and not isinstance(thing, type):
        return [leaf for part in fields(thing) for leaf in snapshot(getattr(thing, part.name))]
    if isinstance(thing, int | float | complex | str | bool | np.generic | None):
        return [np.asarray(thing) if isinstance(thing, float) else thing]
    inner = getattr(thing, "__dict__", {})
    return [leaf for key in sorted(inner) for leaf in snapshot(inner[key])] if not callable(thing) else []


def same(before: list[object], after: list[object]) -> bool:
    """Compare two snapshots."""
    return len(before) == len(after) and all(
        np.array_equal(old, np.asarray(new), equal_nan=old.dtype.kind in "fc")
        if isinstance(old, np.ndarray)
        else old == new
        for old, new in zip(before, after, strict=True)
    )
