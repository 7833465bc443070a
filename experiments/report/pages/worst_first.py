"""The overview of a large study: groups as tables, then some problems, the worst of them first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from experiments.records import StudyRecord
from experiments.report.outcomes import NOTABLE, Noted, counts, outcomes_of, title_of
from experiments.report.tables.all_results import results_table
from experiments.report.tables.groups import distributions, verdicts_by_dataset, verdicts_by_method
from experiments.report.tables.table import Table

_LONGEST = 320  # characters of a sentence
MOST_RESULTS = 1000
"""Results of a large study that its page has as a table, the worst of them first."""


@dataclass(frozen=True)
class Listed:
    """A problem of the list: its badge, what is said of it, and the name of its page, if it has one."""

    mark: str
    word: str
    title: str
    sentence: str
    page: str


@dataclass(frozen=True)
class Overview:
    """What the page of a large study says in place of its problems."""

    about: str
    tables: list[Table]
    heading: str
    listed: list[Listed]
    more: list[str]
    results: Table
    not_shown: str


def overview_of(record: StudyRecord, order: Sequence[Noted], pages: Collection[str], one: str) -> Overview:
    """Return the overview of problems in the order of `noted`; `pages` are those that have their own."""
    outcomes = [outcome for problem in record.problems for outcome in outcomes_of(problem)]
    by_dataset = verdicts_by_dataset(outcomes)
    tables = [verdicts_by_method(outcomes), *([by_dataset] if by_dataset else []), *distributions(outcomes)]
    shown = order[:NOTABLE]
    number = counts(noted.worst for noted in order)
    wanting = number["fail"] + number["no result"] + number["undecided"]
    heading = "The worst and the undecided first" if wanting else "All pass; those furthest off first"
    there = [noted.page for noted in order if noted.page in pages]
    others = [page for page in there if page not in {noted.page for noted in shown}]
    return Overview(
        f"{len(order)} {one}s, {len(outcomes)} results of {one} and method. This page groups them; it names "
        f"{len(shown)} {one}s, below.",
        tables,
        heading,
        [_listed(noted, pages) for noted in shown],
        _more(record, len(order) - len(shown), others, one, order[0].page),
        results_table(
            f"All {len(outcomes)} results, the worst first"
            if len(outcomes) <= MOST_RESULTS
            else f"The first {MOST_RESULTS} of {len(outcomes)} results, the worst first",
            sorted(outcomes, key=lambda one: one.rank)[:MOST_RESULTS],
            {
                id(noted.problem): f"problems/{quote(noted.page)}.html"
                for noted in order
                if noted.page in pages
            },
        ),
        "" if len(outcomes) <= MOST_RESULTS else "elbowroom export writes all of them as a table.",
    )


def _listed(noted: Noted, pages: Collection[str]) -> Listed:
    worst = noted.worst
    sentence = worst.said
    if len(sentence) > _LONGEST:
        sentence = f"{sentence[:_LONGEST].rsplit(' ', 1)[0]} …"
    page = noted.page if noted.page in pages else ""
    return Listed(worst.mark, worst.words, title_of(noted.problem), sentence, page)


def _more(record: StudyRecord, left: int, others: Sequence[str], one: str, example: str) -> list[str]:
    said = []
    if left:
        said.append(f"{left} more {one}s are not named here.")
    if others:
        end = f" and {len(others) - 10} more" if len(others) > 10 else ""
        said.append(f"Pages of others are in the folder problems: {', '.join(others[:10])}{end}.")
    said.append(
        f"A {one} has a page of its own, with its tables and figures, when it is asked for: elbowroom report "
        f"{record.folder} --problem {example}; --problem all draws every one. The results of all are in "
        "study.sqlite, and in the document of --json."
    )
    return said
