"""Make BENCHMARKS.md: every promise about speed and memory, measured on this machine.

    uv run python benchmarks/table.py [--quick] [--only TEXT] [--store FILE] [--out FILE]

Each section is a file in `benchmarks/rows`, run in a process of its own, so that one that fails costs its
own rows and no other's. Rows go to the store, one line of JSON each, as they are measured; BENCHMARKS.md is
made from the store, so that `--only` measures some sections again and keeps the others. `--quick` takes small
sizes and prints the document instead of writing it: its figures say nothing about the targets.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

from document import document, latest  # noqa: E402
from machine import facts  # noqa: E402
from measuring import NotRunError  # noqa: E402

SECTIONS = (
    "first_minute",
    "textbook",
    "scikit_learn",
    "bayespy",
    "users_choice_1",
    "users_choice_2",
    "limits",
    "convergence",
    "memory",
    "many_features",
    "condensed",
    "errors",
    "condensed_two",
    "nuts",
    "acceleration",
    "growth",
    "runner",
)
LIMIT = 480  # seconds that a section may take
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> None:
    """Run the sections that are asked for, and write the document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script")
    parser.add_argument("--only", default="", metavar="TEXT", help="the sections whose name contains this")
    parser.add_argument("--store", type=Path, help="where rows are kept (default: .benchmarks/table.jsonl)")
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md", help="where the document goes")
    parser.add_argument("--section", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    name = "quick.jsonl" if arguments.quick else "table.jsonl"
    store = arguments.store or ROOT / ".benchmarks" / name
    if arguments.section:
        measure(arguments.section, store, arguments.quick)
        return
    store.parent.mkdir(parents=True, exist_ok=True)
    wanted = [section for section in SECTIONS if arguments.only in section]
    if not wanted:
        parser.error(f"no section contains {arguments.only!r}; there are {', '.join(SECTIONS)}")
    for section in wanted:
        run(section, store, arguments.quick)
    text = document(SECTIONS, latest(store), arguments.quick)
    if arguments.quick:
        print(text)
    else:
        arguments.out.write_text(text)


def run(section: str, store: Path, quick: bool) -> None:
    """Measure one section in a process of its own; whatever happens to it is kept."""
    keep(store, {"section": section, "begin": facts()})
    began = perf_counter()
    command = [sys.executable, __file__, "--section", section, "--store", str(store)]
    environment = {name: value for name, value in os.environ.items() if name not in THREADS}
    environment.pop("ELBOWROOM_KERNEL", None)
    process = subprocess.Popen(command + ["--quick"] * quick, env=environment, start_new_session=True)
    try:
        status = process.wait(LIMIT)
        failed = "" if status == 0 else f"the process ended with status {status}"
    except subprocess.TimeoutExpired:
        failed = f"more than {LIMIT} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its children too: it leads a session of its own
            process.wait()
    taken = perf_counter() - began
    keep(store, {"section": section, "end": failed, "seconds": taken})
    print(f"{section}: {taken:.0f} s {failed}", file=sys.stderr, flush=True)


def measure(section: str, store: Path, quick: bool) -> None:
    """Measure one section here."""
    try:
        for row in import_module(f"rows.{section}").rows(quick):
            target = None if row.target is None else row.target.what
            keep(store, {"section": section, **asdict(row), "target": target})
            print("   " + " | ".join(row.cells.values()), file=sys.stderr, flush=True)
    except NotRunError as why:
        keep(store, {"section": section, "not_run": str(why)})
    except Exception as error:  # a section that cannot run is a finding; the others go on
        keep(store, {"section": section, "not_run": f"{type(error).__name__}: {error}"})


def keep(store: Path, line: dict) -> None:
    """Append a line to the store."""
    with store.open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
