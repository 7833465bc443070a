"""`elbowroom check`: a hand-derived model, held against its joint density."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._output import Json, print_json, writable_file

if TYPE_CHECKING:
    from experiments.checks import Report


def check(
    derivation: Annotated[
        str,
        typer.Argument(
            help="MODULE:NAME, FILE.py:NAME, or a shipped one such as mixture:normal_gamma+dirichlet; "
            "mixture:all checks every family with every prior of the weights."
        ),
    ],
    log_joint: Annotated[
        str | None,
        typer.Option(
            help="The log joint density or PyMC model: MODULE:NAME, FILE.py:NAME, or a name in the "
            "derivation's file. Default: log_joint or model there."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Where states and draws come from.", min=0)] = 1,
    json: Json = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the report to this file too, one page that needs no network.")
    ] = None,
) -> None:
    """Check a hand-derived model against its joint density.

    The derivation is an object, or a class or function that makes one without arguments. Exit code 1 means
    that something is wrong, 3 that something could not be decided.
    """
    from experiments.checks import check as run_check
    from experiments.checks.loading import load_derivations

    if html is not None:
        writable_file(html, "--html", (".html", ".htm"))
    reports: dict[str, Report] = {}
    for name, thing, density in load_derivations(derivation, log_joint):
        reports[name] = run_check(thing, None, density, rng=seed)
        if not json:
            print(name, reports[name].text, "", sep="\n")
    outcomes = [report.passed for report in reports.values()]
    passed = False if False in outcomes else None if None in outcomes else True
    if html is not None:
        from experiments.report.pages.check import write_check_page

        write_check_page(reports, html, seed=seed)
    if json:
        where = {} if html is None else {"report": str(html)}
        print_json(_summary(reports, passed) | where)
    elif html is not None:
        print(f"Report: {html}")
    if not passed:
        raise typer.Exit(3 if passed is None else 1)


def _summary(reports: "dict[str, Report]", passed: bool | None) -> dict[str, object]:
    """Return one report as it is, several by name."""
    if len(reports) == 1:
        ((name, report),) = reports.items()
        return {"derivation": name, **report.summary()}
    return {"passed": passed, "derivations": {name: report.summary() for name, report in reports.items()}}
