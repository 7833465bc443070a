"""Make the gallery's table: ``python -m examples.mutations.table --repetitions 100``.

From the repository's root. Prints JSON to stdout, writes Markdown with ``--markdown FILE``, and tells its
progress on stderr. See `examples.mutations.measure` for what is measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.mutations.gallery import DERIVATIONS, gallery
from examples.mutations.measure import measure
from examples.mutations.page import page
from examples.mutations.rows import good, row

STORE = Path("studies") / "mutations.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table; return 1 if a mutant is missed or a right derivation blamed too often."""
    parser = argparse.ArgumentParser(prog="python -m examples.mutations.table", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=100, help="seeds for every mutant")
    parser.add_argument("--correct", type=int, default=None, help="seeds for every correct derivation")
    parser.add_argument("--only", default="", help="mutants and derivations whose key contains this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--store", type=Path, default=STORE, help="where outcomes are kept between runs")
    parser.add_argument("--markdown", type=Path, default=None, help="write the page to this file")
    options = parser.parse_args(arguments)
    correct = options.repetitions if options.correct is None else options.correct
    if min(options.repetitions, correct, options.processes) < 1:
        parser.error("--repetitions, --correct and --processes must be at least 1")
    mutants = {m.key: m.names for m in gallery() if options.only in m.key}
    derivations = [name for name in DERIVATIONS if options.only in name]
    if not mutants and not derivations:
        parser.error(f'nothing in the gallery has "{options.only}" in its key')
    rows = []
    for names, repetitions in ((mutants, options.repetitions), (dict.fromkeys(derivations), correct)):
        outcomes = measure(names, repetitions, options.store, options.processes)
        rows += [row(key, names[key], [o for o in outcomes if o.key == key]) for key in names]
    print(json.dumps([vars(r) for r in rows], indent=1))
    if options.markdown is not None:
        options.markdown.write_text(page(rows), encoding="utf-8")
    wrong = [r.key for r in rows if not good(r)]
    for key in wrong:
        print(f"not as it should be: {key}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
