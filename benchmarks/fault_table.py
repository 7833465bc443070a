"""Some 160 kinds of planted fault, how each was judged, and how often correct methods failed.

    uv run python -m benchmarks.fault_table [--faults 2] [--correct 20] [--workers 2] [--print]

Every kind of `tests.experiments.planted_faults` is handed in as a user's own method would be, on five
problems, each time with new data, and judged by the default margins. The tables go into
docs/how-it-judges.md, between markers. Exit code 1 if a fault passes for no reason that is known there.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from tests.experiments.planted import PROBLEMS, Base, verdict_on
from tests.experiments.planted_faults import CLAIMS, CORRECT, FAULTS, KNOWN, MODELS, RESULTS, SAMPLES, WORDS

PAGE = Path(__file__).parents[1] / "docs" / "how-it-judges.md"
BEGIN, END = "<!-- planted faults: begin -->", "<!-- planted faults: end -->"
ANSWERS = ("pass", "fail", "undecided", "refused")
GROUPS = {
    "Right methods on wrong data or priors": MODELS,
    "Wrong draws of a sampler": SAMPLES,
    "Wrong approximations, and wrong words on them": CLAIMS,
    "No result": RESULTS,
    "Words on which nothing rests": WORDS,
}
Counts = dict[tuple[str, str], Counter[str]]
"""How often each fault got which answer, by its name and the problem."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=2, help="data sets for each fault and problem")
    parser.add_argument("--correct", type=int, default=20, help="the same for correct methods")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--print", action="store_true", help="print the tables in place of writing them")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    tasks = [
        (problem, seed, seed < arguments.faults, seed < arguments.correct)
        for seed, problem in product(range(max(arguments.faults, arguments.correct)), PROBLEMS)
    ]
    counts: Counts = {}
    with ProcessPoolExecutor(arguments.workers) as pool:
        for number, found in enumerate(pool.map(judge_all, tasks), 1):
            for name, problem, answer in found:
                counts.setdefault((name, problem), Counter())[answer] += 1
            print(f"{number} of {len(tasks)}", file=sys.stderr, flush=True)
    text = page(counts, arguments.faults, arguments.correct)
    if arguments.print:
        print(text)
    else:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
    sys.exit(1 if unexplained(counts) else 0)


def judge_all(task: tuple[str, int, bool, bool]) -> list[tuple[str, str, str]]:
    """Return the answers on one data set: (name, problem, answer)."""
    problem, seed, with_faults, with_correct = task
    base = Base.of(problem, seed)
    kinds = {**(CORRECT if with_correct else {}), **({**FAULTS, **WORDS} if with_faults else {})}
    found = []
    for name, kind in kinds.items():
        handed_in = kind(base)
        if handed_in is not None:
            verdict = verdict_on(base, handed_in)
            answer = "refused" if isinstance(verdict, str) else verdict.decision
            found.append((name, problem, answer))
    return found


def unexplained(counts: Counts) -> list[str]:
    """Return the faults that passed for no known reason."""
    passed = {name for (name, _), count in counts.items() if name in FAULTS and count["pass"]}
    return sorted(passed - set(KNOWN))


def page(counts: Counts, n_faults: int, n_correct: int) -> str:
    """Return both tables and what they show, as Markdown."""
    tried = {name for name, _ in counts if name not in CORRECT}
    total = sum((count for (name, _), count in counts.items() if name in FAULTS), Counter[str]())
    right = sum((count for (name, _), count in counts.items() if name in CORRECT), Counter[str]())
    on = datetime.now(UTC).date().isoformat()
    parts = [
        f"Made by `uv run python -m benchmarks.fault_table` on {on}: "
        f"{len(tried & set(FAULTS))} kinds of fault, each with "
        f"{n_faults} data set{'s' * (n_faults != 1)} on every problem to which it applies "
        f"({sum(total.values())} verdicts), and {len(CORRECT)} correct methods, each with {n_correct} data "
        f"sets ({sum(right.values())} verdicts).",
        f"Correct methods: {said(right)}.",
        table(
            ["correct method", *(f"{problem}" for problem in PROBLEMS)],
            [[name, *(said(counts.get((name, problem))) for problem in PROBLEMS)] for name in CORRECT],
        ),
        f'Faults: {said(total)}. "Refused" is a cell that failed with a sentence, at its own cost alone.',
    ]
    for title, group in GROUPS.items():
        rows = [[name, *row(counts, name)] for name in group if name in tried]
        if group is WORDS:
            parts.append("The last are no faults: figures and verdicts are those without these words.")
        parts.append(table([title, *ANSWERS], rows))
    passed = [name for name in FAULTS if any(counts.get((name, p), Counter())["pass"] for p in PROBLEMS)]
    if passed:
        parts.append("Within the margins, and so they pass:")
        parts.append(
            "\n".join(f"- *{name}*: {KNOWN.get(name, '**no reason is known**')}." for name in passed)
        )
    return "\n\n".join(parts) + "\n"


def row(counts: Counts, name: str) -> list[str]:
    whole = sum((counts.get((name, problem), Counter()) for problem in PROBLEMS), Counter[str]())
    return [str(whole[answer] or "") for answer in ANSWERS]


def said(count: Mapping[str, int] | None) -> str:
    """Return counts in words, such as ``24 pass, 1 undecided``."""
    return ", ".join(f"{count[answer]} {answer}" for answer in ANSWERS if count and count[answer]) or "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
