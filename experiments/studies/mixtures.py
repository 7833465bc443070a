"""A study of mixtures as a plan: problems = data sets x models x repeats, cells = problems x methods.

The data of a problem are made once, here, so that every method sees the same bytes. Each random stream has
its own seed: data depend on (seed, data set, repeat), starts on (seed, data set, model, repeat), and what a
method draws on those and its name.
"""

from dataclasses import replace

import numpy as np

from experiments.config.entries import DatasetEntry
from experiments.config.models import ModelEntry
from experiments.config.plugins import find
from experiments.config.reading import Config
from experiments.datasets import Dataset
from experiments.engine import fingerprint, seeds
from experiments.engine.plan import Plan, PlannedProblem
from experiments.families.formula import formula
from experiments.methods.mixture_target import MixtureTarget
from experiments.records.problem import Problem
from experiments.records.study import ProblemEntry
from experiments.studies.condensing import condensed
from experiments.studies.grid import Place, as_plan, judging, planned_cell
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import as_rows, as_sample_weight


def plan(config: Config) -> Plan:
    """Load or simulate the data, and lay out the grid.

    Raises
    ------
    InputError
        If data cannot be used, or do not fit a model.
    """
    problems: list[PlannedProblem] = []
    warnings: dict[str, None] = {}  # ordered, each once
    for repeat in range(1, config.run.repeats + 1):
        for entry in config.datasets:
            data = load_dataset(entry, config.seed, repeat)
            data_hash = fingerprint.data_hash(data.x, data.sample_weight)
            for model in config.models:
                if model.datasets is None or entry.name in model.datasets:
                    label = f"{entry.name} ({model.name}{f', repeat {repeat}' if repeat > 1 else ''})"
                    place = Place(config, entry.name, model.name, repeat, label)
                    problems.append(_planned(place, data, data_hash, model))
                    if warning := too_few_points(len(data.x), model.mixture.n_components):
                        warnings[f"{entry.name}, {model.name}: {warning}"] = None
    return as_plan(config, problems, tuple(warnings))


def load_dataset(entry: DatasetEntry, seed: int, repeat: int) -> Dataset:
    """Return one repeat of a data set, checked, with arrays that cannot be written to.

    Raises
    ------
    InputError
        If it cannot be had, or holds anything but finite numbers.
    """
    plugin = find("datasets", entry.source, offers=("Settings", "load"))
    data = plugin.load(entry.settings, seeds.generator(seed, "data", entry.name, repeat))
    try:
        x = as_rows(data.x)
        weight = None if data.sample_weight is None else as_sample_weight(data.sample_weight, len(x))
    except InputError as error:
        raise InputError(f'data set "{entry.name}": {error}') from None
    truth = {key: _frozen(np.asarray(value)) for key, value in data.truth.items()}
    return replace(data, x=_frozen(x), sample_weight=None if weight is None else _frozen(weight), truth=truth)


def too_few_points(n_points: int, n_components: int) -> str | None:
    """Return a warning if there are fewer points than components, which is allowed."""
    if n_points >= n_components:
        return None
    points = "1 point" if n_points == 1 else f"{n_points} points"
    return f"{points} for {n_components} components; at least {n_components - n_points} must stay empty"


def _planned(place: Place, data: Dataset, data_hash: str, model: ModelEntry) -> PlannedProblem:
    config, path = place.config, (place.dataset, place.model, place.repeat)
    points = _points(place, data, model)
    seen = points
    if config.run.condense == "auto":
        seen = condensed(points, seed=seeds.integer(config.seed, "condense", *path))
    if seen is not points:
        data_hash = f"{data_hash} {fingerprint.data_hash(seen.x, seen.sample_weight)}"
    content = {"model": MixtureTarget(points).content(), "data": data_hash}
    starts_seed = seeds.integer(config.seed, "starts", *path)
    cells = []
    for method in config.methods:
        names = (place.dataset, place.model, method.name, place.repeat)
        needs_points = getattr(find("methods", method.kind), "NEEDS_POINTS", False)
        exact = seen.condensation is None or seen.condensation.exact
        given = points if needs_points and not exact else seen
        cells.append(
            planned_cell(
                place,
                method,
                MixtureTarget(given),
                package="methods",
                content=content,
                seeds=(starts_seed, seeds.integer(config.seed, "method", *names)),
                structure=_structure(given),
            )
        )
    key, judge = judging(place, seen, content, seeds.integer(config.seed, "reference", *path))
    entry = ProblemEntry(
        key=key,
        dataset=place.dataset,
        model=place.model,
        repeat=place.repeat,
        about_data=data.about,
        about_model=formula(points.mixture, len(data.x)),
        unit=data.unit,
        cells=tuple(planned.cell for planned in cells),
        features=data.features,
        series=model.series,
    )
    return PlannedProblem(entry, tuple(cells), seen, judge)


def _points(place: Place, data: Dataset, model: ModelEntry) -> Problem:
    try:
        prior = model.mixture.components.with_features(data.x.shape[1])
    except InputError as error:
        raise InputError(f'model "{place.model}" on data set "{place.dataset}": {error}') from None
    mixture = Mixture(prior, model.mixture.weights, model.mixture.n_components)
    return Problem(mixture, data.x, data.sample_weight, data.truth)


def _structure(problem: Problem) -> str:
    mixture = problem.mixture
    return f"{mixture.components.name} {mixture.weights.name} {mixture.n_components} {problem.x.shape[1]}"


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy
