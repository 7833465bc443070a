"""The gallery: a derivation by name, right or with one line replaced."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent
DERIVATIONS = ("textbook", "normal_gamma", "normal_wishart", "gamma_poisson", "categorical", "sticks")
BOUND = "the ELBO"


@dataclass(frozen=True)
class Mutant:
    """One line of a derivation, and the mistake that takes its place.

    Attributes
    ----------
    name : str
        Unique in the gallery.
    file : str
        One of `DERIVATIONS`.
    names : str
        What a message should name: a factor of the derivation, or ``"the ELBO"``.
    mistake : str
        What is wrong, in a sentence.
    right, wrong : str
        The two lines, without their indentation.
    """

    name: str
    file: str
    names: str
    mistake: str
    right: str
    wrong: str

    @property
    def key(self) -> str:
        """The file and the name, for tables of results."""
        return f"{self.file}: {self.name}"

    def source(self) -> str:
        """Return the derivation with the one line replaced.

        Raises
        ------
        ValueError
            If the right line does not stand in the file exactly once.
        """
        lines = right_source(self.file).splitlines(keepends=True)
        places = [i for i, line in enumerate(lines) if line.strip() == self.right]
        if len(places) != 1:
            raise ValueError(
                f'{self.key}: the line "{self.right}" occurs {len(places)} times in {self.file}.py, not once'
            )
        lines[places[0]] = lines[places[0]].replace(self.right, self.wrong)
        return "".join(lines)


@cache
def gallery() -> tuple[Mutant, ...]:
    """Return all mutants, in the order of `gallery.toml`."""
    table = tomllib.loads((FOLDER / "gallery.toml").read_text(encoding="utf-8"))
    return tuple(Mutant(**entry) for entry in table["mutant"])


def right_source(file: str) -> str:
    """Return the text of a correct derivation."""
    return (FOLDER / f"{file}.py").read_text(encoding="utf-8")


def source_of(key: str) -> str:
    """Return the text of a mutant by its key, or of a correct derivation by its name."""
    found = {mutant.key: mutant for mutant in gallery()}
    return found[key].source() if key in found else right_source(key)


def load(source: str, name: str = "derivation") -> Any:
    """Return the module that a text defines, with its `DATA`, `LogJoint` and `Derivation`."""
    module = ModuleType(name)
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    return module
