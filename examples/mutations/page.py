"""The gallery as a page: every wrong line beside the right one, and how often it was found."""

from collections.abc import Sequence

from examples.mutations.gallery import BOUND, DERIVATIONS, Mutant, gallery
from examples.mutations.rows import Row

_HEADER = """# The mutation gallery

Six derivations, written out by hand as a textbook does, and {mutants} mistakes, each of which is **one
line** of one of them. `elbowroom check` sees neither the right line nor the wrong one: it sees the six
methods of the derivation and the joint density, and has to say which factor is wrong.

The derivations stand in `examples/mutations/`, each with its joint density, written from the generative
story; the mistakes stand in `examples/mutations/gallery.toml`. This page is made, from the repository's
root, by

```
python -m examples.mutations.table --repetitions {repetitions} --correct {correct} \\
    --markdown docs/mutations.md
```

Every mistake is put in its line's place, and the derivation checked once for every seed from 0 up (how many
seeds here: {repetitions}), with the settings that `elbowroom check` has by default, on the data of 8 or 9
points that stand in its file. The derivations are conjugate and offer their parameters, so that updates and
bounds are checked without noise (see [Did I derive it right?](checks.md)); how often a mistake is found
without that is told there too. *Caught* is the share of seeds at which the checker said that something is
wrong; *named* is the share at which its first message named the right factor (or the ELBO), with the share at
which no message named another beside it where that is smaller. Then, for every check, how often it failed: a
check that fails only in consequence of another mistake, such as an expectation under a factor that is sampled
wrongly, counts there, but is not told as a fault. If a mistake was caught at 100 of 100 seeds, its rate is
above 97 % with 95 % confidence.
"""

_LESSONS = """## What is not a mistake

Some lines look wrong and are not, so that no checker should mind them. The tests hold that every mistake
of the gallery changes what its factor does, or the bound, and nothing else.

- What is the same for every component may be left out of the responsibilities, such as psi(sum alpha) or
  -ln K. In the bound it may not.
- In the bound, such a constant may vanish where one looks. With psi(sum alpha) dropped from E[ln pi],
  the bound is right whenever the weights have just been updated, since sum_k (alpha0 + N_k - alpha_k) =
  0 there; D ln 2 in E[ln |Lambda|] does the same after the components' update. Only states that are
  *not* optimal show such mistakes.
- Round priors hide mistakes: ln Gamma(2) = 0 and ln 1 = 0, so that the normaliser of a Gamma(2, 1) prior
  can be dropped without harm, and a Dirichlet(1) prior forgives alpha - 1. The priors here are not
  round.
"""


def page(rows: Sequence[Row]) -> str:
    """Return the page in Markdown; mutants without a row are left out."""
    found = {r.key: r for r in rows}
    mutants = [m for m in gallery() if m.key in found]
    parts = [
        _HEADER.format(
            mutants=len(mutants),
            repetitions=max((r.repetitions for r in rows if r.names is not None), default=1),
            correct=max((r.repetitions for r in rows if r.names is None), default=1),
        )
    ]
    parts += [_correct([r for r in rows if r.names is None]), _overview(mutants, found)]
    parts += [_section(file, [m for m in mutants if m.file == file], found) for file in DERIVATIONS]
    return "\n".join([*parts, _LESSONS])


def _correct(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    total = sum(r.repetitions for r in rows)
    alarms = sum(round(r.caught * r.repetitions) for r in rows)
    undecided = sum(round(r.undecided * r.repetitions) for r in rows)
    lines = [
        "## The correct derivations",
        "",
        f"Checked {total} times in all: {_times(alarms)} a false alarm, {_times(undecided)} undecided.",
        "",
        "| derivation | seeds | false alarms | undecided | seconds of processor time |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{r.key}.py` | {r.repetitions} | {_share(r.caught)} | {_share(r.undecided)} | {r.seconds:.1f} |"
        for r in rows
    ]
    return "\n".join([*lines, ""])


def _overview(mutants: Sequence[Mutant], found: dict[str, Row]) -> str:
    rows = [found[m.key] for m in mutants]
    if not rows:
        return ""
    checks = _checks(rows)
    lines = [
        "## All mistakes",
        "",
        f"{sum(r.caught >= 0.99 for r in rows)} of {len(rows)} are caught at 99 % of the seeds or more; of "
        f"{sum(r.named >= 0.95 for r in rows)} the first message names the right factor at 95 % or more.",
        "",
        f"| mistake | in | wrong is | caught | named | {' | '.join(checks)} |",
        "|---" * (5 + len(checks)) + "|",
    ]
    for m in mutants:
        r = found[m.key]
        shares = " | ".join(_share(r.checks[c]) if c in r.checks else "" for c in checks)
        lines.append(f"| {m.name} | `{m.file}` | {m.names} | {_share(r.caught)} | {_named(r)} | {shares} |")
    return "\n".join([*lines, ""])


def _section(file: str, mutants: Sequence[Mutant], found: dict[str, Row]) -> str:
    if not mutants:
        return ""
    lines = [f"## {file}.py", ""]
    for m in mutants:
        r = found[m.key]
        what = "the ELBO is wrong" if m.names == BOUND else f'the factor "{m.names}" is wrong'
        lines += [
            f"### {m.name}",
            "",
            f"{m.mistake} So {what}: caught {_share(r.caught)}, named {_named(r)}.",
            "",
            "```diff",
            f"- {m.right}",
            f"+ {m.wrong}",
            "```",
            "",
        ]
        if r.example:
            lines += [f"> {r.example}", ""]
    return "\n".join(lines)


def _checks(rows: Sequence[Row]) -> list[str]:
    order = (
        "density",
        "definition",
        "elbo",
        "ascent",
        "stationarity",
        "symmetry",
        "fixed_point",
        "input",
        "crash",
    )
    seen = {check for r in rows for check in r.checks}
    return [*(c for c in order if c in seen), *sorted(seen - set(order))]


def _named(r: Row) -> str:
    return _share(r.named) if r.only == r.named else f"{_share(r.named)} (alone {_share(r.only)})"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
