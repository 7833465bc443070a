"""What users would pick instead, one feature."""

from collections.abc import Iterator

import users_choice
from measuring import Row

TITLE = "What users would pick instead, D = 1"
NOTE = users_choice.NOTE
TARGETS = ()


def rows(quick: bool) -> Iterator[Row]:
    """Yield the row of every tool, for two sizes."""
    return users_choice.rows(1, quick)
