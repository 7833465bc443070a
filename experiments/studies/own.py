"""A study of models of the user's own as a plan: every model under every method."""

from experiments.config.complaints import Complaints, stop_at
from experiments.config.entries import OwnModelEntry
from experiments.config.reading import Config
from experiments.engine import fingerprint
from experiments.engine.plan import Plan, PlannedProblem
from experiments.methods.own.own_problem import OwnProblem
from experiments.methods.own.own_target import OwnTarget, file_of, load
from experiments.studies.grid import Place, as_plan, planned_problem
from hand_cavi import InputError


def plan(config: Config) -> Plan:
    """Load the user's models, and lay out the grid.

    Raises InputError with one line for each model that cannot be loaded.
    """
    complaints = Complaints(config.source, config.text)
    models: list[tuple[OwnModelEntry, OwnProblem]] = []
    for i, entry in enumerate(config.own_models):
        try:
            problem = load(entry.model, config.folder)
        except InputError as error:
            complaints.add(("models", i, "model"), str(error))
            continue
        for what, part in (("derivation", problem.derivation), ("PyMC model", problem.model)):
            if part is None:
                complaints.add(("models", i, "model"), f'"{entry.model}" has no {what}, which a study needs')
        models.append((entry, problem))
    stop_at(complaints)
    repeats = range(1, config.run.repeats + 1)
    return as_plan(config, [_planned(config, *model, repeat) for repeat in repeats for model in models])


def _planned(config: Config, entry: OwnModelEntry, problem: OwnProblem, repeat: int) -> PlannedProblem:
    module = entry.model.partition(":")[0]  # it holds the data, and stands in the column of data sets
    place = Place(config, "own methods", (entry.name,), module, entry.name, repeat, entry.name)
    target = OwnTarget(entry.model, config.folder)
    content = {
        "model": target.content(),
        "file": fingerprint.code_of(file_of(entry.model, config.folder)),
        "data": fingerprint.data_hash(*problem.data),
    }
    return planned_problem(
        place,
        lambda method: target,
        content,
        None,
        entry.model,
        about_data=problem.about_data,
        about_model=problem.about_model,
        unit="",
    )
