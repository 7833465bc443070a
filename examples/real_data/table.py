"""Write the table of real data into its page, between the markers.

    python -m examples.real_data.table

From the repository's root; it takes half a minute.
"""

from pathlib import Path

import numpy as np

from examples.real_data.answers import all_answers
from examples.real_data.cases import Answer

PAGE = Path(__file__).parents[2] / "docs" / "real-data.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def figures(values: dict[str, np.ndarray | float]) -> str:
    """Return figures by name in words, to four digits."""
    return "; ".join(f"{name} {', '.join(f'{x:.4g}' for x in np.ravel(v))}" for name, v in values.items())


def table(answers: list[Answer]) -> str:
    """Return the table in Markdown."""
    head = ["| data | who | they have | we have | why they differ |", "|---" * 5 + "|"]
    rows = [
        f"| **{a.name}**: {a.provenance} | {a.others} | {figures(a.theirs)} | {figures(a.ours)} | {a.why} |"
        for a in answers
    ]
    return "\n".join([*head, *rows])


def written(text: str, content: str) -> str:
    """Return a page with its table replaced."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text("utf-8"), table(all_answers())), encoding="utf-8")


if __name__ == "__main__":
    main()
