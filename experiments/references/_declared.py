"""What references there are, and what each declares at the top of its file, read without importing it."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from experiments.config.plugins import names


@dataclass(frozen=True)
class Declared:
    """A reference's constants ``GIVES``, ``CALLED`` and ``EXACT``; see `experiments.references`."""

    gives: tuple[str, ...]
    called: str
    exact: bool = False


@cache
def declared() -> dict[str, Declared]:
    """Return what every reference declares, by its name, sorted."""
    return {name: _read(name) for name in names("references")}


def _read(name: str) -> Declared:
    said = {}
    for node in ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            if target.id in ("GIVES", "CALLED", "EXACT"):
                said[target.id.lower()] = ast.literal_eval(node.value)
    return Declared(**said)
