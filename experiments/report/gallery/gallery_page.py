"""The first page of a gallery: every data set under every method, the leaderboard, and what others found."""

from collections.abc import Iterator, Sequence

from experiments.methods import label
from experiments.records import ProblemRecord
from experiments.report.outcomes import outcomes_of
from experiments.report.style.numbers import typeset
from experiments.report.tables.table import MARKS
from experiments.studies.found_answers import Compared, Exhibited
from experiments.studies.leaderboard import FEWEST, LEVEL, QUANTITIES, Ranked, losses_of, ranking

REFERENCE, FAILED = "ref", "failed"

_COMMAND = "uv run elbowroom gallery --page docs/gallery"


_HOW = f"""\
Methods are compared in pairs, on the data sets that both have, by the differences of their losses, one for
each data set: by Wilcoxon's signed ranks, since a method that fails on one data set has a loss there beside
which all others vanish; of all pairs by Holm's method at {LEVEL:.0%}, from {FEWEST} data sets on; with fewer
a method has no rank. A rank is one more than the number of methods that are better beyond that; "=" says
that a rank is shared, and within it the order is no finding: few data sets in common tell nobody apart. Draws
that are the reference, or a shorter run of the sampler that is, count for their cost alone on that data set,
and so do data sets without a qualified reference. Median and mean losses are over each method's own data
sets, which a refusal leaves out; what compares methods is the difference from the first, on as many common
ones as stand behind it (the middle one, by Hodges and Lehmann).
"""

_BESIDE = """\
Published figures beside the reference's posterior means and standard deviations; where no reference
qualified, beside those of the method that is named, a sampler if there is one. A maximum of the likelihood
and a posterior mean differ by what the prior says, and by the shape of the posterior; nothing is tuned to
agree. Sources stand in [the details](details.md).
"""

_LEGEND = f"""\
Does a method's posterior agree with the reference's, on data that everyone knows? ✓ it does, ✗ it does not,
? undecided; {MARKS["none"]} no verdict: no reference qualified, or the method is not for this model;
*{REFERENCE}*: these draws are the reference; *{FAILED}*: no result, and the details say why. What is held
against what: [How it judges](../how-it-judges.md).
"""


def gallery_page(exhibits: Sequence[Exhibited]) -> str:
    """Return the page in Markdown."""
    return "\n".join(
        [
            "# A gallery of verdicts\n",
            *_verdicts(exhibits),
            "## Leaderboard\n",
            *_leaderboard(exhibits),
            "## What others found\n",
            *_answers(exhibits),
        ]
    )


def methods_of(exhibits: Sequence[Exhibited]) -> list[str]:
    """Return the names of all methods, in the order in which studies have them."""
    records = [one.record for one in exhibits if one.record is not None]
    longest = sorted(records, key=lambda record: -len(record.problems[0].cells) if record.problems else 0)
    return list(
        dict.fromkeys(
            c.cell.method for record in longest for problem in record.problems for c in problem.cells
        )
    )


def title(name: str) -> str:
    """Return what a reader calls a data set."""
    return name.replace("-", " ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '\\|') for cell in line)} |" for line in lines) + "\n"


def figures(values: Sequence[float], compared: Compared) -> str:
    """Return figures to four digits, a log evidence to three decimals."""
    decimals = compared.answer.figure == "log_evidence"
    return ", ".join(typeset(f"{value:.3f}" if decimals else f"{value:.4g}") for value in values)


def span(seconds: float) -> str:
    """Return a time in words."""
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _verdicts(exhibits: Sequence[Exhibited]) -> Iterator[str]:
    methods = methods_of(exhibits)
    rows = []
    for one in exhibits:
        if one.record is None:
            rows.append([_link(one), MARKS["none"], *([f"*{FAILED}*"] * len(methods))])
            continue
        for problem in one.record.problems:
            rows.append([_link(one), _reference(problem), *_marks(problem, methods)])
    yield _LEGEND
    yield table(["data", "reference", *map(label, methods)], rows)
    records = [one.record for one in exhibits if one.record is not None]
    machine = records[0].machine if records else {}
    where = f" on {machine.get('cores', '?')} cores ({machine.get('processor', '?')})" if machine else ""
    yield f"Made by one command, which computes nothing that is there already:\n\n    {_COMMAND}\n"
    yield (
        f"What is shown took {span(sum(one.seconds for one in exhibits))} to compute{where}, compiling and "
        "judging included. Each configuration of `configs/gallery/` states its data, where they are from and "
        "what others found; the methods, the same for all, stand in `methods.toml` there.\n"
    )


def _link(one: Exhibited) -> str:
    return f"[{title(one.name)}](details.md#{one.name})"


def _marks(problem: ProblemRecord, methods: Sequence[str]) -> list[str]:
    found = {}
    keys = {cell.cell.method: cell.cell.key for cell in problem.cells}
    for outcome in outcomes_of(problem):
        mark = f"*{FAILED}*" if outcome.decision == "no result" else MARKS[outcome.mark]
        is_reference = problem.reference_cell is not None and keys[outcome.method] == problem.reference_cell
        found[outcome.method] = f"*{REFERENCE}*" if is_reference else mark
    return [found.get(method, MARKS["none"]) for method in methods]


def _reference(problem: ProblemRecord) -> str:
    return label(problem.reference.method) if problem.reference.qualified else "none"


def _leaderboard(exhibits: Sequence[Exhibited]) -> Iterator[str]:
    yield _HOW
    records = [one.record for one in exhibits if one.record is not None]
    for quantity in QUANTITIES:
        places = ranking(losses_of(records, quantity))
        if places:
            yield f"**{quantity.name}**: {quantity.about}; smaller is better.\n"
            head = [
                "rank",
                "method",
                "data sets",
                "median loss",
                "mean loss",
                f"more than {label(places[0].method)}",
                "behind",
            ]
            yield table(head, [_place(one) for one in places])


def _place(one: Ranked) -> list[str]:
    difference = one.from_first
    return [
        MARKS["none"] if one.rank is None else f"{one.rank}{' =' if one.tied else ''}",
        label(one.method),
        str(one.n),
        _with_error(one.median, None),
        _with_error(one.mean, one.standard_error),
        "" if difference is None else f"{_with_error(difference.median, None)} ({difference.n})",
        ", ".join(map(label, one.better)),
    ]


def _with_error(value: float, error: float | None) -> str:
    shown = typeset(f"{value:.3g}")
    return shown if error is None else f"{shown} ± {typeset(f'{error:.2g}')}"


def _answers(exhibits: Sequence[Exhibited]) -> Iterator[str]:
    rows = [
        [
            f"[{title(one.name)}](details.md#{one.name})",
            compared.answer.what,
            *_answer(compared),
            _why(one, compared),
        ]
        for one in exhibits
        for compared in one.compared
    ]
    yield _BESIDE
    yield table(["data", "what", "published", "found", "sds apart", "why they differ"], rows)


def _answer(compared: Compared) -> list[str]:
    published = figures(compared.answer.values, compared)
    if not compared.found:
        return [published, MARKS["none"], ""]
    first = compared.found[0]
    sds = f" ± {figures(first.sds, compared)}" if any(first.sds) else ""
    who = "" if first.who == "reference" else f" ({first.who})"
    apart = compared.apart
    return [
        published,
        f"{figures(first.values, compared)}{sds}{who}",
        "" if apart is None else f"{apart:.1f}",
    ]


def _why(one: Exhibited, compared: Compared) -> str:
    """Return why figures differ, where they do."""
    same = compared.found and compared.found[0].values == list(compared.answer.values)
    return "" if same or one.published is None else one.published.why
