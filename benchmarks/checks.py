"""False alarms of the checks: how often a correct derivation is called wrong.

    python -m benchmarks.checks --repetitions 20 --store studies/checks.jsonl [NAME ...]

From the repository's root. A name is one that `elbowroom check` takes, such as mixture:normal_gamma+fixed or
my_model.py:Derivation; `skeleton` is the file of `elbowroom init --derivation`, `skeleton without parameters`
the same without these two methods, and gallery:textbook a correct derivation of examples/mutations. Without
names all that ship are checked, once for every seed from 0 up, on two processes. Outcomes are stored as they
come, so that a run that was cut short goes on; they belong to the text of the checks and of the derivations.
Prints a table in Markdown, and what faults said below it.
"""

import argparse
import hashlib
import tempfile
from pathlib import Path

from scipy.stats import beta

from examples.mutations.gallery import DERIVATIONS, load, right_source
from examples.mutations.measure import Outcome, checked, measure
from experiments.checks.loading import load_derivations, shipped, skeleton

ROOT = Path(__file__).parent.parent
TEXTS = ("experiments/checks", "hand_cavi", "examples")


def all_names() -> list[str]:
    """Return the names of all correct derivations of this repository."""
    own = sorted((ROOT / "examples" / "bring_your_own").glob("*.py"))
    return [
        *shipped(),
        *(f"{path.relative_to(ROOT)}:Derivation" for path in own),
        "skeleton",
        *(f"gallery:{name}" for name in DERIVATIONS),
    ]


def derivation_of(name: str) -> tuple[object, object]:
    """Return a derivation and its log joint density by name."""
    if name.startswith("gallery:"):
        module = load(right_source(name.removeprefix("gallery:")))
        return module.Derivation(), module.LogJoint()
    if name.startswith("skeleton"):
        text = skeleton()
        if name.endswith("without parameters"):
            text = text.replace("def parameters(", "def hidden(")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "skeleton_to_check.py"
            path.write_text(text, encoding="utf-8")
            ((_, derivation, log_joint),) = load_derivations(f"{path}:Derivation", None)
        return derivation, log_joint
    ((_, derivation, log_joint),) = load_derivations(name, None)
    return derivation, log_joint


def outcome(name: str, seed: int, fingerprint: str) -> Outcome:
    """Check one derivation with one seed."""
    return checked(name, seed, fingerprint, lambda: derivation_of(name))


def fingerprint_of_texts() -> str:
    """Return a digest of the checks' and the derivations' text."""
    paths = sorted(path for folder in TEXTS for path in (ROOT / folder).rglob("*.py"))
    skeletons = sorted((ROOT / "experiments" / "checks").glob("*.txt"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in [*paths, *skeletons])).hexdigest()[:16]


def table(names: list[str], outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table in Markdown, one row for each derivation."""
    lines = [
        "| derivation | checks | false alarms | undecided | seconds of processor time |",
        "|---" * 5 + "|",
    ]
    for name in [*names, "all"]:
        own = [o for o in outcomes if name in (o.key, "all")]
        alarms = sum(o.passed is False for o in own)
        undecided = sum(o.passed is None for o in own)
        seconds = sum(o.seconds for o in own) / len(own)
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
    fingerprint = fingerprint_of_texts()
    outcomes = measure(
        names,
        options.repetitions,
        options.store,
        options.processes,
        outcome=outcome,
        fingerprint=lambda name: fingerprint,
    )
    print(table(names, outcomes))
    for o in outcomes:
        if o.message:
            print(f"- {o.key}, seed {o.seed}: {o.message}")


if __name__ == "__main__":
    main()
