"""Planted faults and what the verdict says of them, each out of 100.

    uv run python -m benchmarks.verdicts [--cases 100] [--only TEXT]

The textbook's mixture with K = 2, prior mu_k ~ N(0, 25), unit noise; 40 points, half of them about -a and
half about a; the exact posterior by quadrature (20,000 draws), 10,000 draws of each q, the default margins.
CAVI and the ADVI that is written out in tests/experiments/faults.py get 100 data sets. PyMC's ADVI and NUTS
get one data set and 100 seeds, so that each is compiled once; ADVI from one of the shared dispersed starts.
Rows say if a method claims to have converged; this project's ADVI is judged with the outcome that it tells of
itself. The table is Markdown; "certain" counts the fails that no margin decides, such as a bound that no
correct method has, "not at its end" those of methods within the margins that had not converged.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from experiments.methods.starts import Starts
from experiments.records import Problem, Reference, Verdict
from experiments.references.nuts import examine
from experiments.verdict import only_unfinished
from tests.experiments import faults

if TYPE_CHECKING:
    from ppl_baselines.pymc.log_density import LogDensity

CONTROL, FAULT = "control", "fault"
CAVI = {
    (CONTROL, "correct CAVI, a = 3", 6.0): faults.correct_cavi,
    (FAULT, "CAVI, prior variance 1 for 25, a = 3", 6.0): faults.wrong_prior_variance(1.0),
    (FAULT, "CAVI, prior variance 1 for 25, a = 2", 4.0): faults.wrong_prior_variance(1.0),
    (FAULT, "CAVI, prior variance 5 for 25, a = 2", 4.0): faults.wrong_prior_variance(5.0),
    (FAULT, "CAVI, prior variance 5 for 25, a = 3", 6.0): faults.wrong_prior_variance(5.0),
    (FAULT, "CAVI, prior variance 625 for 25, a = 3", 6.0): faults.wrong_prior_variance(625.0),
    (FAULT, "CAVI, equal starting means, a = 3", 6.0): faults.saddle,
    (FAULT, "ADVI written out, 50 steps of 0.01, claims to have converged", 6.0): faults.advi(50, rate=0.01),
}
ADAM, PYMC_S = "Adam", "PyMC's"
ADVI = {
    (CONTROL, "ADVI of this project, its defaults", None): {},
    (FAULT, "ADVI of this project, `steps = 50, screen_steps = 1, keep = 1`", None): {"steps": 50},
    (FAULT, "ADVI of this project, `steps = 10, screen_steps = 1, keep = 1`", None): {"steps": 10},
    (FAULT, "PyMC's ADVI, its default optimiser, 50 steps, claims to have converged", PYMC_S): {"steps": 50},
    (FAULT, "PyMC's ADVI, Adam at 0.1, 50 steps, claims to have converged", ADAM): {"steps": 50},
    (FAULT, "PyMC's ADVI, Adam at 0.1, 10 steps, claims to have converged", ADAM): {"steps": 10},
}
"""With the optimiser of those that claim to have converged; the others tell how they ended."""

COLUMNS = ("pass", "fail", "undecided", "no reference")
OF_FAILS = ("certain", "not at its end")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100, help="data sets, or seeds")
    parser.add_argument("--only", default="", help="try the rows whose name contains this")
    arguments = parser.parse_args()
    print(
        "| | what | " + " | ".join((*COLUMNS, "of the fails, certain", "not at its end")) + " |", flush=True
    )
    print("|---|---|" + "---:|" * (len(COLUMNS) + 2), flush=True)
    for kind, name, count in rows(arguments.cases, arguments.only):
        figures = " | ".join(str(count[column]) for column in (*COLUMNS, *OF_FAILS))
        print(f"| {kind} | {name} | {figures} |", flush=True)


def rows(n_cases: int, only: str) -> Iterator[tuple[str, str, Counter[str]]]:
    for (kind, name, apart), method in CAVI.items():
        if only in name:
            count: Counter[str] = Counter()
            for seed in range(n_cases):
                problem, truth = case(seed, apart)
                verdict = faults.judge(problem, truth, method(problem, seed), seed=seed)
                count.update(words(verdict))
            yield kind, name, count
    for (kind, name, optimiser), settings in ADVI.items():
        if only in name:
            count = (
                claimed_advi(n_cases, optimiser, **settings) if optimiser else own_advi(n_cases, **settings)
            )
            yield kind, name, count
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


def words(verdict: Verdict) -> list[str]:
    """Return what a verdict is counted as."""
    unfinished = only_unfinished(verdict)
    return [verdict.decision, *["certain"] * bool(verdict.impossible), *["not at its end"] * unfinished]


@cache
def compiled_case() -> "tuple[Problem, Reference, LogDensity]":
    from ppl_baselines.pymc.build import build
    from ppl_baselines.pymc.log_density import compile_log_density

    problem, truth = case(0, 6.0)
    return problem, truth, compile_log_density(build(problem.mixture, problem.x))


def own_advi(n_cases: int, steps: int | None = None) -> Counter[str]:
    """Run the method as a study does, or for so many `steps` without screening; its outcome is its own."""
    from ppl_baselines.pymc import vi

    problem, truth, log_density = compiled_case()
    short = {} if steps is None else {"steps": steps, "screen_steps": 1, "keep": 1}
    count: Counter[str] = Counter()
    for seed in range(n_cases):
        starts = Starts(problem, seed).parameters(1)
        result = vi.run(log_density, starts, kind="mean_field", seed=seed, **short)
        assert result.approximation is not None
        outcome = result.status.name.lower()
        claim = faults.Claim(result.approximation, result.elbo, outcome, result.elbo_se, "theta")
        count.update(words(faults.judge(problem, truth, claim, seed=seed)))
    return count


def claimed_advi(n_cases: int, optimiser: str, steps: int) -> Counter[str]:
    """`pm.fit` and nothing else, by its default optimiser or Adam at 0.1, handed in as converged."""
    import pymc as pm

    from ppl_baselines.gaussian import GaussianApproximation

    problem, truth, log_density = compiled_case()
    options = {"obj_optimizer": pm.adam(learning_rate=0.1)} if optimiser == ADAM else {}
    count: Counter[str] = Counter()
    for seed in range(n_cases):
        (start,) = Starts(problem, seed).parameters(1)
        with log_density.model:
            fitted = pm.fit(steps, method="advi", start=start, random_seed=seed, progressbar=False, **options)
        mean, factor = fitted.mean.eval(), np.diag(fitted.std.eval())
        claim = faults.Claim(GaussianApproximation(mean, factor, log_density.coordinates), None)
        count.update(words(faults.judge(problem, truth, claim, seed=seed)))
    return count


def pymc_nuts(n_cases: int, draws: int) -> Counter[str]:
    """Count the runs that qualify as a reference, as "pass", and those that do not."""
    from ppl_baselines.pymc import nuts

    problem, _, log_density = compiled_case()
    count: Counter[str] = Counter()
    for seed in range(n_cases):
        starts = Starts(problem, seed).parameters(4)
        tree = nuts.run(log_density, starts, seed=seed, chains=4, draws=draws, tune=draws)
        count["no reference" if examine(problem, tree)[1] else "pass"] += 1
    return count


if __name__ == "__main__":
    main()
