"""The store of rows -> BENCHMARKS.md."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from measuring import Target

HEAD = """# Benchmarks

Made by `benchmarks/table.py` on the machine below. Ratios come from one run in which the peer and we take
turns. Times are wall times. Where a target is missed, it says so.

    uv run python benchmarks/table.py              # this page; --only SECTION: one anew; --quick: a try
    uv run python benchmarks/first_minute.py       # the first minute alone, from nothing to a report
    uv run python benchmarks/users_choice.py 2     # other tools on the same problem, of 1 or 2 features
    uv run python benchmarks/guard.py BASE HEAD    # which rows got slower between two commits, ten minutes
"""


@dataclass
class Section:
    """What the store tells of one section's latest run."""

    facts: Mapping[str, str]
    rows: list[dict] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    seconds: float = 0.0


def latest(store: Path) -> dict[str, Section]:
    """Return the latest run of every section."""
    found: dict[str, Section] = {}
    for line in map(json.loads, store.read_text().splitlines()):
        name = line["section"]
        if "begin" in line:
            found[name] = Section(line["begin"])
        elif "cells" in line:
            found[name].rows.append(line)
        elif "not_run" in line:
            found[name].not_run.append(line["not_run"])
        else:
            found[name].seconds = line["seconds"]
            found[name].not_run += [line["end"]] if line["end"] else []
    return found


def document(names: Sequence[str], sections: Mapping[str, Section], quick: bool) -> str:
    """Return the whole document."""
    modules = {name: import_module(f"rows.{name}") for name in names}
    measured = [sections[name] for name in names if name in sections]
    parts = [HEAD]
    if quick:
        parts.append("**Small sizes, to try the script: these figures say nothing about the targets.**\n")
    parts.append(machine(measured))
    parts.append("## Targets\n")
    parts.append(
        table(
            [
                summary(target, sections.get(name))
                for name, module in modules.items()
                for target in module.TARGETS
            ]
        )
    )
    for name, module in modules.items():
        parts.append(f"## {module.TITLE}\n")
        section = sections.get(name)
        if section is not None and section.rows:
            parts.append(table([row["cells"] for row in section.rows]))
        parts += [f"Not run: {why}.\n" for why in reasons(section)]
        parts.append(f"{module.NOTE.strip()}\n")
    total = sum(section.seconds for section in measured)
    parts.append(f"All of it took {total / 60:.1f} minutes.\n")
    return "\n".join(parts)


def machine(sections: Sequence[Section]) -> str:
    """Return the facts of the first section, and the span of the dates and loads of all."""
    facts = dict(sections[0].facts)
    for key, ends in (("date", sorted), ("load before", lambda v: sorted(v, key=float))):
        values = ends({section.facts[key] for section in sections if key in section.facts})
        if values:
            facts[key] = values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"
    return table([{"machine": key, "": value} for key, value in facts.items()])


def summary(target: Target, section: Section | None) -> dict[str, str]:
    """Return the row of one target."""
    values = [row["value"] for row in section.rows if row["target"] == target.what] if section else []
    if values and values[-1] is not None:
        measured = f"{values[-1]:.3g} {target.unit}".strip()
        verdict = "met" if target.met(values[-1]) else "**missed**"
    else:
        whys = [row.get("why", "") for row in section.rows if row["target"] == target.what] if section else []
        measured, verdict = "", f"not run: {'; '.join(whys or reasons(section))}"
    return {"what": target.what, "target": str(target), "measured": measured, "verdict": verdict}


def reasons(section: Section | None) -> list[str]:
    """Return why rows are missing."""
    return ["not measured yet"] if section is None else section.not_run


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a Markdown table; columns in the order in which they first appear, figures to the right."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[str(row.get(column, "")).replace("|", "\\|") for column in columns] for row in rows]
    right = [
        any(c[j] for c in cells) and all(not c[j] or c[j][0].isdigit() for c in cells)
        for j in range(len(columns))
    ]
    lines = [columns, ["---:" if r else ":---" for r in right], *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
