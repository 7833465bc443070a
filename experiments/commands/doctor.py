"""`elbowroom doctor`: what is slow here, what is broken, and how to mend it."""

from typing import TYPE_CHECKING

import typer

from experiments.commands._output import Json, print_json
from experiments.commands._wrapping import say

if TYPE_CHECKING:
    from experiments.commands._environment import Finding


def doctor(json: Json = False) -> None:
    """Look at what is slow or broken on this machine.

    Python, libraries, compilers, caches, threads, disk and memory.

    Each line says ok, slow or broken, and how to mend it. Exits with 1 if something is broken, else 0.
    """
    from experiments.commands._environment import BROKEN, OK, SLOW, examine

    found = []
    for finding in examine():
        found.append(finding)
        if not json:
            _print(finding)
    counts = {state: sum(one.state == state for one in found) for state in (OK, SLOW, BROKEN)}
    if json:
        print_json({"findings": [vars(one) for one in found], **counts})
    else:
        print(f"\n{', '.join(f'{count} {state}' for state, count in counts.items())}")
    if counts[BROKEN]:
        raise typer.Exit(1)


def _print(finding: "Finding") -> None:
    indent = 22
    say(f"{finding.state:<7} {finding.name:<13} {finding.said}", indent=indent)
    if finding.mend:
        say(f"{' ' * indent}mend: {finding.mend}")
