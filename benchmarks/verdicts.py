"""Planted faults and what the verdict says of them, each out of 100.

    uv run python -m benchmarks.verdicts [--cases 100] [--only TEXT]

The textbook's mixture with K = 2, prior mu_k ~ N(0, 25), unit noise; 40 points, half of them about -a and
half about a; the exact posterior by quadrature (20,000 draws), 10,000 draws of each q, the default margins.
CAVI and the ADVI that is written out in tests/experiments/faults.py get 100 data sets. PyMC's ADVI and NUTS
get one data set and 100 seeds, so that each is compiled once. Every CAVI and ADVI claims to have converged.
The table is Markdown; "fail" counts certain faults (a bound that no correct method has) too.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from functools import cache

from experiments.records import Problem, Reference
from experiments.references.nuts import examine
from experiments.starts import Starts
from tests.experiments import faults

CONTROL, FAULT = "control", "fault"
CAVI = {
    (CONTROL, "correct CAVI, a = 3", 6.0): faults.correct_cavi,
    (FAULT, "CAVI, prior variance 1 for 25, a = 3", 6.0): faults.wrong_prior_variance(1.0),
    (FAULT, "CAVI, prior variance 1 for 25, a = 2", 4.0): faults.wrong_prior_variance(1.0),
    (FAULT, "CAVI, prior variance 5 for 25, a = 2", 4.0): faults.wrong_prior_variance(5.0),
    (FAULT, "CAVI, prior variance 5 for 25, a = 3", 6.0): faults.wrong_prior_variance(5.0),
    (FAULT, "CAVI, prior variance 625 for 25, a = 3", 6.0): faults.wrong_prior_variance(625.0),
    (FAULT, "CAVI, equal starting means, a = 3", 6.0): faults.saddle,
    (FAULT, "ADVI written out, 50 steps of 0.01, a = 3", 6.0): faults.advi(50, rate=0.01),
}
COLUMNS = ("pass", "fail", "undecided", "no reference")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100, help="data sets, or seeds")
    parser.add_argument("--only", default="", help="try the rows whose name contains this")
    arguments = parser.parse_args()
    print("| | what | " + " | ".join(COLUMNS) + " | of the fails, certain |", flush=True)
    print("|---|---|" + "---:|" * (len(COLUMNS) + 1), flush=True)
    for kind, name, count in rows(arguments.cases, arguments.only):
        figures = " | ".join(str(count[column]) for column in COLUMNS)
        print(f"| {kind} | {name} | {figures} | {count['certain']} |", flush=True)


def rows(n_cases: int, only: str) -> Iterator[tuple[str, str, Counter[str]]]:
    for (kind, name, apart), method in CAVI.items():
        if only in name:
            count: Counter[str] = Counter()
            for seed in range(n_cases):
                problem, truth = case(seed, apart)
                verdict = faults.judge(problem, truth, method(problem, seed), seed=seed)
                count.update([verdict.decision, *["certain"] * bool(verdict.impossible)])
            yield kind, name, count
    for kind, name, steps in (
        (CONTROL, "PyMC's ADVI, 3000 steps, a = 3", 3000),
        (FAULT, "PyMC's ADVI, stopped after 50 steps, a = 3", 50),
        (FAULT, "PyMC's ADVI, stopped after 10 steps, a = 3", 10),
    ):
        if only in name:
            yield kind, name, pymc_advi(n_cases, steps)
    for kind, name, draws in (
        (CONTROL, "PyMC's NUTS (nutpie), 4 x 1000 draws, as a reference", 1000),
        (FAULT, "PyMC's NUTS (nutpie), 4 x 20 draws, as a reference", 20),
    ):
        if only in name:
            yield kind, name, pymc_nuts(n_cases, draws)


@cache
def case(seed: int, apart: float) -> tuple[Problem, Reference]:
    problem = faults.two_clusters(seed, apart=apart)
    return problem, faults.exact(problem, seed, method="quadrature")


def pymc_advi(n_cases: int, steps: int) -> Counter[str]:
    """Mean-field ADVI from one of the shared dispersed starts a run, judged as it ended."""
    from ppl_baselines import advi
    from ppl_baselines.build import build

    problem, truth = case(0, 6.0)
    prepared = advi.prepare(build(problem.mixture, problem.x), kind="mean_field", learning_rate=0.1)
    count: Counter[str] = Counter()
    for seed in range(n_cases):
        result = advi.run(prepared, Starts(problem, seed).parameters(3), seed=seed, steps=steps, keep=1)
        assert result.approximation is not None
        claim = faults.Claim(result.approximation, result.elbo, "converged", result.elbo_se)
        verdict = faults.judge(problem, truth, claim, seed=seed)
        count.update([verdict.decision, *["certain"] * bool(verdict.impossible)])
    return count


def pymc_nuts(n_cases: int, draws: int) -> Counter[str]:
    """Count the runs that qualify as a reference, as "pass", and those that do not."""
    from ppl_baselines import nuts
    from ppl_baselines.build import build

    problem, _ = case(0, 6.0)
    prepared = nuts.prepare(build(problem.mixture, problem.x))
    count: Counter[str] = Counter()
    for seed in range(n_cases):
        starts = Starts(problem, seed).parameters(4)
        tree = nuts.run(prepared, starts, seed=seed, chains=4, draws=draws, tune=draws)
        count["no reference" if examine(problem, tree)[1] else "pass"] += 1
    return count


if __name__ == "__main__":
    main()
