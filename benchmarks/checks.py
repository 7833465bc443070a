"""False alarms of the checks: how often a correct derivation is called wrong.

    python -m benchmarks.checks --repetitions 20 --store studies/checks.jsonl [NAME ...]

From the repository's root. A name is one that `elbowroom check` takes, such as mixture:normal_gamma+fixed or
my_model.py:Derivation; `skeleton` is the file of `elbowroom init --derivation`, and gallery:textbook a
correct derivation of examples/mutations. Without names all that ship are checked, once for every seed from 0
up, on two processes. Outcomes are stored as they come, so that a run that was cut short goes on; they belong
to the text of the checks and of the derivations. Prints a table in Markdown, and what faults said below it.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scipy.stats import beta

ROOT = Path(__file__).parent.parent
TEXTS = ("experiments/checks", "hand_cavi", "examples")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def all_names() -> list[str]:
    """Return the names of all correct derivations of this repository."""
    from examples.mutations.gallery import DERIVATIONS
    from experiments.checks.loading import shipped

    own = sorted((ROOT / "examples" / "bring_your_own").glob("*.py"))
    return [
        *shipped(),
        *(f"{path.relative_to(ROOT)}:Derivation" for path in own),
        "skeleton",
        *(f"gallery:{name}" for name in DERIVATIONS),
    ]


def subject_of(name: str) -> tuple[Any, Any]:
    """Return a derivation and its log joint density by name."""
    from examples.mutations.gallery import load, right_source
    from experiments.checks.loading import load_derivations, skeleton

    if name.startswith("gallery:"):
        module = load(right_source(name.removeprefix("gallery:")))
        return module.Derivation(), module.LogJoint()
    if name == "skeleton":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "skeleton_to_check.py"
            path.write_text(skeleton(), encoding="utf-8")
            ((_, derivation, log_joint),) = load_derivations(f"{path}:Derivation", None)
        return derivation, log_joint
    ((_, derivation, log_joint),) = load_derivations(name, None)
    return derivation, log_joint


def outcome(task: tuple[str, int, str]) -> dict[str, Any]:
    """Check one derivation with one seed."""
    from experiments.checks import check

    name, seed, fingerprint = task
    derivation, log_joint = subject_of(name)
    began = time.process_time()
    report = check(derivation, None, log_joint, rng=seed)
    return {
        "name": name,
        "seed": seed,
        "fingerprint": fingerprint,
        "passed": report.passed,
        "message": report.faults[0].message if report.faults else "",
        "seconds": round(time.process_time() - began, 3),
    }


def measure(names: list[str], repetitions: int, store: Path, processes: int) -> list[dict[str, Any]]:
    """Return the outcomes of all seeds, those in the store first, and store the new ones."""
    fingerprint = fingerprint_of_texts()
    lines = store.read_text(encoding="utf-8").splitlines() if store.exists() else []
    old = [json.loads(line) for line in lines if line.endswith("}")]
    done = {(o["name"], o["seed"]): o for o in old if o["fingerprint"] == fingerprint}
    wanted = [(name, seed) for seed in range(repetitions) for name in names]
    todo = [(*task, fingerprint) for task in wanted if task not in done]
    if todo:
        store.parent.mkdir(parents=True, exist_ok=True)
        os.environ.update(dict.fromkeys(THREADS, "1"))  # the workers read it when they import numpy
        with (
            store.open("a", encoding="utf-8") as file,
            multiprocessing.get_context("spawn").Pool(processes) as pool,
        ):
            for count, new in enumerate(pool.imap_unordered(outcome, todo), start=1):
                print(json.dumps(new), file=file, flush=True)
                done[new["name"], new["seed"]] = new
                if count % 25 == 0 or count == len(todo):
                    print(f"{count} of {len(todo)} checks done", file=sys.stderr)
    return [done[task] for task in wanted]


def fingerprint_of_texts() -> str:
    """Return a digest of the checks' and the derivations' text."""
    paths = sorted(path for folder in TEXTS for path in (ROOT / folder).rglob("*.py"))
    skeletons = sorted((ROOT / "experiments" / "checks").glob("*.txt"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in [*paths, *skeletons])).hexdigest()[:16]


def table(names: list[str], outcomes: list[dict[str, Any]]) -> str:
    """Return the outcomes as a table in Markdown, one row for each derivation."""
    lines = [
        "| derivation | checks | false alarms | undecided | seconds of processor time |",
        "|---" * 5 + "|",
    ]
    for name in [*names, "all"]:
        own = [o for o in outcomes if name in (o["name"], "all")]
        alarms = sum(o["passed"] is False for o in own)
        undecided = sum(o["passed"] is None for o in own)
        seconds = sum(o["seconds"] for o in own) / len(own)
        lines.append(f"| `{name}` | {len(own)} | {alarms} | {undecided} | {seconds:.2f} |")
    n = len(outcomes)
    upper = beta.ppf(0.95, alarms + 1, n - alarms) if alarms < n else 1.0
    lines += ["", f"95 % upper limit of the rate of false alarms: {100 * upper:.2f} %."]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="all that ship if none is given")
    parser.add_argument("--repetitions", type=int, default=20, help="seeds for every derivation")
    parser.add_argument(
        "--store", type=Path, default=Path("studies") / "checks.jsonl", help="where outcomes are kept"
    )
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    names = options.names or all_names()
    outcomes = measure(names, options.repetitions, options.store, options.processes)
    print(table(names, outcomes))
    for o in outcomes:
        if o["message"]:
            print(f"- {o['name']}, seed {o['seed']}: {o['message']}")


if __name__ == "__main__":
    main()
