"""Reading docs/mathematics.md: its sections, tables, and the data and models of its Python block."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hand_cavi import Fit, Mixture, fit

PAGE = (Path(__file__).parent.parent / "docs" / "mathematics.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    """Return the text of a numbered section."""
    found = re.search(rf"^## {number} .*?(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no section {number}"
    return found.group()


def tables(text: str) -> list[list[list[str]]]:
    """Return the Markdown tables of a text: rows of cells, the header first, the rule below it left out."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [[line.strip("|\n ").split(" | ") for line in block.splitlines()] for block in blocks]
    return [[[cell.strip(" `") for cell in row] for row in [table[0], *table[2:]]] for table in rows]


@cache
def fixtures() -> dict[str, object]:
    """Return what the Python block of section 11 defines: data and models, by name."""
    found: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", section(11), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "docs/mathematics.md", "exec"), found)
    return found


def data(name: str) -> np.ndarray:
    """Return the points of a name, shape (N, D)."""
    x = fixtures()[name]
    assert isinstance(x, np.ndarray)
    return x if x.ndim == 2 else x[:, np.newaxis]


def model(name: str) -> Mixture:
    """Return the mixture of a name."""
    mixture = fixtures()[name]
    assert isinstance(mixture, Mixture)
    return mixture


def agrees(cell: str, values: float | np.ndarray) -> None:
    """Compare the figures of a cell with values, to half a unit of their last digits."""
    for figure, value in zip(cell.split(", "), np.atleast_1d(values), strict=True):
        last_digit = 10.0 ** -len(figure.partition(".")[2])
        assert float(figure) == pytest.approx(value, abs=max(0.5001 * last_digit, 1e-10))


@cache
def best(data_name: str, model_name: str) -> Fit:
    """Return the best of CAVI's fits to data under a model, by their names."""
    return fit(model(model_name), data(data_name), rng=1)
