"""From a configuration to a grid: problems = data sets x models x repeats, cells = problems x methods.

The data of a problem are made once, here, so that every method sees the same bytes. Each random stream has
its own seed: data depend on (seed, data set, repeat), starts on (seed, data set, model, repeat), and what a
method draws on those and its name.
"""

from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel

from experiments.studies.condensing import condensed
from experiments.config.entries import DatasetEntry
from experiments.config.models import ModelEntry
from experiments.config.options import ReferenceOptions, RunOptions, VerdictOptions
from experiments.config.reading import Config
from experiments.datasets import Dataset
from experiments.config.plugins import find
from experiments.records import Cell, Problem
from experiments.engine import fingerprint
from experiments.engine import seeds
from experiments.families.formula import formula
from experiments.methods.mixture_target import mixture_content as model_content
from experiments.studies.tasks import method_code
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import as_rows, as_sample_weight


@dataclass(frozen=True)
class StudyProblem:
    """One data set under one model, and what is to be said of them.

    Attributes
    ----------
    dataset, model : str
    repeat : int
        Counted from 1.
    problem : Problem
        Large data are condensed.
    points : Problem
        The same with all points, for methods that need them.
    about_data, about_model, unit : str
        See `experiments.records.ProblemRecord`.
    features : tuple of str
        The D columns' names.
    starts_seed : int
        Where dispersed starts come from: the same for every method.
    reference_seed : int
        For the reference and the metrics.
    key : str
        Content key of all that judging it needs besides its cells: model, data, seed, options of the
        reference and the verdict, code and versions.
    series : str
        The model's name without its number of components, in a study over K; else empty.
    data_hash : str
        Of all points.
    """

    dataset: str
    model: str
    repeat: int
    problem: Problem
    points: Problem
    about_data: str
    about_model: str
    unit: str
    features: tuple[str, ...]
    starts_seed: int
    reference_seed: int
    key: str
    series: str = ""
    data_hash: str = ""


@dataclass(frozen=True)
class StudyCell:
    """One method on one problem.

    Attributes
    ----------
    cell : Cell
        Its place in the grid, and its content key.
    problem : int
        Which of the study's problems, counted from 0.
    kind : str
        The method's plugin, see `experiments.config.plugins.find`.
    settings : BaseModel
        The plugin's `Settings`.
    rng_seed : int
        For what the method itself draws.
    judged : bool
        Whether the study's verdict is about this method.
    """

    cell: Cell
    problem: int
    kind: str
    settings: BaseModel
    rng_seed: int
    judged: bool


@dataclass(frozen=True)
class Study:
    """All there is to do.

    Attributes
    ----------
    name : str
    config : str
        The TOML text.
    seed : int
    problems : tuple of StudyProblem
    cells : tuple of StudyCell
        Problem by problem, in the order of the configuration's methods.
    run, reference, verdict
        The configuration's tables.
    warnings : tuple of str
        What is allowed, but worth a word on stderr.
    """

    name: str
    config: str
    seed: int
    problems: tuple[StudyProblem, ...]
    cells: tuple[StudyCell, ...]
    run: RunOptions
    reference: ReferenceOptions
    verdict: VerdictOptions
    warnings: tuple[str, ...] = ()


def build_study(config: Config) -> Study:
    """Load or simulate the data, and lay out the grid.

    Raises
    ------
    InputError
        If data cannot be used, or do not fit a model.
    """
    problems: list[StudyProblem] = []
    warnings: dict[str, None] = {}  # ordered, each once
    for repeat in range(1, config.run.repeats + 1):
        for entry in config.datasets:
            data = load_dataset(entry, config.seed, repeat)
            data_hash = fingerprint.data_hash(data.x, data.sample_weight)
            for model in config.models:
                if model.datasets is None or entry.name in model.datasets:
                    problems.append(_problem(config, entry, data, data_hash, model, repeat))
                    if warning := too_few_points(len(data.x), model.mixture.n_components):
                        warnings[f"{entry.name}, {model.name}: {warning}"] = None
    cells = tuple(cell for i, problem in enumerate(problems) for cell in _cells(config, i, problem))
    return Study(
        name=config.name,
        config=config.text,
        seed=config.seed,
        problems=tuple(problems),
        cells=cells,
        run=config.run,
        reference=config.reference,
        verdict=config.verdict,
        warnings=tuple(warnings),
    )


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


def _problem(
    config: Config, entry: DatasetEntry, data: Dataset, data_hash: str, model: ModelEntry, repeat: int
) -> StudyProblem:
    try:
        prior = model.mixture.components.with_features(data.x.shape[1])
    except InputError as error:
        raise InputError(f'model "{model.name}" on data set "{entry.name}": {error}') from None
    mixture = Mixture(prior, model.mixture.weights, model.mixture.n_components)
    path = (entry.name, model.name, repeat)
    reference_seed = seeds.integer(config.seed, "reference", *path)
    points = Problem(mixture, data.x, data.sample_weight, data.truth)
    seen = points
    if config.run.condense == "auto":
        seen = condensed(points, seed=seeds.integer(config.seed, "condense", *path))
    if seen is not points:
        data_hash = f"{data_hash} {fingerprint.data_hash(seen.x, seen.sample_weight)}"
    content = {
        "model": model_content(mixture),
        "data": data_hash,
        "seed": reference_seed,
        "reference": config.reference.model_dump(mode="json"),
        "verdict": config.verdict.model_dump(mode="json", exclude={"methods"}),
        "code": judging_code(),
        "versions": fingerprint.versions(),
    }
    return StudyProblem(
        dataset=entry.name,
        model=model.name,
        repeat=repeat,
        problem=seen,
        points=points,
        about_data=data.about,
        about_model=formula(mixture, len(data.x)),
        unit=data.unit,
        features=data.features,
        starts_seed=seeds.integer(config.seed, "starts", *path),
        reference_seed=reference_seed,
        key=fingerprint.content_key(content),
        series=model.series,
        data_hash=data_hash,
    )


def _cells(config: Config, index: int, problem: StudyProblem) -> list[StudyCell]:
    judged = config.verdict.methods
    if judged is None:
        judged = tuple(entry.name for entry in config.methods if entry.kind == "cavi")
    cells = []
    for method in config.methods:
        path = (problem.dataset, problem.model, method.name, problem.repeat)
        rng_seed = seeds.integer(config.seed, "method", *path)
        content = {
            "kind": method.kind,
            "settings": method.settings.model_dump(mode="json"),
            "model": model_content(problem.problem.mixture),
            "data": problem.data_hash,
            "seeds": [problem.starts_seed, rng_seed],
            "code": method_code("methods", method.kind),
            "versions": fingerprint.versions(),
        }
        cell = Cell(
            problem.dataset, problem.model, method.name, problem.repeat, fingerprint.content_key(content)
        )
        cells.append(StudyCell(cell, index, method.kind, method.settings, rng_seed, method.name in judged))
    return cells


def judging_code() -> list[str]:
    """Return the hashes of the code behind references, metrics and verdicts."""
    return [fingerprint.code("experiments.studies.judging")]


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy
