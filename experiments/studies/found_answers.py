"""Figures of a study beside those that others published of the same data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from experiments.config.published import Answer, Exhibit, Published
from experiments.datasets import file as file_source
from experiments.engine.store.files import read_tree
from experiments.methods import label
from experiments.posterior.draws import as_arrays
from experiments.posterior.quantities import sorted_locations, sorted_parameters, stored_quantities
from experiments.records import Problem, ProblemRecord, StudyRecord
from experiments.relabel import pivot_of, relabel
from experiments.relabel.by_problem import allocation_probabilities
from hand_cavi import InputError, Mixture, fit

_DRAWS = 200  # by which points are sorted into clusters
_STARTS = 4

Figures = tuple[list[float], list[float]]
"""Values and posterior standard deviations, 0 where there is none."""


@dataclass(frozen=True)
class Found:
    """What one method, or the reference, has: values and posterior standard deviations."""

    who: str
    values: list[float]
    sds: list[float]


@dataclass(frozen=True)
class Compared:
    """An answer that was published, and what was found."""

    answer: Answer
    found: tuple[Found, ...]

    @property
    def apart(self) -> float | None:
        """By how many posterior sds the first that was found is off at most; None where there is no sd."""
        if not self.found or not all(sd > 0 for sd in self.found[0].sds):
            return None
        pairs = zip(self.found[0].values, self.answer.values, self.found[0].sds, strict=True)
        return max(abs(ours - theirs) / sd for ours, theirs, sd in pairs)


@dataclass(frozen=True)
class Exhibited:
    """A study of a gallery and what came of it.

    Without a record, the failure says why there is none, in a sentence. The seconds are those of all runs
    that computed something.
    """

    name: str
    published: Published | None = None
    record: StudyRecord | None = None
    compared: tuple[Compared, ...] = ()
    failure: str = ""
    seconds: float = 0.0


def found_answers(exhibit: Exhibit, record: StudyRecord) -> tuple[Compared, ...]:
    """Return every answer of a gallery's study with what was found: by the reference first, if it qualified.

    Raises InputError if an answer asks for what the study has not.
    """
    problem = record.problems[0]
    trees = dict(_trees(problem))
    return tuple(
        Compared(answer, tuple(_found(exhibit, answer, problem, trees)))
        for answer in exhibit.published.answers
    )


def figures_of(answer: Answer, problem: Problem | None, tree: xr.DataTree) -> Figures:
    """Return the posterior means and sds of what an answer is about, from draws.

    Raises InputError if there is no such thing.
    """
    if answer.figure == "quantities":
        there = stored_quantities(tree) if problem is None else {}
        if lacking := [name for name in answer.names if name not in there]:
            raise InputError(
                f"{answer.what}: there is no quantity {', '.join(lacking)}; see {', '.join(there)}"
            )
        draws = [there[name] for name in answer.names]
    elif answer.figure == "means":
        draws = _chosen(answer, list(sorted_locations(tree).values()))
    else:
        named = sorted_parameters(tree).items()
        draws = _chosen(answer, [values for name, values in named if name.startswith("sorted weight")])
    if len(draws) != len(answer.values):
        raise InputError(f"{answer.what}: {len(answer.values)} figures are published, and {len(draws)} found")
    return [float(one.mean()) for one in draws], [float(one.std()) for one in draws]


def best_number(problem: Problem, most: int) -> int:
    """Return how many components have the highest bound of CAVI, all K! namings counted."""
    prior, bounds = problem.mixture, []
    weights: Any = prior.weights
    if hasattr(weights, "concentration"):  # one for each component, of the number that the model has
        weights = replace(weights, concentration=float(np.ravel(weights.concentration)[0]))
    for k in range(1, most + 1):
        mixture = Mixture(prior.components, weights, k)
        best = fit(
            mixture, problem.x, rng=1, starts=_STARTS, tolerance=1e-8, sample_weight=problem.sample_weight
        )
        bounds.append(best.elbo + gammaln(k + 1))
    return 1 + int(np.argmax(bounds))


def misplaced(labels: np.ndarray, classes: np.ndarray) -> int:
    """Return how many points are in another cluster than their class, clusters named as is best."""
    rows, columns = np.unique(classes), np.unique(labels)
    table = np.array([[np.sum((classes == c) & (labels == k)) for k in columns] for c in rows])
    return len(labels) - int(table[linear_sum_assignment(-table)].sum())


def clusters(problem: Problem, tree: xr.DataTree) -> np.ndarray:
    """Return every point's likeliest component, (N,), from draws whose components have the same names."""
    named = as_arrays(relabel(tree, problem=problem, pivot=pivot_of(problem, tree)))
    size = len(next(iter(named.values())))
    some = np.unique(np.linspace(0, size - 1, min(size, _DRAWS)).astype(int))
    few = {name: values[some] for name, values in named.items()}
    return allocation_probabilities(problem, few).mean(axis=0).argmax(axis=1)


def classes_of(exhibit: Exhibit, column: str) -> np.ndarray:
    """Return the classes of a study's points, (N,), as codes, from another column of its file.

    Raises InputError if the data are no file, or it has no such column.
    """
    settings = exhibit.config.datasets[0].settings
    if not isinstance(settings, file_source.Settings):
        raise InputError(f"{exhibit.config.source}: classes are read from a file, which these data are not")
    asked = settings.model_copy(update={"columns": (column,), "categories": True})
    return file_source.load(asked, np.random.default_rng(0)).x[:, 0]


def _trees(problem: ProblemRecord) -> Iterator[tuple[str, xr.DataTree]]:
    """Yield draws by whose they are: the reference's, if it qualified, samplers', and other methods'."""
    if problem.reference.qualified and problem.reference.draws is not None:
        yield "reference", problem.reference.draws
    for cell in sorted(problem.cells, key=lambda cell: cell.bound is not None):
        if cell.draws is not None and cell.ended_well and cell.cell.key != problem.reference_cell:
            yield label(cell.cell.method), read_tree(cell.draws)


def _found(
    exhibit: Exhibit, answer: Answer, problem: ProblemRecord, trees: Mapping[str, xr.DataTree]
) -> Iterator[Found]:
    if answer.figure == "log_evidence":
        evidence = problem.reference.evidence
        if evidence is not None:
            yield Found("reference", [evidence.value], [evidence.standard_error])
        return
    if answer.figure in ("components", "misplaced") and problem.problem is None:
        raise InputError(f"{answer.what}: a model of one's own has neither components nor clusters")
    if answer.figure == "components":
        assert problem.problem is not None
        yield Found("bound of CAVI", [float(best_number(problem.problem, answer.most))], [0.0])
        return
    classes = classes_of(exhibit, answer.column) if answer.figure == "misplaced" else None
    for who, tree in trees.items():
        if classes is None:
            yield Found(who, *figures_of(answer, problem.problem, tree))
        else:
            assert problem.problem is not None
            yield Found(who, [float(misplaced(clusters(problem.problem, tree), classes))], [0.0])


def _chosen(answer: Answer, draws: list[np.ndarray]) -> list[np.ndarray]:
    if answer.entries and not all(1 <= entry <= len(draws) for entry in answer.entries):
        raise InputError(f"{answer.what}: entries go from 1 to {len(draws)}")
    return [draws[entry - 1] for entry in answer.entries] if answer.entries else draws
