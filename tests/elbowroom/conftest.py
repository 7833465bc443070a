"""The fixtures of the command line."""

from tests.experiments.conftest import elbowroom, here

__all__ = ["elbowroom", "here"]
