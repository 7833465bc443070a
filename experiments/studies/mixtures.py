"""A study of mixtures as a plan: problems = data sets x models x repeats, cells = problems x methods.

The data of a problem are made once, here, so that every method sees the same bytes. Each random stream has
its own seed: data depend on (seed, data set, repeat), starts on (seed, data set, model, repeat), and what a
method draws on those and its name.
"""

from dataclasses import replace

from experiments.config.entries import DatasetEntry, MethodEntry
from experiments.config.models import ModelEntry
from experiments.config.plugins import find
from experiments.config.reading import Config
from experiments.datasets import Dataset
from experiments.engine import fingerprint, seeds
from experiments.engine.plan import Plan, PlannedProblem
from experiments.families.formula import formula
from experiments.methods.mixture_target import MixtureTarget, mixture_content
from experiments.records.problem import Problem
from experiments.studies.condensing import condensed, frozen
from experiments.studies.grid import Place, as_plan, planned_problem
from hand_cavi import InputError, Mixture
from hand_cavi.ascent.cautions import on_few_points
from hand_cavi.inputs import as_rows, as_sample_weight


def plan(config: Config) -> Plan:
    """Load or simulate the data, and lay out the grid.

    Raises InputError if data cannot be used, or do not fit a model.
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
                    names = (entry.name, model.name)
                    place = Place(config, "methods", names, *names, repeat, label)
                    problems.append(_planned(place, data, data_hash, model))
                    if warning := on_few_points(data.x, model.mixture.n_components, data.sample_weight):
                        warnings[f"{entry.name}, {model.name}: {warning}"] = None
    return as_plan(config, problems, tuple(warnings))


def load_dataset(entry: DatasetEntry, seed: int, repeat: int) -> Dataset:
    """Return one repeat of a data set, checked, with arrays that cannot be written to.

    Raises InputError if it cannot be had, or holds anything but finite numbers.
    """
    plugin = find("datasets", entry.source)
    data = plugin.load(entry.settings, seeds.generator(seed, "data", entry.name, repeat))
    try:
        x = as_rows(data.x)
        weight = None if data.sample_weight is None else as_sample_weight(data.sample_weight, len(x))
    except InputError as error:
        raise InputError(f'data set "{entry.name}": {error}') from None
    truth = {key: frozen(value) for key, value in data.truth.items()}
    return replace(data, x=frozen(x), sample_weight=None if weight is None else frozen(weight), truth=truth)


def _planned(place: Place, data: Dataset, data_hash: str, model: ModelEntry) -> PlannedProblem:
    points = points_of(place.dataset, model, data)
    total = None if data.sample_weight is None else float(data.sample_weight.sum())
    mixture, n_features = points.mixture, points.x.shape[1]
    seen = points
    if place.config.run.condense == "auto":
        seen = condensed(points, seed=place.seed("condense"))
    if seen is not points:
        data_hash = f"{data_hash} {fingerprint.data_hash(seen.x, seen.sample_weight)}"
    exact = seen.condensation is None or seen.condensation.exact

    def target_of(method: MethodEntry) -> MixtureTarget:
        needs_points = getattr(find("methods", method.kind), "NEEDS_POINTS", False)
        return MixtureTarget(points if needs_points and not exact else seen)

    return planned_problem(
        place,
        target_of,
        {"model": mixture_content(mixture), "data": data_hash},
        seen,
        f"{mixture.components.name} {mixture.weights.name} {mixture.n_components} {n_features}",
        about_data=data.about,
        about_model=formula(mixture, len(data.x), total),
        unit=data.unit,
        features=data.features,
        series=model.series,
    )


def points_of(dataset: str, model: ModelEntry, data: Dataset) -> Problem:
    """Return a data set under a model; InputError, which names both, if they do not fit."""
    try:
        prior = model.mixture.components.with_features(data.x.shape[1])
    except InputError as error:
        raise InputError(f'model "{model.name}" on data set "{dataset}": {error}') from None
    mixture = Mixture(prior, model.mixture.weights, model.mixture.n_components)
    drawn = data.drawn_from is not None and mixture_content(data.drawn_from) == mixture_content(mixture)
    return Problem(mixture, data.x, data.sample_weight, data.truth, truth_from_prior=drawn)
