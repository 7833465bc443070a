"""Audit every library, and write the tables of docs/audit.md.

    uv run --group audit python -m examples.audit

From the repository's root; it takes about five minutes. ``--only NAME`` prints the lines of one library, and
leaves the page as it is.
"""

import argparse
import sys
from collections.abc import Sequence

from examples.audit import bayespy_mixtures, hmmlearn_chains, lda, page, scikit_learn
from examples.audit.measures import audit


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return 1 if our own part of an adapter was found wrong."""
    parser = argparse.ArgumentParser(prog="python -m examples.audit", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", default="", help="print the lines of the libraries whose name contains this"
    )
    only = parser.parse_args(arguments).only
    subjects = [
        one
        for adapter in (scikit_learn, hmmlearn_chains, bayespy_mixtures, lda)
        for one in adapter.subjects()
    ]
    findings = []
    for subject in subjects:
        if only in subject.library:
            findings.append(audit(subject))
            print(
                f"{subject.library} {page.row(findings[-1])}",
                file=sys.stdout if only else sys.stderr,
                flush=True,
            )
    if not only:
        page.write(findings)
    wrong = [found for found in findings if found.updates.ours]
    for found in wrong:
        print(f"our own bound: {found.subject.model}: {found.updates.ours}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
