"""The file of a family, found by the family's name, and what it offers."""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def offered(family: str, what: str) -> Any:
    """Return what a family's file offers, such as ``story``: `experiments.families` lists what there may be.

    None if it does not offer it, or if there is no file of that name.
    """
    if not family.isidentifier():  # such as "my_module:MyFamily"
        return None
    try:
        module = import_module(f"experiments.families.{family}")
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.{family}":
            raise
        return None
    return getattr(module, what, None)
