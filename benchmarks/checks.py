"""False alarms of the checks: how often a correct derivation is called wrong.

    python benchmarks/checks.py [REPETITIONS] [NAME ...]

A name is one that `elbowroom check` takes, such as mixture:normal_known_variance+fixed (the default). Prints
how many of the seeded repetitions raised a fault, how many stayed undecided, the mean time of one, and what
the faults said.
"""

import sys
import time

from scipy.stats import beta

from experiments.checks import check
from experiments.checks.subjects import found


def main(repetitions: int, names: list[str]) -> None:
    for name in names:
        began, alarms, undecided = time.process_time(), [], 0
        for seed in range(repetitions):
            for _, derivation, log_joint in found(name, None):
                report = check(derivation, None, log_joint, rng=seed)
                alarms += [f"{seed}: {fault.message}" for fault in report.faults[:1]]
                undecided += report.passed is None
        seconds = (time.process_time() - began) / repetitions
        upper = (
            beta.ppf(0.95, len(alarms) + 1, repetitions - len(alarms)) if len(alarms) < repetitions else 1.0
        )
        print(
            f"{name}: {len(alarms)} false alarms in {repetitions} (95 % upper limit {100 * upper:.2f} %), "
            f"{undecided} undecided, {seconds:.2f} s of processor time each",
            *alarms,
            sep="\n  ",
            flush=True,
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 500,
        sys.argv[2:] or ["mixture:normal_known_variance+fixed"],
    )
