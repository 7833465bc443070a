"""What a calibration is of: each model with the source of its replicates, and what is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from experiments.calibration.own_source import OwnSource, needs_of
from experiments.calibration.simulate import MixtureSource
from experiments.calibration.source import Source
from experiments.config.complaints import Complaints, stop_at
from experiments.config.entries import MethodEntry, OwnModelEntry
from experiments.config.options import POINTS, RANKED, RANKED_OF_OWN
from experiments.config.plugins import find
from experiments.config.reading import Config
from experiments.families.formula import formula
from experiments.methods.own.own_problem import OwnProblem
from experiments.methods.own.own_target import load
from experiments.studies.around import AroundMixture, AroundOwn, lacks_around
from experiments.studies.mixtures import load_dataset, points_of
from hand_cavi import InputError, Mixture


@dataclass(frozen=True)
class Calibrated:
    """One model of a calibration; its data set is ``simulated``, or the one around which is simulated.

    `n_quantities` is None where only the replicates tell how many there are; `code` are the modules that make
    the replicates.
    """

    name: str
    dataset: str
    source: Source
    mixture: Mixture | None
    n_quantities: int | None
    about_model: str
    about_data: str
    code: tuple[str, ...]


def calibrated_models(config: Config) -> tuple[Calibrated, ...]:
    """Return the models of a calibration.

    Raises InputError, one line for each fault, if a model of the user's own cannot be loaded or calibrated.
    """
    if config.own_models:
        return tuple(_own(config))
    return tuple(_around_data(config) if config.calibration.around == "data" else _mixtures(config))


def _mixtures(config: Config) -> Iterator[Calibrated]:
    options = config.calibration
    kinds, points = options.quantities or RANKED, options.points or POINTS
    for model in config.models:
        source = MixtureSource(model.name, model.mixture, points, options.seed, kinds)
        yield Calibrated(
            model.name,
            "simulated",
            source,
            model.mixture,
            len(source.replicate(0).names),
            formula(model.mixture, points),
            f"{options.replicates} data sets of {points} points, simulated from the model",
            ("experiments.calibration.simulate",),
        )


def _around_data(config: Config) -> Iterator[Calibrated]:
    """Yield every mixture with every data set to which it applies."""
    options = config.calibration
    for entry in config.datasets:
        data = load_dataset(entry, options.seed, 1)
        points = options.points or len(data.x)
        for model in config.models:
            if model.datasets is not None and entry.name not in model.datasets:
                continue
            mixture = points_of(entry.name, model, data).mixture
            kinds = options.quantities or RANKED
            yield Calibrated(
                model.name,
                entry.name,
                AroundMixture(
                    model.name, entry.name, mixture, data.x, data.sample_weight, points, options.seed, kinds
                ),
                mixture,
                None,
                formula(mixture, len(data.x) + points),
                _about(options.replicates, f"{points} new points", data.about),
                ("experiments.studies.around",),
            )


def _about(replicates: int, new: str, data: str) -> str:
    return (
        f"{replicates} times, parameters drawn from the posterior given these data, and {new} simulated from "
        f"them, fitted together with the data. {data}"
    ).strip()


def _own(config: Config) -> Iterator[Calibrated]:
    options = config.calibration
    complaints = Complaints(config.source, config.text)
    loaded: list[tuple[OwnModelEntry, OwnProblem]] = []
    for i, entry in enumerate(config.own_models):
        try:
            problem = load(entry.model, config.folder)
        except InputError as error:
            complaints.add(("models", i, "model"), str(error))
            continue
        lacking = needs_of(problem) or (lacks_around(problem) if options.around == "data" else None)
        if lacking is not None:
            complaints.add(("models", i, "model"), f'"{entry.model}" cannot be calibrated: {lacking}')
        for method in config.methods:
            if what := _lacking(method, problem):
                complaints.add(
                    ("models", i, "model"), f'"{entry.model}" has no {what}, which {method.name} needs'
                )
        loaded.append((entry, problem))
    stop_at(complaints)
    for entry, problem in loaded:
        kinds = options.quantities or RANKED_OF_OWN
        source = OwnSource(entry.name, entry.model, config.folder, options.seed, kinds)
        around_data = options.around == "data"
        about = f"{options.replicates} data sets, simulated from the model"
        yield Calibrated(
            entry.name,
            entry.model.partition(":")[0] if around_data else "simulated",
            AroundOwn(source) if around_data else source,
            None,
            None,
            problem.about_model,
            _about(options.replicates, "as many data", problem.about_data) if around_data else about,
            ("experiments.calibration.own_source", *(["experiments.studies.around"] if around_data else [])),
        )


def _lacking(method: MethodEntry, problem: OwnProblem) -> str:
    """Return what a problem lacks for a method; nothing if it has all."""
    needs = getattr(find("own methods", method.kind), "NEEDS", "model")
    if needs == "derivation":
        return "derivation" if problem.derivation is None else ""
    return "PyMC model" if problem.model is None and ":" not in method.kind else ""
