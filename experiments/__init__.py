"""Fit a mixture with every method, and compare what they say."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Return `compare`, which `elbowroom` offers too: it needs most of what lies here, when it is used."""
    if name == "compare":
        return import_module("experiments.interactive.compare").compare
    raise AttributeError(f"module 'experiments' has no attribute '{name}'")
