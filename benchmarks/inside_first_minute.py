"""What the first minute goes to, asked inside of the environment that is measured.

    python benchmarks/inside_first_minute.py course FOLDER | compiling | judging FOLDER

Run by `first_minute.py` with the Python of a fresh clone, so that `experiments` is the clone's. Prints JSON.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

SLOW = "five-clusters"
"""The data set of the default study whose judging took longest."""


def course(folder: Path) -> dict:
    """Return when each task of a study ran, in seconds of the clock, and what its cell says of compiling."""
    from experiments.engine.runner import load
    from experiments.engine.store.folder import Store

    with Store.open(folder, writable=False) as store:
        tasks = [(task.label, moment(task.since), moment(task.ended or "")) for task in store.tasks()]
        made = store.provenances()
    cells = []
    for problem in load(folder).problems:
        for cell in problem.cells:
            own = made[cell.cell.key]
            cells.append(
                {
                    "dataset": cell.cell.dataset,
                    "structure": cell.cell.model,
                    "method": cell.cell.method,
                    "whole": moment(own.ended) - moment(own.started),
                    "compile": 0.0 if own.cache == "reused" else cell.seconds_compile,
                    "run": cell.seconds_run,
                    "cache": own.cache,
                }
            )
    return {"tasks": tasks, "cells": cells}


def moment(text: str) -> float:
    """Return a stored time in seconds."""
    return datetime.fromisoformat(text).timestamp()


def compiling() -> dict:
    """Return the seconds of importing PyMC, writing the slow problem's model, and compiling it.

    Numba's are those within its own compiler, LLVM's included; what is left of compiling is PyTensor's
    rewriting and writing of code.
    """
    problem = _planned()
    began = perf_counter()
    from experiments.methods.mixture_target import MixtureTarget
    from ppl_baselines.pymc.log_density import compile_log_density

    imported = perf_counter()
    model = MixtureTarget(problem.content).pymc_model()
    written = perf_counter()
    from numba.core.event import install_timer

    in_numba: list[float] = []
    with install_timer("numba:compiler_lock", in_numba.append):
        compile_log_density(model)
    whole = perf_counter() - written
    return {
        "import PyMC": imported - began,
        "write the model": written - imported,
        "compile: numba": sum(in_numba),
        "compile: PyTensor": whole - sum(in_numba),
    }


def judging(folder: Path) -> dict:
    """Judge the slow problem in this process; return the seconds of imports, reference and the rest."""
    from experiments.engine.store.folder import Store

    problem = _planned()
    began = perf_counter()
    from experiments.studies import judging as module

    imported = perf_counter()
    spent: Counter[str] = Counter()

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any, **options: Any) -> Any:
            started = perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                spent[name] += perf_counter() - started

        return one

    for name in ("reference", "bracket_of", "measure_all"):
        setattr(module, name, timed(name, getattr(module, name)))
    with Store.open(folder, writable=False) as store:
        task = problem.judge(tuple(store.cell(planned.cell.key) for planned in problem.cells))
        whole = perf_counter()
        module.judge_problem(task.payload)
        whole = perf_counter() - whole
    told = {"import": imported - began, "reference": spent["reference"], "bracket": spent["bracket_of"]}
    told["measuring"] = spent["measure_all"]
    return {**told, "rest": whole - sum(spent.values()), "whole": whole}


def _planned() -> Any:
    """Return the slow problem of the built-in study, planned."""
    from experiments.config.reading import default_config_text, parse_config
    from experiments.studies import plan_of

    plan = plan_of(parse_config(default_config_text()))
    return next(problem for problem in plan.problems if problem.entry.dataset == SLOW)


if __name__ == "__main__":
    _, what, *given = sys.argv
    told = compiling() if what == "compiling" else {"course": course, "judging": judging}[what](Path(*given))
    print(json.dumps(told))
